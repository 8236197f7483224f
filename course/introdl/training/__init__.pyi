from .augmentation import (
    Augment as Augment,
    augment as augment,
    channel_statistics as channel_statistics,
    draw as draw,
    move_boxes as move_boxes,
    normalize as normalize,
)
from .checkpoints import load_checkpoint as load_checkpoint, save_checkpoint as save_checkpoint
from .devices import choose_device as choose_device, quick_dtype as quick_dtype, quickest_threads as quickest_threads
from .errors import Diverged as Diverged, TrainingError as TrainingError
from .finetuning import finetune as finetune
from .history import History as History
from .loop import evaluate as evaluate, train as train
from .meals import Meals as Meals
from .optimization import one_cycle as one_cycle, parameter_groups as parameter_groups
from .photo_folder import PhotoFolder as PhotoFolder
from .range_test import range_test as range_test
from .settings import Settings as Settings
from .tasks import Classification as Classification, Task as Task
