from .features import color_histograms as color_histograms, pixels as pixels
from .learning import (
    Embedder as Embedder,
    LearningSettings as LearningSettings,
    contrastive as contrastive,
    embed as embed,
    learn as learn,
    triplet as triplet,
)
from .protocol import (
    Outcome as Outcome,
    Pairs as Pairs,
    area_under as area_under,
    cosine as cosine,
    draw_pairs as draw_pairs,
    roc as roc,
    ten_folds as ten_folds,
    threshold_of as threshold_of,
    true_rate_at as true_rate_at,
)
