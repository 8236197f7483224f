"""Same or not? Embeddings that say how alike two pictures are, and the protocol by which they are measured.

`protocol` draws pairs and measures in ten folds, as Labeled Faces in the Wild does. `features` has what needs no learning:
pixels and colour histograms. `learning` trains a network so that its vectors tell dishes apart that it has never seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from introdl import lazy

if TYPE_CHECKING:
    from introdl.verification.features import colour_histograms, pixels
    from introdl.verification.learning import Embedder, LearningSettings, contrastive, embed, learn, triplet
    from introdl.verification.protocol import (
        Outcome,
        Pairs,
        area_under,
        cosine,
        draw_pairs,
        roc,
        ten_folds,
        threshold_of,
        true_rate_at,
    )

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "Embedder": "learning",
        "LearningSettings": "learning",
        "Outcome": "protocol",
        "Pairs": "protocol",
        "area_under": "protocol",
        "colour_histograms": "features",
        "contrastive": "learning",
        "cosine": "protocol",
        "draw_pairs": "protocol",
        "embed": "learning",
        "learn": "learning",
        "pixels": "features",
        "roc": "protocol",
        "ten_folds": "protocol",
        "threshold_of": "protocol",
        "triplet": "learning",
        "true_rate_at": "protocol",
    },
)
