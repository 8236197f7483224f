"""The course's networks, and the weights that come with it.

`PlainCNN` and `ResNet18` are written out to be read. `pretrained` gives one of the networks that come with the course,
trained, and `predict` asks it about pictures. `imagenet` gives a `ResNet18` with published ImageNet weights; they are
downloaded once. `MealNet` is the network of the app in chapter 12: dish, grams and box from one trunk.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
