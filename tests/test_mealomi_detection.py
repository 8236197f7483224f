"""MealoMi on tables of several plates: overlaps, suppression, sliding windows, average precision; and how calibrated it is."""

import numpy as np
import pytest
import torch

from introdl import models
from introdl.mealomi import calibration, detection
from introdl.mealomi.detection import Detections
from introdl.models.meal import box_iou


def boxes_of(rng, n):
    corner = rng.uniform(0, 20, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(2, 12, (n, 2))], axis=1)


def test_overlaps_are_those_of_the_boxes_pair_by_pair():
    rng = np.random.default_rng(0)
    some, others = boxes_of(rng, 7), boxes_of(rng, 5)
    found = detection.overlaps(some, others)
    for i, row in enumerate(found):
        pairs = torch.from_numpy(np.tile(some[i], (5, 1))), torch.from_numpy(others)
        np.testing.assert_allclose(row, box_iou(*pairs).numpy(), atol=1e-12)
    assert (found == 0).any() and (found > 0).any()


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_does_not_overlap_and_what_is_not_overlaps_a_better_kept_one(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = boxes_of(rng, 40), rng.permutation(40) / 40
    kept = detection.thinned(boxes, scores, 0.3)
    iou = detection.overlaps(boxes, boxes)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True) and 1 < len(kept) < 40
    assert (iou[np.ix_(kept, kept)] - np.eye(len(kept)) <= 0.3).all()
    for gone in set(range(40)) - set(kept.tolist()):
        better = kept[scores[kept] > scores[gone]]
        assert (iou[gone, better] > 0.3).any()


def test_a_table_is_laid_row_by_row_and_boxes_move_with_their_plates():
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((4, 6, 8, 3), np.uint8)
    picture, boxes = detection.table(images, np.tile([1.0, 2, 3, 4], (4, 1)))
    assert picture.shape == (12, 16, 3)
    assert [picture[y, x, 0] for y, x in ((0, 0), (0, 8), (6, 0), (6, 8))] == [0, 1, 2, 3]
    assert boxes.tolist() == [[1, 2, 3, 4], [9, 2, 11, 4], [1, 8, 3, 10], [9, 8, 11, 10]]
    for n, (x0, y0, x1, y1) in enumerate(boxes.astype(int)):
        assert (picture[y0:y1, x0:x1] == n).all()


def test_every_window_is_asked_where_it_stands(monkeypatch):
    """A stand-in that says a window's own box, and of the mean color which dish it is: what moves is the window."""
    from introdl.mealomi import recognition

    class Network:
        class card:
            size = 8

    def look(model, images):
        probabilities = np.eye(3)[(images[:, 0, 0, 0] // 50).astype(int)] * 0.7 + 0.1
        boxes = np.tile([0.25, 0.5, 0.75, 1.0], (len(images), 1))
        return recognition.Looked(None, probabilities, None, boxes, None, None, None)

    monkeypatch.setattr(recognition, "look", look)
    pictures = np.zeros((2, 16, 12, 3), np.uint8)
    pictures[1, 8:] = 50
    pictures[0, 4:8] = 100
    first, second = detection.slide(Network, pictures, 4)
    assert len(first.boxes) == len(second.boxes) == 3 * 2
    assert first.boxes.tolist()[:3] == [[2, 4, 6, 8], [6, 4, 10, 8], [2, 8, 6, 12]]
    assert first.labels.tolist() == [0, 0, 2, 2, 0, 0] and second.labels.tolist() == [0, 0, 0, 0, 1, 1]
    np.testing.assert_allclose(first.scores, 0.8)


def test_average_precision_by_hand():
    assert detection.average_precision(np.array([True, False, True, False, True]), 4) == pytest.approx(
        (1 + 2 / 3 + 3 / 5) / 4
    )
    assert detection.average_precision(np.array([], dtype=bool), 2) == 0
    assert detection.average_precision(np.array([True, True]), 2) == 1


def test_a_plate_is_hit_once_and_of_all_pictures_the_best_detection_comes_first():
    plate, apart = [0.0, 0, 10, 10], [20.0, 20, 30, 30]
    first = Detections(np.array([plate, [0, 0, 10, 9], apart]), np.array([0.6, 0.9, 0.3]), np.array([1, 1, 2]))
    second = Detections(np.array([apart, plate]), np.array([0.8, 0.7]), np.array([1, 1]))
    truth = [np.array([plate, apart]), np.array([plate])]
    labels = [np.array([1, 2]), np.array([1])]
    hit, there = detection.hits([first, second], truth, labels, 1)
    # 0.9 hits the first picture's plate; 0.8 is elsewhere; 0.7 hits the second's; 0.6 is a second box on the first.
    assert hit.tolist() == [True, False, True, False] and there == 2
    assert detection.hits([first, second], truth, labels, 1, iou=0.95)[0].tolist() == [False, False, True, True]
    assert [len(each) for each in truth] == [2, 1]
    assert detection.hits([first, second], truth, labels, 2) == (np.array([True]), 1)


def test_the_calibration_error_is_the_mean_gap_of_bins():
    confidence = np.array([0.9, 0.7, 0.6, 0.4, 0.45])
    right = np.array([False, True, True, False, True])
    assert calibration.expected_error(confidence, right, 2) == pytest.approx(0.07)
    # At an edge, and certain: 0.5 is in the lower half, 1.0 in the upper one.
    assert calibration.expected_error(np.array([0.5, 1.0, 0.75]), np.array([True, False, True]), 2) == pytest.approx(
        (0.5 + 0.75) / 3
    )


def test_one_temperature_mends_mealomi_on_plates_that_did_not_choose_it():
    from introdl import data, mealomi
    from introdl.mealomi.recognition import look

    net = mealomi.load()
    plates = data.plates(size=net.card.size)
    rows = slice(None, None, 4)
    said = {part: look(net, plates.split(part).images[rows]).scores for part in ("val", "test")}
    truth = {part: torch.from_numpy(plates.split(part).labels[rows]) for part in said}

    def error(part, temperature):
        p = torch.from_numpy(said[part] / temperature).softmax(dim=1).numpy()
        return calibration.expected_error(p.max(axis=1), p.argmax(axis=1) == truth[part].numpy())

    chosen = min(
        np.geomspace(0.2, 5, 60),
        key=lambda t: torch.nn.functional.cross_entropy(torch.from_numpy(said["val"] / t), truth["val"]),
    )
    assert chosen < 0.7 and error("test", chosen) < error("test", 1.0) / 2


def test_the_library_and_the_box_head_agree_about_the_order_of_corners():
    heads = models.MealNet(3, size=32, widths=(4, 6, 8))(torch.randn(5, 3, 32, 32))
    boxes = heads.boxes.detach().numpy()
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    np.testing.assert_allclose(np.diag(detection.overlaps(boxes, boxes)), 1, atol=1e-6)
