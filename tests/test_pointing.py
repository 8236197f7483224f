"""The pointing experiment: its measures on made-up maps, and the record that chapter 10 shows."""

import numpy as np
import pytest
import torch
from torch import nn

from introdl import inspection, models
from introdl.experiments import pointing, records


def test_hits_and_shares_of_made_up_maps():
    heat = np.zeros((3, 4, 6))
    heat[0, 1, 2] = 5  # on the box's first row and column
    heat[1, 3, 4] = 5  # just below and to the right of it
    heat[1, 2, 3] = 3  # its last row and column
    boxes = np.array([[2, 1, 4, 3]] * 3, dtype=np.float32)
    found = pointing.in_box(heat, boxes)
    # The third map is all zeros: its largest value counts as the first pixel, and no share of it lies anywhere.
    assert found == {"hits": pytest.approx(1 / 3), "share": pytest.approx((1 + 3 / 8 + 0) / 3)}


def test_x_is_the_column_and_y_is_the_row():
    heat = np.zeros((1, 3, 7))
    heat[0, 0, 5] = 1
    assert pointing.in_box(heat, np.array([[5, 0, 6, 1]]))["hits"] == 1
    assert pointing.in_box(heat, np.array([[0, 5, 1, 6]]))["hits"] == 0


def test_a_map_that_is_even_has_the_boxs_share_of_the_area():
    found = pointing.in_box(np.ones((1, 8, 10)), np.array([[1, 2, 5, 7]]))
    assert found["share"] == pytest.approx(4 * 5 / 80)


def test_the_hill_is_highest_in_the_middle_and_alike_on_all_sides():
    hill = pointing.hill(7, 2.0)
    assert hill.argmax() == 24 and hill[3, 3] == 1
    assert np.allclose(hill, hill.T) and np.allclose(hill, hill[::-1])
    assert hill[3, 5] == pytest.approx(np.exp(-0.5)) and hill[1, 5] == pytest.approx(np.exp(-1.0))
    assert pointing.hill(4, 1.0)[1, 1] == pointing.hill(4, 1.0)[2, 2]


def test_a_mosaic_is_four_plates_of_four_dishes():
    labels = np.arange(5).repeat(3)
    images = np.broadcast_to(10 * labels[:, None, None, None], (15, 2, 3, 3)).astype(np.uint8)
    pictures, inside = pointing.mosaics(images, labels, 6, np.random.default_rng(0))
    assert pictures.shape == (6, 4, 6, 3) and inside.shape == (6, 4)
    for picture, four in zip(pictures, inside, strict=True):
        assert len(set(four)) == 4
        corners = [picture[:2, :3], picture[:2, 3:], picture[2:, :3], picture[2:, 3:]]
        assert all((corner == 10 * dish).all() for corner, dish in zip(corners, four, strict=True))
    again, _ = pointing.mosaics(images, labels, 6, np.random.default_rng(0))
    assert np.array_equal(pictures, again)


def test_the_share_on_a_plate_is_that_of_its_quarter():
    heat = np.zeros((2, 4, 6))
    heat[0, 0, 5], heat[0, 3, 0], heat[0, 3, 5] = 6, 3, 1  # upper right, lower left, lower right
    for place, share in enumerate((0, 0.6, 0.3, 0.1)):
        assert pointing.share_on_plate(heat[:1], np.array([place])) == pytest.approx(share)
    assert pointing.share_on_plate(heat, np.array([1, 3])) == pytest.approx((0.6 + 0.25) / 2)  # zeros know nothing
    even = pointing.share_on_plate(np.ones((3, 2, 2)), np.array([0, 2, 3]))
    assert even == 0.25


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = models.PlainCNN(5, (4, 4, 6, 6, 8))
    model.card = type("Card", (), {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)})
    return pointing.chain(model), model.eval()


def test_the_chain_answers_as_the_network_does_for_normalized_pictures(net):
    chain, model = net
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    x = inspection.as_pictures(images)
    normal = (x - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / 0.2
    with torch.no_grad():
        assert torch.allclose(chain(x), model(normal), atol=1e-5)
    assert not chain.training and [name for name, _ in chain.named_children()] == ["normalize", "stages", "average", "flatten", "head"]  # fmt: skip


def test_weights_are_drawn_anew_in_a_copy_and_only_where_asked(net):
    chain, _ = net
    before = {name: value.clone() for name, value in chain.state_dict().items()}
    state = torch.get_rng_state()
    head = pointing.drawn_anew(chain, 1, ["head"]).state_dict()
    assert torch.equal(state, torch.get_rng_state())
    assert {name for name in before if not torch.equal(before[name], head[name])} == {"head.weight", "head.bias"}
    one, again, other = (pointing.drawn_anew(chain, seed) for seed in (1, 1, 2))
    assert torch.equal(one.head.weight, again.head.weight) and not torch.equal(one.head.weight, other.head.weight)
    kernels = [part for part in one.modules() if isinstance(part, nn.Conv2d)]
    olds = [part for part in chain.modules() if isinstance(part, nn.Conv2d)]
    assert len(kernels) >= 5 and not any(map(torch.equal, (k.weight for k in kernels), (k.weight for k in olds)))
    assert all(torch.equal(before[name], value) for name, value in chain.state_dict().items())


def test_every_kind_of_map_has_the_pictures_size_whatever_the_batch(net):
    x = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    found, small = (pointing.maps(net[0], x, [0, 4, 2], batch=batch) for batch in (32, 2))
    assert list(found) == ["saliency", *(f"Grad-CAM {layer}" for layer in pointing.LAYERS)]
    for name, heat in found.items():
        assert heat.shape == (3, 64, 64) and heat.min() >= 0
        assert np.allclose(heat, small[name], atol=1e-5)


def test_the_record_holds_every_run_and_what_the_chapter_shows():
    record = records.load("pointing")
    assert {key: record["about"][key] for key in pointing.SETTINGS} == pointing.SETTINGS
    assert [run["weights"] for run in record["runs"]] == [key["weights"] for key in pointing.WANTED]
    for run in record["runs"]:
        for name, found in run["maps"].items():
            assert all(0 <= value <= 1 for value in found.values()), name


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("need a box each", lambda: pointing.in_box(np.ones((2, 3, 3)), np.ones((1, 4)))),
        ("need a box each", lambda: pointing.in_box(np.ones((3, 3)), np.ones((3, 4)))),
        ("need a box each", lambda: pointing.in_box(np.ones((0, 3, 3)), np.ones((0, 4)))),
        ("sigma above 0", lambda: pointing.hill(5, 0.0)),
        ("four dishes.*there are 3", lambda: pointing.mosaics(np.zeros((3, 2, 2, 3), np.uint8), np.arange(3), 1, np.random.default_rng(0))),
        ("even both ways; these are .1, 3, 4.", lambda: pointing.share_on_plate(np.ones((1, 3, 4)), np.array([0]))),
        ("one place from 0 to 3", lambda: pointing.share_on_plate(np.ones((1, 2, 4)), np.array([4]))),
        ("one place from 0 to 3", lambda: pointing.share_on_plate(np.ones((2, 2, 4)), np.array([0]))),
        ("no part 'stage.4'", lambda: pointing.drawn_anew(nn.Sequential(nn.Linear(2, 2)), 0, ["stage.4"])),
    ],
)  # fmt: skip
def test_what_a_person_can_get_wrong_is_a_sentence(sentence, wrong):
    with pytest.raises(ValueError, match=sentence):
        wrong()
