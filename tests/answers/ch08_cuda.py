"""Right answers to chapter 08's exercises, written in as many ways as learners do."""

from __future__ import annotations

import math
import statistics
import time
import timeit
from collections import Counter
from math import prod
from time import perf_counter as now

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.cuda import is_available as has_cuda

# --- 08.best_device ---------------------------------------------------------------------------------------


def best_device_ladder():
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def best_device_one_line():
    name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return torch.device(name)


def best_device_numbered():
    if torch.cuda.device_count() > 0:
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps:0") if torch.mps.device_count() else torch.device("cpu")


def best_device_accelerator():
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def best_device_accelerator_asked_first():
    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator()
    return torch.device("cpu")


def best_device_imported_name(asks=has_cuda):
    """The function was imported under another name, and once more as a default."""
    if has_cuda() and asks():
        return torch.device("cuda:0")
    mps = getattr(torch.backends, "mps", None)
    return torch.device("mps" if mps is not None and mps.is_built() and mps.is_available() else "cpu")


# --- 08.to_device -----------------------------------------------------------------------------------------


def to_device_ladder(batch, device):
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device_ladder(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device_ladder(item, device) for item in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device_ladder(item, device) for item in batch)
    return batch


def to_device_pytree(batch, device):
    from torch.utils._pytree import tree_map

    return tree_map(lambda leaf: leaf.to(device) if torch.is_tensor(leaf) else leaf, batch)


def to_device_asks_for_to(batch, device):
    if hasattr(batch, "to"):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return type(batch)((k, to_device_asks_for_to(v, device)) for k, v in batch.items())
    if isinstance(batch, list):
        return [to_device_asks_for_to(v, device) for v in batch]
    if isinstance(batch, tuple):
        moved = [to_device_asks_for_to(v, device) for v in batch]
        return batch._make(moved) if hasattr(batch, "_make") else tuple(moved)
    return batch


def to_device_match(batch, device):
    match batch:
        case torch.Tensor():
            return batch.to(device=device)
        case dict():
            out = dict(batch)
            for key in out:
                out[key] = to_device_match(out[key], device)
            return out
        case list():
            return [to_device_match(item, device) for item in batch]
        case tuple():
            try:
                return type(batch)(*[to_device_match(item, device) for item in batch])
            except TypeError:
                return tuple(to_device_match(item, device) for item in batch)
        case _:
            return batch


def to_device_copies_first(batch, device):
    """In place, but on a copy of its own."""
    import copy

    def move(value):
        if isinstance(value, torch.Tensor):
            return value.to(device)
        if isinstance(value, dict):
            for key in value:
                value[key] = move(value[key])
        elif isinstance(value, list):
            value[:] = [move(item) for item in value]
        elif isinstance(value, tuple):
            items = [move(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return value

    return move(copy.deepcopy(batch))


# --- 08.conv_flops ----------------------------------------------------------------------------------------


def conv_flops_formula(x_shape, w_shape, stride=1, padding=0):
    N, C, H, W = x_shape
    K, _, KH, KW = w_shape
    OH = (H + 2 * padding - KH) // stride + 1
    OW = (W + 2 * padding - KW) // stride + 1
    return 2 * N * K * OH * OW * C * KH * KW


def conv_flops_loops(x_shape, w_shape, stride=1, padding=0):
    rows = len(range(0, x_shape[2] + 2 * padding - w_shape[2] + 1, stride))
    columns = len(range(0, x_shape[3] + 2 * padding - w_shape[3] + 1, stride))
    total = 0
    for _picture in range(x_shape[0]):
        for _filter in range(w_shape[0]):
            total += rows * columns * 2 * w_shape[1] * w_shape[2] * w_shape[3]
    return total


def conv_flops_numpy(x_shape, w_shape, stride=1, padding=0):
    out = (np.array(x_shape[2:]) + 2 * padding - np.array(w_shape[2:])) // stride + 1
    return 2 * np.prod(w_shape, dtype=np.int64) * x_shape[0] * out.prod()


def conv_flops_float(x_shape, w_shape, stride=1, padding=0):
    size = [math.floor((n + 2 * padding - k) / stride) + 1 for n, k in zip(x_shape[2:], w_shape[2:], strict=True)]
    multiplications = x_shape[0] * math.prod(size) * math.prod(w_shape)
    additions = multiplications
    return float(multiplications + additions)


def conv_flops_meta(x_shape, w_shape, stride=1, padding=0):
    """torch's meta device knows shapes and holds no numbers."""
    x, w = torch.empty(x_shape, device="meta"), torch.empty(w_shape, device="meta")
    return 2 * F.conv2d(x, w, stride=stride, padding=padding).numel() * w[0].numel()


# --- 08.arithmetic_intensity ------------------------------------------------------------------------------


def arithmetic_intensity_prod(flops, read, written, itemsize):
    return flops / (itemsize * sum(prod(shape) for shape in read + written))


def arithmetic_intensity_loops(flops, read, written, itemsize):
    moved = 0
    for shapes in (read, written):
        for shape in shapes:
            numbers = 1
            for side in shape:
                numbers *= side
            moved += numbers * itemsize
    return flops / moved


def arithmetic_intensity_numpy(flops, read, written, itemsize):
    sizes = [np.prod(shape, dtype=int) for shape in [*read, *written]]
    return np.float64(flops) / np.sum(sizes) / itemsize


def arithmetic_intensity_empty(flops, read, written, itemsize):
    return flops / sum(np.empty(shape, np.int8).size * itemsize for shape in (*read, *written))


def arithmetic_intensity_torch(flops, read, written, itemsize):
    return flops / sum(torch.Size(shape).numel() * itemsize for shape in (*read, *written))


# --- 08.measure -------------------------------------------------------------------------------------------


def measure_plain(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
    times = []
    for _ in range(repeats):
        synchronize()
        start = time.perf_counter()
        fn()
        synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times), max(times)


def measure_one_loop(fn, synchronize, warmup=3, repeats=11):
    times = []
    for _ in range(warmup + repeats):
        synchronize()
        start = now()
        fn()
        synchronize()
        times.append(now() - start)
    kept = np.array(times[warmup:])
    return np.median(kept), kept.min(), kept.max()


def measure_nanoseconds(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
        synchronize()
    times = sorted(_nanoseconds(fn, synchronize) for _ in range(repeats))
    return [times[len(times) // 2] / 1e9, times[0] / 1e9, times[-1] / 1e9]


def _nanoseconds(fn, synchronize):
    start = time.perf_counter_ns()
    fn()
    synchronize()
    return time.perf_counter_ns() - start


def measure_timeit(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
    synchronize()

    def once():
        fn()
        synchronize()

    times = timeit.repeat(once, number=1, repeat=repeats)
    return np.percentile(times, [50, 0, 100])


def measure_default_timer(fn, synchronize, warmup=3, repeats=11, timer=timeit.default_timer):
    for _ in range(warmup):
        fn()
    ends = []
    synchronize()
    last = timer()
    for _ in range(repeats):
        fn()
        synchronize()
        this = timer()
        ends.append(this - last)
        last = this
    return (torch.tensor(ends, dtype=torch.float64).median().item(), float(np.min(ends)), float(np.max(ends)))


def measure_monotonic(fn, synchronize, warmup=3, repeats=11):
    [fn() for _ in range(warmup)]
    times = np.zeros(repeats)
    for i in range(repeats):
        synchronize()
        times[i] = -time.monotonic()
        fn()
        synchronize()
        times[i] += time.monotonic()
    return tuple(np.quantile(times, [0.5, 0, 1]))


def measure_own_synchronise(fn, synchronize, warmup=3, repeats=11):
    """Asks torch itself in place of calling what it was given."""

    def wait():
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return measure_plain(fn, wait, warmup, repeats)


def measure_with_timer_object(fn, synchronize, warmup=3, repeats=11):
    timer = timeit.Timer(lambda: (fn(), synchronize()))
    for _ in range(warmup):
        fn()
    synchronize()
    times = [timer.timeit(1) for _ in range(repeats)]
    return statistics.median(times), min(times), max(times)


def measure_wall_clock(fn, synchronize, warmup=3, repeats=11):
    for _ in range(warmup):
        fn()
    times = []
    for _ in range(repeats):
        synchronize()
        start = time.time()
        fn()
        synchronize()
        end = time.time()
        times.append(end - start)
    times.sort()
    return times[repeats // 2], times[0], times[-1]


# --- 08.train_step ----------------------------------------------------------------------------------------


def train_step_plain(model, batch, optimizer):
    images, labels = batch
    model.train()
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_step_zero_late_enough(model, batch, optimizer):
    """The gradients are zeroed after the forward pass, and only set to zero."""
    x, y = batch
    model.train(True)
    loss = nn.CrossEntropyLoss()(model(x), y)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def train_step_by_model(model, batch, optimizer):
    model.train()
    model.zero_grad()
    scores = model.forward(batch[0])
    loss = -F.log_softmax(scores, dim=1)[torch.arange(len(scores)), batch[1]].mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


def train_step_nll(model, batch, optimizer):
    x, y = batch
    model.train()
    for parameter in model.parameters():
        parameter.grad = None
    loss = F.nll_loss(F.log_softmax(model(x), dim=-1), y)
    loss.backward()
    optimizer.step()
    return loss.detach().numpy()


def train_step_closure(model, batch, optimizer):
    x, y = batch
    model.train()

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def train_step_gradients(model, batch, optimizer):
    x, y = batch
    model.train()
    loss = F.cross_entropy(model(x), y, reduction="sum") / len(y)
    parameters = list(model.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.item()


device = torch.device("cuda")  # on a machine with a GPU a notebook has this name; the check pretends there is none


def train_step_moves_the_batch(model, batch, optimizer):
    images, labels = (t.to(device) for t in batch)
    model.to(device).train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.cpu().detach().item()


# --- 08.evaluate ------------------------------------------------------------------------------------------


@torch.no_grad()
def evaluate_plain(model, batches):
    model.eval()
    total = right = n = 0
    for images, labels in batches:
        scores = model(images)
        total += torch.nn.functional.cross_entropy(scores, labels).item() * len(labels)
        right += (scores.argmax(dim=1) == labels).sum().item()
        n += len(labels)
    return total / n, right / n


def evaluate_sum(model, batches):
    model.eval()
    total, right, n = 0.0, 0.0, 0
    with torch.inference_mode():
        for x, y in batches:
            scores = model(x)
            total += F.cross_entropy(scores, y, reduction="sum")
            right += (scores.argmax(1) == y).float().sum()
            n += y.numel()
    return (total / n).item(), (right / n).item()


def evaluate_together(model, batches):
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(x) for x, _ in batches])
    labels = torch.cat([y for _, y in batches])
    return F.cross_entropy(scores, labels).item(), (scores.argmax(1) == labels).double().mean().item()


def evaluate_and_back(model, batches):
    before = model.training
    model.train(False)
    losses, hits = [], []
    for x, y in batches:
        with torch.no_grad():
            s = model(x)
        losses += F.cross_entropy(s, y, reduction="none").tolist()
        hits += (s.max(dim=1).indices == y).tolist()
    model.train(before)
    return np.mean(losses), np.mean(hits)


def evaluate_numpy(model, batches):
    model.eval()
    torch.set_grad_enabled(False)
    try:
        weights, losses, shares = [], [], []
        for x, y in batches:
            s = model(x).numpy()
            s = s - s.max(axis=1, keepdims=True)
            log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
            weights.append(len(y))
            losses.append(-log_p[np.arange(len(y)), y.numpy()].mean())
            shares.append((s.argmax(axis=1) == y.numpy()).mean())
        return [np.average(losses, weights=weights), np.average(shares, weights=weights)]
    finally:
        torch.set_grad_enabled(True)


# --- 08.train_step_amp ------------------------------------------------------------------------------------


def train_step_amp_plain(model, batch, optimizer):
    images, labels = batch
    model.train()
    optimizer.zero_grad()
    with torch.autocast(images.device.type, dtype=torch.bfloat16):
        loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_step_amp_float_scores(model, batch, optimizer):
    x, y = batch
    model.train()
    with torch.amp.autocast(device_type=next(model.parameters()).device.type, dtype=torch.bfloat16):
        scores = model(x)
    loss = F.cross_entropy(scores.float(), y)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    return loss.detach()


def train_step_amp_everything_inside(model, batch, optimizer):
    with torch.autocast(device_type=batch[0].device.type, dtype=torch.bfloat16, cache_enabled=False):
        return train_step_plain(model, batch, optimizer)


def train_step_amp_device(model, batch, optimizer):
    x, y = (t.to(device) for t in batch)
    model.train()
    optimizer.zero_grad()
    with torch.autocast(device.type, torch.bfloat16):
        loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    optimizer.step()
    return np.float32(loss.item())


def train_step_amp_scaler(model, batch, optimizer):
    """With a scaler, which bfloat16 does not need and which changes nothing."""
    x, y = batch
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    model.train()
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        loss = F.cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return loss.item()


# --- more of them, as learners wrote them -----------------------------------------------------------------


def to_device_replace(batch, device):
    if isinstance(batch, tuple) and hasattr(batch, "_asdict"):
        return batch._replace(**{name: to_device_replace(item, device) for name, item in batch._asdict().items()})
    if isinstance(batch, dict):
        return type(batch)((key, to_device_replace(item, device)) for key, item in batch.items())
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device_replace(item, device) for item in batch)
    return batch.to(device, non_blocking=True) if torch.is_tensor(batch) else batch


def measure_marks(fn, synchronize, warmup=3, repeats=11):
    """One look at the clock between two calls, when the queue is empty."""
    for _ in range(warmup):
        fn()
    synchronize()
    marks = [time.monotonic()]
    for _ in range(repeats):
        fn()
        synchronize()
        marks.append(time.monotonic())
    taken = np.diff(marks)
    return np.median(taken), taken.min(), taken.max()


def measure_system_clock(fn, synchronize, warmup=3, repeats=11):
    taken = []
    for number in range(warmup + repeats):
        synchronize()
        start = time.clock_gettime(time.CLOCK_MONOTONIC)
        fn()
        synchronize()
        if number >= warmup:
            taken.append(time.clock_gettime(time.CLOCK_MONOTONIC) - start)
    taken.sort()
    return taken[repeats // 2], taken[0], taken[-1]


def train_step_by_hand(model, batch, optimizer):
    images, labels = batch
    model.train()
    for parameter in model.parameters():
        parameter.grad = None
    scores = model(images)
    loss = (scores.logsumexp(1) - scores[torch.arange(len(labels)), labels]).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().numpy()


def evaluate_counter(model, batches):
    before = model.training
    model.eval()
    counted, losses = Counter(), []
    with torch.set_grad_enabled(False):
        for images, labels in batches:
            scores = model(images)
            losses += F.cross_entropy(scores, labels, reduction="none").tolist()
            counted.update((scores.max(dim=1).indices == labels).tolist())
    model.train(before)
    return statistics.fmean(losses), counted[True] / counted.total()


@torch.no_grad()
def evaluate_tensors(model, batches):
    model.eval()
    total, right, n = torch.tensor(0.0), torch.tensor(0), 0
    for images, labels in batches:
        scores = model(images)
        total += nn.CrossEntropyLoss(reduction="sum")(scores, labels)
        right += scores.softmax(-1).argmax(-1).eq(labels).sum()
        n += labels.numel()
    return float(total) / n, np.float64(right / n)


def train_step_amp_by_weights(model, batch, optimizer):
    images, labels = batch
    kind = next(model.parameters()).device.type
    optimizer.zero_grad(set_to_none=True)
    with torch.amp.autocast(kind, torch.bfloat16):
        scores = model(images)
    with torch.autocast(kind, enabled=False):
        loss = F.cross_entropy(scores.float(), labels)
    loss.backward()
    optimizer.step()
    return loss.detach().cpu().item()


def train_step_amp_asks_the_machine(model, batch, optimizer):
    images, labels = batch
    model.train()
    optimizer.zero_grad()
    with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", dtype=torch.bfloat16):
        loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def train_step_amp_moves(model, batch, optimizer):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    images, labels = (part.to(device, non_blocking=True) for part in batch)
    model.train()
    model.zero_grad()
    with torch.autocast(device_type="cuda" if images.is_cuda else "cpu", dtype=torch.bfloat16):
        loss = nn.CrossEntropyLoss()(model(images), labels)
    loss.backward()
    optimizer.step()
    return float(loss)


ANSWERS = {
    "08.best_device": [
        best_device_ladder,
        best_device_one_line,
        best_device_numbered,
        best_device_accelerator,
        best_device_accelerator_asked_first,
        best_device_imported_name,
    ],
    "08.to_device": [
        to_device_ladder,
        to_device_pytree,
        to_device_asks_for_to,
        to_device_match,
        to_device_copies_first,
        to_device_replace,
    ],
    "08.conv_flops": [conv_flops_formula, conv_flops_loops, conv_flops_numpy, conv_flops_float, conv_flops_meta],
    "08.arithmetic_intensity": [
        arithmetic_intensity_prod,
        arithmetic_intensity_loops,
        arithmetic_intensity_numpy,
        arithmetic_intensity_empty,
        arithmetic_intensity_torch,
    ],
    "08.measure": [
        measure_plain,
        measure_one_loop,
        measure_nanoseconds,
        measure_timeit,
        measure_default_timer,
        measure_monotonic,
        measure_own_synchronise,
        measure_with_timer_object,
        measure_wall_clock,
        measure_marks,
        measure_system_clock,
    ],
    "08.train_step": [
        train_step_plain,
        train_step_zero_late_enough,
        train_step_by_model,
        train_step_nll,
        train_step_closure,
        train_step_gradients,
        train_step_moves_the_batch,
        train_step_by_hand,
    ],
    "08.evaluate": [
        evaluate_plain,
        evaluate_sum,
        evaluate_together,
        evaluate_and_back,
        evaluate_numpy,
        evaluate_counter,
        evaluate_tensors,
    ],
    "08.train_step_amp": [
        train_step_amp_plain,
        train_step_amp_float_scores,
        train_step_amp_everything_inside,
        train_step_amp_device,
        train_step_amp_scaler,
        train_step_amp_by_weights,
        train_step_amp_moves,
        train_step_amp_asks_the_machine,
    ],
    "08.quiz": [("c", "a", "b", "d", "c"), ("C", "A", "B", "D", "C"), ("c)", "a)", "b)", "d)", "c)")],
}
