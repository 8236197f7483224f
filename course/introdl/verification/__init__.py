"""Same or not? Embeddings that say how alike two pictures are, and the protocol by which they are measured.

`protocol` draws pairs and measures in ten folds, as Labeled Faces in the Wild does. `features` has what needs no learning:
pixels and color histograms. `learning` trains a network so that its vectors tell dishes apart that it has never seen.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
