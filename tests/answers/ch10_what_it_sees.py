"""Right answers to chapter 10's exercises, written in as many ways as learners do."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# --- 10.feature_maps ----------------------------------------------------------------------------------------


def feature_maps_list(model, layer, x):
    found = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: found.append(output))
    training = [part for part in model.modules() if part.training]
    model.eval()
    with torch.no_grad():
        model(x)
    handle.remove()
    for part in training:
        part.training = True
    return found[0]


def feature_maps_detaches(model, layer, x):
    kept = {}

    def hook(module, inputs, output):
        kept["maps"] = output.detach().clone()

    before = {name: part.training for name, part in model.named_modules()}
    model.train(False)
    with dict(model.named_modules())[layer].register_forward_hook(hook):
        model(x)
    for name, mode in before.items():
        model.get_submodule(name).training = mode
    return kept["maps"]


class _Stop(Exception):
    pass


def feature_maps_stops_early(model, layer, x):
    """The layers behind are not needed: an exception ends the forward pass."""
    kept = None

    def hook(_module, _inputs, output):
        nonlocal kept
        kept = output
        raise _Stop

    modes = {module: module.training for module in model.modules()}
    handle = model.get_submodule(layer).register_forward_hook(hook)
    try:
        model.eval()
        with torch.inference_mode():
            model(x)
    except _Stop:
        pass
    finally:
        handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return kept.clone()


class _Recorder:
    """A hook that is an object, and a context that takes it off."""

    def __init__(self, module):
        self.handle = module.register_forward_hook(self)
        self.output = None

    def __call__(self, module, args, output):
        self.output = output

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.handle.remove()


@torch.no_grad()
def feature_maps_object(model, layer, x):
    part = model
    for name in layer.split("."):
        part = dict(part.named_children())[name]
    training, _ = [one.training for one in model.modules()], model.eval()
    with _Recorder(part) as recorder:
        _ = model(x)
    for one, mode in zip(model.modules(), training, strict=True):
        one.train(mode)  # the parts come after the whole, so each has the last word on itself
    return recorder.output


def feature_maps_numpy(model, layer, x):
    out = []
    part = next(part for name, part in model.named_modules() if name == layer)
    handle = part.register_forward_hook(lambda m, i, o: out.append(o.detach().cpu().numpy()))
    asleep = [one for one in model.modules() if not one.training]
    model.eval()
    model(x)
    model.train(not asleep or asleep[0] is not model)
    for one in asleep:
        one.eval()
    handle.remove()
    return out[-1]


def feature_maps_global(model, layer, x, kept={}):  # noqa: B006 (learners do)
    """The kept maps outlive the call; they are written anew in each."""
    handle = model.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.update({layer: o}))
    modes = [one.training for one in model.modules()]
    with torch.set_grad_enabled(False):
        model.eval()(x)
    handle.remove()
    for one, mode in zip(model.modules(), modes, strict=True):
        one.training = mode
    return kept[layer]


# --- 10.top_activating --------------------------------------------------------------------------------------


def top_activating_torch(maps, channel, k):
    own = maps[:, channel]
    values, places = own.flatten(1).max(dim=1)
    best = values.topk(k).indices
    width = own.shape[2]
    return torch.stack((best, places[best] // width, places[best] % width), dim=1)


def top_activating_loops(maps, channel, k):
    found = []
    for n in range(len(maps)):
        best = None
        for row in range(maps.shape[2]):
            for column in range(maps.shape[3]):
                value = float(maps[n, channel, row, column])
                if best is None or value > best[0]:
                    best = (value, n, row, column)
        found.append(best)
    found.sort(reverse=True)
    return torch.tensor([place for _, *place in found[:k]])


def top_activating_numpy(maps, channel, k):
    own = maps[:, channel].numpy()
    order = np.argsort(own.max(axis=(1, 2)))[::-1][:k]
    return np.array([(n, *np.unravel_index(own[n].argmax(), own[n].shape)) for n in order])


def top_activating_tuples(maps, channel, k):
    peaks = maps.amax(dim=(2, 3))[:, channel]
    chosen = sorted(range(len(peaks)), key=lambda n: peaks[n].item(), reverse=True)[:k]
    return [tuple(int(v) for v in (n, *divmod(maps[n, channel].argmax().item(), maps.shape[3]))) for n in chosen]


def top_activating_flat(maps, channel, k):
    """All places of all pictures in one line; the first place of each picture counts."""
    own = maps.select(1, channel).double()
    n, h, w = own.shape
    found, seen = [], set()
    for flat in own.reshape(-1).argsort(descending=True).tolist():
        picture, row, column = flat // (h * w), flat // w % h, flat % w
        if picture not in seen:
            seen.add(picture)
            found.append(torch.tensor([picture, row, column]))
    return torch.stack(found)[:k]


# --- 10.occlusion_map ---------------------------------------------------------------------------------------


def occlusion_map_loops(model, x, target, size, stride, value):
    _, _, height, width = x.shape
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    heat = torch.zeros(rows, columns)
    with torch.no_grad():
        base = model(x)[0, target]
        for i in range(rows):
            for j in range(columns):
                covered = x.clone()
                covered[:, :, i * stride : i * stride + size, j * stride : j * stride + size] = value
                heat[i, j] = base - model(covered)[0, target]
    return heat


@torch.no_grad()
def occlusion_map_batch(model, x, target, size, stride, value):
    tops = range(0, x.shape[2] - size + 1, stride)
    lefts = range(0, x.shape[3] - size + 1, stride)
    covered = []
    for top in tops:
        for left in lefts:
            one = x[0].clone()
            one[..., top : top + size, left : left + size] = value
            covered.append(one)
    drop = model(x)[:, target] - model(torch.stack(covered))[:, target]
    return drop.reshape(len(tops), len(lefts))


def occlusion_map_mask(model, x, target, size, stride, value):
    heat = []
    with torch.inference_mode():
        base = model(x)[0][target].item()
        for top in range(0, x.size(2) - size + 1, stride):
            row = []
            for left in range(0, x.size(3) - size + 1, stride):
                mask = torch.ones_like(x)
                mask[:, :, top : top + size, left : left + size] = 0
                row.append(base - model(x * mask + value * (1 - mask))[0][target].item())
            heat.append(row)
    return torch.tensor(heat)


def occlusion_map_puts_back(model, x, target, size, stride, value):
    """One copy: what was covered is put back before the next square."""
    work = x.detach().clone()
    heat = np.zeros(((x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1))
    base = float(model(x)[0, target])
    for i in range(heat.shape[0]):
        for j in range(heat.shape[1]):
            window = (
                slice(None),
                slice(None),
                slice(i * stride, i * stride + size),
                slice(j * stride, j * stride + size),
            )
            kept = work[window].clone()
            work[window] = value
            heat[i, j] = base - float(model(work)[0, target])
            work[window] = kept
    return heat


def occlusion_map_where(model, x, target, size, stride, value):
    """All masks at once: rows and columns that are under the square."""
    h, w = x.shape[-2:]
    tops, lefts = torch.arange(0, h - size + 1, stride), torch.arange(0, w - size + 1, stride)
    rows = (torch.arange(h) >= tops[:, None]) & (torch.arange(h) < tops[:, None] + size)
    columns = (torch.arange(w) >= lefts[:, None]) & (torch.arange(w) < lefts[:, None] + size)
    masks = rows[:, None, :, None] & columns[None, :, None, :]
    covered = torch.where(masks[:, :, None], torch.as_tensor(float(value)), x[0])
    scores = model(torch.cat([x, covered.flatten(0, 1)]))[:, target].detach().double()
    return (scores[0] - scores[1:]).unflatten(0, masks.shape[:2])


# --- 10.saliency --------------------------------------------------------------------------------------------


def saliency_grad(model, x, target):
    x = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(x)[0, target], x)
    return slope.abs().amax(dim=1)[0]


def saliency_backward(model, x, target):
    picture = x.clone()
    picture.requires_grad = True
    model.zero_grad()
    model(picture)[0, target].backward()
    found = picture.grad.abs().max(dim=1).values.squeeze(0)
    model.zero_grad()
    return found


def saliency_in_place_and_back(model, x, target):
    """The picture itself requires gradients for a while, and is left as it came."""
    x.requires_grad_(True)
    score = model(x).squeeze(0)[target]
    slope = torch.autograd.grad(score, [x])[0]
    x.requires_grad_(False)
    return torch.max(torch.abs(slope[0]), 0)[0]


def saliency_backward_inputs(model, x, target):
    picture = nn.Parameter(x.clone())
    model(picture)[:, target].sum().backward(inputs=[picture])
    return np.abs(picture.grad.numpy())[0].max(axis=0)


def saliency_func(model, x, target):
    slope = torch.func.grad(lambda p: model(p)[0, target])(x)
    return slope.detach().abs().amax((0, 1))


def saliency_one_hot(model, x, target):
    x = x.clone().requires_grad_()
    scores = model(x)
    direction = torch.zeros_like(scores)
    direction[0, target] = 1
    scores.backward(gradient=direction)
    for parameter in model.parameters():
        parameter.grad = None
    return x.grad[0].abs().max(0)[0]


# --- 10.grad_cam --------------------------------------------------------------------------------------------


def grad_cam_grad(model, layer, x, target):
    found = []
    handle = model.get_submodule(layer).register_forward_hook(lambda m, i, o: found.append(o))
    score = model(x)[0, target]
    handle.remove()
    (slope,) = torch.autograd.grad(score, found[0])
    weights = slope.mean(dim=(2, 3), keepdim=True)
    coarse = F.relu((weights * found[0]).sum(dim=1, keepdim=True))
    return F.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)[0, 0].detach()


def grad_cam_two_hooks(model, layer, x, target):
    kept = {}
    part = model.get_submodule(layer)
    forward = part.register_forward_hook(lambda m, i, o: kept.update(maps=o.detach()))
    backward = part.register_full_backward_hook(lambda m, gi, go: kept.update(slope=go[0].detach()))
    try:
        model(x)[0, target].backward()
    finally:
        forward.remove()
        backward.remove()
        model.zero_grad()
    weights = kept["slope"][0].mean(dim=(1, 2))
    cam = torch.einsum("c,chw->hw", weights, kept["maps"][0]).clamp(min=0)
    return F.interpolate(cam[None, None], x.shape[-2:], mode="bilinear")[0, 0]


def grad_cam_retains(model, layer, x, target):
    maps = None

    def keep(module, inputs, output):
        nonlocal maps
        maps = output
        maps.retain_grad()

    with model.get_submodule(layer).register_forward_hook(keep):
        scores = model(x)
    scores[0, target].backward()
    cam = 0
    for weight, one in zip(maps.grad.mean((0, 2, 3)), maps.detach()[0], strict=True):
        cam = cam + weight * one
    model.zero_grad(set_to_none=False)
    cam = torch.maximum(cam, torch.tensor(0.0))
    return nn.Upsample(size=tuple(x.shape[2:]), mode="bilinear", align_corners=False)(
        cam.view(1, 1, *cam.shape)
    ).squeeze()


def grad_cam_tensor_hook(model, layer, x, target):
    """A hook on the output itself catches its slope."""
    kept = []

    def forward(module, inputs, output):
        kept.append(output.detach().clone())
        output.register_hook(lambda slope: kept.append(slope))

    handle = model.get_submodule(layer).register_forward_hook(forward)
    parameters = list(model.parameters())
    torch.autograd.grad(model(x)[0, target], parameters, allow_unused=True)
    handle.remove()
    maps, slope = kept
    cam = (maps * slope.mean(dim=[2, 3])[:, :, None, None]).sum(1).relu()
    cam = torch.nn.functional.interpolate(cam.unsqueeze(1), size=(x.shape[2], x.shape[3]), mode="bilinear")
    return cam.numpy()[0, 0]


def grad_cam_mean_of_sum(model, layer, x, target):
    """The slope of the sum over space of each channel's part, divided by the number of places."""
    out = []
    hook = model.get_submodule(layer).register_forward_hook(lambda *args: out.append(args[2]))
    with torch.enable_grad():
        scores = model(x.detach().clone().requires_grad_())
        slope = torch.autograd.grad(scores[0][target], out[0], retain_graph=True)[0][0]
    hook.remove()
    with torch.no_grad():
        weights = slope.flatten(1).sum(1) / slope[0].numel()
        cam = torch.tensordot(weights, out[0][0], dims=1)
        cam[cam < 0] = 0
        return (
            F.interpolate(cam[None, None], size=x.shape[2:], mode="bilinear", align_corners=False).squeeze(0).squeeze(0)
        )


# --- 10.maximize_activation ---------------------------------------------------------------------------------


def maximize_activation_plain(model, unit, shape, steps, rng):
    x = torch.from_numpy(0.5 + 0.05 * rng.standard_normal((1, *shape))).float()
    for _ in range(steps):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(model(x)[0, unit], x)
        x = (x + 0.05 * slope / (slope.pow(2).mean().sqrt() + 1e-8)).clamp(0, 1)
    return x[0].detach()


def maximize_activation_backward(model, unit, shape, steps, rng):
    start = rng.normal(0.5, 0.05, shape).clip(0, 1).astype(np.float32)
    x = torch.tensor(start[None], requires_grad=True)
    for _ in range(steps):
        model(x)[0, unit].backward()
        with torch.no_grad():
            x += 0.05 * x.grad / (x.grad.square().mean().sqrt() + 1e-12)
            x.clamp_(0, 1)
        x.grad = None
    model.zero_grad()
    return x.detach().squeeze(0)


def maximize_activation_adam(model, unit, shape, steps, rng):
    """Adam divides by the slope's size too, for each pixel by itself."""
    x = torch.tensor(rng.uniform(0.4, 0.6, (1, *shape)), dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.Adam([x], lr=0.05, eps=1e-12)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -model(x)[0, unit]
        loss.backward()
        optimizer.step()
        x.data.clamp_(0, 1)
    for parameter in model.parameters():
        parameter.grad = None
    return x.detach()[0]


def maximize_activation_sign(model, unit, shape, steps, rng):
    x = torch.from_numpy(0.4 + 0.2 * rng.random((1, *shape), dtype=np.float32))
    for _ in range(steps):
        x.requires_grad_(True)
        slope = torch.autograd.grad(model(x)[0][unit], x)[0]
        x = torch.clamp(x.detach() + 0.05 * slope.sign(), 0, 1)
    return x.squeeze(0).numpy()


def maximize_activation_norm(model, unit, shape, steps, rng):
    """The slope's length is divided by the root of how many numbers there are: the same as the root mean square."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    x = 0.5 + 0.05 * torch.randn(1, *shape, generator=generator)
    for _ in range(steps):
        x = x.clone().requires_grad_(True)
        score = model(x).select(1, unit).sum()
        slope = torch.autograd.grad(score, x)[0]
        slope = slope * (slope.numel() ** 0.5) / slope.norm().clamp_min(1e-12)
        x = x.detach().add(slope, alpha=0.05).clamp(0.0, 1.0)
    return x[0]


# --- 10.nearest_neighbors ----------------------------------------------------------------------------------


def nearest_neighbors_matrix(features, query, k):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = unit @ unit[query]
    cosines[query] = -np.inf
    return np.argsort(-cosines)[:k]


def nearest_neighbors_loops(features, query, k):
    q = features[query]
    found = []
    for n, row in enumerate(features):
        if n != query:
            found.append((float(np.dot(row, q) / (np.linalg.norm(row) * np.linalg.norm(q))), n))
    found.sort(reverse=True)
    return np.array([n for _, n in found[:k]])


def nearest_neighbors_unit_distance(features, query, k):
    """Between vectors of length 1 the Euclidean distance ranks as the cosine does."""
    unit = features / np.sqrt((features**2).sum(1))[:, None]
    order = np.argsort(((unit - unit[query]) ** 2).sum(1))
    return order[order != query][:k]


def nearest_neighbors_torch(features, query, k):
    f = torch.from_numpy(features)
    cosines = F.cosine_similarity(f, f[query][None], dim=1)
    cosines[query] = -2
    return cosines.topk(k).indices.numpy()


def nearest_neighbors_pairs(features, query, k):
    """Sums written out, in float32."""
    rows = features.astype(np.float32)
    dots = [sum(a * b for a, b in zip(row, rows[query], strict=True)) for row in rows]
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    cosines = {n: dots[n] / lengths[n] / lengths[query] for n in range(len(rows)) if n != query}
    return np.array(sorted(cosines, key=cosines.get, reverse=True)[:k])


# --- 10.pointing_game ---------------------------------------------------------------------------------------


def pointing_game_loop(maps, boxes):
    hits = 0
    for one, (x0, y0, x1, y1) in zip(maps, boxes, strict=True):
        row, column = np.unravel_index(np.argmax(one), one.shape)
        hits += bool(x0 <= column < x1 and y0 <= row < y1)
    return hits / len(maps)


def pointing_game_vectorized(maps, boxes):
    n, _, width = maps.shape
    row, column = np.divmod(maps.reshape(n, -1).argmax(axis=1), width)
    x0, y0, x1, y1 = boxes.T
    return np.mean((column >= x0) & (column < x1) & (row >= y0) & (row < y1))


def pointing_game_slices(maps, boxes):
    found = []
    for one, box in zip(maps, boxes.astype(int), strict=True):
        x0, y0, x1, y1 = box
        found.append(one[y0:y1, x0:x1].max() == one.max())
    return float(sum(found)) / len(found)


def pointing_game_torch(maps, boxes):
    t, b = torch.from_numpy(maps), torch.from_numpy(boxes)
    place = t.flatten(1).argmax(1)
    row, column = place.div(t.shape[2], rounding_mode="floor"), place % t.shape[2]
    return ((column >= b[:, 0]) & (column < b[:, 2]) & (row >= b[:, 1]) & (row < b[:, 3])).float().mean().item()


def pointing_game_search(maps, boxes):
    """Every pixel is looked at."""
    hits = []
    for one, (x0, y0, x1, y1) in zip(maps.tolist(), boxes.tolist(), strict=True):
        best, place = -float("inf"), (0, 0)
        for y, line in enumerate(one):
            for x, value in enumerate(line):
                if value > best:
                    best, place = value, (x, y)
        hits.append(1 if x0 <= place[0] <= x1 - 1 and y0 <= place[1] <= y1 - 1 else 0)
    return np.float32(np.sum(hits) / len(hits))


ANSWERS = {
    "10.feature_maps": [
        feature_maps_list,
        feature_maps_detaches,
        feature_maps_stops_early,
        feature_maps_object,
        feature_maps_numpy,
        feature_maps_global,
    ],
    "10.top_activating": [
        top_activating_torch,
        top_activating_loops,
        top_activating_numpy,
        top_activating_tuples,
        top_activating_flat,
    ],
    "10.occlusion_map": [
        occlusion_map_loops,
        occlusion_map_batch,
        occlusion_map_mask,
        occlusion_map_puts_back,
        occlusion_map_where,
    ],
    "10.saliency": [
        saliency_grad,
        saliency_backward,
        saliency_in_place_and_back,
        saliency_backward_inputs,
        saliency_func,
        saliency_one_hot,
    ],
    "10.grad_cam": [
        grad_cam_grad,
        grad_cam_two_hooks,
        grad_cam_retains,
        grad_cam_tensor_hook,
        grad_cam_mean_of_sum,
    ],
    "10.maximize_activation": [
        maximize_activation_plain,
        maximize_activation_backward,
        maximize_activation_adam,
        maximize_activation_sign,
        maximize_activation_norm,
    ],
    "10.nearest_neighbors": [
        nearest_neighbors_matrix,
        nearest_neighbors_loops,
        nearest_neighbors_unit_distance,
        nearest_neighbors_torch,
        nearest_neighbors_pairs,
    ],
    "10.pointing_game": [
        pointing_game_loop,
        pointing_game_vectorized,
        pointing_game_slices,
        pointing_game_torch,
        pointing_game_search,
    ],
    "10.quiz": [("b", "d", "a", "c", "b"), ("B", "D", "A", "C", "B"), ("b)", "d)", "a)", "c)", "b)")],
}
