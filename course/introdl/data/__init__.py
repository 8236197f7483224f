"""The course's data: pictures of food with what is known of them.

`plates`, `digits` and `doughnut` come with the course and need no network. `grocery`, `food101` and `mnist` are
downloaded once, on the first call, to the folder that ``introdl data where`` names. All five return a `Dataset`.
`folder` reads photographs of your own, with a folder for each class; `photo` reads a single one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
