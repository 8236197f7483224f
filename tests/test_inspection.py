"""The course's own instruments: known answers on tiny networks, and what a person can get wrong is a sentence."""

import numpy as np
import pytest
import torch
from torch import nn

from introdl import inspection


class Net(nn.Module):
    """Maps that are multiples of the picture, ReLU, the mean over space, a head."""

    def __init__(self, gains=((1.0,), (-2.0,)), head=((3.0, 1.0), (-1.0, 2.0)), dropout=0.0):
        super().__init__()
        gains, head = torch.tensor(gains), torch.tensor(head)
        self.stage = nn.Sequential(nn.Conv2d(gains.shape[1], len(gains), 1, bias=False), nn.Dropout(dropout))
        self.relu, self.head, self.idle = nn.ReLU(), nn.Linear(*head.T.shape, bias=False), nn.ReLU()
        with torch.no_grad():
            self.stage[0].weight.copy_(gains[:, :, None, None])
            self.head.weight.copy_(head)

    def forward(self, x):
        return self.head(self.relu(self.stage(x)).mean(dim=(2, 3)))


@pytest.fixture
def untouched():
    """Gives networks, and looks afterwards whether each is left as it was."""
    made = []

    def make(*args, training=False, **kwargs):
        net = Net(*args, **kwargs).train(training)
        net.idle.train(not training)  # modes that differ: each part's own is put back
        made.append((net, [p.clone() for p in net.parameters()], [part.training for part in net.modules()]))
        return net

    yield make
    for net, weights, modes in made:
        assert all(map(torch.equal, net.parameters(), weights))
        assert [part.training for part in net.modules()] == modes
        assert all(p.grad is None and p.requires_grad for p in net.parameters())
        assert not any(part._forward_hooks or part._backward_hooks for part in net.modules())


def picture(*rows):
    return torch.tensor(rows, dtype=torch.float32)[None, None]


X = picture([1, 0, 2], [0, -1, 4])


def test_feature_maps_are_a_layers_output_without_a_graph(untouched):
    maps = inspection.feature_maps(untouched(training=True, dropout=0.9), "stage", torch.cat([X, 2 * X]))
    assert torch.equal(maps[0], torch.cat([X[0], -2 * X[0]])) and torch.equal(maps[1], 2 * maps[0])
    assert not maps.requires_grad


def test_occlusion_finds_the_one_pixel_that_a_network_looks_at(untouched):
    class OnePixel(nn.Module):
        def forward(self, x):
            return torch.stack([5 * x[:, 0, 1, 2], -x[:, 0, 1, 2]], dim=1)

    heat = inspection.occlusion_map(OnePixel(), X, 0, size=1, stride=1, value=0.5)
    assert torch.equal(heat, torch.tensor([[0, 0, 0], [0, 0, 5 * (4 - 0.5)]]))
    assert inspection.occlusion_map(OnePixel(), X, 1, 1, 1, 0.5)[1, 2] == -3.5
    wide = torch.arange(20.0).reshape(1, 1, 4, 5)
    heat = inspection.occlusion_map(OnePixel(), wide, 0, size=2, stride=2, value=0.0)
    assert torch.equal(heat, torch.tensor([[0, 5 * 7.0], [0, 0]]))  # (4 - 2) // 2 + 1 rows, (5 - 2) // 2 + 1 columns


def test_occlusion_is_the_same_in_batches_of_any_size_and_leaves_the_picture(untouched):
    net, x = untouched(training=True), torch.arange(42.0).reshape(1, 1, 6, 7) - 20
    before, one = x.clone(), inspection.occlusion_map(net, x, 1, 3, 2, 0.25, batch=1)
    assert torch.allclose(one, inspection.occlusion_map(net, x, 1, 3, 2, 0.25)) and one.shape == (2, 3)
    assert torch.equal(x, before) and not one.requires_grad


def test_saliency_is_the_largest_magnitude_over_the_channels(untouched):
    # Two channels. The first map is 2 a - 3 b where that is positive; its weight for class 0 is 4, and the mean is over 2 pixels.
    net = untouched(gains=((2.0, -3.0),), head=((4.0,), (-1.0,)))
    x = torch.tensor([[[[5.0, 0.0]], [[1.0, 1.0]]]])  # 2 a - 3 b = 7 and -3
    assert torch.equal(inspection.saliency(net, x, 0), torch.tensor([[[4 * 3 / 2, 0.0]]]))
    both = inspection.saliency(net, torch.cat([x, x]), [0, 1])
    assert torch.equal(both, torch.tensor([[[6.0, 0.0]], [[1.5, 0.0]]]))
    assert not x.requires_grad and x.grad is None and not both.requires_grad


def test_grad_cam_is_what_the_sums_by_hand_give(untouched):
    # After ReLU: A0 = (1 0 2 / 0 0 4), A1 = (0 0 0 / 0 2 0). Mean slopes for class 0: 3/6 and 1/6; for class 1: -1/6 and 2/6.
    net, first = untouched(), torch.tensor([[1.0, 0, 2], [0, 0, 4]])
    second = torch.tensor([[0.0, 0, 0], [0, 2, 0]])
    assert torch.allclose(inspection.grad_cam(net, "relu", X, 0)[0], 3 / 6 * first + 1 / 6 * second)
    assert torch.allclose(inspection.grad_cam(net, "relu", X, 1)[0], (-1 / 6 * first + 2 / 6 * second).clamp(min=0))
    with torch.no_grad():  # a caller may have switched gradients off
        each = inspection.grad_cam(net, "relu", torch.cat([X, X]), torch.tensor([0, 1]))
    assert torch.allclose(each[0], 3 / 6 * first + 1 / 6 * second) and not each.requires_grad


def test_grad_cam_is_enlarged_to_the_pictures_size():
    net = nn.Sequential(nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = torch.zeros(1, 1, 2, 8)
    x[..., 4:] = 8.0  # pooled: 0 0 8 8, each with the slope 1/4
    heat = inspection.grad_cam(net, "0", x, 0)[0]
    assert heat.shape == (2, 8) and torch.allclose(heat[0], torch.tensor([0, 0, 0, 0.5, 1.5, 2, 2, 2]))


def test_frozen_networks_can_be_looked_into(untouched):
    net, free = Net().requires_grad_(False), untouched()
    for way in (lambda n: inspection.grad_cam(n, "relu", X, 0), lambda n: inspection.saliency(n, X, 0)):
        assert torch.equal(way(net), way(free))
    assert not any(p.requires_grad for p in net.parameters())


def test_a_maximized_picture_is_bright_where_the_slope_is_positive(untouched):
    net = untouched(gains=((1.0, 0.0), (0.0, 1.0)), head=((1.0, -1.0), (0.0, 1.0)))
    best = inspection.maximize_activation(net, 0, (2, 3, 4), 40, np.random.default_rng(1))
    assert best.shape == (2, 3, 4) and not best.requires_grad
    assert (best[0] == 1).all() and (best[1] == 0).all()


@pytest.mark.parametrize("how", [{}, {"jitter": 2}, {"jitter": 1, "blur": 0.8, "pull": 0.1}])
def test_a_maximized_picture_stays_in_range_and_is_the_generators(how, untouched):
    net = untouched()
    made = [
        inspection.maximize_activation(net, 1, (1, 6, 5), 5, np.random.default_rng(seed), **how) for seed in (3, 3, 4)
    ]
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])
    assert all(float(one.min()) >= 0 and float(one.max()) <= 1 for one in made)


def test_blur_keeps_what_is_even_and_spreads_a_point_alike_both_ways():
    point = torch.zeros(1, 2, 9, 9)
    point[:, 0, 4, 4] = 1
    spread = inspection._blurred(point, 1.0)
    assert torch.allclose(spread[0, 0], spread[0, 0].T) and float(spread[0, 1].abs().max()) == 0
    assert float(spread[0, 0].sum()) == pytest.approx(1.0)
    assert float(spread[0, 0, 4, 5] / spread[0, 0, 4, 4]) == pytest.approx(np.exp(-0.5))


def test_pictures_and_their_normalization():
    images = np.array([[[[0, 51, 255]]]], np.uint8)
    x = inspection.as_pictures(images)
    assert x.shape == (1, 3, 1, 1) and x.flatten().tolist() == pytest.approx([0, 0.2, 1])
    normal = inspection.Normalize((0.5, 0.2, 0.0), (0.5, 0.1, 2.0))
    assert normal(x).flatten().tolist() == pytest.approx([-1, 0, 0.5])
    assert not list(normal.parameters()) and set(normal.state_dict()) == {"mean", "std"}


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("no layer 'stages'. It has 'stage', 'stage.0'", lambda n: inspection.feature_maps(n, "stages", X)),
        ("no layer 'stage.9'", lambda n: inspection.grad_cam(n, "stage.9", X, 0)),
        ("'idle' takes no part", lambda n: inspection.feature_maps(n, "idle", X)),
        ("'idle' takes no part", lambda n: inspection.grad_cam(n, "idle", X, 0)),
        ("this has the shape .1, 2, 3.", lambda n: inspection.feature_maps(n, "stage", X[0])),
        ("this has the shape .1, 2, 3.", lambda n: inspection.saliency(n, X[0], 0)),
        ("One picture.*shape .2, 1, 2, 3.", lambda n: inspection.occlusion_map(n, torch.cat([X, X]), 0, 1, 1, 0.5)),
        ("1 to 2 pixels.*size is 3", lambda n: inspection.occlusion_map(n, X, 0, 3, 1, 0.5)),
        ("size is 0", lambda n: inspection.occlusion_map(n, X, 0, 0, 1, 0.5)),
        ("stride 0", lambda n: inspection.occlusion_map(n, X, 0, 1, 0, 0.5)),
        ("Classes are 0 to 1; asked for is 2", lambda n: inspection.occlusion_map(n, X, 2, 1, 1, 0.5)),
        ("Classes are 0 to 1; asked for is -1", lambda n: inspection.saliency(n, X, -1)),
        ("Classes are 0 to 1", lambda n: inspection.grad_cam(n, "relu", X, 7)),
        ("one for each of 1 pictures; its shape is .2,", lambda n: inspection.saliency(n, X, [0, 1])),
        ("needs a layer's maps.*'head' gives .1, 2.", lambda n: inspection.grad_cam(n, "head", X, 0)),
        ("Classes are 0 to 1", lambda n: inspection.maximize_activation(n, 2, (1, 2, 2), 1, np.random.default_rng(0))),
        ("shape should be", lambda n: inspection.maximize_activation(n, 0, (2, 2), 1, np.random.default_rng(0))),
        (
            "0 or more",
            lambda n: inspection.maximize_activation(n, 0, (1, 2, 2), 1, np.random.default_rng(0), jitter=-1),
        ),
        (
            "uint8 .N, H, W, 3.; these are uint8 .5, 5, 3.",
            lambda n: inspection.as_pictures(np.zeros((5, 5, 3), np.uint8)),
        ),
        ("these are float64", lambda n: inspection.as_pictures(np.zeros((1, 5, 5, 3)))),
        ("three numbers each", lambda n: inspection.Normalize((0.5,), (0.2,))),
        ("std above 0", lambda n: inspection.Normalize((0.5, 0.5, 0.5), (0.2, 0.0, 0.2))),
    ],
)
def test_what_a_person_can_get_wrong_is_a_sentence_and_leaves_no_hook(sentence, wrong, untouched):
    with pytest.raises(ValueError, match=sentence):
        wrong(untouched())
