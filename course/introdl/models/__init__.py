"""The course's networks, and the weights that come with it.

`PlainCNN` and `ResNet18` are written out to be read. `pretrained` gives one of the networks that come with the course,
trained, and `predict` asks it about pictures. `imagenet` gives a `ResNet18` with published ImageNet weights; they are
downloaded once. `MealNet` is the network of the app in chapter 12: dish, grams and box from one trunk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from introdl import lazy

if TYPE_CHECKING:
    from introdl.models.meal import MealHeads, MealNet, box_iou, meal_loss
    from introdl.models.plain import PlainCNN
    from introdl.models.resnet import BasicBlock, ResNet18, imagenet, load_pretrained, read_state
    from introdl.models.weights import Card, available, predict, pretrained, save, weights_folder

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "BasicBlock": "resnet",
        "Card": "weights",
        "MealHeads": "meal",
        "MealNet": "meal",
        "PlainCNN": "plain",
        "ResNet18": "resnet",
        "available": "weights",
        "box_iou": "meal",
        "imagenet": "resnet",
        "load_pretrained": "resnet",
        "read_state": "resnet",
        "meal_loss": "meal",
        "predict": "weights",
        "pretrained": "weights",
        "save": "weights",
        "weights_folder": "weights",
    },
)
