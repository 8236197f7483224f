"""Chapter 08, from NumPy to CUDA: its exercises, their cases, oracles and known mistakes.

No case needs a GPU: devices, clocks and queues are pretended (`introdl.checking.simulated_machine`), tensors are moved to
torch's "meta" device, and training steps are judged by what they do to a small network.
"""

from __future__ import annotations

import contextlib
import math
import time

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import one_hot, output_size, softmax
from introdl.checking.probes import devices

# --- 08.best_device -----------------------------------------------------------------------------------------


def _device_cases(rng):
    # Of each machine: GPUs, built for CUDA, Apple's GPU, built for it. Two in a case: one answer for all is always wrong.
    nvidia, server = ([int(rng.integers(*span)), True, False, False] for span in ((1, 3), (3, 17)))
    plain, built, apple, old = (
        [0, False, False, False],
        [0, True, False, False],
        [0, False, True, True],
        [0, False, False, True],
    )
    yield Case("an NVIDIA GPU, and nothing but a CPU", machines=[nvidia, plain])
    yield Case("torch built for CUDA, without a GPU and with one", machines=[built, nvidia])
    yield Case("an Apple GPU, and one that is too old", machines=[apple, old])
    yield Case("a server with several GPUs, and a Mac", machines=[server, apple])
    yield Case("an old Mac, and a server with several GPUs", machines=[old, server])


def _device_oracle(machines):
    kinds = {(True, False): "cuda", (False, True): "mps", (False, False): "cpu"}
    return [kinds[gpus > 0, apple] for gpus, _, apple, _ in machines]


def _ask(*kinds):
    """A wrong `best_device` that knows only some kinds of device, in their order."""

    def wrong():
        ways = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
        return torch.device(next((kind for kind in kinds if ways[kind]()), "cpu"))

    return wrong


def _always(name):
    return lambda: torch.device(name)


def _ask_how_it_was_built():
    if torch.backends.cuda.is_built():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_built() else "cpu")


def _upside_down():
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return torch.device("cpu")
    return torch.device("cuda")


BEST_DEVICE = Exercise(
    id="08.best_device",
    title="The best device there is",
    points=6,
    cases=_device_cases,
    oracle=_device_oracle,
    probe="best_device",
    misconceptions={
        "always the CPU": Mistake(
            "You return the CPU on every machine. Where there is a GPU, it would stand idle. Ask for CUDA first, then for "
            "Apple's MPS.",
            _always("cpu"),
        ),
        "always CUDA": Mistake(
            "You return CUDA on every machine. Most laptops have none, and the first tensor that you move there raises "
            "an error. Ask before you answer.",
            _always("cuda"),
        ),
        "built is taken for available": Mistake(
            "You ask how torch was built. A build for CUDA runs on machines without a GPU too, and an old Apple GPU is "
            "not supported. Ask what is available here and now.",
            _ask_how_it_was_built,
        ),
        "Apple's GPU is passed over": Mistake(
            "CUDA and the CPU are right, but on a Mac with Apple's GPU you return the CPU. torch.backends.mps can tell "
            "you about it. If you do ask it, does a later if with an else of its own decide anew?",
            _ask("cuda"),
        ),
        "NVIDIA's GPU is passed over": Mistake(
            "Apple's GPU and the CPU are right, but on a machine with an NVIDIA GPU you return the CPU. torch.cuda can tell "
            "you about it. If you do ask it, does a later if with an else of its own decide anew? elif, or a return, "
            "leaves the first answer alone.",
            _ask("mps"),
        ),
        "the condition is upside down": Mistake(
            "Where there is a GPU you return the CPU, and CUDA where there is none. Turn the condition around.",
            _upside_down,
        ),
        "a text instead of a device": Mistake(
            "You return the device's name, a text. torch would take it in most places, but a text has no .type. "
            "Make it a torch.device.",
            lambda: str(_ask("cuda", "mps")()),
        ),
    },
    hints=(
        "There are three answers, from fast to slow: NVIDIA's GPU, Apple's GPU, the processor. Ask for each in turn.",
        "torch.cuda.is_available() and torch.backends.mps.is_available() each return True or False.",
        'if torch.cuda.is_available(): return torch.device("cuda"); the same for "mps"; at the end torch.device("cpu").',
    ),
)


# --- 08.to_device -------------------------------------------------------------------------------------------


def _float_tensor(rng, *shape):
    return torch.from_numpy(rng.integers(-9, 10, shape).astype(np.float32) / 4)


def _integer_tensor(rng, *shape):
    return torch.from_numpy(rng.integers(0, 9, shape))


def _batch_cases(rng):
    yield Case("one tensor", batch=_float_tensor(rng, 2, int(rng.integers(3, 9))), fields=None, device="meta")
    yield Case("a pair of images and labels", batch=(_float_tensor(rng, 4, 1, 2, 3), _integer_tensor(rng, 4)), fields=None, device="meta")  # fmt: skip
    yield Case(
        "a dict with a name and a number",
        batch={"image": _float_tensor(rng, 3, 2), "dish": "pizza", "grams": int(rng.integers(100, 400)), "box": None},
        fields=None,
        device="meta",
    )
    yield Case(
        "lists in dicts in tuples",
        batch=(
            {"boxes": [_float_tensor(rng, 2, 4), _float_tensor(rng, 1, 4)], "seen": (True, _integer_tensor(rng, 2))},
            [_integer_tensor(rng, 3), {"kcal": _float_tensor(rng, 3)}],
            float(rng.integers(1, 9)),
        ),
        fields=None,
        device="meta",
    )
    yield Case(
        "a namedtuple",
        batch=(_float_tensor(rng, 2, 3), _integer_tensor(rng, 2)),
        fields=["image", "label"],
        device="meta",
    )
    yield Case(
        "on the CPU nothing is lost",
        batch=[_float_tensor(rng, 2, 2), {"label": _integer_tensor(rng, 3), "raw": rng.integers(0, 9, 3)}],
        fields=None,
        device="cpu",
    )


def _batch_oracle(batch, fields, device):
    from torch.utils import _pytree

    given = devices.nested_batch(batch, fields)
    moved = _pytree.tree_map(lambda v: v.to(device) if isinstance(v, torch.Tensor) else v, given)
    return {**devices.layout(moved), "the batch that was given": "left as it was"}


def _walk(value, device, tensor=None, sequence=None, mapping=None, other=None):
    """A `to_device` whose parts can be replaced by wrong ones."""

    def again(item):
        return _walk(item, device, tensor, sequence, mapping, other)

    if isinstance(value, torch.Tensor):
        return (tensor or (lambda t, d: t.to(d)))(value, device)
    if isinstance(value, dict):
        return (mapping or (lambda m, f: {k: f(v) for k, v in m.items()}))(value, again)
    if isinstance(value, (list, tuple)):
        return (sequence or _same_kind)(value, again)
    return other(value, again) if other else value


def _same_kind(value, again):
    items = [again(item) for item in value]
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def _to_device(**parts):
    return lambda batch, device: _walk(batch, device, **parts)


def _one_level(batch, device):
    def move(item):
        return item.to(device) if isinstance(item, torch.Tensor) else item

    if isinstance(batch, dict):
        return {key: move(item) for key, item in batch.items()}
    return _same_kind(batch, move) if isinstance(batch, (list, tuple)) else move(batch)


def _in_place(batch, device):
    if isinstance(batch, dict):
        for key in batch:
            batch[key] = _in_place(batch[key], device)
        return batch
    if isinstance(batch, list):
        for number, item in enumerate(batch):
            batch[number] = _in_place(item, device)
        return batch
    if isinstance(batch, tuple):
        return _same_kind(batch, lambda item: _in_place(item, device))
    return _walk(batch, device)


def _tensors_only(value, again):
    def wanted(item):
        return isinstance(item, (torch.Tensor, list, tuple, dict))

    if isinstance(value, dict):
        return {k: again(v) for k, v in value.items() if wanted(v)}
    return (
        tuple(again(item) for item in value if wanted(item)) if isinstance(value, tuple) else [again(i) for i in value]
    )


TO_DEVICE = Exercise(
    id="08.to_device",
    title="Move a nested batch",
    points=10,
    cases=_batch_cases,
    oracle=_batch_oracle,
    probe="to_device",
    misconceptions={
        "nothing is moved": Mistake(
            "Your tensors are still where they were. x.to(device) moves nothing in place: it returns a new tensor, and "
            "you must keep that one.",
            lambda batch, device: batch,
        ),
        "tuples become lists": Mistake(
            "The tensors are moved, but a tuple has become a list. Give back what you were given: type(batch) knows what "
            "it was.",
            _to_device(sequence=lambda value, again: [again(item) for item in value]),
        ),
        "lists become tuples": Mistake(
            "The tensors are moved, but a list has become a tuple. Give back what you were given: type(batch) knows what "
            "it was.",
            _to_device(
                sequence=lambda value, again: (
                    _same_kind(value, again) if hasattr(value, "_fields") else tuple(again(item) for item in value)
                )
            ),
        ),
        "a namedtuple is built like a tuple": Mistake(
            "type(batch)(...) is given one list. A namedtuple wants its fields one by one, so unpack them with a star. It "
            "has an attribute _fields by which you can tell it.",
            _to_device(sequence=lambda value, again: type(value)([again(item) for item in value])),
        ),
        "a namedtuple loses its names": Mistake(
            "A namedtuple has come back as a plain tuple, so batch.label no longer works. Build it again with its own "
            "type.",
            _to_device(
                sequence=lambda value, again: (
                    tuple(again(i) for i in value) if isinstance(value, tuple) else [again(i) for i in value]
                )
            ),
        ),
        "only one level deep": Mistake(
            "You move what lies at the top, and leave what lies inside lists and dicts there. Let the function call itself "
            "for every item.",
            _one_level,
        ),
        "what is inside dicts is left behind": Mistake(
            "Dicts come back unmoved. Call the function for each of their values, and keep the keys.",
            _to_device(mapping=lambda value, again: value),
        ),
        "what is inside lists is left behind": Mistake(
            "Lists and tuples come back unmoved. Call the function for each of their items.",
            _to_device(sequence=lambda value, again: value),
        ),
        "the labels become floats": Mistake(
            "On the way you turn everything into float32. Labels are whole numbers, and cross-entropy insists on that. A "
            "move changes the place and nothing else.",
            _to_device(tensor=lambda tensor, device: tensor.to(device).float()),
        ),
        "the batch is changed in place": Mistake(
            "You write the moved tensors into the list or dict that you were given. Whoever called you still has it, and "
            "finds it changed. Build a new one.",
            _in_place,
        ),
        "what is no tensor gets lost": Mistake(
            "Names, numbers and None are gone. What is no tensor and no collection is handed through as it is.",
            _to_device(
                mapping=_tensors_only,
                sequence=lambda v, again: _same_kind(v, again) if hasattr(v, "_fields") else _tensors_only(v, again),
            ),  # fmt: skip
        ),
        "what is no tensor becomes None": Mistake(
            "Names and numbers come back as None: for what is no tensor and no collection your function ends without a "
            "return. Hand it through as it is.",
            _to_device(other=lambda value, again: None),
        ),
        "NumPy arrays become tensors": Mistake(
            "You turn NumPy arrays into tensors. The docstring speaks of tensors alone: everything else is handed through "
            "as it is.",
            _to_device(other=lambda value, again: torch.from_numpy(value) if isinstance(value, np.ndarray) else value),
        ),
        "a text is taken apart": Mistake(
            "You go through everything that can be iterated over, and a text is made of texts without end. Ask for list, "
            "tuple and dict by name.",
            _to_device(other=lambda value, again: _endless() if isinstance(value, str) else value),
        ),
    },
    hints=(
        "Four kinds of thing can come: a tensor, a dict, a list or tuple, and everything else. Write one if for each.",
        "For a dict or a list, let the function call itself for each item: to_device(item, device). For everything else, "
        "return it as it is.",
        "Tensor: batch.to(device). Dict: {key: to_device(value, device) for ...}. Namedtuple (hasattr(batch, '_fields')): "
        "type(batch)(*items). List or tuple: type(batch)(items).",
    ),
)


def _endless():
    raise RecursionError("maximum recursion depth exceeded")


# --- 08.conv_flops ------------------------------------------------------------------------------------------


def _conv_case(label, x, w, stride, padding, **more):
    return Case(label, x_shape=tuple(map(int, x)), w_shape=tuple(map(int, w)), stride=int(stride), padding=int(padding), **more)  # fmt: skip


def _conv_cases(rng):
    f = rng.integers(2, 6)
    yield Case("one picture, one channel, stride and padding left at their defaults", x_shape=(1, 1, 4, 5), w_shape=(int(f), 1, 3, 2))  # fmt: skip
    n, h = rng.integers(4, 12), rng.integers(20, 40)
    yield _conv_case("a layer of chapter 03", (n, 3, h, h + 7), (16, 3, 5, 4), 1, 0)
    yield _conv_case("padding 7", (n + 1, 8, h + 2, h - 4), (12, 8, 5, 3), 1, 7)
    yield _conv_case("stride 7", (n + 2, 6, 2 * h + 5, 2 * h), (10, 6, 3, 4), 7, 0)
    yield _conv_case("stride 2 and padding 1", (n + 3, 32, 2 * h + 1, 2 * h + 6), (64, 32, 4, 3), 2, 1)
    yield _conv_case("a 1 x 1 kernel", (n, 48, h + 1, h + 3), (24, 48, 1, 1), 1, 0)


def _conv_oracle(x_shape, w_shape, stride=1, padding=0):
    from torch.utils.flop_counter import FlopCounterMode

    x, w = (torch.empty(shape, device="meta") for shape in (x_shape, w_shape))
    with FlopCounterMode(display=False) as counter:
        F.conv2d(x, w, stride=stride, padding=padding)
    return int(counter.get_total_flops())


def _output(x, w, s, p):
    return output_size(x[2], w[2], s, p), output_size(x[3], w[3], s, p)


def _macs(x, w, s, p):
    oh, ow = _output(x, w, s, p)
    return x[0] * w[0] * oh * ow * w[1] * w[2] * w[3]


CONV_FLOPS = Exercise(
    id="08.conv_flops",
    title="The work of a convolution",
    points=10,
    cases=_conv_cases,
    oracle=_conv_oracle,
    forbidden=("torch.utils.flop_counter.*", "torch.profiler.*", "torch.autograd.profiler.*"),
    rtol=1e-9,
    misconceptions={
        "only multiplications are counted": Mistake(
            "You have half of it. Each weight costs a multiplication and an addition, and both are floating-point "
            "operations. (What you counted are MACs, multiply-accumulates.)",
            _macs,
        ),
        "one addition too few": Mistake(
            "You count L - 1 additions for a dot product of length L. That is how few it takes, but the usual count, and this "
            "exercise's, is two operations for each product: the first one is added to 0.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, p) - x[0] * w[0] * math.prod(_output(x, w, s, p)),
        ),
        "a bias is counted": Mistake(
            "You add an operation for a bias to each output. This convolution has none.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, p) + x[0] * w[0] * math.prod(_output(x, w, s, p)),
        ),
        "the output's size is not rounded down": Mistake(
            "Your output has a fraction of a row. Where the stride does not divide evenly, the remainder is dropped: use //.",
            lambda x, w, s=1, p=0: (
                2 * x[0] * math.prod(w) * ((x[2] + 2 * p - w[2]) / s + 1) * ((x[3] + 2 * p - w[3]) / s + 1)
            ),
        ),
        "the input's size instead of the output's": Mistake(
            "You count one dot product for every input pixel. There is one for every output pixel, and with a stride or "
            "without padding those are fewer.",
            lambda x, w, s=1, p=0: 2 * x[0] * w[0] * x[2] * x[3] * w[1] * w[2] * w[3],
        ),
        "the stride is ignored": Mistake(
            "You slide the kernel by one pixel, whatever the stride. A larger stride gives fewer outputs.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, 1, p),
        ),
        "the padding is ignored": Mistake(
            "Your output has the size that it would have without padding. Zeros around the picture are multiplied too.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, 0),
        ),
        "padding on one side only": Mistake(
            "Your padding is counted once. There is some on both sides.",
            lambda x, w, s=1, p=0: (
                2 * x[0] * w[0] * ((x[2] + p - w[2]) // s + 1) * ((x[3] + p - w[3]) // s + 1) * w[1] * w[2] * w[3]
            ),  # fmt: skip
        ),
        "the output's size lacks its 1": Mistake(
            "Your output is one row and one column too small: chapter 03's formula ends with + 1.",
            lambda x, w, s=1, p=0: (
                2 * x[0] * w[0] * ((x[2] + 2 * p - w[2]) // s) * ((x[3] + 2 * p - w[3]) // s) * w[1] * w[2] * w[3]
            ),  # fmt: skip
        ),
        "the batch is forgotten": Mistake(
            "You count one picture's work. A batch of N pictures is N times as much.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, p) // x[0],
        ),
        "the input channels are forgotten": Mistake(
            "You count one input channel. Every filter has a kernel for each of them.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, p) // w[1],
        ),
        "the filters are forgotten": Mistake(
            "You count one filter. The layer has F of them, each with outputs of its own.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, p) // w[0],
        ),
        "one side of the kernel only": Mistake(
            "You count one row of the kernel instead of all of them. It has KH times KW weights for each channel.",
            lambda x, w, s=1, p=0: 2 * _macs(x, w, s, p) // w[2],
        ),
        "weights instead of work": Mistake(
            "You count the layer's weights, twice. Each of them is used again at every output position of every picture.",
            lambda x, w, s=1, p=0: 2 * w[0] * w[1] * w[2] * w[3],
        ),
        "height and width of the output are swapped": Mistake(
            "You take the kernel's width from the picture's height, or the other way around. Rows go with KH, columns with "
            "KW.",
            lambda x, w, s=1, p=0: 2 * _macs(x, (w[0], w[1], w[3], w[2]), s, p),
        ),
    },
    hints=(
        "Take one output number first. How many weights does its dot product have, and what does each of them cost?",
        "A dot product of length L costs 2L: L multiplications and L additions (the first is added to 0). Its length is "
        "C times KH times KW. How many outputs are there? N times F times OH times OW.",
        "OH = (H + 2 * padding - KH) // stride + 1, OW likewise. The answer is 2 * N * F * OH * OW * C * KH * KW.",
    ),
)


# --- 08.arithmetic_intensity --------------------------------------------------------------------------------


def _intensity_cases(rng):
    n = int(rng.integers(2, 6))
    yield Case("a small product of matrices", flops=2 * n * 3 * 4, read=[(n, 3), (3, 4)], written=[(n, 4)], itemsize=4)
    n, c, h, w, f = int(rng.integers(8, 40)), 3, 32, int(rng.integers(20, 44)), 16
    yield Case("a convolution in float32", flops=2 * n * f * h * w * c * 9, read=[(n, c, h, w), (f, c, 3, 3), (f,)], written=[(n, f, h, w)], itemsize=4)  # fmt: skip
    yield Case("the same in bfloat16", flops=2 * n * f * h * w * c * 9, read=[(n, c, h, w), (f, c, 3, 3), (f,)], written=[(n, f, h, w)], itemsize=2)  # fmt: skip
    yield Case("a ReLU in float64", flops=n * h * w, read=[(n, h, w)], written=[(n, h, w)], itemsize=8)
    yield Case("two results, one of them a single number", flops=3 * n * w, read=[(n, w)], written=[(w, n, 2), ()], itemsize=4)  # fmt: skip
    several = [(n, w), (w,), (n,), (), (h, 2), (w, 3), (n, n)]
    yield Case("seven tensors in, six out, much to do", flops=1000 * n * w * h, read=several, written=several[1:], itemsize=4)  # fmt: skip


def _size(shapes):
    return sum(int(np.prod(shape, dtype=np.int64)) for shape in shapes)


def _intensity_oracle(flops, read, written, itemsize):
    moved = sum(np.broadcast_to(np.int8(0), shape).size for shape in (*read, *written))
    return flops / (moved * itemsize)


ARITHMETIC_INTENSITY = Exercise(
    id="08.arithmetic_intensity",
    title="Arithmetic intensity",
    points=8,
    cases=_intensity_cases,
    oracle=_intensity_oracle,
    misconceptions={
        "what is read is forgotten": Mistake(
            "You count only what is written. Every input and every weight has to come from memory first.",
            lambda f, r, w, b: f / (b * _size(w)),
        ),
        "what is written is forgotten": Mistake(
            "You count only what is read. The result has to go back to memory.",
            lambda f, r, w, b: f / (b * _size(r)),
        ),
        "only the first tensor is read": Mistake(
            "You count the first tensor that is read, and not the others. Weights have to come from memory as well.",
            lambda f, r, w, b: (
                f / (b * (_size(r[:1]) + _size(w))) if len(r) > 1 else f / (b * (_size(r) + _size(w[:1])))
            ),
        ),
        "numbers instead of bytes": Mistake(
            "You divide by how many numbers are moved. Each of them has itemsize bytes.",
            lambda f, r, w, b: f / (_size(r) + _size(w)),
        ),
        "always four bytes": Mistake(
            "You take four bytes a number, whatever itemsize says. In bfloat16 there are two, and that is half its point.",
            lambda f, r, w, b: f / (4 * (_size(r) + _size(w))),
        ),
        "bits instead of bytes": Mistake(
            "You divide by bits. Memory is counted in bytes, of eight bits each.",
            lambda f, r, w, b: f / (8 * b * (_size(r) + _size(w))),
        ),
        "upside down": Mistake(
            "You have bytes for each operation. Arithmetic intensity is the other way around: operations for each byte.",
            lambda f, r, w, b: (b * (_size(r) + _size(w))) / f,
        ),
        "a shape's sides are added up": Mistake(
            "You add the sides of a shape. A tensor of shape (2, 3) holds 2 times 3 numbers.",
            lambda f, r, w, b: f / (b * sum(sum(s) if s else 1 for s in (*r, *w))),
        ),
        "the shapes are multiplied, not their sides": Mistake(
            "read and written are lists of shapes, and you hand such a list to math.prod whole. It multiplies numbers: give it "
            "one shape after the other, and add up what it returns.",
            lambda f, r, w, b: f / ((math.prod(r) + math.prod(w)) * b),
        ),
        "a single number counts for nothing": Mistake(
            "A tensor of shape () holds one number, not none. math.prod(()) is 1, as it should be.",
            lambda f, r, w, b: f / (b * (_size(s for s in r if s) + _size(s for s in w if s))),
        ),
        "the bytes are forgotten": Mistake(
            "You return the operations alone. Divide them by the bytes that have to be moved.",
            lambda f, r, w, b: f,
        ),
    },
    rtol=1e-7,
    hints=(
        "How many numbers are there in a tensor of shape (2, 3, 4)? How many bytes are those?",
        "Add up the numbers of all shapes in read and in written; math.prod(shape) counts one shape's. Multiply by "
        "itemsize.",
        "flops / (itemsize * sum(math.prod(shape) for shape in read + written)).",
    ),
)


# --- 08.measure ---------------------------------------------------------------------------------------------


def _times(rng, n):
    """Times with a long tail, in whole microseconds, all different."""
    return (rng.permutation(np.arange(n)) * 1e-6 + rng.lognormal(-6.2, 0.5, n).round(6) + 1e-3).round(6)


def _clock_case(rng, label, warmup, repeats, gpu, said=True, **more):
    """Warm-up calls are slow; on a GPU a call leaves most of its work to the queue.

    Where nothing is said of them, warmup and repeats are those of the defaults.
    """
    n = warmup + repeats
    work = _times(rng, n)
    work[:warmup] *= rng.integers(4, 9)
    work[warmup + rng.integers(repeats)] += 0.05 if repeats > 1 else 0.0  # once the machine does something else
    processor, device = (np.full(n, 2e-5) + np.arange(n) * 1e-6, work) if gpu else (work, np.zeros(n))
    settings = {"warmup": warmup, "repeats": repeats} if said else {}
    return Case(label, processor=processor.round(6), device=device.round(6), **settings, **more)


def _clock_cases(rng):
    yield Case(
        "on the CPU, times of whole milliseconds",
        processor=np.array([40, 20, *rng.permutation([1, 2, 3, 5, 30])]) / 1000,
        device=np.zeros(7),
        warmup=2,
        repeats=5,
    )
    yield _clock_case(rng, "on the CPU, warmup and repeats left at their defaults", 3, 11, False, said=False)
    yield _clock_case(rng, "on a GPU", 3, 9, True)
    yield _clock_case(rng, "on a GPU, many repeats", 5, 31, True)
    yield _clock_case(rng, "on a GPU, without a warm-up", 0, 7, True)
    yield _clock_case(rng, "a single repeat", 2, 1, True, weight=0.5)


def _clock_oracle(processor, device, warmup=3, repeats=11):
    taken = np.sort((processor + device)[warmup:])
    return float(taken[repeats // 2]), float(taken[0]), float(taken[-1])


def _statistics(times):
    return float(np.median(times)), float(min(times)), float(max(times))


def _measure(before=True, after=True, warm=True, count_all=False, clock="perf_counter", say=_statistics):
    """A `measure` whose parts can be left out."""

    def wrong(fn, synchronize, warmup=3, repeats=11):
        now = getattr(time, clock)
        times = []
        for number in range(warmup + repeats if warm else repeats):
            if before and (after or number == warmup):
                synchronize()
            start = now()
            fn()
            if after:
                synchronize()
            times.append(now() - start)
        return say(times if count_all or not warm else times[warmup:])

    return wrong


def _one_clock(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
    synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        fn()
    synchronize()
    mean = (time.perf_counter() - start) / repeats
    return mean, mean, mean


def _late_start(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        fn()
        synchronize()
        times.append(time.perf_counter() - start)
    return _statistics(times)


def _waits_on_the_clock(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        synchronize()
        fn()
        synchronize()
        times.append(time.perf_counter() - start)
    return _statistics(times)


MEASURE = Exercise(
    id="08.measure",
    title="Measure honestly",
    points=14,
    cases=_clock_cases,
    oracle=_clock_oracle,
    probe="measure",
    forbidden=("torch.utils.benchmark.*",),
    rtol=1e-6,
    misconceptions={
        "no warm-up": Mistake(
            "You leave out the warm-up calls. The first calls load libraries, fill caches and choose algorithms; your "
            "numbers would describe them instead of an ordinary call.",
            _measure(warm=False),
        ),
        "the warm-up is counted": Mistake(
            "You call fn often enough, but the warm-up's times are among those that you count. Throw them away.",
            _measure(count_all=True),
        ),
        "no synchronize": Mistake(
            "On a GPU you measure how long it takes to launch the work, not to do it: fn returns at once. Call "
            "synchronize() between fn() and your look at the clock.",
            _measure(before=False, after=False),
        ),
        "no synchronize before the clock starts": Mistake(
            "Your first repeat also waits for what the warm-up had left in the queue. Let the queue run empty before you "
            "look at the clock for the first time.",
            _late_start,
            also=[_waits_on_the_clock],
        ),
        "the mean instead of the median": Mistake(
            "Your first number is the mean. A single interruption can move it as far as you like; the median stays "
            "where it is.",
            _measure(say=lambda t: (float(np.mean(t)), min(t), max(t))),
        ),
        "one clock around all repeats": Mistake(
            "You time all repeats together and divide. That is a mean, and you cannot see the spread. On a GPU, "
            "launching and working overlap as well. Look at the clock in every repeat.",
            _one_clock,
        ),
        "the fastest instead of the median": Mistake(
            "Your first number is the fastest time. It is asked for second; the first is the median.",
            _measure(say=lambda t: (min(t), min(t), max(t))),
        ),
        "the middle repeat instead of the median": Mistake(
            "Your first number is the time in the middle of the list, in the order in which the repeats were made. The median is in "
            "the middle of the sorted times.",
            _measure(say=lambda t: (float(t[len(t) // 2]), float(min(t)), float(max(t)))),
        ),
        "slowest and fastest are swapped": Mistake(
            "The order is median, fastest, slowest.",
            _measure(say=lambda t: (float(np.median(t)), max(t), min(t))),
        ),
        "milliseconds": Mistake(
            "Your times are a thousand times too large. Return seconds, as the clock gives them.",
            _measure(say=lambda t: tuple(1000 * v for v in _statistics(t))),
        ),
        "processor time instead of the clock": Mistake(
            "time.process_time adds up the time that all of the processor's cores spend working, and stands still while they "
            "wait for a GPU. What a user waits for is time on the wall: use time.perf_counter.",
            _measure(clock="process_time"),
        ),
        "only the last repeat": Mistake(
            "You keep the last time only. Collect all of them in a list, and take the median at the end.",
            _measure(say=lambda t: (t[-1], t[-1], t[-1])),
        ),
        "a single number": Mistake(
            "You return the median alone. Without the spread it says too little: return median, fastest, slowest.",
            _measure(say=lambda t: float(np.median(t))),
        ),
    },
    hints=(
        "Three parts: call fn a few times untimed; call it again and note each time; summarize the list.",
        "time.perf_counter() is the clock. synchronize() belongs before the first look at the clock and before the "
        "second, in every repeat.",
        "for each repeat: synchronize(); start = time.perf_counter(); fn(); synchronize(); "
        "times.append(time.perf_counter() - start). Then statistics.median(times), min(times), max(times).",
    ),
)


# --- 08.train_step, 08.evaluate and 08.train_step_amp -------------------------------------------------------


def _signed(rng, *shape):
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.2, 1.2, shape).round(2)


def _network_weights(rng, inside, hidden, out, statistics=False):
    weights = {
        "W1": _signed(rng, hidden, inside),
        "b1": _signed(rng, hidden),
        "W2": _signed(rng, out, hidden),
        "b2": _signed(rng, out),
    }
    if statistics:
        weights |= {"mean": _signed(rng, hidden), "variance": rng.uniform(0.4, 2.5, hidden).round(2)}
    return weights


def _picture_batches(rng, sizes, inside, out):
    """Batches in which every label differs from the next."""
    found = []
    for n in sizes:
        labels = (np.arange(n) + rng.integers(out)) % out
        found.append((_signed(rng, n, inside) * 1.5, rng.permutation(labels).astype(np.int64)))
    return found


def _step_case(rng, label, sizes, shape, statistics=False, **settings):
    inside, hidden, out = shape
    return Case(
        label,
        batches=_picture_batches(rng, sizes, inside, out),
        weights=_network_weights(rng, inside, hidden, out, statistics),
        settings={"mode": "train", "stale": 0.0, **settings},
    )


def _step_cases(rng):
    yield _step_case(rng, "one step of SGD", (3,), (2, 4, 3), optimizer="SGD", lr=0.5)
    yield _step_case(rng, "gradients of an earlier step are still there", (4, 5), (3, 5, 4), optimizer="SGD", lr=0.2, stale=0.5)  # fmt: skip
    yield _step_case(rng, "three steps with momentum", (5, 3, 4), (4, 6, 3), optimizer="SGD", lr=0.1, momentum=0.9)
    yield _step_case(rng, "Adam", (6, 4), (3, 4, 5), optimizer="Adam", lr=0.05, stale=0.3)
    yield _step_case(rng, "batch normalization", (4, 6), (4, 3, 3), True, optimizer="SGD", lr=0.1, momentum=0.5)
    yield _step_case(rng, "batch normalization, after an evaluation", (5, 4), (3, 4, 3), True, optimizer="SGD", lr=0.2, mode="eval")  # fmt: skip


def _numpy_step(batches, weights, settings):
    """Oracle: the same network, its gradients and its optimizer in NumPy."""
    P = {name: np.array(value, float) for name, value in weights.items()}
    normal = "mean" in P
    names = ["W1", "b1", *(["gamma", "beta"] if normal else []), "W2", "b2"]
    if normal:
        P["gamma"], P["beta"] = np.ones_like(P["b1"]), np.zeros_like(P["b1"])
    state = {name: (np.zeros_like(P[name]), np.zeros_like(P[name])) for name in names}
    losses = []
    P["nearest to the kink"] = np.inf
    for t, (x, y) in enumerate(batches, start=1):
        n = len(y)
        z = x @ P["W1"].T + P["b1"]
        if normal:
            mean, var = z.mean(0), z.var(0)
            P["mean"] = 0.9 * P["mean"] + 0.1 * mean
            P["variance"] = 0.9 * P["variance"] + 0.1 * var * n / (n - 1)
            hat = (z - mean) / np.sqrt(var + 1e-5)
            u = P["gamma"] * hat + P["beta"]
        else:
            u = z
        P["nearest to the kink"] = min(P["nearest to the kink"], np.abs(u).min())
        h = np.maximum(u, 0)
        s = h @ P["W2"].T + P["b2"]
        p = softmax(s)
        losses.append(-np.log(p[np.arange(n), y]).mean())
        ds = (p - one_hot(y, s.shape[1])) / n
        G = {"W2": ds.T @ h, "b2": ds.sum(0)}
        du = (ds @ P["W2"]) * (u > 0)
        if normal:
            G["gamma"], G["beta"] = (du * hat).sum(0), du.sum(0)
            dhat = du * P["gamma"]
            du = (dhat - dhat.mean(0) - hat * (dhat * hat).mean(0)) / np.sqrt(var + 1e-5)
        G["W1"], G["b1"] = du.T @ x, du.sum(0)
        for name in names:
            m, v = state[name]
            if settings["optimizer"] == "Adam":
                m, v = 0.9 * m + 0.1 * G[name], 0.999 * v + 0.001 * G[name] ** 2
                move = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            else:
                m = settings.get("momentum", 0) * m + G[name]
                move = m
            state[name] = m, v
            P[name] = P[name] - settings["lr"] * move
    flat = np.concatenate([P[name].ravel() for name in names])
    return np.array(losses), flat, P


def _step_oracle(batches, weights, settings):
    losses, flat, P = _numpy_step(batches, weights, settings)
    found = {"losses": losses.round(10), "weights": flat.round(10), "the model is left in": "training mode"}
    if "mean" in P:
        counted = np.array([float(len(batches))])
        found["running statistics"] = np.concatenate([P["mean"], P["variance"], counted]).round(10)
    return found


def _train_step(
    zero="before", order="right", mode="train", loss=None, give=lambda value: value.item(), context=None, backward=True
):
    """A training step whose parts can be wrong."""

    def wrong(model, batch, optimizer):
        x, y = batch
        if mode:
            model.train(mode == "train")
        if zero == "before":
            optimizer.zero_grad()
        with context(x) if context else contextlib.nullcontext():
            scores = model(x)
            value = loss(scores, y) if loss else F.cross_entropy(scores, y)
        if order == "step first":
            optimizer.step()
        if backward:
            value.backward()
        if zero == "between":
            optimizer.zero_grad()
        if order == "right":
            optimizer.step()
        if zero == "after":
            optimizer.zero_grad()
        return give(value)

    return wrong


def _loss_afterwards(model, batch, optimizer):
    _train_step()(model, batch, optimizer)
    return F.cross_entropy(model(batch[0]), batch[1]).item()


def _summed_then_divided(model, batch, optimizer):
    loss = _train_step(loss=lambda s, y: F.cross_entropy(s, y, reduction="sum"))(model, batch, optimizer)
    return loss / len(batch[1])


def _multiplied_by_the_batch(model, batch, optimizer):
    return _train_step()(model, batch, optimizer) * len(batch[1])


def _evaluation_afterwards(model, batch, optimizer):
    loss = _train_step()(model, batch, optimizer)
    model.eval()
    return loss


def _accuracy_as_loss(model, batch, optimizer):
    x, y = batch
    model.train()
    optimizer.zero_grad()
    scores = model(x)
    F.cross_entropy(scores, y).backward()
    optimizer.step()
    return (scores.argmax(1) == y).to(torch.float64).mean().item()


def _step_mistakes(context=None):
    """Mistakes of a training step, be it in full precision or in mixed precision (`context` is autocast)."""
    return {
        "the gradients are not zeroed": Mistake(
            "backward() adds to the gradients that are there already, so yours are a sum over all batches so far. Zero "
            "them in every step, before the backward pass.",
            _train_step(zero="never", context=context),
        ),
        "zeroed after the step only": Mistake(
            "You zero the gradients at the end. Whatever was in them before your first step is still added to its "
            "gradient. Zero them before the backward pass.",
            _train_step(zero="after", context=context),
        ),
        "zero_grad after backward": Mistake(
            "You zero the gradients just after they have been computed, so the step has nothing to follow. Zero them "
            "before the backward pass.",
            _train_step(zero="between", context=context),
        ),
        "step before backward": Mistake(
            "The optimizer steps before this batch's gradients exist. First comes backward, which computes them, then the "
            "step, which uses them.",
            _train_step(order="step first", context=context),
        ),
        "the optimizer never steps": Mistake(
            "The gradients are right, but the weights stay as they were. optimizer.step() is what moves them.",
            _train_step(order="no step", context=context),
        ),
        "the loss keeps its graph": Mistake(
            "You return the loss as it comes, a tensor with its whole graph behind it. After backward() "
            "that graph is used up and of no use to anybody. Return loss.item(), or loss.detach().",
            _train_step(give=lambda value: value, context=context),
        ),
    }


TRAIN_STEP = Exercise(
    id="08.train_step",
    title="One training step",
    points=16,
    cases=_step_cases,
    oracle=_step_oracle,
    probe="train_step",
    rtol=1e-6,
    misconceptions={
        **_step_mistakes(),
        "the model is left in evaluation mode": Mistake(
            "After an evaluation the model is in evaluation mode, and batch normalization uses its old statistics there. "
            "Call model.train() before the forward pass.",
            _train_step(mode=None),
        ),
        "evaluation mode afterwards": Mistake(
            "The step is right, but at its end you put the model into evaluation mode. The docstring asks for training mode: "
            "the next batch comes at once.",
            _evaluation_afterwards,
        ),
        "the model is put into evaluation mode": Mistake(
            "You call model.eval() in a training step. Batch normalization then uses its old statistics instead of the "
            "batch's, and never updates them.",
            _train_step(mode="eval", loss=lambda s, y: F.cross_entropy(s, y)),
        ),
        "softmax before cross_entropy": Mistake(
            "You turn the scores into probabilities first. PyTorch's cross_entropy does that itself, so softmax is "
            "applied twice, and the network learns far too slowly. Give it the scores.",
            _train_step(loss=lambda s, y: F.cross_entropy(s.softmax(1), y)),
        ),
        "nll_loss of the scores": Mistake(
            "nll_loss expects logarithms of probabilities. For raw scores it is not a loss at all: it can fall without limit. "
            "Use cross_entropy.",
            _train_step(loss=lambda s, y: F.nll_loss(s, y)),
        ),
        "a sum over the batch": Mistake(
            "You add up the pictures' losses. With a larger batch your steps would grow too. Take the mean, which is "
            "cross_entropy's default.",
            _train_step(loss=lambda s, y: F.cross_entropy(s, y, reduction="sum")),
            also=[_summed_then_divided],
        ),
        "the returned loss is a sum": Mistake(
            "The step is right, but the loss that you return is multiplied by the number of pictures. That is of use where sums of "
            "many batches are collected. Return the batch's mean.",
            _multiplied_by_the_batch,
        ),
        "the squared error of the scores": Mistake(
            "You compare scores with one-hot labels by their squared error. That is a loss for grams. For dishes it is "
            "cross-entropy.",
            _train_step(loss=lambda s, y: ((s - F.one_hot(y, s.shape[1])) ** 2).mean()),
        ),
        "the loss after the step": Mistake(
            "The weights are right, but you compute the loss once more, with the new weights. That costs a second forward "
            "pass. Return the loss whose gradient you have taken.",
            _loss_afterwards,
        ),
        "the accuracy instead of the loss": Mistake(
            "The weights are right, but you return the share of right answers. Return the loss.",
            _accuracy_as_loss,
        ),
    },
    hints=(
        "Five things happen: zero the gradients, forward, loss, backward, step. And the model must know that it is being "
        "trained.",
        "images, labels = batch. torch.nn.functional.cross_entropy(model(images), labels) takes scores and is a mean "
        "already.",
        "model.train(); optimizer.zero_grad(); loss = ...; loss.backward(); optimizer.step(); return loss.item().",
    ),
)


def _evaluation_case(rng, label, sizes, shape, statistics=True, **more):
    """Batches whose means differ: the last is short, and the network is better or worse at it."""
    inside, hidden, out = shape
    while True:
        weights = _network_weights(rng, inside, hidden, out, statistics)
        batches = _picture_batches(rng, sizes, inside, out)
        found = [_numpy_scores(weights, x) for x, _ in batches]
        right = [float(np.mean(s.argmax(1) == y)) for s, (_, y) in zip(found, batches, strict=True)]
        total = float(np.average(right, weights=sizes))
        differ = abs(np.mean(right) - total) > 0.02 and abs(right[-1] - total) > 0.02
        if len(sizes) == 1 or (differ and right[0] > 0 and right[-1] > 0 and total < 1):
            return Case(label, batches=batches, weights=weights, **more)


def _numpy_scores(weights, x):
    z = x @ weights["W1"].T + weights["b1"]
    if "mean" in weights:
        z = (z - weights["mean"]) / np.sqrt(weights["variance"] + 1e-5)
    return np.maximum(z, 0) @ weights["W2"].T + weights["b2"]


def _evaluation_cases(rng):
    yield _evaluation_case(rng, "two batches, the last one short", (4, 1), (2, 3, 3), False)
    yield _evaluation_case(rng, "batch normalization", (5, 5, 3), (3, 4, 4))
    yield _evaluation_case(rng, "many batches, the last one short", (6, 6, 6, 2), (4, 6, 3))
    yield _evaluation_case(rng, "batches of different sizes", (3, 7, 4), (3, 5, 6))
    yield _evaluation_case(rng, "what comes back: two floats", (3, 2), (2, 4, 3), returned="two floats")


def _evaluation_oracle(batches, weights, returned=""):
    from scipy.special import log_softmax

    x, y = (np.concatenate([batch[i] for batch in batches]) for i in (0, 1))
    scores = _numpy_scores(weights, x)
    loss = -log_softmax(scores, axis=1)[np.arange(len(y)), y].mean()
    return {"mean loss": float(np.round(loss, 10)), "accuracy": float(np.mean(scores.argmax(1) == y))}


def _evaluate(mode="eval", track=False, sum_up=None, loss=None, correct=None):
    """An evaluation whose parts can be wrong; `sum_up` gets (loss, number right, size) for each batch."""

    def wrong(model, batches):
        if mode:
            model.train(mode == "train")
        found = []
        with contextlib.nullcontext() if track else torch.no_grad():
            for x, y in batches:
                scores = model(x)
                value = loss(scores, y) if loss else F.cross_entropy(scores, y)
                right = correct(scores, y) if correct else (scores.argmax(1) == y).sum()
                found.append((float(value.detach()), float(right), len(y)))
        return (sum_up or _means_by_size)(found)

    return wrong


def _means_by_size(found):
    n = sum(size for _, _, size in found)
    return sum(loss * size for loss, _, size in found) / n, sum(right for _, right, _ in found) / n


def _one_tensor(which):
    def sum_up(found):
        both = list(_means_by_size(found))
        both[which] = torch.tensor(both[which])
        return tuple(both)

    return sum_up


def _freezing(model, batches):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return _evaluate(track=True)(model, batches)


def _switching_off(model, batches):
    found = _evaluate()(model, batches)
    torch.set_grad_enabled(False)
    return found


EVALUATE = Exercise(
    id="08.evaluate",
    title="Evaluate",
    points=14,
    cases=_evaluation_cases,
    oracle=_evaluation_oracle,
    probe="evaluate",
    rtol=1e-6,
    misconceptions={
        "training mode is left on": Mistake(
            "The model is still in training mode, so batch normalization uses each batch's own statistics, and keeps "
            "updating its running averages from your test pictures. Call model.eval() first.",
            _evaluate(mode=None),
        ),
        "gradients are tracked": Mistake(
            "The numbers may be right, but torch records every operation for a backward pass that never comes: time and "
            "memory for nothing. Wrap the loop in torch.no_grad() or torch.inference_mode().",
            _evaluate(track=True),
        ),
        "the weights are frozen for good": Mistake(
            "You switch requires_grad off and never on again, so the next training step fails. "
            "torch.no_grad() ends by itself.",
            _freezing,
        ),
        "gradients are off for good": Mistake(
            "torch.set_grad_enabled(False) as a line of its own switches gradients off for the whole program, and the next "
            "training step fails. As a context, with torch.no_grad():, it ends by itself.",
            _switching_off,
        ),
        "tensors instead of floats": Mistake(
            "The two numbers are right, but they are tensors. Each keeps its device with it, and a list or a file of them "
            "is not a list of numbers. Call item(), which gives a float.",
            _evaluate(sum_up=lambda f: tuple(map(torch.tensor, _means_by_size(f)))),
            also=[_evaluate(sum_up=_one_tensor(which)) for which in (0, 1)],
        ),
        "the mean of batch means": Mistake(
            "You average the batches' averages, so the pictures of a short last batch count for more than the others. Weigh "
            "each batch by its size.",
            _evaluate(
                sum_up=lambda f: (float(np.mean([a for a, _, _ in f])), float(np.mean([r / n for _, r, n in f])))
            ),
        ),
        "the loss is averaged over batches": Mistake(
            "Your accuracy is right, but the loss is divided by the number of batches: the pictures of a short batch count "
            "for more. Weigh each batch's loss by its size.",
            _evaluate(sum_up=lambda f: (float(np.mean([a for a, _, _ in f])), _means_by_size(f)[1])),
        ),
        "the accuracy of the last batch only": Mistake(
            "Your loss is right, but the accuracy is that of the last batch. Count the right answers of all batches.",
            _evaluate(sum_up=lambda f: (_means_by_size(f)[0], f[-1][1] / f[-1][2])),
        ),
        "the last batch only": Mistake(
            "Both numbers are those of the last batch. Add up over all batches, and divide at the end.",
            _evaluate(sum_up=lambda f: (f[-1][0], f[-1][1] / f[-1][2])),
        ),
        "the first batch only": Mistake(
            "Both numbers are those of the first batch. Is there a return inside the loop?",
            _evaluate(sum_up=lambda f: (f[0][0], f[0][1] / f[0][2])),
        ),
        "every batch counts as full": Mistake(
            "You divide by the number of batches times the first batch's size. The others may have other sizes: "
            "add up the sizes.",
            _evaluate(
                sum_up=lambda f: (
                    sum(a * n for a, _, n in f) / (len(f) * f[0][2]),
                    sum(r for _, r, _ in f) / (len(f) * f[0][2]),
                )
            ),
        ),
        "the loss is not weighed before the division": Mistake(
            "You add up the batches' mean losses and divide by the number of pictures. Multiply each mean by its batch's "
            "size first.",
            _evaluate(sum_up=lambda f: (sum(a for a, _, _ in f) / sum(n for _, _, n in f), _means_by_size(f)[1])),
        ),
        "percent": Mistake(
            "Your accuracy is a hundred times too large. It is a share, from 0 to 1.",
            _evaluate(sum_up=lambda f: (_means_by_size(f)[0], 100 * _means_by_size(f)[1])),
        ),
        "a count instead of a share": Mistake(
            "You return how many pictures are right. Divide by how many there are.",
            _evaluate(sum_up=lambda f: (_means_by_size(f)[0], sum(r for _, r, _ in f))),
        ),
        "softmax before cross_entropy": Mistake(
            "The accuracy is right, since softmax keeps the order, but the loss is not: cross_entropy applies softmax "
            "itself.",
            _evaluate(loss=lambda s, y: F.cross_entropy(s.softmax(1), y)),
        ),
        "errors are counted": Mistake(
            "You count the pictures that are wrong. Accuracy is the share of right ones.",
            _evaluate(correct=lambda s, y: (s.argmax(1) != y).sum()),
        ),
        "the largest score instead of its place": Mistake(
            "Your loss is right, but no picture counts as right: you compare the largest score itself with the label. A label says "
            "which class, so compare it with the place of the largest score.",
            _evaluate(correct=lambda s, y: (s.max(1).values == y).sum()),
        ),
        "accuracy first": Mistake(
            "Both numbers are right, but in the other order. The loss comes first.",
            _evaluate(sum_up=lambda f: _means_by_size(f)[::-1]),
        ),
    },
    hints=(
        "Three sums, over all batches: the losses, the right answers, the pictures. Divide at the end.",
        "model.eval() and torch.no_grad() are two different things: the first changes what layers do, the second what "
        "torch remembers. You want both.",
        "In the loop: total += cross_entropy(scores, labels).item() * len(labels); right += (scores.argmax(1) == "
        "labels).sum().item(); n += len(labels). Return total / n, right / n.",
    ),
)


def _amp_case(rng, *given, **settings):
    """A step where no unit is so near ReLU's kink that rounding to 16 bits could carry it over."""
    while True:
        case = _step_case(rng, *given, **settings)
        _, _, network = _numpy_step(**case.inputs)
        if network["nearest to the kink"] > 0.1:
            return case


def _amp_cases(rng):
    # Two losses: that of a float32 the lower half is 0 happens by chance once in 65,536 times, for both once in 4 * 10^9.
    yield _amp_case(rng, "two steps of SGD", (4, 3), (3, 5, 3), optimizer="SGD", lr=0.5)
    yield _amp_case(rng, "gradients of an earlier step are still there", (3, 5), (4, 5, 3), optimizer="SGD", lr=0.25, stale=0.5)  # fmt: skip
    yield _amp_case(rng, "three steps with momentum", (4, 3, 5), (5, 4, 3), optimizer="SGD", lr=0.1, momentum=0.9)
    yield _amp_case(rng, "on a GPU (pretended)", (5, 4), (3, 4, 5), optimizer="SGD", lr=0.2, gpu=True)


def _amp_oracle(batches, weights, settings):
    losses, flat, _ = _numpy_step(batches, weights, settings)
    before = np.concatenate([weights[name].ravel() for name in ("W1", "b1", "W2", "b2")])
    return {
        "layers compute in": "bfloat16",
        "weights are kept in": "float32",
        "the loss is computed in": "float32",
        "losses": losses.round(10),
        "change of the weights": (flat - before).round(10),
    }


def _autocast(kind="bfloat16", device=None):
    return lambda images: torch.autocast(device or images.device.type, dtype=kind and getattr(torch, kind))


def _whole_model_cast(model, batch, optimizer):
    model.to(torch.bfloat16)
    x, y = batch
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x.to(torch.bfloat16)), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def _loss_in_16_bits(model, batch, optimizer):
    x, y = batch
    optimizer.zero_grad()
    with _autocast()(x):
        scores = model(x)
    loss = F.cross_entropy(scores, y)
    loss.backward()
    optimizer.step()
    return loss.item()


TRAIN_STEP_AMP = Exercise(
    id="08.train_step_amp",
    title="A step in mixed precision",
    points=12,
    cases=_amp_cases,
    oracle=_amp_oracle,
    probe="train_step_amp",
    rtol=0.06,
    misconceptions={
        "no autocast": Mistake(
            "Your layers compute in float32, as they did before. Run the forward pass and the loss inside "
            "torch.autocast, with dtype=torch.bfloat16.",
            _train_step(),
        ),
        "the whole model is cast": Mistake(
            "You turn the model itself into bfloat16. With eight bits of precision, an update of 0.001 leaves a "
            "weight of 1 as it was. Keep the weights in float32; autocast makes short-lived copies.",
            _whole_model_cast,
        ),
        "float16 instead of bfloat16": Mistake(
            "float16 has a small range: gradients below 0.00000006 become zero, and one needs a GradScaler to save them. "
            "bfloat16 has float32's range and needs none.",
            _train_step(context=_autocast("float16")),
        ),
        "autocast for the CPU only": Mistake(
            'You write "cpu" into autocast. On a GPU that does nothing, and the layers compute in float32. Ask the batch where '
            "it is: images.device.type.",
            _train_step(context=_autocast(device="cpu")),
        ),
        "autocast for CUDA only": Mistake(
            'You write "cuda" into autocast. On a batch that is on the CPU that does nothing, and the layers compute in '
            "float32. Ask the batch where it is: images.device.type.",
            _train_step(context=_autocast(device="cuda")),
        ),
        "the dtype is left out": Mistake(
            "You do not say which short type you want. On the CPU autocast takes bfloat16, on a GPU float16. Say "
            "dtype=torch.bfloat16.",
            _train_step(context=_autocast(kind=None)),
        ),
        "the loss is computed in 16 bits": Mistake(
            "Your loss is computed outside of autocast, from bfloat16 scores, so it is right to two or three digits only. "
            "Inside autocast, cross_entropy runs in float32.",
            _loss_in_16_bits,
        ),
        **_step_mistakes(_autocast()),
    },
    hints=(
        "It is train_step with one thing around the forward pass and the loss. Backward and step stay outside.",
        "torch.autocast is a context manager. It wants the type of device that the tensors are on, as a text, and the "
        "short dtype.",
        "with torch.autocast(images.device.type, dtype=torch.bfloat16): loss = cross_entropy(model(images), labels).",
    ),
)


# --- 08.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "08.quiz",
    10,
    [
        Question(
            "c",
            a="A matrix product on a GPU is fast, but not that fast: work out 2n³ operations in 20 µs and compare "
            "with the data sheets.",
            b="Warming up changes the first calls. All hundred calls were this fast.",
            d="A GPU remembers no results of earlier products.",
        ),
        Question(
            "a",
            b="More units do arithmetic faster. Is arithmetic what this layer is waiting for?",
            c="Peak performance is the flat part of the roof. On which side of the ridge is this layer?",
            d="The batch moves both: twice the operations and twice the bytes. What happens to their ratio?",
        ),
        Question(
            "b",
            a="Nothing is raised: the shapes fit. That is what makes this mistake so hard to find.",
            c="A step does not touch the gradients, and neither does backward clear them.",
            d="Momentum is kept by the optimizer, in its own memory, and it shrinks with time. This does not.",
        ),
        Question(
            "d",
            a="The mean moves most when a single time is far off: ten of the eleven calls were much faster than this.",
            b="The fastest call is the best case, and alone it hides the spread. What would most calls take?",
            c="One slow call is not the program's speed; perhaps the machine was busy then.",
        ),
        Question(
            "c",
            a="The other way around: bfloat16 has fewer digits than float16.",
            b="Both take 2 bytes.",
            d="Neither can hold a whole float32. Which of the two can hold its exponent?",
        ),
    ],
)

EXERCISES = [
    BEST_DEVICE,
    TO_DEVICE,
    MEASURE,
    CONV_FLOPS,
    ARITHMETIC_INTENSITY,
    TRAIN_STEP,
    EVALUATE,
    TRAIN_STEP_AMP,
    QUIZ,
]
