"""Train a network: fast, because there is little between the pictures and the convolutions.

Pictures lie on the device as bytes. A batch is cut out of them by its indices, augmented on the device all at once (each
picture with draws of its own), and goes through the network in channels-last order and, where it is quicker, in bf16.
There are no worker processes. `train` is the loop; `Settings` holds every number it depends on.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
