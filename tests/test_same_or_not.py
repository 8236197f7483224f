"""Same dish or not?: the score adds up, the network answers after the learner, and its threshold has not seen the pairs."""

import re
from dataclasses import replace

import numpy as np
import pytest

from introdl.data import Dataset
from introdl.game.pairs import Match, PairsBoard, same_or_not
from introdl.verification import Pairs, draw_pairs, threshold_of

DISHES = ("hot_dog", "sushi", "bagel")


def pictures():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    return Dataset("specials", rng.integers(0, 255, (120, 6, 6, 3), np.uint8), labels, DISHES, np.full(120, "test"))


@pytest.fixture
def match():
    dataset = pictures()
    pairs = draw_pairs(dataset.labels, per_fold=12, folds=3, seed=1)
    noise = np.random.default_rng(2).normal(0, 0.3, len(pairs))
    return Match(dataset, pairs, np.clip(np.where(pairs.same, 0.6, 0.1) + noise, -1, 1), fold=1, count=5)


def play(board, answers):
    for answer in answers:
        (board.same if answer else board.different).click()
        board.onward.click()


def test_the_score_is_counted_on_the_same_pairs_for_both(match):
    board = PairsBoard(match)
    truth = match.pairs.same[match.dealt]
    answers = [bool(truth[0]), bool(truth[1]), not truth[2], bool(truth[3]), not truth[4]]
    play(board, answers)
    network = int(np.sum((match.similarities[match.dealt] >= match.threshold) == truth))
    assert match.over and match.right() == (3, network)
    assert f"You: 3 of 5 right (60%). The network: {network} of 5" in board.table.value
    assert board.table.value.count("<tr>") == 6  # the head, and a row for each pair


def test_the_threshold_is_that_of_the_other_folds(match):
    others = match.pairs.folds != 1
    assert match.threshold == threshold_of(match.similarities[others], match.pairs.same[others])
    assert set(match.pairs.folds[match.dealt]) == {1}
    spoiled = match.similarities.copy()
    spoiled[~others] = -1
    assert Match(match.pictures, match.pairs, spoiled, fold=1, count=5).threshold == match.threshold


def test_nothing_gives_the_answer_away_before_the_learner_has_spoken(match):
    board = PairsBoard(match)
    for _ in range(3):
        shown = board.table.value + board.message.value + board.still()
        words = re.sub(r"data:image[^\"']+", "", shown)
        assert not any(name.replace("_", " ") in words for name in DISHES)
        assert "imilarity" not in words and "threshold" not in words
        assert board.onward.disabled and not board.same.disabled and not board.different.disabled
        board.different.click()
        assert "similarity" in board.message.value and 'role="status"' in board.message.value
        assert board.same.disabled and board.different.disabled and not board.onward.disabled
        board.onward.click()


def test_a_second_answer_is_not_heard_and_one_cannot_go_on_without_one(match):
    match.go_on()
    assert match.position == 0
    match.say(True)
    match.say(False)
    assert match.answers == [True]


def test_another_game_has_other_pairs_and_all_games_are_summed_up(match):
    board = PairsBoard(match)
    play(board, [True] * 5)
    first, (you, network) = list(match.dealt), match.right()
    board.onward.click()
    assert match.position == 0 and not match.answers and not set(first) & set(match.dealt)
    play(board, [False] * 5)
    again = match.right()
    assert match.sums == [you + again[0], network + again[1], 10]
    assert f"you {match.sums[0]} of 10, the network {match.sums[1]} of 10" in board.table.value
    for _ in range(7):  # the fold has 24 pairs: in time they come again
        board.onward.click()
        play(board, [True] * 5)
    assert len(set(match.dealt)) == 5


def test_all_can_be_done_with_the_keyboard(match, monkeypatch):
    """The focus goes where the next key belongs: to the next pair after an answer, back to the answers after it."""
    board, went = PairsBoard(match), []
    monkeypatch.setattr(type(board.same), "focus", lambda button: went.append(button.description))
    play(board, [True] * 5)
    assert went == ["Next pair", "Same dish"] * 4 + ["See the result", "5 pairs more"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"similarities": np.zeros(3)}, "should be"),
        ({"fold": 9}, "has 0 pairs"),
        ({"count": 25}, "has 24 pairs"),
        ({"count": 0}, "cannot be played"),
    ],
)
def test_a_game_that_cannot_be_is_a_sentence(match, change, sentence):
    given = {"similarities": match.similarities, "fold": 1, "count": 5} | change
    with pytest.raises(ValueError, match=sentence):
        Match(match.pictures, match.pairs, **given)


def test_pairs_of_a_single_fold_leave_none_for_the_threshold(match):
    pairs: Pairs = replace(match.pairs, folds=np.ones(len(match.pairs), int))
    with pytest.raises(ValueError, match="the threshold needs others"):
        Match(match.pictures, pairs, match.similarities, fold=1, count=5)


def test_without_a_kernel_the_first_pair_stands_still(match, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *given, **how: shown.append(given[0]))
    same_or_not(match.pictures, match.pairs, match.similarities, fold=1)
    page = shown[0]["text/html"]
    assert page.count("<img") == 2 and "introdl-still-" in page and "begins when you run its cell" in page
    assert "same dish and different dishes" in shown[0]["text/plain"]
