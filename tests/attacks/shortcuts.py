"""Chapters 12 and 13: the library's finished function, or another library's, in the place of an answer.

Nothing of a class's secrets is at stake here (right answers are never inside), but a learner who writes this has written nothing.
Each is the answer cell of a real exercise.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shortcut:
    """A source for the answer cell of `exercise`, and cells before it."""

    exercise: str
    name: str
    answer: str
    before: tuple[str, ...] = ()


_SCORE = "def nutri_score(per_100g, red_meat=False):\n"
_GIVE = "    found = {}(per_100g, red_meat)\n    return found.score, found.letter"
_TASTE = "def recommend(liked, eaten, embeddings, k):\n    known = {*liked, *eaten}\n"
_FIRST = "    return np.array([i for i in {}(embeddings, liked, len(embeddings)) if i not in known][:k])"
_COSINE = "import numpy as np\ndef cosine_similarity(a, b):\n"

SHORTCUTS = [
    Shortcut("12.nutri_score", "plainly", "from introdl import mealomi\n" + _SCORE + _GIVE.format("mealomi.nutri_score")),
    Shortcut("12.nutri_score", "by another name", "from introdl.mealomi.nutriscore import nutri_score as ready\n" + _SCORE + _GIVE.format("ready")),
    Shortcut("12.nutri_score", "through importlib", "import importlib\n" + _SCORE + _GIVE.format("importlib.import_module('introdl.mealomi.nutri' + 'score').nutri_score")),
    Shortcut("12.nutri_score", "through getattr", "from introdl import mealomi\n" + _SCORE + _GIVE.format("getattr(mealomi, 'nutri_' + 'score')")),
    Shortcut("12.nutri_score", "kept in an earlier cell", _SCORE + _GIVE.format("keep['f']"), before=("from introdl import mealomi\nkeep = {'f': mealomi.nutri_score}",)),
    Shortcut("12.nutri_score", "through map", "from introdl.mealomi import nutriscore\n" + _SCORE + "    found = next(map(nutriscore.nutri_score, [per_100g], [red_meat]))\n    return found.score, found.letter"),
    Shortcut("12.nutri_score", "its table", "from introdl.mealomi.nutriscore import thresholds\n" + _SCORE + "    return sum(per_100g['kj'] > t for t in thresholds()['energy']), 'A'"),
    Shortcut("12.recommend", "the library's", "import numpy as np\nfrom introdl.mealomi import taste\n" + _TASTE + _FIRST.format("taste.most_alike")),
    Shortcut("12.recommend", "the library's, loaded inside", "import numpy as np\n" + _TASTE + "    from introdl.mealomi.taste import most_alike\n" + _FIRST.format("most_alike")),
    Shortcut("12.recommend", "SciPy's", "import numpy as np\nfrom scipy.spatial.distance import cdist\n" + _TASTE + "    far = cdist(embeddings, embeddings[liked], 'cosine').mean(axis=1).round(9)\n    return np.array([i for i in np.argsort(far, kind='stable') if i not in known][:k])"),
    Shortcut("12.recommend", "scikit-learn's", "import numpy as np\nfrom sklearn.metrics.pairwise import cosine_similarity\n" + _TASTE + "    fit = cosine_similarity(embeddings, embeddings[liked]).mean(axis=1).round(9)\n    return np.array([i for i in np.argsort(-fit, kind='stable') if i not in known][:k])"),
    Shortcut("13.cosine_similarity", "the library's", "from introdl import verification\ndef cosine_similarity(a, b):\n    return verification.cosine(a, b)"),
    Shortcut("13.cosine_similarity", "torch's", _COSINE + "    import torch\n    return torch.nn.functional.cosine_similarity(torch.tensor(a), torch.tensor(b)).numpy()"),
    Shortcut("13.cosine_similarity", "a layer of torch's", _COSINE + "    import torch\n    return torch.nn.CosineSimilarity(dim=1)(torch.tensor(a), torch.tensor(b)).numpy()"),
    Shortcut("13.cosine_similarity", "SciPy's", _COSINE + "    from scipy.spatial.distance import cosine\n    return np.array([1 - cosine(x, y) if x.any() and y.any() else 0 for x, y in zip(a, b)])"),
    Shortcut("13.contrastive_loss", "the library's", "from introdl.verification import contrastive\ndef contrastive_loss(distance, same, margin):\n    return contrastive(distance, same, margin)"),
    Shortcut("13.triplet_loss", "torch's, with a distance", "import torch\ndef triplet_loss(a, p, n, margin):\n    return torch.nn.functional.triplet_margin_with_distance_loss(a, p, n, distance_function=lambda x, y: ((x - y) ** 2).sum(1), margin=margin)"),
    Shortcut("13.triplet_loss", "a layer of torch's", "import torch\ndef triplet_loss(a, p, n, margin):\n    return torch.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: ((x - y) ** 2).sum(1), margin=margin)(a, p, n)"),
    Shortcut("13.verification_accuracy", "the library's", "from introdl import verification as v\ndef verification_accuracy(similarities, same, folds):\n    found = v.ten_folds(similarities, v.Pairs(folds, folds, same, folds))\n    return found.mean, found.standard_error"),
    Shortcut("13.roc_curve", "the library's", "from introdl import verification\ndef roc_curve(similarities, same):\n    return verification.roc(similarities, same)[:2]"),
    Shortcut("13.roc_curve", "scikit-learn's", "from sklearn import metrics\ndef roc_curve(similarities, same):\n    return metrics.roc_curve(same, similarities, drop_intermediate=False)[:2]"),
]  # fmt: skip
