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
_COSINE = "import numpy as np\ndef cosine_similarity(a, b):\n"

SHORTCUTS = [
    Shortcut("12.nutri_score", "plainly", "from introdl import mealomi\n" + _SCORE + _GIVE.format("mealomi.nutri_score")),
    Shortcut("12.nutri_score", "by another name", "from introdl.mealomi.nutriscore import nutri_score as ready\n" + _SCORE + _GIVE.format("ready")),
    Shortcut("12.nutri_score", "through importlib", "import importlib\n" + _SCORE + _GIVE.format("importlib.import_module('introdl.mealomi.nutri' + 'score').nutri_score")),
    Shortcut("12.nutri_score", "through getattr", "from introdl import mealomi\n" + _SCORE + _GIVE.format("getattr(mealomi, 'nutri_' + 'score')")),
    Shortcut("12.nutri_score", "kept in an earlier cell", _SCORE + _GIVE.format("keep['f']"), before=("from introdl import mealomi\nkeep = {'f': mealomi.nutri_score}",)),
    Shortcut("12.nutri_score", "through map", "from introdl.mealomi import nutriscore\n" + _SCORE + "    found = next(map(nutriscore.nutri_score, [per_100g], [red_meat]))\n    return found.score, found.letter"),
    Shortcut("12.nutri_score", "its table", "from introdl.mealomi.nutriscore import thresholds\n" + _SCORE + "    return sum(per_100g['kj'] > t for t in thresholds()['energy']), 'A'"),
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

_FOLD = "def convolve1d(f, g):\n    import numpy as np\n    {}\n    return np.array([float(one) for one in found])"
SHORTCUTS += [
    Shortcut("03.convolve1d", "sympy's", _FOLD.format("from sympy import convolution; found = convolution([*f], [*g])")),
    Shortcut("03.convolve1d", "sympy's polynomials", _FOLD.format("import sympy as s; t = s.symbols('t'); found = (s.Poly([*f], t) * s.Poly([*g], t)).all_coeffs()")),
]  # fmt: skip

_CROSS = "def cross_entropy(scores, y):\n    return {}(scores, y, 'cross-entropy')[0]"
_PLACE = "import introdl, os\n_place = os.path.join(os.path.dirname(introdl.__file__), 'figures')\n"
_EMPTY = "_space = {'__name__': 'introdl.figures.mine', '__package__': 'introdl.figures'}\n"
_CONV = "def max_pool2d(x, kernel, stride):\n    return {}.MaxPool2d(kernel, stride).forward(x)"

#: The course's own finished code, by every path that we know to it. `tests/attacks/reach.py` found which it is.
IN_REACH = [
    Shortcut("05.cross_entropy", "plainly", "from introdl.figures import losses\n" + _CROSS.format("losses.loss_and_slopes")),
    Shortcut("05.cross_entropy", "kept in an earlier cell", _CROSS.format("keep[0]"), before=("from introdl.figures import losses\nkeep = [losses.loss_and_slopes]",)),
    Shortcut("05.cross_entropy", "in a thread", "from concurrent.futures import ThreadPoolExecutor\nfrom introdl.figures import losses\ndef cross_entropy(scores, y):\n    with ThreadPoolExecutor(1) as pool:\n        return pool.submit(losses.loss_and_slopes, scores, y, 'cross-entropy').result()[0]"),
    Shortcut("05.cross_entropy", "the layers'", "from introdl import layers\ndef cross_entropy(scores, y):\n    return layers.softmax_cross_entropy(scores, y)[0]"),
    Shortcut("05.cross_entropy", "its file, run", _PLACE + _EMPTY + "exec(open(_place + '/losses.py').read(), _space)\n" + _CROSS.format("_space['loss_and_slopes']")),
    Shortcut("05.cross_entropy", "its file, by a loader", _PLACE + "from importlib.machinery import SourceFileLoader\n_mine = SourceFileLoader('introdl.figures.mine', _place + '/losses.py').load_module()\n" + _CROSS.format("_mine.loss_and_slopes")),
    Shortcut("05.cross_entropy", "its file, by a spec", _PLACE + "import importlib.util as u\n_spec = u.spec_from_file_location('introdl.figures.mine', _place + '/losses.py')\n_mine = u.module_from_spec(_spec)\n_spec.loader.exec_module(_mine)\n" + _CROSS.format("_mine.loss_and_slopes")),
    Shortcut("05.cross_entropy", "its file, without our finder", "import sys\nsys.meta_path[:] = [one for one in sys.meta_path if 'introdl' not in type(one).__module__]\nsys.modules.pop('introdl.figures.losses', None)\nfrom introdl.figures import losses\n" + _CROSS.format("losses.loss_and_slopes")),
    Shortcut("05.cross_entropy", "its compiled file", _PLACE + _EMPTY + "import glob, marshal\n_files = glob.glob(_place + '/__pycache__/losses.*.pyc')\nexec(marshal.loads(open(_files[0], 'rb').read()[16:]), _space)\n" + _CROSS.format("_space['loss_and_slopes']")),
    Shortcut("05.cross_entropy", "its data, asked of the package", _EMPTY + "import pkgutil\nexec(pkgutil.get_data('introdl.figures', 'losses.py'), _space)\n" + _CROSS.format("_space['loss_and_slopes']")),
    Shortcut("05.cross_entropy", "its resources", _EMPTY + "from importlib import resources\nexec(resources.files('introdl.figures').joinpath('losses.py').read_text(), _space)\n" + _CROSS.format("_space['loss_and_slopes']")),
    Shortcut("05.cross_entropy", "a copy anywhere", _EMPTY + "import os\nfor _here, _, _files in os.walk('/'):\n    if _here.startswith(('/proc', '/sys')):\n        continue\n    for _file in _files:\n        if _file.startswith('losses') and os.path.getsize(os.path.join(_here, _file)):\n            try: exec(open(os.path.join(_here, _file)).read(), _space)\n            except Exception: pass\n" + _CROSS.format("_space['loss_and_slopes']")),
    Shortcut("05.cross_entropy", "the wheel's own list", _EMPTY + "from importlib import metadata\nfor _file in metadata.files('introdl') or []:\n    if _file.name == 'losses.py':\n        exec(_file.read_text(), _space)\n" + _CROSS.format("_space['loss_and_slopes']")),
    Shortcut("05.cross_entropy", "dug out of the heap", "import gc\ndef cross_entropy(scores, y):\n    for one in gc.get_objects():\n        if getattr(one, '__name__', '') in ('loss_and_slopes', 'softmax_cross_entropy') and callable(one):\n            return one(scores, y)[0]"),
    Shortcut("05.cross_entropy", "in another Python", "import json, subprocess, sys\nimport numpy as np\ndef cross_entropy(scores, y):\n    code = 'import json, sys, numpy as np; from introdl.figures import losses; s, y = json.load(sys.stdin); print(losses.loss_and_slopes(np.array(s), np.array(y))[0])'\n    done = subprocess.run([sys.executable, '-c', code], input=json.dumps([scores.tolist(), y.tolist()]), text=True, capture_output=True)\n    return float(done.stdout)"),
    Shortcut("04.max_pool2d", "a layer", "from introdl import layers\n" + _CONV.format("layers")),
    Shortcut("04.max_pool2d", "a layer's file", "import introdl\n_space = {'__name__': 'mine'}\nexec(open(introdl.__path__[0] + '/layers.py').read(), _space)\ndef max_pool2d(x, kernel, stride):\n    return _space['MaxPool2d'](kernel, stride).forward(x)"),
    Shortcut("10.saliency", "by its old name", "from introdl import looking\ndef saliency(model, x, target):\n    return looking.saliency(model, x, target)"),
    Shortcut("10.saliency", "its old name's file", "import introdl\n_space = {'__name__': 'mine'}\nexec(open(introdl.__path__[0] + '/inspection.py').read(), _space)\ndef saliency(model, x, target):\n    return _space['saliency'](model, x, target)"),
    Shortcut("12.nutri_score", "its file, run", "import introdl\n_space = {'__name__': 'introdl.mealomi.mine', '__package__': 'introdl.mealomi'}\nexec(open(introdl.__path__[0] + '/mealomi/nutriscore.py').read(), _space)\n" + _SCORE + _GIVE.format("_space['nutri_score']")),
]  # fmt: skip
