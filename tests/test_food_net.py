"""Chapter 09's `FoodNet`: whatever a network is made of counts, and it answers with what it has learned here."""

import functools
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from introdl.checking.probes import PROBES, Wrong, food

OVER = "FoodNet has more parameters than the budget"
NUMBERS = "more than 200,000 numbers"
EXCHANGED = "replaces its own weights"
OUTSIDE = "outside of torch"

_RNG = np.random.default_rng(5)
IMAGES, LABELS = _RNG.integers(0, 256, (192, 32, 32, 3)).astype(np.uint8), np.arange(192) % 3
ASKED = _RNG.integers(0, 256, (200, 32, 32, 3)).astype(np.uint8)


def said(FoodNet, steps=3):
    """What the check says of a network: its answers, or a sentence."""
    inputs = [IMAGES, LABELS, ASKED, 3, steps, 7, 0.3]
    food._trained.clear()
    probe = PROBES["food_net"]
    result = probe.read(probe.drive((FoodNet,), inputs), inputs)
    return result.sentence if isinstance(result, Wrong) else result


class Small(nn.Module):
    """A right answer, small and quick; the wrong ones below are made from it."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 5, 4), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, num_classes)

    def features(self, x):
        return torch.relu(self.norm(self.conv(x))).mean(dim=(2, 3))

    def forward(self, x):
        return self.head(self.features(x))


def test_a_small_network_answers_and_its_costs_are_counted():
    found = said(Small)
    assert found["answers"].shape == (200,) and found["finite"] is True
    assert found["parameters"] == found["numbers"] == 8 * 3 * 25 + 8 + 2 * 8 + 8 * 3 + 3
    assert found["multiplications"] == 8 * 75 * 49 + 8 * 3


# --- what counts ----------------------------------------------------------------------------------------------------


class Frozen(Small):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.more = nn.Linear(3072, 90)
        self.more.requires_grad_(False)
        self.head = nn.Linear(98, num_classes)

    def forward(self, x):
        return self.head(torch.cat([self.features(x), torch.relu(self.more(x.flatten(1)))], dim=1))


class Hidden(Frozen):
    """The layers are there, but the class's own methods do not tell."""

    def parameters(self, recurse=True):
        return iter(self.head.parameters())

    def named_parameters(self, *args, **kwargs):
        return self.head.named_parameters()

    def modules(self):
        return iter([self.head])


class Lazy(Small):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.head = nn.Sequential(nn.Flatten(), nn.LazyLinear(80), nn.ReLU(), nn.Linear(80, num_classes))

    def forward(self, x):
        return self.head(x)


class Beside(Small):
    """Small, and beside it one layer whose weights (90, 3072) come from somewhere else: `weights` says from where."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.head = nn.Linear(98, num_classes)

    def weights(self):
        return _GLOBAL

    def forward(self, x):
        return self.head(torch.cat([self.features(x), torch.relu(x.flatten(1) @ self.weights().T)], dim=1))


_GLOBAL = torch.randn(90, 3072)


class Buffers(Beside):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.register_buffer("kept", torch.randn(90, 3072), persistent=False)

    def weights(self):
        return self.kept


class Statistics(Beside):
    """The weights are called a normalization's mean."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.store = nn.BatchNorm1d(90 * 3072, affine=False)

    def weights(self):
        return self.store.running_mean.view(90, 3072)


class Attribute(Beside):
    """In a list, so that nn.Module does not see it."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.kept = [torch.randn(90, 3072)]

    def weights(self):
        return self.kept[0]


def closure(num_classes):
    weights = torch.randn(90, 3072)

    class Closed(Beside):
        def weights(self):
            return weights

    return Closed(num_classes)


class FromNumPy(Beside):
    def weights(self):
        return torch.from_numpy(_GLOBAL.numpy())


class FromLists(Beside):
    def weights(self):
        return torch.tensor(_GLOBAL.tolist())


class FunctionAsked(Small):
    """Only where many pictures are asked at once does it use what is hidden."""

    def forward(self, x):
        scores = super().forward(x)
        return scores + (torch.relu(x.flatten(1) @ _GLOBAL.T))[:, :3] if len(x) > 40 and not self.training else scores


class WhileTraining(Small):
    def forward(self, x):
        scores = super().forward(x)
        return scores + (torch.relu(x.flatten(1) @ _GLOBAL.T))[:, :3] if self.training else scores


@pytest.mark.parametrize(
    ("FoodNet", "sentence"),
    [
        (Frozen, OVER),
        (Hidden, OVER),
        (Lazy, OVER),
        (Buffers, NUMBERS),
        (Statistics, NUMBERS),
        (Beside, NUMBERS),
        (Attribute, NUMBERS),
        (closure, NUMBERS),
        (FromNumPy, NUMBERS),
        (FromLists, NUMBERS),
        (FunctionAsked, NUMBERS),
        (WhileTraining, NUMBERS),
    ],
)
def test_numbers_count_wherever_they_are_kept(FoodNet, sentence):
    assert sentence in said(FoodNet)


class Late(Small):
    """Grows when it has been looked at."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 12:
            self.more = nn.Linear(3072, 90)
        return super().forward(x)


class GrowsInTrain(Small):
    def train(self, mode=True):
        super().train(mode)
        if mode and not hasattr(self, "more"):
            self.more = nn.Linear(3072, 90)
        return self


class GrowsInEval(Small):
    trained = False

    def train(self, mode=True):
        super().train(mode)
        self.trained = self.trained or mode
        if self.trained and not mode and not hasattr(self, "more"):
            self.more = nn.Linear(3072, 90)
        return self


class LoadsInTrain(Small):
    def train(self, mode=True):
        super().train(mode)
        with torch.no_grad():
            self.conv.weight.copy_(_GLOBAL[:1, :600].reshape(8, 3, 5, 5))
        return self


class LoadsInEval(Small):
    def train(self, mode=True):
        super().train(mode)
        if not mode:
            self.conv.weight.data = _GLOBAL[:1, :600].reshape(8, 3, 5, 5).clone()
        return self


class LoadsInForward(Small):
    def forward(self, x):
        if self.training and len(x) == 64:
            self.conv.weight.data.copy_(_GLOBAL[:1, :600].reshape(8, 3, 5, 5))
        return super().forward(x)


class LoadsWhenAsked(Small):
    def forward(self, x):
        if not self.training and len(x) == 64:
            self.conv.weight.data.copy_(_GLOBAL[:1, :600].reshape(8, 3, 5, 5))
        return super().forward(x)


@pytest.mark.parametrize(
    "FoodNet", [Late, GrowsInTrain, GrowsInEval, LoadsInTrain, LoadsInEval, LoadsInForward, LoadsWhenAsked]
)
def test_weights_that_the_training_did_not_make_do_not_count(FoodNet):
    assert EXCHANGED in said(FoodNet, steps=12)


_ARRAY = np.random.default_rng(2).normal(size=(5, 3072))


class InNumPy(Small):
    def forward(self, x):
        inside = np.maximum(x.detach().numpy().reshape(len(x), -1) @ _ARRAY.T, 0)
        return self.head(self.features(x) + torch.from_numpy(inside.astype(np.float32)).sum(dim=1, keepdim=True))


class InPython(Small):
    def forward(self, x):
        brightest = [max(row) for row in x.detach().flatten(1).tolist()]
        return super().forward(x) + torch.tensor(brightest)[:, None]


@pytest.mark.parametrize("FoodNet", [InNumPy, InPython])
def test_work_that_is_done_outside_of_torch_is_named(FoodNet):
    assert OUTSIDE in said(FoodNet)


# --- first weights --------------------------------------------------------------------------------------------------


class Learned(Small):
    """Brings weights along, as a parameter of its own and in a layer that is of its own kind."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.kernel = nn.Parameter(torch.arange(600.0).reshape(8, 3, 5, 5) / 600)
        self.mine = Mine(4, 6)


class Mine(nn.Linear):
    def reset_parameters(self):
        with torch.no_grad():
            self.weight.copy_(torch.arange(24.0).reshape(6, 4))
            self.bias.zero_()


def test_weights_that_a_network_brings_along_are_shuffled():
    model = food._build(Learned, 3, 1)
    for weight, many in ((model.kernel, 600), (model.mine.weight, 24)):
        flat = weight.detach().flatten()
        assert not torch.equal(flat, flat.sort().values) and len(set(flat.tolist())) == many
    assert (model.mine.bias == 0).all() and (model.norm.weight == 1).all()


def test_first_weights_are_the_same_each_time_and_others_with_another_seed():
    one, again, other = (food._build(Learned, 3, seed) for seed in (1, 1, 2))
    assert all(map(torch.equal, one.parameters(), again.parameters()))
    assert not torch.equal(one.conv.weight, other.conv.weight) and not torch.equal(one.kernel, other.kernel)


# --- what the check itself works with -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["optim.AdamW.step", "nn.functional.cross_entropy", "nn.Module.__call__", "nn.Module.train", "randperm"]
)
def test_a_replaced_tool_is_named(monkeypatch, name):
    *way, last = name.split(".")
    owner = torch
    for part in way:
        owner = getattr(owner, part)
    real = getattr(owner, last)

    def other(*args, **kwargs):
        return real(*args, **kwargs)

    others = [other, functools.partial(real)]
    if not isinstance(real, types.BuiltinFunctionType):
        others.append(functools.wraps(real)(other))  # it says that it is torch's
    for one in others:
        monkeypatch.setattr(owner, last, one)
        assert said(Small).startswith(f"torch.{name} is not torch's own any more")


# --- right answers --------------------------------------------------------------------------------------------------


class LazyRight(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(
            nn.LazyConv2d(8, 3, stride=4), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_classes)
        )


class Grid(Small):
    """Adds the places' coordinates, which it makes once and keeps, and blurs with a buffer."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.conv, self.places = nn.Conv2d(5, 8, 5, 4), None
        self.register_buffer("blur", torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 16)

    def forward(self, x):
        if self.places is None or self.places.shape[-1] != x.shape[-1]:
            line = torch.linspace(-1, 1, x.shape[-1])
            self.places = torch.stack(torch.meshgrid(line, line, indexing="ij"))[None]
        x = F.conv2d(x, self.blur.repeat(3, 1, 1, 1), padding=1, groups=3)
        return super().forward(torch.cat([x, self.places.expand(len(x), -1, -1, -1)], dim=1))


class Functional(nn.Module):
    """Parameters of its own, and functions in place of layers."""

    def __init__(self, num_classes):
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(8, 3, 5, 5))
        self.bias, self.scale = nn.Parameter(torch.zeros(8)), nn.Parameter(torch.ones(()))
        self.weights = nn.ParameterList([nn.Parameter(0.1 * torch.randn(num_classes, 8))])
        nn.init.kaiming_normal_(self.kernel)

    def forward(self, x):
        x = F.dropout(F.gelu(F.conv2d(x, self.kernel, self.bias, 4)), 0.1, self.training)
        return self.scale * F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), self.weights[0])


class Normed(Small):
    """Weight and spectral norm, and a head whose rows are kept short."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 5, 4))
        self.norm = nn.GroupNorm(2, 8)
        self.mix = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8))

    def forward(self, x):
        if self.training:
            self.head.weight.data.renorm_(2, 0, 0.5)
        return self.head(torch.relu(self.mix(self.features(x))))


class Attention(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.first = nn.Parameter(torch.zeros(1, 1, 16))
        self.places = nn.Parameter(0.02 * torch.randn(1, 17, 16))
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(16, num_classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(len(x), -1, -1), x], dim=1) + self.places
        return self.head(self.layer(x)[:, 0])


class Tied(Small):
    """One layer, used twice; random shifts while it is trained; its own way to freeze what is normalized."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.mix = self.again = nn.Conv2d(8, 8, 3, padding=1)
        self.norm.weight.requires_grad_(False)

    def forward(self, x):
        if self.training:
            x = x[torch.arange(len(x)), :, :, :].roll(int(torch.randint(3, ()).item()), 3)
            x = x + torch.from_numpy(np.random.default_rng(1).normal(0, 0.01, (1, 1, 32, 32)).astype(np.float32))
        x = torch.relu(self.norm(self.conv(x)))
        return self.head(torch.relu(self.again(torch.relu(self.mix(x)))).amax(dim=(2, 3)))

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self


def sequential(num_classes):
    return nn.Sequential(
        nn.ConstantPad2d(1, 0.0), nn.Conv2d(3, 6, 3, 2, groups=3), nn.InstanceNorm2d(6, affine=True), nn.PReLU(6),
        nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24, num_classes), nn.LogSoftmax(1),
    )  # fmt: skip


@pytest.mark.parametrize("FoodNet", [LazyRight, Grid, Functional, Normed, Attention, Tied, sequential])
def test_right_networks_of_every_kind_are_trained_and_answer(FoodNet):
    found = said(FoodNet, steps=4)
    assert not isinstance(found, str), found
    assert found["answers"].shape == (200,) and found["finite"] is True
