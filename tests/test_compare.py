"""Comparison: what is equal, what is not, and in which words."""

import numpy as np
import pytest

from introdl.checking.compare import compare
from introdl.checking.packing import Other

GRID = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3, 3.0),
        (np.float32(0.1), 0.1),
        (np.array(3.0), 3),
        (True, 1),
        (GRID.astype(np.float32), GRID),
        (GRID.astype(int), GRID),
        (GRID + 1e-9, GRID),
        (np.array([np.nan, np.inf, -np.inf]), np.array([np.nan, np.inf, -np.inf])),
        ([1, GRID], (1, GRID)),
        ({"a": 1}, {"a": 1}),
        ("b", "b"),
        (None, None),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (1e300, 1e300),
    ],
)
def test_equal(given, expected):
    assert compare(given, expected) is None


@pytest.mark.parametrize(
    ("given", "expected", "kind", "words"),
    [
        (np.array([np.nan, 1]), np.array([0.0, 1]), "not a number", "nan (not a number) at [0] where 0 was expected"),
        (np.array([np.inf, 1]), np.array([0.0, 1]), "infinite", "is inf at [0] where 0 was expected"),
        (np.array([1.0, 1]), np.array([np.nan, 1]), "value", "expected nan, got 1"),
        (np.array([-np.inf]), np.array([np.inf]), "value", "expected inf".capitalize()),
        (GRID + np.eye(2, 3), GRID, "value", "differs in 2 of 6 places"),
        (GRID * 1.001, GRID, "value", "differs in 5 of 6 places, most at [1, 2]: expected 5, got 5.005"),
        (4, 3, "value", "Expected 3, got 4."),
        (56.56, 56.5618, "value", "Expected 56.562, got 56.56."),
        (1276, 1276.25, "value", "Expected 1276.2, got 1276."),
        (
            {Other("datetime.date"): 1},
            {"2026-06-05": 1},
            "type",
            "has a datetime.date for a key; it should be one like '2026-06-05'",
        ),
        (GRID[:, :2], GRID, "shape", "should have shape (2, 3); yours has shape (2, 2)"),
        (GRID.T, GRID, "shape", "opposite order"),
        (np.zeros((4, 2, 3)), np.zeros((2, 3, 4)), "shape", "in another order"),
        (np.ones(1), 1.0, "shape", "should be a single number; yours has shape (1,)"),
        (None, GRID, "none", "Did you forget to return it?"),
        (3, None, "none", "should be None here; yours is the number 3"),
        ((1,), (1, 2), "shape", "should hold 2 things; yours holds 1"),
        ((1, 5), (1, 2), "value", "Item 2 of the result: expected 2, got 5."),
        ({"a": 1}, {"b": 1}, "shape", "lacks ['b'] and has ['a'] too many"),
        ("x", "y", "value", "should be 'y'; yours is 'x'"),
        (GRID + 1j, GRID, "type", "complex"),
        (GRID.tolist(), GRID, "type", "The numbers are right, but the result is a list"),
        ("3", 3, "type", "should be a number; yours is a text"),
    ],
)
def test_different(given, expected, kind, words):
    found = compare(given, expected)
    assert found is not None and found.kind == kind
    assert words in found.sentence


def test_single_precision_is_judged_by_its_own_digits_and_no_looser():
    assert compare((GRID * (1 + 1e-5)).astype(np.float32), GRID) is None
    assert compare((GRID * (1 + 1e-5)), GRID, rtol=1e-7) is not None
    assert compare((GRID * 1.01).astype(np.float32), GRID) is not None
    assert compare((GRID * 1.05).astype(np.float16), GRID) is not None


def test_the_blind_sentence_tells_no_number():
    found = compare(np.array([1.5, 2.25]), np.array([1.5, 7.125]))
    assert "7.125" in found.sentence and "7.125" not in found.blind and "2.25" not in found.blind


def test_small_numbers_are_not_lost_in_the_tolerance():
    assert compare(0.0, 1e-6) is not None
    assert compare(np.array([1e-3, 0.0]), np.array([1e-3, 1e-7])) is not None


def test_whole_numbers_are_right_or_wrong_however_large():
    assert compare(1_000_009, 1_000_000) and compare(1_000_001.0, 1_000_000) and compare(np.int64(10**12 + 1), 10**12)
    assert compare(1_000_000, 1_000_000) is None and compare(1_000_000.0000001, 1_000_000) is None
    assert compare(np.array([10**9, 10**9 + 1]), np.array([10**9, 10**9]))
    assert compare(np.float32(16_777_217), 16_777_217) is None  # float32 has no such number


@pytest.mark.parametrize(
    "have, want, said",
    [
        ((3,), (2, 4, 3), "2 axes are missing."),
        ((4, 3), (2, 4, 3), "An axis is missing."),
        ((1, 1, 3), (3,), "It has 2 axes of length 1 too many."),
        ((3,), (1, 3), "It lacks an axis of length 1."),
        ((2, 3), (), "The result should be a single number; yours has shape (2, 3). It has 2 axes too many."),
        ((), (2,), "The result should have shape (2,); yours is a single number. An axis is missing."),
    ],
)
def test_the_sentence_counts_axes(have, want, said):
    expected = np.zeros(want) if want else 0.0
    assert said in compare(np.zeros(have), expected).sentence


def test_a_sentence_about_a_part_begins_like_a_sentence():
    assert compare({"loss": 1.0}, {"loss": 2.0}).sentence == "The result['loss']: expected 2, got 1."
    assert compare({"loss": None}, {"loss": 2.0}).sentence.startswith("The result['loss'] is None.")
