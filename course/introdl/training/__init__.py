"""Train a network: fast, because there is little between the pictures and the convolutions.

Pictures lie on the device as bytes. A batch is cut out of them by its indices, augmented on the device all at once (each
picture with draws of its own), and goes through the network in channels-last order and, where it is quicker, in bf16.
There are no worker processes. `train` is the loop; `Settings` holds every number it depends on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from introdl import lazy

if TYPE_CHECKING:
    from introdl.training.augmentation import Augment, augment, channel_statistics, draw, move_boxes, normalise
    from introdl.training.checkpoints import load_checkpoint, save_checkpoint
    from introdl.training.devices import choose_device, quick_dtype, quickest_threads
    from introdl.training.errors import Diverged, TrainingError
    from introdl.training.history import History
    from introdl.training.loop import evaluate, train
    from introdl.training.meals import Meals, train_meals
    from introdl.training.optimisation import one_cycle, parameter_groups
    from introdl.training.settings import Settings
    from introdl.training.tasks import Classification, Task

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "Augment": "augmentation",
        "Classification": "tasks",
        "Diverged": "errors",
        "History": "history",
        "Meals": "meals",
        "Settings": "settings",
        "Task": "tasks",
        "TrainingError": "errors",
        "augment": "augmentation",
        "channel_statistics": "augmentation",
        "choose_device": "devices",
        "draw": "augmentation",
        "evaluate": "loop",
        "load_checkpoint": "checkpoints",
        "move_boxes": "augmentation",
        "normalise": "augmentation",
        "one_cycle": "optimisation",
        "parameter_groups": "optimisation",
        "quick_dtype": "devices",
        "quickest_threads": "devices",
        "save_checkpoint": "checkpoints",
        "train": "loop",
        "train_meals": "meals",
    },
)
