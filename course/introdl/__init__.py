"""introdl: the learner's library of *Introduction to Deep Learning, on a plate*.

Everything heavy (torch, matplotlib, ipywidgets) is imported when it is used, so that this import takes
milliseconds.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
