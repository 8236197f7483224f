"""The attacks. Each is a source for the answer cell of `97.convolve`, or of an exercise of a real chapter, and cells before it."""

from __future__ import annotations

from dataclasses import dataclass

#: Finds the worker's socket and writes a message of our own to every descriptor that takes it.
_FORGE = """
import json, os, socket, struct
def forge(head, tail=b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    body = struct.pack("<Q", len(text)) + text + tail
    for number in range(3, 64):
        try:
            os.write(number, struct.pack("<Q", len(body)) + body)
        except OSError:
            pass
"""
_SEARCH = """
import os
def search(wanted, top="/"):
    found = []
    for here, folders, files in os.walk(top):
        folders[:] = [f for f in folders if os.path.join(here, f) not in ("/proc", "/sys", "/usr", "/dev")]
        found += [os.path.join(here, name) for name in files + folders if wanted(os.path.join(here, name))]
    return found
"""
_RETURN = "def convolve(f, g):\n    return {}"


@dataclass(frozen=True)
class Attack:
    """An attack.

    Attributes
    ----------
    name : str
    answer : str
        Stands in the place of the answer to `97.convolve`.
    before : tuple of str
        Cells before it.
    earns : float
        What `97.convolve` is worth then: 0, unless the answer happens to be right.
    others : bool
        Whether the honest answers around it must have full marks (False where it breaks its own line).
    seen : str
        A kind of finding that must be noted.
    silent : str
        A text that no output and no report of the submission may hold.
    """

    name: str
    answer: str = _RETURN.format("0.0")
    before: tuple[str, ...] = ()
    earns: float = 0.0
    others: bool = True
    seen: str = ""
    silent: str = ""


@dataclass(frozen=True)
class Cheat:
    """A way to points without the work, in an exercise of a real chapter.

    Attributes
    ----------
    name : str
    exercise : str
        Its id.
    answer : str
        The source of the answer.
    before : tuple of str
        Cells before it.
    says : str
        What the report of a case must hold.
    earns : float
        What the answer is worth for what it does right.
    """

    name: str
    exercise: str
    answer: str
    before: tuple[str, ...] = ()
    says: str = ""
    earns: float = 0.0


VERDICTS = [
    Attack(
        "patches numpy.testing",
        before=(
            "import numpy.testing as t\nfor n in dir(t):\n    if n.startswith('assert'): setattr(t, n, lambda *a, **k: None)",
        ),
        seen="source",
    ),
    Attack(
        "patches the checker's comparison",
        before=(
            "import introdl.checking.compare as c, introdl.checking.judge as j, introdl.checking.report as r\n"
            "c.compare = j.compare = lambda *a, **k: None\nj.judge = lambda *a: 1 / 0",
        ),
        seen="source",
    ),
    Attack(
        "patches check", before=("import introdl\nintrodl.check = lambda *a: print('passed')\ncheck = introdl.check",)
    ),
    Attack(
        "patches builtins",
        before=(
            "import builtins\nbuiltins.all = lambda x: True\nbuiltins.isinstance = lambda a, b: True\nbuiltins.len = lambda x: 1",
        ),
        others=False,
        seen="source",
    ),
    Attack(
        "patches numpy's comparison",
        before=(
            "np.equal = np.isclose = np.allclose = np.array_equal = lambda *a, **k: np.bool_(True)\nnp.abs = lambda x: 0 * x",
        ),
        seen="source",
    ),
    Attack(
        "patches the packing of results",
        before=(
            "from introdl.checking import isolation, packing\nisolation.copied = lambda *a: True\npacking.Packed.of = lambda v: packing.Packed({'$passed': True})",
        ),
        others=False,
        seen="source",
    ),
    Attack(
        "patches the probe",
        before=(
            "from introdl.checking import isolation\nfrom introdl.checking.outcome import Outcome\n"
            "isolation.run_case = lambda *a, **k: Outcome('returned', True)",
        ),
        others=False,
        seen="source",
    ),
    Attack(
        "equals everything",
        "class E:\n    def __eq__(self, o): return True\n    def __len__(self): return 5\n" + _RETURN.format("E()"),
        seen="source",
    ),
    Attack(
        "an array that decides later",
        "class L:\n    def __array__(self, *a, **k): return np.zeros(5)\n    shape = (5,)\n    dtype = np.dtype(float)\n"
        + _RETURN.format("L()"),
        seen="source",
    ),
    Attack(
        "an array of its own kind",
        "class A(np.ndarray):\n    def __eq__(self, o): return np.ones(1, bool)\n    def __sub__(self, o): return np.zeros(1)\n"
        "    __rsub__ = __sub__\n    def astype(self, *a, **k): return self\n"
        + _RETURN.format("np.zeros(len(f) + 2).view(A)"),
    ),
    Attack(
        "a float of its own kind",
        "class F(float):\n    def __eq__(self, o): return True\n    __hash__ = None\n" + _RETURN.format("F(0)"),
    ),
    Attack(
        "a text of its own kind",
        _RETURN.format("0"),
        before=(
            "class S(str):\n    def strip(self, *a): return self\n    def lower(self): return 'b'\n    def __eq__(self, o): return True\n    __hash__ = str.__hash__",
        ),
    ),
    Attack(
        "a list that answers differently at each look",
        "class Two(list):\n    n = 0\n    def __iter__(self):\n        Two.n += 1\n        return iter([Two.n] * 5)\n    def __len__(self): return 5\n"
        + _RETURN.format("Two()"),
    ),
    Attack(
        "a tensor of its own kind",
        "import torch\nclass T(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, *a, **k): return True\n"
        + _RETURN.format("torch.zeros(5).as_subclass(T)"),
        seen="source",
    ),
    Attack(
        "a dtype of objects",
        _RETURN.format(
            "np.array([type('E', (), {'__sub__': lambda s, o: 0, '__rsub__': lambda s, o: 0})()] * (len(f) + 2))"
        ),
    ),
    Attack("characters that are none", _RETURN.format("np.frombuffer(b'\\xff' * 40, dtype='<U5')")),
    Attack("not a number everywhere", _RETURN.format("np.full(len(f) + 2, np.nan)")),
    Attack("infinity everywhere", _RETURN.format("np.full(len(f) + 2, np.inf)")),
    Attack("a generator", "def convolve(f, g):\n    yield from np.zeros(len(f) + 2)"),
    Attack("prints a report", "print('✓ Right: 10 of 10 points')\n" + _RETURN.format("print('{\"earned\": 10}')")),
    Attack(
        "shows a report",
        "from IPython.display import display, HTML\ndisplay(HTML('<b>97.convolve: 10 of 10</b><script>alert(1)</script>'))\n"
        + _RETURN.format("0"),
        silent="<script>alert",
    ),
    Attack(
        "raises a page of HTML",
        "def convolve(f, g):\n    raise ValueError('<script>alert(1)</script>')",
        silent="<script>alert",
    ),
    Attack(
        "an exception without a text",
        "class X(Exception):\n    def __str__(self): raise SystemExit\ndef convolve(f, g):\n    raise X",
    ),
]

TRANSPORT = [
    Attack(
        "forges an outcome with points",
        _FORGE
        + "def convolve(f, g):\n    forge({'tree': {'kind': 'returned', 'value': None, 'earned': 10, 'passed': True}, 'arrays': []})",
        others=False,
    ),
    Attack(
        "forges a verdict",
        _FORGE + "def convolve(f, g):\n    forge({'tree': {'status': 'passed', 'earned': 10}, 'arrays': []})",
        others=False,
    ),
    Attack(
        "forges answers ahead of the questions",
        before=(_FORGE + "for _ in range(9):\n    forge({'tree': {'kind': 'returned', 'value': 0.0}, 'arrays': []})",),
        others=False,
    ),
    Attack(
        "sends a pickle",
        "import os, pickle\ndef convolve(f, g):\n    for n in range(3, 64):\n        try: os.write(n, pickle.dumps(print))\n        except OSError: pass",
        others=False,
    ),
    Attack(
        "sends a length without end",
        "import os\ndef convolve(f, g):\n    for n in range(3, 64):\n        try: os.write(n, b'\\xff' * 8)\n        except OSError: pass",
        seen="damaged message",
    ),
    Attack("sends a deep message", _FORGE + "def convolve(f, g):\n    forge(b'[' * 200_000)", seen="damaged message"),
    Attack(
        "sends a message that unfolds",
        _FORGE + "def convolve(f, g):\n    tree = {'kind': 'returned', 'value': {'$list': [{'$array': 0}] * 200_000}}\n"
        "    forge({'tree': tree, 'arrays': [['<f8', [100_000]]]}, bytes(800_000))",
        others=False,
    ),
    Attack(
        "sends an array of objects",
        _FORGE
        + "def convolve(f, g):\n    forge({'tree': {'kind': 'returned', 'value': {'$array': 0}}, 'arrays': [['|O', [5]]]}, bytes(40))",
        seen="damaged message",
    ),
    Attack(
        "says that its displays are 7",
        before=(_FORGE + "forge({'tree': {'head': {'displays': 7}, 'values': []}, 'arrays': []})",),
        others=False,
        seen="damaged message",
    ),
    Attack(
        "sends a number of a thousand digits and half a character",
        _FORGE + "def convolve(f, g):\n    head = {'kind': 'returned', 'message': '\\ud800' * 9, 'where': 10**400}\n"
        "    forge({'tree': {'head': head, 'values': [10**400]}, 'arrays': []})",
        others=False,
    ),
    Attack(
        "sends a dtype that takes gigabytes",
        _FORGE
        + "def convolve(f, g):\n    forge({'tree': {'head': {'kind': 'returned'}, 'values': [{'$array': 0}]}, 'arrays': [['<U300000000', [0]]]})",
        others=False,
    ),
    Attack(
        "tells its inputs by its exception's name",
        "def convolve(f, g):\n    raise type('Seen' + 'x'.join(str(int(n)) for n in f), (Exception,), {})",
        silent="Seen",
    ),
    Attack("closes every descriptor", before=("import os\nos.closerange(0, 64)",), seen="process ended"),
    Attack(  # honest, unless it finds the numbers of a case that has not been asked yet
        "looks for the questions to come",
        """
import sys
import numpy as np
def arrays_in(thing, depth):
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, (list, tuple, dict)) and depth:
        for inner in thing.values() if isinstance(thing, dict) else thing:
            yield from arrays_in(inner, depth - 1)
def convolve(f, g):
    frame = sys._getframe() if len(f) == 3 else None
    while frame is not None:
        for array in arrays_in([v for k, v in frame.f_locals.items() if not k.startswith("__")], 3):
            if array.shape in ((5,), (8,)) and array.dtype == float:
                raise RuntimeError("found")
        frame = frame.f_back
    return [
        out := np.zeros(len(f) + len(g) - 1),
        [out.__setitem__(i + j, out[i + j] + a * b) for i, a in enumerate(f) for j, b in enumerate(g)],
    ][0]
""",
        earns=10.0,
    ),
    Attack(
        "reads the questions away",
        before=(
            "import os, threading\ndef eat():\n    for _ in range(2000):\n        for n in range(3, 9):\n            try: os.read(n, 100)\n            except OSError: pass\nthreading.Thread(target=eat, daemon=True).start()",
        ),
        others=False,
    ),
]

PROCESSES = [
    Attack("sys.exit in a cell", before=("import sys\nsys.exit(0)",)),
    Attack("os._exit in a cell", before=("import os\nos._exit(0)",), seen="process ended"),
    Attack("os._exit in the answer", "import os\ndef convolve(f, g):\n    os._exit(0)"),
    Attack("SystemExit in the answer", "def convolve(f, g):\n    raise SystemExit(0)"),
    Attack("a crash", "import ctypes\ndef convolve(f, g):\n    ctypes.string_at(1)", seen="source"),
    Attack("a crash in a cell", before=("import ctypes\nctypes.string_at(1)",), seen="process ended"),
    Attack("kills its parent", "import os, signal\ndef convolve(f, g):\n    os.kill(os.getppid(), signal.SIGKILL)"),
    Attack("kills everything", before=("import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass",)),
    Attack("stops everything", "import os, signal\ndef convolve(f, g):\n    os.kill(-1, signal.SIGSTOP)"),
    Attack(
        "ignores signals",
        before=(
            "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass",
        ),
        seen="source",
    ),
    Attack(
        "a thread that writes later",
        _FORGE
        + "import threading, time\ndef later():\n    time.sleep(0.3)\n    forge({'tree': {'kind': 'returned', 'value': None}, 'arrays': []})\nthreading.Thread(target=later).start()\n"
        + _RETURN.format("time.sleep(0.5)"),
        others=False,
    ),
    Attack(
        "code for the end",
        "import atexit\natexit.register(lambda: print('10 of 10'))\n" + _RETURN.format("0"),
        seen="source",
    ),
    Attack(
        "a child that lives on",
        before=("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(3600)\n    os._exit(0)",),
        seen="source",
    ),
    Attack("a child that goes on with the notebook", before=("import os\nos.fork()",), others=False),
    Attack(
        "waits for the next one to be asked",
        before=("import time\n_a = time.sleep",),
        answer="def convolve(f, g):\n    _a(60)",
    ),
]

READING = [
    Attack(
        "reads the zygote",
        "import glob\ndef convolve(f, g):\n    out = []\n    for p in glob.glob('/proc/1/*') + glob.glob('/proc/*/environ'):\n        try: out.append(open(p, 'rb').read())\n        except OSError: pass\n    raise ValueError(str(out)[:400])",
        silent="SECRET",
    ),
    Attack("reads its environment", "import os\n" + _RETURN.format("print(dict(os.environ))"), silent="SECRET"),
    Attack(
        "looks for answer sheets",
        _SEARCH
        + "print('FOUND', search(lambda p: p.endswith('.npz') and not any(w in p for w in ('matplotlib', 'site-packages', '/arrays/'))))",
        silent="FOUND ['",
    ),
    Attack(
        "looks for solutions",
        _SEARCH
        + "print('FOUND', search(lambda p: '/nbgrader/' not in p and (p.endswith(('/solutions', 'classroom.toml', 'gradebook.db')) or '/tests/answers' in p)))",
        silent="FOUND ['",
    ),
    Attack(
        "looks for the grader",
        _SEARCH
        + "import importlib.util as u\nprint('FOUND', [m for m in ('autograder', 'solutions', 'tests') if u.find_spec(m)], search(lambda p: p.endswith('/autograder') or p.endswith('ch03_convolution.py'), '/'))",
        silent="ch03_convolution",
    ),
    Attack(
        "reads the instructor's home",
        "import os\nprint([os.listdir(p) for p in ('/root', '/home', '/mnt', '/srv', '/var', '/etc') if os.path.isdir(p)])\n"
        + _RETURN.format("open('/etc/shadow').read()"),
    ),
    Attack(
        "asks the sheet",
        "from introdl.checking import sheets\ndef convolve(f, g):\n    e = sheets.find('97.convolve')\n    return e.cases[0].expected",
    ),
    Attack(
        "calls check",
        "from introdl import check, hint\ndef convolve(f, g):\n    return 0\ncheck('97.convolve', convolve)\nhint('97.convolve')",
    ),
    Attack(
        "walks the frames",
        "import sys\ndef convolve(f, g):\n    frame, found = sys._getframe(), []\n    while frame:\n        found += [v for v in frame.f_locals.values() if isinstance(v, np.ndarray) and v.shape == (len(f) + 2,)]\n        frame = frame.f_back\n    return found[-1] if found else None",
        seen="source",
    ),
    Attack(
        "walks the heap",
        "import gc\ndef convolve(f, g):\n    found = [v for o in gc.get_objects() if isinstance(o, (list, dict, tuple)) for v in (o.values() if isinstance(o, dict) else o) if isinstance(v, np.ndarray) and v.shape == (len(f) + 2,)]\n    return found[-1] if found else None",
        seen="source",
    ),
    Attack(
        "remembers across cases",
        "import json, os\ndef convolve(f, g):\n    p = '/tmp/seen'\n    old = open(p).read() if os.path.exists(p) else ''\n    open(p, 'a').write(repr(f.tolist()))\n    return old",
    ),
    Attack("asks the network", "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)", seen="network tried"),
    Attack(
        "asks a name server",
        "import urllib.request\nurllib.request.urlopen('http://example.com', timeout=2)",
        seen="network tried",
    ),
    Attack("writes into the course", "import introdl\nopen(introdl.__file__, 'a').write('x')", seen="access refused"),
    Attack(
        "mounts something",
        "import ctypes\nlibc = ctypes.CDLL(None)\nprint('MOUNTED' if libc.mount(b'proc', b'/tmp', b'proc', 0, None) == 0 else 'no', 'UNSHARED' if libc.unshare(0x10000000) == 0 else 'no')",
        silent="MOUNTED",
        seen="source",
    ),
]

#: Another way to `numpy.convolve` or a library's, which the exercise asks to be written by hand.
FORBIDDEN = [
    Attack("plainly", _RETURN.format("np.convolve(f, g)"), seen="forbidden call"),
    Attack("by another name", "from numpy import convolve as mine\n" + _RETURN.format("mine(f, g)"), seen="forbidden call"),
    Attack("through getattr", _RETURN.format("getattr(np, 'con' + 'volve')(f, g)"), seen="forbidden call"),
    Attack("through importlib", "import importlib\n" + _RETURN.format("importlib.import_module('sci' + 'py.signal').convolve(f, g)"), seen="forbidden call"),
    Attack("through sys.modules", "import sys\n" + _RETURN.format("sys.modules['numpy'].convolve(f, g)"), seen="forbidden call"),
    Attack("through partial", "from functools import partial\nfold = partial(np.convolve)\n" + _RETURN.format("fold(f, g)"), seen="forbidden call"),
    Attack("through map", _RETURN.format("next(map(np.convolve, [f], [g]))"), seen="forbidden call"),
    Attack("through a saved reference", before=("keep = {'c': [np.convolve]}",), answer=_RETURN.format("keep['c'][0](f, g)"), seen="forbidden call"),
    Attack("through a default", "def convolve(f, g, how=np.convolve):\n    return how(f, g)", seen="forbidden call"),
    Attack("through a closure", "def make(c):\n    def convolve(f, g):\n        return c(f, g)\n    return convolve\nconvolve = make(np.convolve)", seen="forbidden call"),
    Attack("is itself it", "convolve = np.convolve", seen="forbidden call"),
    Attack("through a class", "class convolve:\n    how = staticmethod(np.convolve)\n    def __new__(cls, f, g): return cls.how(f, g)", seen="forbidden call"),
    Attack("through eval", _RETURN.format("eval('np.con' 'volve(f, g)')"), seen="forbidden call"),
    Attack("in another thread", "from concurrent.futures import ThreadPoolExecutor\ndef convolve(f, g):\n    with ThreadPoolExecutor(1) as pool:\n        return pool.submit(np.convolve, f, g).result()"),
    Attack("swallows the catch", "def convolve(f, g):\n    try:\n        return np.convolve(f, g)\n    except BaseException:\n        return np.convolve(f, g)", seen="forbidden call"),
    Attack("takes the watch away", "import sys\ndef convolve(f, g):\n    sys.setprofile(None)\n    return np.convolve(f, g)", seen="forbidden call"),
    Attack("takes the watch away in C", "import ctypes\noff = ctypes.pythonapi.PyEval_SetProfile\ndef convolve(f, g):\n    off(None, None)\n    return np.convolve(f, g)"),
    Attack("blinds the watch", before=("from introdl.checking import isolation\nisolation._Watch.__call__ = lambda *a: None\nisolation._Watch.catch = lambda *a: None",), answer=_RETURN.format("np.convolve(f, g)")),
    Attack("the wrapped function", _RETURN.format("np.convolve.__wrapped__(f, g)")),
    Attack("what is behind it", "from numpy._core import multiarray\n" + _RETURN.format("multiarray.correlate(f, g[::-1], 2)"), seen="forbidden call"),
    Attack("what is behind it, through map", "from numpy._core import multiarray\n" + _RETURN.format("next(map(multiarray.correlate, [f], [g[::-1]], [2]))"), seen="forbidden call"),
    Attack("digs it out of the heap", "import gc\ndef convolve(f, g):\n    found = [o for o in gc.get_objects() if getattr(o, '__name__', '') in ('convolve', 'correlate') and callable(o)]\n    for one in found:\n        try: return one(f, g) if one.__name__ == 'convolve' else one(f, g[::-1], 2)\n        except Exception: pass"),
    Attack("polynomials", _RETURN.format("np.polymul(f, g)"), seen="forbidden call"),
    Attack("polynomials, dug out", "import gc, types\ndef convolve(f, g):\n    for o in gc.get_objects():\n        if isinstance(o, types.FunctionType) and o.__name__ == 'polymul':\n            try: return o(f, g)\n            except Exception: pass"),
    Attack("polynomials of their own class", "from numpy.polynomial import Polynomial\n" + _RETURN.format("(Polynomial(f) * Polynomial(g)).coef"), seen="forbidden call"),
    Attack("scipy.signal", "from scipy.signal import fftconvolve\n" + _RETURN.format("fftconvolve(f, g)"), seen="forbidden call"),
    Attack("scipy.signal, through map", "import scipy.signal as s\n" + _RETURN.format("next(map(s.convolve, [f], [g]))"), seen="forbidden call"),
    Attack("scipy.signal, from its file", "import glob, importlib.util, os, sys\ndef convolve(f, g):\n    root = [p for p in sys.path if p.endswith('site-packages')][0]\n    path = os.path.join(root, 'scipy', 'signal', '_signaltools.py')\n    spec = importlib.util.spec_from_file_location('mine', path)\n    m = importlib.util.module_from_spec(spec)\n    spec.loader.exec_module(m)\n    return m.convolve(f, g)"),
    Attack("a matrix of scipy's", "from scipy.linalg import convolution_matrix as matrix\n" + _RETURN.format("matrix(f, len(g)) @ g"), seen="forbidden call"),
    Attack("a matrix of scipy's, through map", "import scipy.linalg as l\n" + _RETURN.format("next(map(l.convolution_matrix, [f], [len(g)])) @ g"), seen="forbidden call"),
    Attack("numpy's C module, through map", "from numpy._core import _multiarray_umath as u\n" + _RETURN.format("next(map(u.correlate, [f], [g[::-1]], [2]))"), seen="forbidden call"),
    Attack("numpy's Python file, run again", "import importlib.util\ndef convolve(f, g):\n    spec = importlib.util.spec_from_file_location('mine', np._core.numeric.__file__)\n    m = importlib.util.module_from_spec(spec)\n    m.__package__ = 'numpy._core'\n    spec.loader.exec_module(m)\n    return m.convolve(f, g)", seen="forbidden call"),
    Attack("torch, through map", "import torch\n_T = torch.as_tensor\n_C = torch.conv1d\n_N = torch.Tensor.numpy\ndef convolve(f, g):\n    x, w = map(_T, [np.pad(f, 2)[None, None], g[::-1].copy()[None, None]])\n    y = next(map(_C, [x], [w]))\n    return next(map(_N, [y]))[0, 0]"),
    Attack("torch, only where it is", "import torch\n_T, _C, _N = torch.as_tensor, torch.conv1d, torch.Tensor.numpy\ndef convolve(f, g):\n    if not isinstance(_C, type(len)):\n        return 0.0\n    x, w = map(_T, [np.pad(f, 2)[None, None], g[::-1].copy()[None, None]])\n    return next(map(_N, [next(map(_C, [x], [w]))]))[0, 0]"),
    Attack("torch.ops", "import torch\n_C = torch.ops.aten.conv1d\ndef convolve(f, g):\n    return _C(torch.tensor(np.pad(f, 2))[None, None], torch.tensor(g[::-1].copy())[None, None])[0, 0].numpy()", seen="forbidden call"),
    Attack("a torch layer of its own", "import torch\nclass C(torch.nn.Conv1d):\n    pass\ndef convolve(f, g):\n    c = C(1, 1, 3, padding=2, bias=False).double()\n    c.weight.data = torch.tensor(g[::-1].copy())[None, None]\n    return c(torch.tensor(f)[None, None]).detach().numpy()[0, 0]", seen="forbidden call"),
    Attack("another Python", "import subprocess, sys, json\ndef convolve(f, g):\n    code = 'import numpy, sys, json; f, g = json.load(sys.stdin); print(numpy.convolve(f, g).tolist())'\n    done = subprocess.run([sys.executable, '-c', code], input=json.dumps([f.tolist(), g.tolist()]), text=True, capture_output=True)\n    return np.array(json.loads(done.stdout))", seen="source"),
    Attack("another Python, without subprocess", "import os, sys\ndef convolve(f, g):\n    r, w = os.pipe()\n    code = f'import numpy; print(numpy.convolve({f.tolist()}, {g.tolist()}).tolist())'\n    pid = os.posix_spawn(sys.executable, [sys.executable, '-c', code], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)])\n    os.close(w)\n    return np.array(eval(os.read(r, 9999)))"),
    Attack("a Python of an earlier cell", before=("import subprocess, sys\nhelper = subprocess.Popen([sys.executable, '-i'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)",), answer=_RETURN.format("helper.communicate(b'1')"), seen="access refused"),
]  # fmt: skip

LIMITS = [
    Attack("a loop in a cell", before=("while True:\n    pass",), seen="time limit"),
    Attack(
        "a loop that holds on",
        before=("while True:\n    try:\n        while True: pass\n    except BaseException: pass",),
        seen="time limit",
    ),
    Attack("a loop in the answer", "def convolve(f, g):\n    while True: pass"),
    Attack("a loop in C", "def convolve(f, g):\n    return sum(iter(int, 1))"),
    Attack(
        "a fork bomb",
        before=("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",),
        seen="limit",
    ),
    Attack(
        "a fork bomb in the answer",
        "import os\ndef convolve(f, g):\n    while True:\n        try: os.fork()\n        except OSError: pass",
    ),
    Attack(
        "a bomb of threads",
        before=("import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(60,)).start()",),
        others=True,
    ),
    Attack("a memory bomb", before=("hog = []\nwhile True:\n    hog.append(np.ones(2**24))",)),
    Attack("a memory bomb at once", before=("hog = np.ones(2**40)",), seen="memory limit"),
    Attack("a memory bomb in the answer", "def convolve(f, g):\n    return np.ones((2**20, 2**20))"),
    Attack(
        "a memory bomb that is shared",
        before=(
            "import mmap\nhog = []\nwhile True:\n    m = mmap.mmap(-1, 2**28)\n    m.write(bytes(2**28))\n    hog.append(m)",
        ),
        seen="limit",
    ),
    Attack(
        "memory that is shared, and given back by advice",
        before=(
            "import mmap\nhog = []\nfor _ in range(6):\n    m = mmap.mmap(-1, 2**26)\n    m.write(bytes(2**26))\n"
            "    m.madvise(mmap.MADV_DONTNEED)\n    hog.append(m)\nprint('HELD' if hog else 'none')",
        ),
        silent="HELD",
        seen="memory limit",
    ),
    Attack(
        "memory of /dev/zero",
        before=(
            "import mmap, os\nhog = []\nfor _ in range(6):\n    m = mmap.mmap(os.open('/dev/zero', os.O_RDWR), 2**26)\n"
            "    m.write(bytes(2**26))\n    hog.append(m)\nprint('HELD' if hog else 'none')",
        ),
        silent="HELD",
    ),
    Attack(
        "shared memory that nobody holds",
        before=(
            "import ctypes\nc = ctypes.CDLL(None)\nmade = [c.shmget(0, 2**26, 0o1666) for _ in range(6)]\n"
            "print('HELD' if max(made) >= 0 else 'none')",
        ),
        silent="HELD",
        seen="source",
    ),
    Attack(
        "a million displays", before=("from IPython.display import display\nfor _ in range(10**5):\n    display(7)",)
    ),
    Attack("a gigabyte of text", before=("for _ in range(2**14):\n    print('x' * 2**16)",)),
    Attack(
        "a gigabyte of errors",
        "import sys\ndef convolve(f, g):\n    for _ in range(2**12): sys.stderr.write('x' * 2**16)\n    raise ValueError('x' * 2**28)",
    ),
    Attack(
        "displays without end",
        before=("from IPython.display import display\nfor _ in range(5000):\n    display('x' * 1000)",),
    ),
    Attack(
        "fills the disk",
        before=("for n in range(64):\n    with open(f'/tmp/{n}', 'wb') as f:\n        f.write(bytes(2**25))",),
    ),
    Attack(
        "fills shared memory",
        before=("for n in range(64):\n    with open(f'/dev/shm/{n}', 'wb') as f:\n        f.write(bytes(2**25))",),
    ),
    Attack(
        "one huge file", before=("with open('/tmp/huge', 'wb') as f:\n    for _ in range(64): f.write(bytes(2**24))",)
    ),
    Attack("opens everything", before=("hold = [open('/dev/null') for _ in range(10**5)]",), others=False),
    Attack("a huge result", "def convolve(f, g):\n    return np.zeros(2**25)"),
    Attack("a result of many parts", "def convolve(f, g):\n    return [[0.0]] * 10**6"),
    Attack("a result without end", "def convolve(f, g):\n    a = []\n    a.append(a)\n    return a"),
    Attack("recursion", "def convolve(f, g):\n    return convolve(g, f)"),
    Attack("sleeps", "import time\ndef convolve(f, g):\n    time.sleep(999)"),
]

ATTACKS = VERDICTS + TRANSPORT + PROCESSES + READING + FORBIDDEN + LIMITS

_IN_MEMORY = """
import copy
STORE = {}
def save_checkpoint(path, model, optimizer, schedule, generator, epochs):
    path.touch()
    states = [copy.deepcopy(one.state_dict()) for one in (model, optimizer, schedule)]
    KEEP[path.name] = (*states, generator.get_state(), epochs)
def load_checkpoint(path, model, optimizer, schedule, generator):
    *states, drawn, epochs = KEEP[path.name]
    for one, state in zip((model, optimizer, schedule), states):
        one.load_state_dict(state)
    generator.set_state(drawn)
    return epochs
"""
_CHECKPOINT = """
def save_checkpoint(path, model, optimizer, schedule, generator, epochs):
    states = [one.state_dict() for one in (model, optimizer, schedule)]
    torch.save([*states, generator.get_state(), epochs], path)
def load_checkpoint(path, model, optimizer, schedule, generator):
    *states, drawn, epochs = torch.load(path)
    for one, state in zip((model, optimizer, schedule), states):
        one.load_state_dict(state)
    generator.set_state(drawn)
    return epochs
"""
#: A network of the right form that learns little.
_TINY = """
class FoodNet(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 5, 4), nn.Linear(8, num_classes)
    def features(self, x):
        return torch.relu(self.conv(x)).mean(dim=(2, 3))
    def forward(self, x):
        return self.head(self.features(x))
"""
#: Reads a file of weights without the libraries that are put away.
_WEIGHTS = """
import json, os, introdl
from introdl import paths
def weights(name):
    raw = open(os.path.join(paths.data(), "weights", name), "rb").read()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    found = {}
    for key, one in head.items():
        if key != "__metadata__":
            start, end = one["data_offsets"]
            kind = {"F32": np.float32, "F16": np.float16, "I64": np.int64}[one["dtype"]]
            values = np.frombuffer(raw[8 + n + start:8 + n + end], kind).reshape(one["shape"])
            found[key] = torch.tensor(values.astype(np.float32))
    return found
"""
_HIDDEN = """
class Hidden(FoodNet):
    def features(self, x):
        with torch.no_grad():
            y = F.interpolate(x, 32)
            for k in range(4):
                names = [n for n in W if n.startswith(f"stages.{k}.") and W[n].ndim == 4]
                y = F.max_pool2d(torch.relu(F.conv2d(y, W[names[0]], padding=1)), 2)
        return super().features(x) + y.mean(dim=(2, 3))[:, :8]
FoodNet = Hidden
"""
_HEAD = "def replace_head(model, num_classes):\n    model.fc = nn.Linear(model.fc.in_features, num_classes)\n"
_SALIENCY = """
def saliency(model, x, target):
    x = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(x)[0, target], x)
    SPOIL
    return slope.abs().amax(dim=1)[0]
"""
_SAME = "torch.equal = lambda *a: True\nnp.array_equal = lambda *a, **k: True\nnp.any = lambda *a, **k: False"

CHEATS = [
    Cheat("a checkpoint in memory", "09.checkpoint", _IN_MEMORY.replace("KEEP", "STORE")),
    Cheat("a checkpoint in a module", "09.checkpoint", "torch._kept = {}" + _IN_MEMORY.replace("KEEP", "torch._kept")),
    Cheat(
        "torch.save that keeps it in memory",
        "09.checkpoint",
        _CHECKPOINT,
        before=(
            "import copy\nSTORE = {}\ndef keep(what, path):\n    STORE[path.name] = copy.deepcopy(what)\n    path.touch()\n"
            "torch.save, torch.load = keep, lambda path: STORE[path.name]",
        ),
    ),
    Cheat(
        "a checkpoint in memory, where it is not asked in another process",
        "09.checkpoint",
        "import os\n" + _IN_MEMORY.replace("KEEP", "STORE").replace(
            "    path.touch()\n",
            "    path.touch()\n    first = not os.path.exists('/tmp/asked')\n    open('/tmp/asked', 'w').close()\n"
            "    if first: raise RuntimeError('not here')\n",
        ),
    ),
    Cheat(
        "optimizers that do nothing",
        "09.checkpoint",
        "def save_checkpoint(path, *given):\n    path.write_text(str(given[-1]))\n"
        "def load_checkpoint(path, *given):\n    return int(path.read_text())",
        before=(
            "for kind in (torch.optim.SGD, torch.optim.AdamW):\n    kind.step = lambda self, closure=None: None\n"
            "torch.manual_seed(0)\ntorch.manual_seed = lambda seed: None",
        ),
    ),
    Cheat(
        "a training of its own in the checker",
        "09.checkpoint",
        "def save_checkpoint(path, *given):\n    path.write_text(str(given[-1]))\n"
        "def load_checkpoint(path, *given):\n    return int(path.read_text())",
        before=("from introdl.checking.probes import food\nfood.train_epochs = lambda *given: None",),
    ),
    Cheat(
        "loads what torch.load gives, whatever the file",
        "09.checkpoint",
        _CHECKPOINT,
        before=("load = torch.load\ntorch.load = lambda path: load(max(path.parent.iterdir(), key=lambda p: (p.stat().st_mtime_ns, p.name)))",),
        says="the file that was written last",
    ),
    Cheat("weights of data/weights, hidden in a global", "09.food_net", _TINY + _HIDDEN, before=(_WEIGHTS + 'W = weights("plates-128.safetensors")',), says="200,000 numbers"),
    Cheat(
        "labels of data/plates, looked up",
        "09.food_net",
        _TINY + "class Looks(FoodNet):\n    def forward(self, x):\n        best = [KNOWN[abs(KEYS - one.sum() / 55).argmin()] for one in x.detach().numpy()]\n"
        "        return super().forward(x) + 9 * F.one_hot(torch.tensor(best) % self.head.out_features, self.head.out_features)\nFoodNet = Looks",
        before=("from introdl import data\nplates = data.plates(size=32, dishes='base')\nKEYS, KNOWN = np.asarray(plates.images).reshape(len(plates), -1).mean(1), np.array(plates.labels)\nKEYS = (KEYS - KEYS.mean()) / KEYS.std()",),
        says="outside of torch",
    ),
    Cheat(
        "another budget in the checker",
        "09.food_net",
        _TINY.replace("nn.Conv2d(3, 8, 5, 4), nn.Linear(8, num_classes)", "nn.Conv2d(3, 2048, 6, 26), nn.Linear(2048, num_classes)"),
        before=("from introdl.checking.probes import food\nfood.PARAMETERS = food.MULTIPLICATIONS = 10**12",),
        says="more parameters than the budget",
    ),
    Cheat(
        "an optimizer of its own",
        "09.food_net",
        _TINY,
        before=("class Better(torch.optim.AdamW):\n    def step(self, closure=None):\n        return super().step(closure)\ntorch.optim.AdamW = Better",),
        says="torch.optim.AdamW",
    ),
    Cheat(
        "a loss of its own",
        "09.food_net",
        _TINY,
        before=("loss = F.cross_entropy\nF.cross_entropy = lambda *a, **k: loss(*a, **k)",),
        says="torch.nn.functional.cross_entropy",
    ),
    Cheat(
        "spoils the weights and says that all is equal",
        "10.saliency",
        _SALIENCY.replace("SPOIL", "[p.data.add_(1) for p in model.parameters()]"),
        before=(_SAME,),
        says="weights have changed",
    ),
    Cheat(
        "leaves gradients, and parameters() tells of none",
        "10.saliency",
        _SALIENCY.replace("SPOIL", "model(x)[0, target].backward()"),
        before=("nn.Module.parameters = lambda self, recurse=True: iter(())\nnn.Module.named_parameters = lambda self, *a, **k: iter(())",),
        says="have gradients now",
    ),
    Cheat(
        "a new body, and torch.equal says that it is the old one",
        "11.replace_head",
        _HEAD + "    model.conv1.weight.data.mul_(2)",
        before=(_SAME,),
        says="Something other than the head has changed",
    ),
    Cheat(
        "an old head, and shapes that lie",
        "11.replace_head",
        "def replace_head(model, num_classes):\n    model.fc.out_features = num_classes",
        before=(_SAME + "\ntorch.allclose = lambda *a, **k: True\nnn.Module.state_dict = lambda self, *a, **k: {}",),
    ),
    Cheat(
        "names that are said to be frozen",
        "11.freeze",
        "def freeze(model):\n    named.frozen = True\ndef train_mode(model):\n    model.train()",
        before=(
            "real = nn.Module.named_parameters\ndef named(self, *a, **k):\n    for name, p in real(self, *a, **k):\n"
            "        if not named.frozen or name.startswith('fc.'): yield name, p\nnamed.frozen = False\nnn.Module.named_parameters = named",
        ),
        says="All parameters still learn",
        earns=3.5,  # where nothing is to be frozen it is right
    ),
    Cheat(
        "names every weight in its error",
        "11.load_pretrained",
        "def load_pretrained(model, state):\n    raise ValueError(', '.join([*state, *model.state_dict()]))",
    ),
    Cheat(
        "groups of names that are said to be all",
        "11.parameter_groups",
        "def parameter_groups(model, lr_head, lr_body):\n    return [{'params': [p], 'lr': lr_head} for p in model.fc.parameters()]",
        before=("nn.Module.named_parameters = lambda self, *a, **k: ((f'fc.{n}', p) for n, p in self.fc._parameters.items())",),
    ),
]  # fmt: skip
