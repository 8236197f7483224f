"""Fine-tuning a backbone on few pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
from torch import nn

from introdl.training.errors import TrainingError
from introdl.training.history import History
from introdl.training.loop import train
from introdl.training.optimization import parameter_groups
from introdl.training.settings import Settings


def head_and_body(model: nn.Module, head: str, lr_body: float, lr_head: float, weight_decay: float) -> list[dict]:
    """Return all parameters for the optimizer: the head's at one rate, all others at another.

    Parameters
    ----------
    model : torch.nn.Module
    head : str
        The head's name in the model, as in ``"fc"`` or ``"classifier.3"``.
    lr_body, lr_head, weight_decay : float
        Learning rates, and AdamW's decay (of weights alone, see `parameter_groups`).
    """
    of_head = {id(one) for one in model.get_submodule(head).parameters()}
    parts = {
        lr: [one for one in model.parameters() if (id(one) in of_head) == mine]
        for lr, mine in ((lr_body, False), (lr_head, True))
    }
    return [
        {**group, "lr": lr}
        for lr, part in parts.items()
        for group in parameter_groups(nn.ParameterList(part), weight_decay)
    ]


def finetune(
    model: nn.Module,
    photos,
    steps: int = 200,
    *,
    looks: int = 8,
    batch_size: int = 32,
    lr: float = 2e-3,
    lr_body: float = 4e-4,
    seed: int = 0,
    device: str | None = None,
    quiet: bool = False,
) -> History:
    """Train all layers of a network on few pictures, the body more gently than the new head.

    The network keeps the weights that named most validation pictures right. Its card gets what was measured on them: the
    accuracy, and where doubt begins (see `introdl.models.measured`).

    Parameters
    ----------
    model : torch.nn.Module
        As `introdl.models.classifier` returns it.
    photos : introdl.data.Dataset
        With the parts "train" and "val", as `introdl.data.folder` reads them.
    steps : int
        How many batches are learned from, whatever the number of pictures.
    looks : int
        How often the validation pictures are looked at, evenly spread over the steps.
    batch_size, lr, lr_body : int, float, float
        Pictures in a batch, and the highest learning rates of the head and of everything else.
    seed : int
        Of the order of the pictures and of their changes.
    device : str, optional
        By default the best there is.
    quiet : bool
        Show nothing.

    Returns
    -------
    History
        An epoch in it is the stretch from one look at the validation pictures to the next.

    Raises
    ------
    TrainingError
        Where the parts are missing or the classes do not fit the model's.
    """
    from introdl import models
    from introdl.models.weights import card_of, with_card

    card = card_of(model)
    if tuple(photos.classes) != card.classes:
        raise TrainingError(
            f"The network was made for {len(card.classes)} classes, and the photographs have {len(photos.classes)} others. "
            "Make it with models.classifier(photos.classes)."
        )
    if not {"train", "val"} <= set(photos.parts):
        raise TrainingError(
            "The photographs need a part 'val' to choose by. Read them with data.folder(path, val=0.2)."
        )
    if not isinstance(steps, int) or steps < looks:
        raise TrainingError(f"steps is {steps!r}; give a whole number of at least {looks}.")
    learned = photos.split("train")
    epoch = passes(len(learned), steps * batch_size // looks, seed)
    plan = Settings(epochs=looks, batch_size=batch_size, lr=lr, mean=card.mean, std=card.std, seed=seed)
    head, _ = models.head_of(model)
    history = train(
        model,
        (np.asarray(learned.images)[epoch], learned.labels[epoch]),
        photos.split("val"),
        plan,
        device=device,
        groups=head_and_body(model, head, lr_body, lr, plan.weight_decay),
        quiet=quiet,
    )
    about = {**card.training, "steps": steps, "settings": plan.as_dict(), "lr_body": lr_body}
    with_card(model, dataclasses.replace(models.measured(model, photos), training=about))
    return history


def passes(count: int, wanted: int, seed: int) -> np.ndarray:
    """Return `wanted` indices: all of `count` pictures in a random order, then again in another, and so on.

    So many passes through few pictures are one epoch of the engine's: it looks at the validation pictures after each.
    """
    order = np.random.default_rng(seed)
    return np.concatenate([order.permutation(count) for _ in range(-(-wanted // count))])[:wanted]
