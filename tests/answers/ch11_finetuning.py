"""Right answers to chapter 11's exercises, written in as many ways as learners do."""

from __future__ import annotations

import random
from collections import OrderedDict, defaultdict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# --- 11.few_shot_subset -----------------------------------------------------------------------------------


def few_choice(labels, per_class, rng):
    found = []
    for k in np.unique(labels):
        own = np.flatnonzero(labels == k)
        if len(own) < per_class:
            raise ValueError(f"Class {k} has {len(own)} pictures, fewer than {per_class}.")
        found.append(rng.choice(own, per_class, replace=False))
    return np.concatenate(found)


def few_one_pass_through_a_shuffle(labels, per_class, rng):
    taken, chosen = defaultdict(int), []
    for i in rng.permutation(len(labels)):
        if taken[labels[i]] < per_class:
            taken[labels[i]] += 1
            chosen.append(int(i))
    if len(chosen) < per_class * len(set(labels.tolist())):
        raise ValueError("too few pictures")
    return sorted(chosen)


def few_vectorized(labels, per_class, rng):
    counts = np.bincount(labels)
    if counts[counts > 0].min() < per_class:
        raise ValueError("too few pictures of a class")
    order = np.lexsort((rng.random(len(labels)), labels))
    start = np.searchsorted(labels[order], np.unique(labels))
    return order[(start[:, None] + np.arange(per_class)).ravel()].astype(np.int32)


def few_shuffle_in_place(labels, per_class, rng):
    out = np.empty(0, dtype=int)
    for k in range(labels.max() + 1):
        own = np.where(labels == k)[0]
        rng.shuffle(own)
        if own.size < per_class:
            raise ValueError(k)
        out = np.append(out, own[:per_class])
    return out


def few_seeded_by_the_generator(labels, per_class, rng):
    """Python's own generator, seeded by the one that was given."""
    draw = random.Random(int(rng.integers(2**31)))
    by_class = {k: [i for i, label in enumerate(labels) if label == k] for k in set(labels.tolist())}
    return [i for own in by_class.values() for i in draw.sample(own, per_class)]  # sample raises a ValueError itself


# --- 11.basic_block ---------------------------------------------------------------------------------------


class BlockPlain(nn.Module):
    def __init__(self, before, after, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        around = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + around)


class BlockTorchvision(nn.Module):
    """As torchvision writes it: ReLU in place, += ."""

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(
            inplanes, planes, kernel_size=3, stride=stride, padding="same" if stride == 1 else 1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding="same", bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = nn.Identity()
        if not (inplanes == planes and stride == 1):
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        identity = self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class BlockOrdered(nn.Module):
    """Order of creation another, an empty Sequential, clamp in place of ReLU, its own step for the sum."""

    def __init__(self, before, after, stride=1):
        nn.Module.__init__(self)
        layers = [nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)]
        self.downsample = nn.Sequential(*(layers if (before, 1) != (after, stride) else []))
        self.bn1, self.bn2 = (nn.BatchNorm2d(after) for _ in range(2))
        self.conv2 = nn.Conv2d(after, after, (3, 3), padding=(1, 1), bias=None)
        self.conv1 = nn.Conv2d(before, after, (3, 3), (stride, stride), (1, 1), bias=None)

    def forward(self, x):
        y = torch.clamp(self.bn1(self.conv1(x)), min=0)
        y = torch.stack([self.bn2(self.conv2(y)), self.downsample(x)]).sum(0)
        return y.clamp_min(0)


class BlockFunctional(nn.Module):
    """Layers are made by the class, used by functions; whether there is a projection is asked for in forward."""

    def __init__(self, before, after, stride=1):
        super().__init__()
        self.stride = stride
        self.conv1, self.conv2 = nn.Conv2d(before, after, 3, bias=False), nn.Conv2d(after, after, 3, bias=False)
        for name in ("bn1", "bn2"):
            self.add_module(name, nn.BatchNorm2d(num_features=after, momentum=0.1))
        if before != after or stride > 1:
            self.downsample = nn.Sequential(
                OrderedDict([("0", nn.Conv2d(before, after, 1, bias=False)), ("1", nn.BatchNorm2d(after))])
            )

    def forward(self, x):
        way = x
        if hasattr(self, "downsample"):
            way = self.downsample[1](F.conv2d(x, self.downsample[0].weight, stride=self.stride))
        x = F.conv2d(F.pad(x, (1, 1, 1, 1)), self.conv1.weight, stride=self.stride)
        x = torch.where(self.bn1(x) > 0, self.bn1(x), 0) if not self.training else F.relu_(self.bn1(x))
        return torch.add(self.bn2(F.conv2d(x, self.conv2.weight, padding=1)), way).relu_()


class BlockResidualAttribute(nn.Module):
    """The inner way is a method; the projection is registered as None."""

    def __init__(self, c_in, c_out, s=1):
        super().__init__()
        kernel = {"kernel_size": 3, "padding": 1, "bias": False}
        self.conv1, self.bn1 = nn.Conv2d(c_in, c_out, stride=s, **kernel), nn.BatchNorm2d(c_out)
        self.conv2, self.bn2 = nn.Conv2d(c_out, c_out, **kernel), nn.BatchNorm2d(c_out)
        self.register_module("downsample", None)
        if (s, c_in) != (1, c_out):
            self.downsample = nn.Sequential()
            self.downsample.append(nn.Conv2d(c_in, c_out, kernel_size=1, stride=s, bias=False))
            self.downsample.append(nn.BatchNorm2d(c_out))

    def residual(self, x):
        for conv, norm, act in ((self.conv1, self.bn1, torch.relu), (self.conv2, self.bn2, lambda v: v)):
            x = act(norm(conv(x)))
        return x

    def forward(self, x):
        return F.threshold(self.residual(x) + (self.downsample(x) if self.downsample else x), 0.0, 0.0)


# --- 11.resnet18 ------------------------------------------------------------------------------------------


class NetPlain(nn.Module):
    def __init__(self, num_classes=1000, widths=(64, 128, 256, 512), block=BlockPlain):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = nn.Sequential(block(widths[0], widths[0], 1), block(widths[0], widths[0], 1))
        self.layer2 = nn.Sequential(block(widths[0], widths[1], 2), block(widths[1], widths[1], 1))
        self.layer3 = nn.Sequential(block(widths[1], widths[2], 2), block(widths[2], widths[2], 1))
        self.layer4 = nn.Sequential(block(widths[2], widths[3], 2), block(widths[3], widths[3], 1))
        self.fc = nn.Linear(widths[3], num_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))


class NetLoop(nn.Module):
    def __init__(self, num_classes=1000, widths=(64, 128, 256, 512), block=BlockPlain):
        super().__init__()
        before = widths[0]
        self.conv1 = nn.Conv2d(3, before, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        for i, after in enumerate(widths, start=1):
            self.add_module(
                f"layer{i}", nn.Sequential(block(before, after, stride=1 if i == 1 else 2), block(after, after))
            )
            before = after
        self.fc = nn.Linear(before, num_classes)
        self.maxpool, self.avgpool = nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for i in range(4):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class NetMethods(nn.Module):
    """Layers by a method of its own, lists of modules in place of Sequential, the mean by hand."""

    def __init__(self, num_classes=1000, widths=(64, 128, 256, 512), block=BlockPlain):
        super().__init__()
        self.fc = nn.Linear(widths[-1], num_classes)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.ModuleList([block(a, b, s), block(b, b, 1)])
            for a, b, s in zip((widths[0], *widths), widths, (1, 2, 2, 2), strict=False)
        )
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.conv1 = nn.Conv2d(3, widths[0], (7, 7), (2, 2), (3, 3), bias=False)

    def features(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)  # after ReLU a border of zeros is as good
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in layer:
                x = block(x)
        n, c, h, w = x.shape
        return x.reshape(n, c, h * w).sum(2) / (h * w)

    def forward(self, x):
        return self.features(x) @ self.fc.weight.T + self.fc.bias


class NetSequential(nn.Sequential):
    """One long row of named layers, and no forward of its own."""

    def __init__(self, num_classes=1000, widths=(64, 128, 256, 512), block=BlockPlain):
        layers = [("conv1", nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)), ("bn1", nn.BatchNorm2d(widths[0]))]
        layers += [("relu", nn.ReLU(inplace=True)), ("maxpool", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))]
        for i in range(4):
            stride, before = (2, widths[i - 1]) if i else (1, widths[0])
            layers.append(
                (f"layer{i + 1}", nn.Sequential(block(before, widths[i], stride), block(widths[i], widths[i], 1)))
            )
        layers += [
            ("avgpool", nn.AdaptiveAvgPool2d((1, 1))),
            ("flatten", nn.Flatten()),
            ("fc", nn.Linear(widths[3], num_classes)),
        ]
        super().__init__(OrderedDict(layers))


class NetTorchvision(nn.Module):
    """As torchvision writes it, with a width that is carried along."""

    def __init__(self, num_classes=1000, widths=(64, 128, 256, 512), block=BlockPlain):
        super().__init__()
        self.block, self.inplanes = block, widths[0]
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(self.inplanes), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make_layer(widths[0])
        self.layer2, self.layer3, self.layer4 = (self._make_layer(width, stride=2) for width in widths[1:])
        self.fc = nn.Linear(self.inplanes, num_classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.weight, 1)

    def _make_layer(self, planes, blocks=2, stride=1):
        layers = []
        for number in range(blocks):
            layers.append(self.block(self.inplanes, planes, stride if number == 0 else 1))
            self.inplanes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for layer in [self.layer1, self.layer2, self.layer3, self.layer4]:
            x = layer(x)
        x = F.avg_pool2d(x, x.shape[2:]).squeeze(3).squeeze(2)
        return F.linear(x, self.fc.weight, self.fc.bias)


# --- 11.load_pretrained -----------------------------------------------------------------------------------


def load_filter_and_look(model, state):
    body = {name: value for name, value in state.items() if not name.startswith("fc.")}
    missing, unexpected = model.load_state_dict(body, strict=False)
    wrong = [name for name in missing if not name.startswith("fc.")] + list(unexpected)
    if wrong:
        raise ValueError(f"{wrong[0]} does not fit")


def load_own_head_strictly(model, state):
    """The model's own head into a new dict, and then strict: every misfit is torch's own error."""
    full = {name: value for name, value in state.items() if not name.startswith("fc.")}
    full.update({name: value for name, value in model.state_dict().items() if name.startswith("fc.")})
    model.load_state_dict(full)


def load_compare_then_copy(model, state):
    own = model.state_dict()
    for name in sorted(set(own) | set(state)):
        if name.split(".")[0] == "fc":
            continue
        if name not in own:
            raise ValueError(f"The model has no {name}.")
        if name not in state:
            raise KeyError(name)
        if own[name].shape != state[name].shape:
            raise ValueError(f"{name}: {tuple(state[name].shape)} in place of {tuple(own[name].shape)}")
    with torch.no_grad():
        for name, value in own.items():
            if name.split(".")[0] != "fc":
                value.copy_(state[name])  # state_dict() holds the model's own tensors
    return model


def load_asserts(model, state):
    own = model.state_dict()
    names = {n for n in own if n not in ("fc.weight", "fc.bias")}
    given = {n for n in state if n not in ("fc.weight", "fc.bias")}
    assert names == given, f"{names ^ given} stand in one of them alone"
    model.load_state_dict({n: state[n] for n in names}, strict=False)


def load_pops_from_a_copy(model, state):
    """A copy without the head, in which the model's own head is put; then one strict load, whose error is told on."""
    state = dict(state)
    state.pop("fc.weight", None), state.pop("fc.bias", None)
    state["fc.weight"], state["fc.bias"] = model.fc.weight.clone(), model.fc.bias.clone()
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"These weights do not fit: {error}") from error


def load_data(model, state):
    """Parameters by .data, buffers by copy_, and one list of all complaints."""
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    body = {name for name in own if not name.startswith("fc.")}
    odd = [n for n in body if n not in state or state[n].shape != own[n].shape]
    odd += [n for n in state if n not in own]
    if odd:
        raise ValueError("missing, unexpected or of another shape: " + ", ".join(odd))
    with torch.no_grad():
        for name in body:
            if isinstance(own[name], nn.Parameter):
                own[name].data = state[name].clone()
            else:
                own[name].copy_(state[name])


# --- 11.replace_head --------------------------------------------------------------------------------------


def head_plain(model, num_classes):
    model.fc = nn.Linear(model.fc.in_features, num_classes)


def head_by_shape(model, num_classes):
    setattr(model, "fc", torch.nn.Linear(model.fc.weight.shape[1], num_classes))  # noqa: B010
    return model


def head_small_start(model, num_classes):
    old = model.fc
    new = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)
    nn.init.zeros_(new.bias)
    nn.init.normal_(new.weight, std=0.01)
    model.fc = new


def head_zeros(model, num_classes):
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    nn.init.zeros_(model.fc.weight)
    nn.init.zeros_(model.fc.bias)


def head_deleted_first(model, num_classes):
    features = model.fc.in_features
    del model.fc
    model.add_module("fc", nn.Linear(features, num_classes, bias=True))
    nn.init.xavier_uniform_(model.fc.weight)


def head_by_parameters(model, num_classes):
    """Asks the body's last bias how wide it is, in evaluation mode; every mode is put back."""
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    caught = []
    handle = model.fc.register_forward_hook(lambda m, i, o: caught.append(i[0].shape[-1]))
    with torch.no_grad():
        model(torch.zeros(1, 3, 8, 8))
    handle.remove()
    for m, training in modes:
        m.training = training
    model._modules["fc"] = type(model.fc)(caught[0], num_classes)


# --- 11.freeze --------------------------------------------------------------------------------------------


def freeze_names(model):
    for name, parameter in model.named_parameters():
        if not name.startswith("fc."):
            parameter.requires_grad_(False)


def train_mode_norms(model):
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d) and not layer.weight.requires_grad:
            layer.eval()


def freeze_all_then_the_head(model):
    model.requires_grad_(False)
    model.fc.requires_grad_(True)


def train_mode_any_norm(model):
    for layer in model.modules():
        kind = type(layer).__name__.startswith("BatchNorm")
        frozen = kind and not any(p.requires_grad for p in layer.parameters(recurse=False))
        layer.training = not frozen
    return model


def freeze_children(model):
    for name, child in model.named_children():
        if name != "fc":
            for parameter in child.parameters():
                parameter.requires_grad = False


def train_mode_whole_children(model):
    """A layer of which nothing learns is put into evaluation mode as a whole; inside others it is looked at again."""
    model.train()
    todo = list(model.children())
    while todo:
        layer = todo.pop()
        mine = list(layer.parameters())
        if mine and not any(p.requires_grad for p in mine):
            layer.eval()
        else:
            todo += layer.children()


def freeze_by_identity(model):
    head = set(map(id, model.fc.parameters()))
    for p in model.parameters():
        p.requires_grad = id(p) in head
        p.grad = None


def train_mode_apply(model):
    def settle(layer):
        if isinstance(layer, nn.BatchNorm2d):
            layer.train(layer.weight.requires_grad)

    model.train(True).apply(settle)


def freeze_recursive(model, top=True):
    """Layer by layer, each with its own parameters."""
    for p in model.parameters(recurse=False):
        p.requires_grad_(False)
    for name, child in model.named_children():
        if not (top and name == "fc"):
            freeze_recursive(child, top=False)


def train_mode_from_eval(model):
    """Everything into evaluation mode first; then what learns, and what is no BatchNorm."""
    model.eval()
    for layer in [model, *model.modules()]:
        frozen = isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.weight.requires_grad is False
        if not frozen:
            layer.training = True


# --- 11.parameter_groups ----------------------------------------------------------------------------------


def groups_named(model, lr_head, lr_body):
    head = [p for n, p in model.named_parameters() if p.requires_grad and n.startswith("fc.")]
    body = [p for n, p in model.named_parameters() if p.requires_grad and not n.startswith("fc.")]
    return [{"params": body, "lr": lr_body}, {"params": head, "lr": lr_head}]


def groups_in_a_tuple(model, lr_head, lr_body):
    return tuple(groups_named(model, lr_head, lr_body))


def groups_by_identity(model, lr_head, lr_body):
    mine = {id(p) for p in model.fc.parameters()}
    groups = [{"params": [], "lr": lr_head}, {"params": [], "lr": lr_body}]
    for p in model.parameters():
        if p.requires_grad:
            groups[0 if id(p) in mine else 1]["params"].append(p)
    return [group for group in groups if group["params"]]


def groups_one_each(model, lr_head, lr_body):
    return [
        {"params": p, "lr": lr_head if n.split(".")[0] == "fc" else lr_body, "weight_decay": 0.0}
        for n, p in model.named_parameters()
        if p.requires_grad
    ]


def groups_generators(model, lr_head, lr_body):
    body = (p for name, child in model.named_children() if name != "fc" for p in child.parameters() if p.requires_grad)
    return (
        {"lr": np.float64(lr_body), "params": body},
        {"lr": lr_head, "params": filter(lambda p: p.requires_grad, model.fc.parameters())},
    )


def groups_with_names(model, lr_head, lr_body):
    """Pairs of name and parameter, which newer optimizers take too."""
    learn = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    return [
        {"params": [pair for pair in learn if pair[0].startswith("fc.") == head], "lr": lr}
        for head, lr in ((True, lr_head), (False, lr_body))
    ]


ANSWERS = {
    "11.few_shot_subset": [
        few_choice,
        few_one_pass_through_a_shuffle,
        few_vectorized,
        few_shuffle_in_place,
        few_seeded_by_the_generator,
    ],
    "11.basic_block": [BlockPlain, BlockTorchvision, BlockOrdered, BlockFunctional, BlockResidualAttribute],
    "11.resnet18": [NetPlain, NetLoop, NetMethods, NetSequential, NetTorchvision],
    "11.load_pretrained": [
        load_filter_and_look,
        load_own_head_strictly,
        load_compare_then_copy,
        load_asserts,
        load_pops_from_a_copy,
        load_data,
    ],
    "11.replace_head": [
        head_plain,
        head_by_shape,
        head_small_start,
        head_zeros,
        head_deleted_first,
        head_by_parameters,
    ],
    "11.freeze": [
        (freeze_names, train_mode_norms),
        (freeze_all_then_the_head, train_mode_any_norm),
        (freeze_children, train_mode_whole_children),
        (freeze_by_identity, train_mode_apply),
        (freeze_recursive, train_mode_from_eval),
    ],
    "11.parameter_groups": [
        groups_named,
        groups_by_identity,
        groups_one_each,
        groups_generators,
        groups_with_names,
        groups_in_a_tuple,
    ],
}
