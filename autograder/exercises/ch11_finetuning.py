"""Chapter 11, fine-tuning: its exercises, their cases, oracles and known mistakes.

Networks are tiny: widths of a few channels, pictures of a few pixels. What is loaded, frozen or grouped is a small backbone
that the probe builds (`introdl.checking.probes.networks`), so that no exercise leans on another.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder.authoring.draws import generator
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from introdl.checking.probes import networks

#: What would do the exercises for the learner.
FINISHED = ("introdl.models.*", "introdl.experiments.transfer.*", "torchvision.*", "timm.*")


# --- weights that a case draws ------------------------------------------------------------------------------


def _draw_state(rng, module):
    """Values for a module's weights: convolutions and dense layers that keep the scale, BatchNorm that has learned."""
    state = {}
    for name, value in module.state_dict().items():
        shape = tuple(value.shape)
        if "num_batches_tracked" in name:
            continue
        if name.endswith("running_var"):
            state[name] = rng.uniform(0.5, 2.0, shape)
        elif len(shape) > 1:
            state[name] = rng.normal(0, 1.3 / math.sqrt(math.prod(shape[1:])), shape)
        elif name.endswith("weight"):
            state[name] = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.6, 1.4, shape)
        else:
            state[name] = rng.uniform(0.2, 0.8, shape) * rng.choice([-1.0, 1.0], shape)
    return {name: np.round(value, 3) for name, value in state.items()}


def _pictures(rng, *shape):
    return np.round(rng.normal(0, 1, shape), 2)


def _norm(x, state, name, training):
    """BatchNorm by its formula."""
    mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False))
    if not training:
        mean, var = (torch.from_numpy(state[f"{name}.running_{which}"]) for which in ("mean", "var"))
    weight, bias = (torch.from_numpy(state[f"{name}.{which}"]) for which in ("weight", "bias"))
    scale = weight / (var + 1e-5).sqrt()
    return x * scale[:, None, None] + (bias - mean * scale)[:, None, None]


def _conv(x, state, name, stride, padding):
    return F.conv2d(x, torch.from_numpy(state[f"{name}.weight"]), stride=stride, padding=padding)


# --- 11.basic_block -----------------------------------------------------------------------------------------


def _reference_block(before, after, stride):
    """The names and shapes of a basic block's weights."""
    block = nn.Module()
    block.conv1, block.bn1 = nn.Conv2d(before, after, 3, bias=False), nn.BatchNorm2d(after)
    block.conv2, block.bn2 = nn.Conv2d(after, after, 3, bias=False), nn.BatchNorm2d(after)
    if stride != 1 or before != after:
        block.downsample = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))
    return block


def _block_cases(rng):
    for label, before, after, stride, shape in (
        ("the shape stays: no projection", 2, 2, 1, (2, 3, 4)),
        ("more channels", 3, 5, 1, (3, 5, 4)),
        ("half the size and more channels", 4, 6, 2, (2, 6, 9)),
        ("half the size, the same channels", 4, 4, 2, (3, 7, 6)),
        ("from 2 x 2 pixels to one", 3, 4, 2, (5, 2, 2)),
        ("six channels stay six, the stride left at its default", 6, 6, None, (2, 5, 3)),
    ):
        state = _draw_state(rng, _reference_block(before, after, stride or 1))
        x = _pictures(rng, shape[0], before, *shape[1:])
        size = {"before": before, "after": after} | ({"stride": stride} if stride else {})
        yield Case(label, **size, state=state, x=x)


def _block_oracle(before, after, *more):
    stride, state, x = (1, *more)[-3:]
    given, found = torch.from_numpy(np.array(x)), {}
    for mode in ("evaluation", "training"):
        training = mode == "training"
        inner = _norm(_conv(given, state, "conv1", stride, 1), state, "bn1", training).clamp(min=0)
        inner = _norm(_conv(inner, state, "conv2", 1, 1), state, "bn2", training)
        around = given
        if "downsample.0.weight" in state:
            around = _norm(_conv(given, state, "downsample.0", stride, 0), state, "downsample.1", training)
        found[f"output in {mode} mode"] = (inner + around).clamp(min=0).numpy()
    return found


def _basic_block(forward=None, project="both", norm=True, kernel=1, bias=False, strides=None, names=None, shared=False):
    """A wrong `BasicBlock`; `strides` gives the strides of conv1, conv2 and the projection."""

    def build(before, after, stride=1):
        one, two, way = strides(stride) if strides else (stride, 1, stride)
        changes = {
            "both": stride != 1 or before != after,
            "stride alone": stride != 1,
            "channels alone": before != after,
            "always": True,
            "never": False,
        }[project]

        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(before, after, 3, one, padding=1, bias=bias)
                self.bn1 = nn.BatchNorm2d(after)
                self.conv2 = nn.Conv2d(after, after, 3, two, padding=1, bias=bias)
                if not shared:
                    self.bn2 = nn.BatchNorm2d(after)
                way_around = nn.Conv2d(before, after, kernel, way, padding=kernel // 2, bias=bias)
                if norm:
                    way_around = nn.Sequential(way_around, nn.BatchNorm2d(after))
                self.around = names or "downsample"
                if changes:
                    setattr(self, self.around, way_around)

            def way(self, x):
                layer = getattr(self, self.around, None)
                return x if layer is None else layer(x)

            def forward(self, x):
                if forward:
                    return forward(self, x)
                return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.way(x))

        return Block()

    return build


def _inner(block, x):
    return block.conv2(F.relu(block.bn1(block.conv1(x))))


BASIC_BLOCK = Exercise(
    id="11.basic_block",
    title="The residual block",
    points=16,
    names=("BasicBlock",),
    cases=_block_cases,
    oracle=_block_oracle,
    probe="residual_block",
    forbidden=FINISHED,
    rtol=1e-6,
    misconceptions={
        "nothing goes around": Mistake(
            "You return the output of the two convolutions without adding the block's input. That is a plain network; "
            "the skip connection is what makes it residual.",
            _basic_block(lambda b, x: F.relu(b.bn2(_inner(b, x)))),
        ),
        "no projection where the shape changes": Mistake(
            "If the stride is 2 or the number of channels changes, the input has the wrong shape for the sum. There "
            "you need a 1 x 1 convolution and a BatchNorm, downsample.0 and downsample.1.",
            _basic_block(project="never"),
        ),
        "ReLU before the addition": Mistake(
            "You apply the second ReLU before the addition, so a block could only ever add to its input and never "
            "subtract. Add first; ReLU comes last.",
            _basic_block(lambda b, x: F.relu(b.bn2(_inner(b, x))) + b.way(x)),
        ),
        "no ReLU at the end": Mistake(
            "The sum is right, but a block ends with a ReLU.",
            _basic_block(lambda b, x: b.bn2(_inner(b, x)) + b.way(x)),
        ),
        "no ReLU between the convolutions": Mistake(
            "There is no ReLU between the two convolutions. Without it, the two together are just one linear map.",
            _basic_block(lambda b, x: F.relu(b.bn2(b.conv2(b.bn1(b.conv1(x)))) + b.way(x))),
        ),
        "BatchNorm after ReLU": Mistake(
            "You apply ReLU to the first convolution's output and normalize afterwards. Published weights were "
            "trained in the order convolution, BatchNorm, ReLU.",
            _basic_block(lambda b, x: F.relu(b.bn2(b.conv2(b.bn1(F.relu(b.conv1(x))))) + b.way(x))),
        ),
        "BatchNorm after the addition": Mistake(
            "You add first and normalize the sum. The skip connection should stay untouched: normalize the "
            "convolutions' output, then add.",
            _basic_block(lambda b, x: F.relu(b.bn2(_inner(b, x) + b.way(x)))),
        ),
        "BatchNorm is never applied": Mistake(
            "bn1 and bn2 are there, but forward does not use them.",
            _basic_block(lambda b, x: F.relu(b.conv2(F.relu(b.conv1(x))) + b.way(x))),
        ),
        "the two BatchNorms are swapped": Mistake(
            "You use bn2 after the first convolution and bn1 after the second.",
            _basic_block(lambda b, x: F.relu(b.bn1(b.conv2(F.relu(b.bn2(b.conv1(x))))) + b.way(x))),
        ),
        "one BatchNorm for both": Mistake(
            "A single BatchNorm normalizes after both convolutions. Their outputs have different statistics, so each "
            "needs its own: bn1 and bn2.",
            _basic_block(lambda b, x: F.relu(b.bn1(_inner(b, x)) + b.way(x)), shared=True),
            also=[_basic_block(lambda b, x: F.relu(b.bn1(_inner(b, x)) + b.way(x)))],
        ),
        "the stride is in the second convolution": Mistake(
            "The output has the right shape, but conv1 still works at full size. The stride belongs in the first "
            "convolution.",
            _basic_block(strides=lambda s: (1, s, s)),
        ),
        "both convolutions have the stride": Mistake(
            "Both of your convolutions halve height and width, so the output is a quarter as high and wide and does "
            "not fit the input. Only conv1 has the stride.",
            _basic_block(strides=lambda s: (s, s, s)),
        ),
        "the projection lacks the stride": Mistake(
            "The convolutions halve height and width, but the projection does not. It needs the same stride.",
            _basic_block(strides=lambda s: (s, 1, 1)),
        ),
        "the convolutions lack the stride": Mistake(
            "The projection halves height and width, but the convolutions do not. Give conv1 the stride.",
            _basic_block(strides=lambda s: (1, 1, s)),
        ),
        "a projection everywhere": Mistake(
            "Your block has a projection even where the shape stays the same. There the input is added as it is, and "
            "published weights contain no tensors for a projection.",
            _basic_block(project="always"),
        ),
        "a projection for the stride alone": Mistake(
            "You project where the stride is not 1. But where the channels change, the shapes do not fit either.",
            _basic_block(project="stride alone"),
        ),
        "a projection for the channels alone": Mistake(
            "You project where the channels change. But with a stride of 2, height and width do not fit either.",
            _basic_block(project="channels alone"),
        ),
        "no BatchNorm in the projection": Mistake(
            "Your projection is only a convolution. It needs two layers in a row: downsample.0 is the convolution, "
            "downsample.1 its BatchNorm.",
            _basic_block(norm=False),
        ),
        "a projection of 3 x 3": Mistake(
            "The projection's kernel is 3 x 3. It only has to match channels and size: 1 x 1, without padding.",
            _basic_block(kernel=3),
        ),
        "convolutions with a bias": Mistake(
            "Your convolutions have a bias. BatchNorm subtracts the mean right after, and the bias with it, so it is left out "
            "(bias=False).",
            _basic_block(bias=True),
        ),
        "the projection is called shortcut": Mistake(
            "Your block may compute the right thing, but weights are loaded by their names, and the projection's name is downsample.",
            _basic_block(names="shortcut"),
        ),
        "the input is concatenated": Mistake(
            "You concatenate the channels of input and output, as DenseNet does. Here they are added, number by "
            "number.",
            _basic_block(lambda b, x: F.relu(torch.cat([b.bn2(_inner(b, x)), b.way(x)], 1))),
        ),
    },
    hints=(
        "__init__ creates conv1, bn1, conv2, bn2, and downsample only where the shape changes. In forward, two paths "
        "lead from x to the sum.",
        "conv1 has the stride; both convolutions have padding=1 and bias=False. downsample is nn.Sequential(nn.Conv2d(before, after, "
        "1, stride, bias=False), nn.BatchNorm2d(after)).",
        "around = x, or self.downsample(x). Then relu(bn1(conv1(x))), then bn2(conv2(...)) + around, and relu of that sum.",
    ),
)


# --- 11.resnet18 --------------------------------------------------------------------------------------------


def _resnet18(
    stem=None,
    pool=None,
    counts=(2, 2, 2, 2),
    strides=None,
    end=None,
    head="fc",
    listed=(),
    bias=False,
    kernel=7,
    mids=None,
    stem_stride=2,
    twice=False,
):
    """A `ResNet18` with parts that may be wrong. `strides` gives each layer's: (first block, second block).

    `listed`: the numbers of layers that are plain lists; `twice`: layer1 is one block, two times.
    """

    def build(num_classes=1000, widths=(64, 128, 256, 512), block=None):
        given = strides or ((1, 1), (2, 1), (2, 1), (2, 1))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, widths[0], kernel, stem_stride, padding=kernel // 2, bias=bias)
                self.bn1 = nn.BatchNorm2d(widths[0])
                before = widths[0]
                for number, after in enumerate(widths, 1):
                    one, two = given[number - 1]
                    inner = before if mids else after
                    blocks = [block(before, after if not mids else after, one), block(inner, after, two)]
                    blocks = blocks[: counts[number - 1]]
                    if twice and number == 1:
                        blocks = blocks[:1] * 2
                    setattr(self, f"layer{number}", blocks if number in listed else nn.Sequential(*blocks))
                    before = after
                setattr(self, head, nn.Linear(widths[-1], num_classes))

            def forward(self, x):
                x = stem(self, x) if stem else F.relu(self.bn1(self.conv1(x)))
                x = pool(x) if pool else F.max_pool2d(x, 3, stride=2, padding=1)
                for number in range(1, 5):
                    for one in getattr(self, f"layer{number}"):
                        x = one(x)
                return end(self, x) if end else getattr(self, head)(x.mean((2, 3)))

        return Net()

    return build


def _net_cases(rng):
    for label, classes, widths, shape in (
        ("four widths that differ", 5, (2, 3, 4, 6), (2, 35, 33)),
        ("wide pictures", 4, (3, 5, 6, 7), (3, 32, 69)),
        ("many classes", 17, (4, 3, 5, 2), (2, 66, 37)),
    ):
        model = _resnet18()(classes, widths, networks.stand_in_block)
        state = _draw_state(rng, model)
        # A body whose numbers neither die out on their way nor explode: kernels that are means, more or less.
        for name, value in state.items():
            if name.endswith(".conv.weight"):
                state[name] = np.round(rng.uniform(0.2, 1.8, value.shape) / math.prod(value.shape[1:]), 4)
        yield Case(
            label, num_classes=classes, widths=list(widths), state=state, x=_pictures(rng, shape[0], 3, *shape[1:])
        )
    # Only shapes are looked at, and many a wrong network has these.
    yield Case("classes and widths left at their defaults", weight=0.2, weights=list(_DEFAULTS))


#: Some weights' shapes in a ResNet-18 as it was published, of stand-ins for blocks.
_DEFAULTS = {
    "conv1.weight": [64, 3, 7, 7],
    **{f"layer{n}.1.conv.weight": [64 * 2 ** (n - 1)] * 2 + [3, 3] for n in range(1, 5)},
    "fc.weight": [1000, 512],
}


def _net_oracle(*inputs):
    if len(inputs) == 1:
        return {name: _DEFAULTS[name] for name in inputs[0]}
    _, _, state, x = inputs
    found = {}
    for mode in ("evaluation", "training"):
        v = _conv(torch.from_numpy(np.array(x)), state, "conv1", 2, 3)
        v = _norm(v, state, "bn1", mode == "training").clamp(min=0)
        v = F.max_pool2d(v, 3, 2, 1)
        for layer in range(1, 5):
            for number in (0, 1):
                stride = 2 if layer > 1 and number == 0 else 1
                v = _conv(v, state, f"layer{layer}.{number}.conv", stride, 1).clamp(min=0)
        scores = v.mean((2, 3)).numpy() @ state["fc.weight"].T + state["fc.bias"]
        found[f"output in {mode} mode"] = scores
    return found


RESNET18 = Exercise(
    id="11.resnet18",
    title="ResNet-18",
    points=14,
    names=("ResNet18",),
    cases=_net_cases,
    oracle=_net_oracle,
    probe="resnet",
    forbidden=FINISHED,
    rtol=1e-6,
    misconceptions={
        "no max pooling in the stem": Mistake(
            "After conv1, bn1 and ReLU, max pooling halves the maps once more. Yours enter layer1 at twice the size.",
            _resnet18(pool=lambda x: x),
        ),
        "max pooling of 2 x 2": Mistake(
            "Your max pooling uses 2 x 2 windows. Published weights were trained with windows of 3 x 3, stride 2, "
            "padding 1.",
            _resnet18(pool=lambda x: F.max_pool2d(x, 2)),
        ),
        "max pooling without padding": Mistake(
            "Your 3 x 3 windows do not reach over the edge. The pooling has padding=1.",
            _resnet18(pool=lambda x: F.max_pool2d(x, 3, 2)),
        ),
        "a mean instead of the maximum": Mistake(
            "The stem pools by the maximum, not by the mean.",
            _resnet18(pool=lambda x: F.avg_pool2d(x, 3, 2, 1)),
        ),
        "a stem of 3 x 3": Mistake(
            "Your first convolution is 3 x 3, which people use for tiny pictures. Published weights have 7 x 7 there.",
            _resnet18(kernel=3),
        ),
        "the stem does not halve": Mistake(
            "Your conv1 keeps the size. It needs a stride of 2.",
            _resnet18(stem_stride=1),
        ),
        "layer1 halves too": Mistake(
            "layer1 keeps the size: the stem has halved it twice already. Only layer2, layer3 and layer4 begin with a stride of 2.",
            _resnet18(strides=((2, 1),) * 4),
        ),
        "no layer halves": Mistake(
            "All your blocks have a stride of 1. The first block of layer2, layer3 and layer4 has a stride of 2.",
            _resnet18(strides=((1, 1),) * 4),
        ),
        "both blocks halve": Mistake(
            "In layer2 to layer4 both of your blocks have a stride of 2. Only the first should.",
            _resnet18(strides=((1, 1), (2, 2), (2, 2), (2, 2))),
        ),
        "the second block halves": Mistake(
            "The stride of 2 is in the second block of each layer. It belongs to the first, where the channels change too.",
            _resnet18(strides=((1, 1), (1, 2), (1, 2), (1, 2))),
        ),
        "one block in a layer": Mistake(
            "Each layer has two blocks: 1 + 4 x 2 x 2 + 1 = 18 layers with weights.",
            _resnet18(counts=(1, 1, 1, 1)),
        ),
        "no ReLU in the stem": Mistake(
            "A ReLU is missing between bn1 and the pooling.",
            _resnet18(stem=lambda n, x: n.bn1(n.conv1(x))),
        ),
        "BatchNorm after ReLU in the stem": Mistake(
            "The order is convolution, BatchNorm, ReLU.",
            _resnet18(stem=lambda n, x: n.bn1(F.relu(n.conv1(x)))),
        ),
        "bn1 is left out": Mistake(
            "bn1 exists, but forward does not use it.",
            _resnet18(stem=lambda n, x: F.relu(n.conv1(x))),
        ),
        "the maximum over space": Mistake(
            "At the end you take each map's maximum. ResNet takes the mean over height and width.",
            _resnet18(end=lambda n, x: n.fc(x.amax((2, 3)))),
        ),
        "the maps are not averaged before the head": Mistake(
            "fc takes one number for each channel, and it is given more. Take the mean over height and width before it; flatten "
            "would hand over every position of every map.",
            _resnet18(end=lambda n, x: n.fc(x.flatten(1))),
        ),
        "softmax at the end": Mistake(
            "You return probabilities. The network should return scores; the loss applies softmax itself.",
            _resnet18(end=lambda n, x: n.fc(x.mean((2, 3))).softmax(1)),
        ),
        "ReLU after the head": Mistake(
            "Scores may be negative. There is no ReLU after fc.",
            _resnet18(end=lambda n, x: F.relu(n.fc(x.mean((2, 3))))),
        ),
        "features instead of scores": Mistake(
            "You return the mean over space. Pass it through fc, which turns it into scores.",
            _resnet18(end=lambda n, x: x.mean((2, 3))),
        ),
        "the head's name is head": Mistake(
            "Weights are loaded by their names, and the last layer must be called fc.",
            _resnet18(head="head"),
        ),
        "blocks in a plain list": Mistake(
            "You keep a layer's blocks in a Python list. PyTorch does not look into it, so their weights are neither saved, nor "
            "loaded, nor trained. Use nn.Sequential.",
            _resnet18(listed=(1, 2, 3, 4)),
            also=[_resnet18(listed=(1,))],
        ),
        "the same block twice": Mistake(
            "Both places of layer1 hold one and the same block, so they share their weights. [block(...)] * 2 makes one block and "
            "names it twice: call block for each.",
            _resnet18(twice=True),
        ),
        "a bias in the stem": Mistake(
            "Your conv1 has a bias. BatchNorm follows and would subtract it again, so leave it out (bias=False).",
            _resnet18(bias=True),
        ),
        "the second block has the first one's channels": Mistake(
            "The second block of a layer expects the channels that went into the first. The first block has already "
            "changed them.",
            _resnet18(mids=True),
        ),
    },
    hints=(
        "The stem: conv1 (7 x 7, stride 2, padding 3, no bias), bn1, ReLU, max pooling (3, stride 2, padding 1). Then four layers, then "
        "the mean over space, then fc.",
        "layer2 is nn.Sequential(block(widths[0], widths[1], 2), block(widths[1], widths[1], 1)). layer3 and layer4 "
        "follow the same pattern with the next widths. In layer1 both blocks have stride 1.",
        "forward: x = max_pool2d(relu(self.bn1(self.conv1(x))), 3, 2, 1); the four layers in turn; return self.fc(x.mean(dim=(2, 3))).",
    ),
)


# --- 11.load_pretrained -------------------------------------------------------------------------------------


def _load_case(rng, label, widths, classes, published, damage=None):
    own = _draw_state(rng, networks.small_backbone(widths, classes))
    state = _draw_state(rng, networks.small_backbone(widths, published))
    if damage:
        damage(state)
    return Case(label, widths=list(widths), classes=classes, own=own, state=state)


def _renamed(old, new):
    def damage(state):
        for name in list(state):
            if name.startswith(old):
                state[new + name.removeprefix(old)] = state.pop(name)

    return damage


def _extra(state):
    state["layer2.0.conv.weight"] = np.ones((3, 2, 1, 1))


def _lost(name):
    return lambda state: state.pop(name)


def _reshaped(name):
    def damage(state):
        state[name] = np.concatenate([state[name], state[name]])

    return damage


def _load_cases(rng):
    yield _load_case(rng, "another number of classes", (2, 3), 4, 6)
    yield _load_case(rng, "the same number of classes", (3, 4), 5, 5)
    yield _load_case(rng, "a layer has another name", (2, 4), 3, 7, _renamed("layer1.0.conv.", "block1.conv."))
    yield _load_case(rng, "a weight is missing", (3, 2), 3, 5, _lost("bn1.running_mean"))
    yield _load_case(rng, "a weight has another shape", (2, 3), 4, 5, _reshaped("conv1.weight"))
    yield _load_case(rng, "the weights hold a layer more", (3, 2), 3, 4, _extra)


def _load_oracle(widths, classes, own, state):
    body = {name for name in {*own, *state} if not name.startswith("fc.")}
    if any(np.shape(own.get(name)) != np.shape(state.get(name)) for name in body):
        return "an error that names a weight that does not fit"
    kept = {name: own[name] if name.startswith("fc.") else state[name] for name in own}
    return {"weights": kept, "the weights that were given": "left as they were"}


def _is_head(name):
    return name.startswith("fc.")


def _load(model, state, head=_is_head, surplus=True):
    """Load all but the head, and say what does not fit: the names that are missing and, with `surplus`, those too many."""
    body = {name: value for name, value in state.items() if not head(name)}
    missing, unexpected = model.load_state_dict(body, strict=False)
    wrong = [name for name in missing if not head(name)] + (list(unexpected) if surplus else [])
    if wrong:
        raise ValueError(f"{wrong[0]} does not fit")


def _misses_the_head(model, state):
    model.load_state_dict({n: v for n, v in state.items() if not _is_head(n)})


def _never_looks_at_names(model, state):
    model.load_state_dict({n: v for n, v in state.items() if not _is_head(n)}, strict=False)


def _skips_what_does_not_fit(model, state):
    own = model.state_dict()
    fits = {n: v for n, v in state.items() if n in own and own[n].shape == v.shape and not _is_head(n)}
    model.load_state_dict(fits, strict=False)


def _head_where_it_fits(model, state):
    own = model.state_dict()
    if state["fc.weight"].shape == own["fc.weight"].shape:
        return model.load_state_dict(state) and None
    return _load(model, state)


def _checked(model, state):
    own = model.state_dict()
    for name in sorted({*own, *state}):
        if not _is_head(name) and (name not in own or name not in state or own[name].shape != state[name].shape):
            raise ValueError(f"{name} does not fit")


def _parameters_alone(model, state):
    _checked(model, state)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not _is_head(name):
                parameter.copy_(state[name])


def _into_the_dict(model, state):
    _checked(model, state)
    own = model.state_dict()
    for name in own:
        if not _is_head(name):
            own[name] = state[name]


def _unexpected_alone(model, state):
    own = model.state_dict()
    own.update({name: value for name, value in state.items() if not _is_head(name)})
    model.load_state_dict(own)


def _takes_the_head_out(model, state):
    for name in [name for name in state if _is_head(name)]:
        del state[name]
    _load(model, state)


def _without_a_name(model, state):
    try:
        _load(model, state)
    except (ValueError, RuntimeError):
        raise ValueError("The weights do not fit.") from None


LOAD_PRETRAINED = Exercise(
    id="11.load_pretrained",
    title="Load weights by name",
    points=12,
    cases=_load_cases,
    oracle=_load_oracle,
    probe="load_pretrained",
    forbidden=FINISHED,
    rtol=1e-9,
    misconceptions={
        "everything is loaded, the head too": Mistake(
            "model.load_state_dict(state) loads every weight, the head's too. If the number of classes differs, that "
            "raises an error; if it is the same, you get a head for other dishes. Leave out the names that begin with "
            "fc.",
            lambda model, state: model.load_state_dict(state),
        ),
        "the model's own head counts as missing": Mistake(
            "You leave the head out of the weights, which is right. But then load_state_dict reports the model's own fc.weight and "
            "fc.bias as missing (with strict=True by an error), and you take that for a fault. Load with strict=False, and "
            "raise only for missing names that are not the head's.",
            _misses_the_head,
        ),
        "strict=False, and the head too": Mistake(
            "strict=False ignores names, not shapes: if the number of classes differs, the head's weights raise an "
            "error, and if it is the same, they are loaded although they belong to other dishes. Leave out the names "
            "that begin with fc. And look at the names that load_state_dict returns: raise an error for whatever does "
            "not fit in the body.",
            lambda model, state: model.load_state_dict(state, strict=False) and None,
        ),
        "the head is loaded where it fits": Mistake(
            "If the number of classes happens to be the same, you load the head too. Its rows stand for other dishes: "
            "always leave the head as it is.",
            _head_where_it_fits,
        ),
        "strict=False and no look at what is missing": Mistake(
            "strict=False loads what it finds by name and ignores the rest. A layer with another name stays random, "
            "and you would wonder why the network learns so slowly. load_state_dict returns the missing and the "
            "unexpected names: look at them.",
            _never_looks_at_names,
        ),
        "what does not fit is skipped": Mistake(
            "You load what fits by name and shape, and skip the rest silently. Then a body that is half random looks like a "
            "pretrained one. Raise an error for what does not fit.",
            _skips_what_does_not_fit,
        ),
        "only missing names are looked at": Mistake(
            "You notice when a weight for the model is missing, but not when the weights contain a layer that the "
            "model does not have. In that case they belong to a different network.",
            lambda model, state: _load(model, state, surplus=False),
        ),
        "only unexpected names are looked at": Mistake(
            "You fill the gaps with the model's own random weights, so a missing name goes unnoticed.",
            _unexpected_alone,
        ),
        "buffers are forgotten": Mistake(
            "You go through named_parameters. BatchNorm's running mean and variance are buffers, not parameters; "
            "without them the pretrained layers get numbers of a different scale. model.state_dict() holds both.",
            _parameters_alone,
        ),
        "the model's weights stay as they were": Mistake(
            "You compare names and shapes, but nothing reaches the model. model.state_dict() returns a new dict, and "
            "putting another tensor into it (or into a copy of the model) does not change the model. Pass it to "
            "model.load_state_dict, or copy into the tensors.",
            _into_the_dict,
        ),
        "fc anywhere in a name": Mistake(
            "You leave out every name that contains fc. Inside the body there may be a layer of that name too, as in layer1.0.fc.weight. The "
            "head's names begin with fc.",
            lambda model, state: _load(model, state, head=lambda name: "fc" in name),
        ),
        "the head is taken out of the weights": Mistake(
            "You delete the head from the dict that you were given, so the caller has lost it. Make a new dict.",
            _takes_the_head_out,
        ),
        "the error does not name the weight": Mistake(
            "You notice that something does not fit, but your message does not say what. Among 122 names, the reader needs to know which one.",
            _without_a_name,
        ),
    },
    hints=(
        "Take the head out first: body = {name: value for name, value in state.items() if ...}. Then everything that is left must fit.",
        "missing, unexpected = model.load_state_dict(body, strict=False) returns two lists of names. The head's own "
        "names have to be missing, but nothing else.",
        "wrong = [n for n in missing if not n.startswith('fc.')] + list(unexpected); if wrong: raise "
        "ValueError(f'{wrong[0]} does not fit'). A different shape raises an error by itself.",
    ),
)


# --- 11.replace_head ----------------------------------------------------------------------------------------


def _head_cases(rng):
    for label, widths, before, after in (
        ("from six classes to three", (2, 4), 6, 3),
        ("to more classes", (3, 5), 4, 9),
        ("as many classes as before", (2, 7), 5, 5),
    ):
        state = _draw_state(rng, networks.small_backbone(widths, before))
        yield Case(
            label, widths=list(widths), classes=before, num_classes=after, state=state, x=_pictures(rng, 2, 3, 4, 5)
        )


def _set_head(make):
    def wrong(model, num_classes):
        model.fc = make(model, num_classes)

    return wrong


def _number_alone(model, num_classes):
    model.fc.out_features = num_classes


def _sliced(model, num_classes):
    old, model.fc = model.fc, torch.nn.Linear(model.fc.in_features, num_classes)
    rows = min(num_classes, old.out_features)
    with torch.no_grad():
        model.fc.weight[:rows] = old.weight[:rows]


def _beside(model, num_classes):
    model.head = nn.Linear(model.fc.in_features, num_classes)


def _fresh_body(model, num_classes):
    for layer in (model.conv1, model.layer1[0].conv, model.bn1, model.layer1[0].bn, model.layer1[0].fc):
        layer.reset_parameters()
    with torch.no_grad():
        model.bn1.bias.add_(0.1)
    model.fc = nn.Linear(model.fc.in_features, num_classes)


def _counted(model, num_classes):
    found = []
    hook = model.fc.register_forward_pre_hook(lambda _, given: found.append(given[0].shape[1]))
    model(torch.ones(2, 3, 4, 4))
    hook.remove()
    model.fc = torch.nn.Linear(found[0], num_classes)


def _body_asleep(model, num_classes):
    model.requires_grad_(False)
    model.fc = nn.Linear(model.fc.in_features, num_classes)


def _asleep(model, num_classes):
    model.fc = nn.Linear(model.fc.in_features, num_classes).requires_grad_(False)


REPLACE_HEAD = Exercise(
    id="11.replace_head",
    title="Another head",
    points=8,
    cases=_head_cases,
    oracle=lambda *_: "a new head, nothing else changed",
    probe="replace_head",
    forbidden=FINISHED,
    misconceptions={
        "512 features for every network": Mistake(
            "You wrote 512 for the number of features. That is right for ResNet-18 but not for other networks. Ask "
            "the old head: model.fc.in_features.",
            _set_head(lambda m, k: nn.Linear(512, k)),
        ),
        "the new head is put on top of the old one": Mistake(
            "Your new layer takes the old head's scores as its input, and whatever the old head has thrown away is "
            "lost. Replace the old head instead.",
            _set_head(lambda m, k: nn.Sequential(m.fc, nn.Linear(m.fc.out_features, k))),
        ),
        "features and classes are swapped": Mistake(
            "nn.Linear takes the number of inputs first, then the number of outputs.",
            _set_head(lambda m, k: nn.Linear(k, m.fc.in_features)),
        ),
        "only the number is changed": Mistake(
            "Changing out_features does not change the shape of the weight. Create a new layer.",
            _number_alone,
        ),
        "old rows are kept": Mistake(
            "You copy rows of the old head into the new one. They belong to other dishes.",
            _sliced,
        ),
        "a second head beside the first": Mistake(
            "You give the model a new attribute, but forward still uses model.fc. Assign to model.fc.",
            _beside,
        ),
        "no bias": Mistake(
            "The new head has no bias, but the old one had.",
            _set_head(lambda m, k: nn.Linear(m.fc.in_features, k, bias=False)),
        ),
        "the body is new too": Mistake(
            "The body's weights have changed. They are what you wanted to keep.",
            _fresh_body,
        ),
        "a batch goes through to count the features": Mistake(
            "You run pictures through the model to count its features. In training mode that moves BatchNorm's "
            "running statistics, which belong to the body. Ask the old head instead: model.fc.in_features.",
            _counted,
        ),
        "the body is frozen too": Mistake(
            "You freeze the body. That is a separate step with its own function: here only the head changes.",
            _body_asleep,
        ),
        "the new head cannot learn": Mistake(
            "The new head's weights need no gradient. It is the one layer that must learn.",
            _asleep,
        ),
    },
    hints=(
        "The head is an attribute of the model, and you can assign a new layer to it.",
        "A new nn.Linear has random weights. The old head knows how many features it takes.",
        "model.fc = nn.Linear(model.fc.in_features, num_classes)",
    ),
)


# --- 11.freeze ----------------------------------------------------------------------------------------------


def _freeze_case(rng, label, widths, classes, how, sizes):
    state = _draw_state(rng, networks.small_backbone(widths, classes))
    batches = [(_pictures(rng, n, 3, 3, 4), (np.arange(n) + rng.integers(classes)) % classes) for n in sizes]
    lr = round(float(rng.uniform(0.2, 0.5)), 2)
    return Case(label, widths=list(widths), classes=classes, state=state, how=how, batches=batches, lr=lr)


def _freeze_cases(rng):
    yield _freeze_case(rng, "one step with a frozen body", (2, 3), 3, "freeze", (4,))
    yield _freeze_case(rng, "three steps with a frozen body", (3, 4), 5, "freeze", (5, 3, 4))
    yield _freeze_case(rng, "nothing is frozen", (3, 2), 4, "nothing", (6,))
    yield _freeze_case(rng, "the first layer is frozen by hand", (2, 4), 3, "the first layer by hand", (5,))


def _freeze_oracle(widths, classes, state, how, batches, lr):
    """The forward pass by its formulas, and the head's steps as softmax regression on the features."""
    state = {name: np.array(value) for name, value in state.items()}
    frozen = {"freeze": ("bn1", "layer1.0.bn"), "nothing": (), "the first layer by hand": ("bn1",)}[how]
    W, b = state["fc.weight"], state["fc.bias"]
    losses = []

    def norm(v, name):
        if name not in frozen:
            for which, value in (("mean", v.mean((0, 2, 3))), ("var", v.var((0, 2, 3), unbiased=True))):
                key = f"{name}.running_{which}"
                state[key] = 0.9 * state[key] + 0.1 * value.numpy()
        return _norm(v, state, name, name not in frozen)

    for x, y in batches:
        v = norm(_conv(torch.from_numpy(np.array(x)), state, "conv1", 1, 1), "bn1").clamp(min=0)
        v = norm(_conv(v, state, "layer1.0.conv", 1, 1), "layer1.0.bn").clamp(min=0)
        gate = F.linear(
            v.mean((2, 3)), *(torch.from_numpy(state[f"layer1.0.fc.{n}"]) for n in ("weight", "bias"))
        ).sigmoid()
        features = (v * gate[:, :, None, None]).mean((2, 3)).numpy()
        scores = features @ W.T + b
        p = np.exp(scores - scores.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        losses.append(-np.log(p[np.arange(len(y)), y]).mean())
        p[np.arange(len(y)), y] -= 1
        W, b = W - lr * p.T @ features / len(y), b - lr * p.mean(0)
    body = [n for n, _ in networks.small_backbone(widths, classes).named_parameters() if not n.startswith("fc.")]
    asleep = networks.ASLEEP[how]
    return {
        "parameters that learn": ", ".join([n for n in body if not n.startswith(asleep)] + ["fc.weight", "fc.bias"]),
        "BatchNorm's running statistics": {n: v for n, v in state.items() if "running" in n},
        "the model itself is in": "training mode",
        "losses": np.array(losses),
        "the head afterwards": np.concatenate([W.ravel(), b]),
        "what is frozen, afterwards": {n: state[n] for n in body if n.startswith(asleep)},
    }


def _freeze(model, asleep=lambda name: not name.startswith("fc.")):
    for name, parameter in model.named_parameters():
        if asleep(name):
            parameter.requires_grad_(False)


def _batch_norms(model):
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]


def _train_right(model):
    model.train()
    for layer in _batch_norms(model):
        if not layer.weight.requires_grad:
            layer.eval()


def _outermost_norms_asleep(model):
    model.train()
    for layer in model.children():
        if isinstance(layer, nn.BatchNorm2d) and not layer.weight.requires_grad:
            layer.eval()


def _all_norms_asleep(model):
    model.train()
    for layer in _batch_norms(model):
        layer.eval()


def _no_momentum(model):
    model.train()
    for layer in _batch_norms(model):
        if not layer.weight.requires_grad:
            layer.momentum = 0.0


def _weights_alone(model):
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer is not model.fc:
            layer.requires_grad_(False)


def _whole_head_too(model):
    model.requires_grad_(False)


FREEZE = Exercise(
    id="11.freeze",
    title="Freeze the body",
    points=14,
    names=("freeze", "train_mode"),
    cases=_freeze_cases,
    oracle=_freeze_oracle,
    probe="freeze",
    forbidden=FINISHED,
    rtol=1e-6,
    misconceptions={
        "BatchNorm's statistics still move": Mistake(
            "The weights are frozen, but model.train() has put BatchNorm into training mode: it normalizes with the "
            "batch's statistics and keeps moving its running mean and variance. So the backbone changes without a "
            "single gradient. Put frozen BatchNorm layers into evaluation mode.",
            (_freeze, lambda model: model.train() and None),
        ),
        "nothing is frozen": Mistake(
            "All parameters still learn. Setting requires_grad on a copy (p.detach(), p.data, state_dict()) does not reach the model, and "
            "neither does a misspelled name. Use requires_grad_(False) on what model.named_parameters() gives.",
            (lambda model: None, _train_right),
        ),
        "the head is frozen too": Mistake(
            "You freeze every parameter, the head's too, so nothing is left to learn.",
            (_whole_head_too, _train_right),
        ),
        "the head is frozen, the body learns": Mistake(
            "It should be the other way around: the body is frozen, and the head learns.",
            (lambda model: _freeze(model, _is_head), _train_right),
        ),
        "BatchNorm's own weights still learn": Mistake(
            "You freeze convolutions and dense layers. BatchNorm has a weight and a bias for each channel, too, and "
            "they belong to the body.",
            (_weights_alone, _train_right),
        ),
        "biases still learn": Mistake(
            "You freeze only what ends in weight. The body has biases too.",
            (lambda model: _freeze(model, lambda n: n.endswith("weight") and not _is_head(n)), _train_right),
        ),
        "fc anywhere in a name": Mistake(
            "You skip every parameter whose name contains fc. The body has such a layer too. The head's names begin with "
            "fc.",
            (lambda model: _freeze(model, lambda n: "fc" not in n), _train_right),
        ),
        "the first layer only": Mistake(
            "You freeze conv1 and bn1, and the layers after them still learn.",
            (lambda model: _freeze(model, lambda n: n.startswith(("conv1", "bn1"))), _train_right),
        ),
        "everything in evaluation mode": Mistake(
            "After train_mode the whole model is in evaluation mode: you call model.eval(), or you never call model.train(), and "
            "it stays as the last evaluation left it. A BatchNorm layer that is not frozen should still update its statistics.",
            (_freeze, lambda model: model.eval() and None),
        ),
        "only the outermost layers are looked at": Mistake(
            "train_mode finds bn1, but none of the BatchNorm layers inside layer1. model.children() gives the outermost "
            "layers alone; model.modules() gives those inside them, too.",
            (_freeze, _outermost_norms_asleep),
        ),
        "every BatchNorm in evaluation mode": Mistake(
            "You put all BatchNorm layers into evaluation mode, whether they are frozen or not. Ask whether their weight needs a gradient.",
            (_freeze, _all_norms_asleep),
        ),
        "a momentum of 0": Mistake(
            "With momentum 0 the running statistics stand still, but in training mode BatchNorm still normalizes with "
            "the batch's statistics. Only in evaluation mode does it use the running ones.",
            (_freeze, _no_momentum),
        ),
    },
    hints=(
        "freeze goes through model.named_parameters() and switches gradients off wherever the name does not begin "
        "with 'fc.'. train_mode calls model.train() first.",
        "In training mode BatchNorm updates its running statistics, whatever requires_grad says. layer.eval() stops "
        "that. model.modules() returns all layers, nested ones too.",
        "train_mode: model.train(); for m in model.modules(): if isinstance(m, nn.BatchNorm2d) and not m.weight.requires_grad: m.eval().",
    ),
)


# --- 11.parameter_groups ------------------------------------------------------------------------------------


def _group_cases(rng):
    for label, widths, classes, frozen in (
        ("all layers learn", (2, 3), 4, []),
        ("the first layer is frozen", (3, 2), 5, ["conv1.", "bn1."]),
        ("the body's second part is frozen", (3, 4), 2, ["layer1."]),
        ("only the head learns", (2, 4), 3, ["conv1.", "bn1.", "layer1."]),
    ):
        head = round(float(rng.uniform(0.01, 0.1)), 4)
        body = round(head / float(rng.integers(4, 20)), 5)
        yield Case(label, widths=list(widths), classes=classes, frozen=frozen, lr_head=head, lr_body=body)


def _group_oracle(widths, classes, frozen, lr_head, lr_body):
    names = [name for name, _ in networks.small_backbone(widths, classes).named_parameters()]
    learn = [name for name in sorted(names) if not name.startswith(tuple(frozen) or ("nothing",))]
    return {name: lr_head if name.split(".")[0] == "fc" else lr_body for name in learn}


def _parameter_groups(
    head=_is_head, learns=lambda p: p.requires_grad, rates=lambda h, b: (h, b), also=lambda name: True
):
    """Wrong groups: which names are the head's, which parameters are taken, at which rates."""

    def wrong(model, lr_head, lr_body):
        of_head, of_body = rates(lr_head, lr_body)
        named = [(n, p) for n, p in model.named_parameters() if learns(p) and also(n)]
        return [
            {"params": [p for n, p in named if head(n)], "lr": of_head},
            {"params": [p for n, p in named if not head(n)], "lr": of_body},
        ]

    return wrong


def _twice(model, lr_head, lr_body):
    return [
        {"params": [p for p in model.fc.parameters() if p.requires_grad], "lr": lr_head},
        {"params": [p for p in model.parameters() if p.requires_grad], "lr": lr_body},
    ]


def _layers(model, lr_head, lr_body):
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and m is not model.fc]
    return [
        {"params": [p for p in model.fc.parameters() if p.requires_grad], "lr": lr_head},
        {"params": [p for m in layers for p in m.parameters() if p.requires_grad], "lr": lr_body},
    ]


def _no_rate(model, lr_head, lr_body):
    head, body = _parameter_groups()(model, lr_head, lr_body)
    return [head, {"params": body["params"]}]


PARAMETER_GROUPS = Exercise(
    id="11.parameter_groups",
    title="Two learning rates",
    points=12,
    cases=_group_cases,
    oracle=_group_oracle,
    probe="parameter_groups",
    forbidden=(*FINISHED, "introdl.training.*"),
    rtol=1e-6,
    misconceptions={
        "the rates are swapped": Mistake(
            "The body has the head's rate, and the head the body's. What was trained before should move slowly.",
            _parameter_groups(rates=lambda h, b: (b, h)),
        ),
        "the head is in both groups": Mistake(
            "You take model.parameters() for the body. The head's parameters are among them, so they are in both groups, and an "
            "optimizer refuses that.",
            _twice,
        ),
        "BatchNorm is in no group": Mistake(
            "You collect convolutions and dense layers, so BatchNorm's parameters are in no group and never change. "
            "Go through the parameters, not through the layers.",
            _layers,
        ),
        "the body is in no group": Mistake(
            "You return only the head's group, so the body's parameters would never change.",
            lambda model, lr_head, lr_body: [{"params": list(model.fc.parameters()), "lr": lr_head}],
        ),
        "the head is in no group": Mistake(
            "You return only the body's group. The head is the part that has to learn most.",
            lambda model, lr_head, lr_body: _parameter_groups()(model, lr_head, lr_body)[1:],
        ),
        "biases are in no group": Mistake(
            "You collect only what ends in weight. Biases are parameters too.",
            _parameter_groups(also=lambda name: name.endswith("weight")),
        ),
        "frozen parameters are in a group": Mistake(
            "A parameter that needs no gradient is in a group. PyTorch's optimizers skip parameters without a gradient, but one that was trained before and "
            "frozen later may still have an old .grad, and then it moves. Leave out what is frozen.",
            _parameter_groups(learns=lambda p: True),
        ),
        "one rate for all": Mistake(
            "Both groups have the head's rate.",
            _parameter_groups(rates=lambda h, b: (h, h)),
        ),
        "the body's rate for all": Mistake(
            "Both groups have the body's rate. The head starts from random weights: it needs the larger one.",
            _parameter_groups(rates=lambda h, b: (b, b)),
        ),
        "fc anywhere in a name": Mistake(
            "You take every name that contains fc for the head. The body has such a layer too. The head's names begin with fc.",
            _parameter_groups(head=lambda name: "fc" in name),
        ),
        "a group without its rate": Mistake(
            "The body's group has no lr, so it uses the optimizer's default. Give each group its own.",
            _no_rate,
        ),
    },
    hints=(
        "An optimizer takes a list of dicts instead of parameters. Each has the keys params and lr.",
        "Go through model.named_parameters() once, leave out what does not need a gradient, and sort by the start of "
        "the name: 'fc.' is the head.",
        "head = [p for n, p in model.named_parameters() if p.requires_grad and n.startswith('fc.')]; body likewise with not. Return "
        "[{'params': body, 'lr': lr_body}, {'params': head, 'lr': lr_head}].",
    ),
)


# --- 11.few_shot_subset -------------------------------------------------------------------------------------


def _few_cases(rng):
    """Judging a right draw wrong would take one certain set of indices: a chance under 1e-7 in each case (see the test)."""
    for label, counts, per_class in (
        ("three classes, five pictures each", (15, 13, 16), 5),
        ("classes of different sizes", (60, 24, 41, 33, 28), 15),
        ("one picture of each class", (32, 45, 51, 38, 62), 1),
        ("more than half of them", (24, 22, 26), 14),
        ("a class that has too few", (20, 7, 30), 9),
        ("a class that has just enough", (33, 8, 29), 8),
    ):
        sizes = [int(n + rng.integers(0, 4)) if n > 9 else n for n in counts]
        labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).astype(np.int64)
        yield Case(label, labels=labels, per_class=per_class, rng=generator(rng))


def _few_oracle(labels, per_class, rng):
    return "a ValueError" if np.bincount(labels).min() < per_class else networks.FEW


def _few_shot_subset(choose, refuse=True):
    """A wrong subset: `choose` takes a class's indices, the number and the generator."""

    def wrong(labels, per_class, rng):
        labels = np.asarray(labels)
        found = []
        for k in np.unique(labels):
            own = np.flatnonzero(labels == k)
            if refuse and len(own) < per_class:
                raise ValueError(f"Class {k} has {len(own)} pictures.")
            found.append(choose(own, per_class, rng))
        return np.concatenate(found)

    return wrong


def _refusing(choose):
    def wrong(labels, per_class, rng):
        if np.bincount(labels).min() < per_class:
            raise ValueError("too few")
        return choose(np.asarray(labels), per_class, rng)

    return wrong


def _global(own, n, rng):
    np.random.seed(0)  # noqa: NPY002
    return np.random.permutation(own)[:n]  # noqa: NPY002


_CALLS = itertools.count()


def _elsewhere(labels, per_class, rng):
    """Another draw at each of the probe's three calls, whatever the generator; the same ones each time that a sheet is made."""
    own = np.random.default_rng([1, next(_CALLS) % 3])
    return _few_shot_subset(lambda pictures, n, _given: own.permutation(pictures)[:n])(labels, per_class, rng)


FEW_SHOT_SUBSET = Exercise(
    id="11.few_shot_subset",
    title="A few pictures of each class",
    points=8,
    cases=_few_cases,
    oracle=_few_oracle,
    probe="few_shot",
    forbidden=(*FINISHED, "sklearn.*"),
    misconceptions={
        "that number in all": Mistake(
            "You draw per_class pictures from the whole set. Draw that number from each class.",
            _refusing(lambda labels, n, rng: rng.choice(len(labels), n, replace=False)),
        ),
        "right in all, uneven among the classes": Mistake(
            "The total is right, but it is drawn from all pictures at once, so some classes get more than others. Draw within each class.",
            _refusing(lambda labels, n, rng: rng.choice(len(labels), n * len(np.unique(labels)), replace=False)),
        ),
        "with replacement": Mistake(
            "Some pictures are drawn twice, so there are fewer than you think. rng.choice replaces by default: replace=False.",
            _few_shot_subset(lambda own, n, rng: rng.choice(own, n)),
        ),
        "the first ones of each class": Mistake(
            "You take the first pictures of each class, in their given order. They may have been sorted. Draw them at random.",
            _few_shot_subset(lambda own, n, rng: own[:n]),
        ),
        "the last ones of each class": Mistake(
            "You take the last pictures of each class. Draw them at random.",
            _few_shot_subset(lambda own, n, rng: own[-n:]),
        ),
        "a seed of its own": Mistake(
            "You draw with a fixed seed, so the generator that you were given is not used: three runs would get the same pictures. Use rng.",
            _few_shot_subset(_global),
        ),
        "random draws from elsewhere": Mistake(
            "The same generator in the same state gives different pictures each time. Draw only with rng, so that a "
            "run can be repeated.",
            _elsewhere,
        ),
        "too few go unnoticed": Mistake(
            "Where a class has fewer pictures than were asked for, you return what there is. Then the classes are uneven, and nobody notices. "
            "Raise a ValueError.",
            _few_shot_subset(lambda own, n, rng: rng.permutation(own)[:n], refuse=False),
        ),
        "positions within the class": Mistake(
            "You draw from 0 to the class's size and return that. These are positions within the class; the indices in the whole set are "
            "np.flatnonzero(labels == k) at those positions.",
            _few_shot_subset(lambda own, n, rng: rng.permutation(len(own))[:n]),
        ),
    },
    hints=(
        "Go through the classes one by one: np.unique(labels). For each, find its pictures' indices first.",
        "own = np.flatnonzero(labels == k) are a class's indices. rng.choice(own, per_class, replace=False) draws some of them, none twice.",
        "Collect each class's draw in a list and return np.concatenate(list). Before you draw: if len(own) < per_class, raise ValueError.",
    ),
)


# --- 11.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "11.quiz",
    6,
    [
        Question(
            "b",
            a="The weights get no gradient, and still the features change from step to step. What else does a layer "
            "store?",
            c="However fast the head learns, it does not change what comes before it.",
            d="The optimizer skips weights without a gradient. Which of a layer's numbers are not parameters?",
        ),
        Question(
            "c",
            a="The number of parameters is not the reason. What does the body know already, and what would a large step "
            "do to that?",
            b="A step takes the same time at any rate.",
            d="The body's gradients are not zero. They come through a head that is random at first.",
        ),
        Question(
            "a",
            b="With a wrong learning rate all layers would still start out pretrained. How many names matched?",
            c="Other dishes need another head, but that concerns fc alone.",
            d="Wrong normalization hurts, but the weights would still be there. What does strict=False not tell you?",
        ),
        Question(
            "d",
            a="With a few hundred pictures, a network of eleven million weights soon knows them by heart.",
            b="The frozen backbone is a good start. Is it the best you can get from 100 pictures a class?",
            c="The features contain more than the scores for other dishes that were computed from them.",
        ),
        Question(
            "b",
            a="The test pictures must not choose anything, or their accuracy is no longer what new pictures would get.",
            c="With so few pictures, training accuracy soon approaches 100 % from any start.",
            d="Chance decides which few pictures are drawn. One draw says little.",
        ),
    ],
)

EXERCISES = [FEW_SHOT_SUBSET, BASIC_BLOCK, RESNET18, LOAD_PRETRAINED, REPLACE_HEAD, FREEZE, PARAMETER_GROUPS, QUIZ]
