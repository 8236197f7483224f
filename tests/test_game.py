"""Test yourself: the rules, the courses, what is kept, and the board."""

import json

import numpy as np
import pytest

from introdl import paths
from introdl.data import Dataset
from introdl.game import Deck, Game, odds
from introdl.game.rules import Memory, understand
from introdl.game.table_view import Board

DISHES = ("pizza", "ice_cream", "chocolate_cake", "pancakes", "soup", "tomato", "bagel", "doughnut")


def pictures(count=30):
    rng = np.random.default_rng(3)
    return Dataset(
        "plates",
        rng.integers(0, 256, (count, 8, 8, 3)).astype(np.uint8),
        rng.integers(0, len(DISHES), count).astype(np.int64),
        DISHES,
        np.full(count, "test"),
        files=np.array([f"plate_{number}.jpg" for number in range(count)]),
        grams=rng.uniform(50, 300, count).astype(np.float32),
        kcal=rng.uniform(50, 300, count).astype(np.float32),
    )


class Network:
    """Knows every answer but those in `wrong`, where the right dish stands at the given rank."""

    def __init__(self, dataset, wrong):
        self.labels, self.wrong, self.calls = dataset.labels, wrong, 0

    def __call__(self, images):
        self.calls += 1
        rng = np.random.default_rng(0)
        scores = rng.uniform(0, 0.1, (len(images), len(DISHES)))
        for row, label in enumerate(self.labels):
            order = [k for k in rng.permutation(len(DISHES)) if k != label]
            order.insert(self.wrong.get(row, 1) - 1, int(label))
            scores[row, order] = np.linspace(1, 0.1, len(DISHES))
        return scores / scores.sum(axis=1, keepdims=True)


WRONG = {4: 2, 9: 8, 11: 6, 2: 7, 17: 3, 20: 6, 25: 2, 28: 7, 29: 4}


@pytest.fixture
def deck():
    dataset = pictures()
    return Deck(dataset, Network(dataset, WRONG))


def names(game):
    return [game.deck.classes[one.correct] for one in game.rounds]


def play_through(game, right):
    """Play every picture: right where `right` says so, given up elsewhere."""
    for one, wins in zip(list(game.rounds), right, strict=True):
        if wins:
            game.guess(game.deck.classes[one.correct])
        else:
            game.give_up()
        game.go_on()


def test_the_rank_is_where_the_right_dish_stands_in_the_networks_list(deck):
    assert [int(deck.ranks[row]) for row in WRONG] == list(WRONG.values())
    assert (np.delete(deck.ranks, list(WRONG)) == 1).all()


def test_the_hard_course_is_made_of_misses_the_worst_first(deck):
    first, second = deck.draw("hard", 1), deck.draw("hard", 2)
    assert all(deck.ranks[index] > 1 for index in first + second)
    assert first[0] == 9 and set(first[1:3]) == {2, 28} and set(first[3:5]) == {11, 20}
    ranks = deck.ranks[deck.misses]
    assert (np.diff(ranks) <= 0).all()
    assert set(second) & set(WRONG) == set(second), "after the last miss it begins again"
    assert len(set(second)) == len(second)


def test_of_two_misses_at_one_rank_the_less_probable_comes_first(deck):
    own = deck.probabilities[deck.misses, deck.pictures.labels[deck.misses]]
    for one, other in zip(range(len(own) - 1), range(1, len(own)), strict=True):
        if deck.ranks[deck.misses[one]] == deck.ranks[deck.misses[other]]:
            assert own[one] <= own[other]


def test_a_network_that_misses_nothing_has_no_hard_course_and_the_board_says_so():
    dataset = pictures()
    deck = Deck(dataset, Network(dataset, {}))
    assert deck.draw("hard", 1) == []
    board = Board(deck)
    board.course.value = "hard"
    assert "misses no picture" in board.message.value
    board.entry.value = "pizza"
    board.course.value = "normal"
    assert len(board.game.rounds) == 7


def test_a_hard_course_with_few_misses_is_short():
    dataset = pictures()
    game = Game.new(Deck(dataset, Network(dataset, {3: 2, 5: 6})), "hard")
    assert [one.picture for one in game.rounds] == [5, 3]


def test_the_normal_course_is_a_seeded_draw_of_all_pictures(deck):
    assert deck.draw("normal", 1, seed=4) == deck.draw("normal", 1, seed=4)
    assert deck.draw("normal", 1, seed=4) != deck.draw("normal", 2, seed=4)
    assert deck.draw("normal", 1, seed=4) != deck.draw("normal", 1, seed=5)
    drawn = {index for number in range(1, 40) for index in deck.draw("normal", number)}
    assert drawn == set(range(len(deck.pictures)))
    assert len(set(deck.draw("normal", 1, rounds=30))) == 30


@pytest.mark.parametrize("wrong", [("easy", 1, 7), ("normal", 0, 7), ("hard", 1, 0)])
def test_a_draw_that_cannot_be_has_a_sentence(deck, wrong):
    with pytest.raises(ValueError, match="should be 'normal' or 'hard'|begin at 1"):
        deck.draw(*wrong)


def test_both_sides_have_five_guesses(deck):
    game = Game.new(deck, "hard")
    assert all(len(one.computer) == 5 for one in game.rounds)
    now = game.current
    wrong = [name for k, name in enumerate(DISHES) if k != now.correct]
    for guess, name in enumerate(wrong[:5], start=1):
        assert not now.over and now.left == 6 - guess
        said = game.guess(name)
    assert now.over and now.left == 0 and now.human_at == 0
    assert "that was guess 5. It is" in said
    assert game.guess(DISHES[now.correct]).startswith("This picture is done")
    assert game.human == 0 and len(now.guesses) == 5


def test_the_fifth_guess_still_counts_and_so_does_the_computers(deck):
    game = Game.new(deck, "hard")
    now = game.current
    wrong = [name for k, name in enumerate(DISHES) if k != now.correct]
    for name in [*wrong[:4], DISHES[now.correct]]:
        game.guess(name)
    assert now.human_at == 5 and game.human == 1
    fifth = Game.new(Deck(pictures(), Network(pictures(), {0: 5, 1: 6})), "hard", rounds=2)
    assert [one.computer_at for one in fifth.rounds] == [0, 5]


def test_the_computers_score_counts_only_pictures_that_are_done(deck):
    game = Game.new(deck, "normal", seed=1)
    assert game.computer == 0
    game.guess(names(game)[0])
    assert game.human == 1 and game.computer == int(deck.ranks[game.rounds[0].picture] <= 5)
    before = game.computer
    game.go_on()
    game.guess("pizza" if names(game)[1] != "pizza" else "soup")
    assert game.computer == before


def test_a_whole_game_adds_up(deck):
    game = Game.new(deck, "hard")
    right = [True, False, True, True, False, False, True]
    play_through(game, right)
    assert game.over and game.current is None
    assert game.human == 4
    assert game.computer == sum(WRONG[one.picture] <= 5 for one in game.rounds)


def test_of_equal_scores_the_side_with_fewer_guesses_wins_and_so_the_computer_can_be_beaten():
    deck = Deck(pictures(), Network(pictures(), dict.fromkeys(range(30), 2)))  # always right, with its second guess
    won, drawn = (Game.new(deck, rounds=2) for _ in range(2))
    play_through(won, [True, True])
    assert (won.human, won.computer, won.taken) == (2, 2, (2, 4)) and won.lead > 0
    for one in list(drawn.rounds):
        drawn.guess(next(name for k, name in enumerate(DISHES) if k != one.correct))
        drawn.guess(DISHES[one.correct])
        drawn.go_on()
    assert drawn.taken == (4, 4) and drawn.lead == 0


def test_the_board_says_who_won_by_guesses_where_the_pictures_are_equal():
    board = Board(Deck(pictures(), Network(pictures(), dict.fromkeys(range(30), 2))), rounds=2)
    for _ in range(2):
        board.entry.value = DISHES[board.game.current.correct]
        board.onward.click()
    assert "You win: 2 against 2 of 2. You needed 2 guesses, the computer 4." in board.picture.value


def test_one_cannot_go_on_before_the_picture_is_done(deck):
    game = Game.new(deck)
    game.go_on()
    assert game.position == 0


def played(deck, course, at_once, rng, games):
    """Shares of games won, drawn and lost by somebody who plays them by the rules."""
    ends = []
    for number in range(1, games + 1):
        game = Game.new(deck, course, number)
        for one in list(game.rounds):
            if rng.random() >= at_once:
                game.guess(next(name for k, name in enumerate(DISHES) if k != one.correct))
            game.guess(DISHES[one.correct])
            game.go_on()
        ends.append(np.sign(game.lead))
    return np.array([np.mean(np.equal(ends, end)) for end in (1, 0, -1)])


@pytest.mark.parametrize("at_once", [1.0, 0.9, 0.5])
def test_the_odds_are_what_comes_of_playing_many_games(deck, at_once):
    said = odds(deck, "normal", at_once, games=400)
    assert sum(said) == pytest.approx(1)
    # The same 400 games; only the player's luck differs. Its standard error is below 0.025, this is more than four of it.
    np.testing.assert_allclose(said, played(deck, "normal", at_once, np.random.default_rng(5), 400), atol=0.11)


def test_one_who_names_every_plate_at_once_never_loses_and_one_who_needs_two_guesses_does():
    dataset = pictures()
    deck = Deck(dataset, Network(dataset, {}))  # right with every first guess
    assert odds(deck, "normal", 1.0, games=20) == (0, 1, 0)
    assert odds(deck, "normal", 0.0, games=20) == (0, 0, 1)
    half = odds(deck, "normal", 0.5, games=20)
    np.testing.assert_allclose(half, (0, 0.5**7, 1 - 0.5**7), atol=1e-12)


def test_the_odds_of_the_hard_course_count_the_games_that_there_are(deck):
    assert odds(deck, "hard", 1.0) == (1, 0, 0), "the network's first guess misses every one of these plates"
    assert odds(Deck(pictures(), Network(pictures(), {3: 2})), "hard", 1.0) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "dish"),
    [("pizza", 0), (" PIZZA ", 0), ("ice cream", 1), ("ice_cream", 1), ("ice", 1), ("choc", 2), ("dough", 7)],
)
def test_a_dish_may_be_written_in_several_ways(text, dish):
    assert understand(text, DISHES) == (dish, "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Write a dish"),
        ("   ", "Write a dish"),
        ("cake", "fits several dishes: chocolate cake, pancakes"),
        ("pizzza", "Did you mean pizza"),
        ("granite", "not one of the 8 dishes"),
        ("<b>", "not one of the 8 dishes"),
    ],
)
def test_what_is_no_dish_costs_no_guess(deck, text, sentence):
    game = Game.new(deck)
    assert sentence in game.guess(text)
    assert game.current.guesses == []


def test_a_dish_tried_twice_costs_one_guess(deck):
    game = Game.new(deck)
    wrong = next(name for k, name in enumerate(DISHES) if k != game.current.correct)
    game.guess(wrong)
    assert "tried" in game.guess(wrong)
    assert len(game.current.guesses) == 1


def test_a_run_again_goes_on_where_the_game_was_left(deck):
    board = Board(deck)
    board.course.value = "hard"
    board.entry.value = DISHES[board.game.current.correct]
    board.onward.click()
    wrong = next(name for k, name in enumerate(DISHES) if k != board.game.current.correct)
    board.entry.value = wrong

    again = Board(deck)
    assert again.game.course == "hard" and again.course.value == "hard"
    assert again.game.position == 1 and again.game.human == 1
    assert [DISHES[dish] for dish in again.game.current.guesses] == [wrong]
    assert "Welcome back" in again.message.value


@pytest.mark.parametrize("content", ["", "{", "[]", '{"form": 1}', '{"form": 99, "deck": "x"}', "null"])
def test_a_damaged_memory_begins_a_new_game(deck, content):
    memory = Memory()
    memory.path.parent.mkdir(parents=True, exist_ok=True)
    memory.path.write_text(content)
    board = Board(deck)
    assert board.game.position == 0 and board.game.played == []


@pytest.mark.parametrize("change", [{"position": 5}, {"course": "x"}, {"rounds": [{"picture": "gone"}]}, {"sums": 3}])
def test_a_memory_that_does_not_fit_begins_a_new_game(deck, change):
    memory = Memory()
    memory.save(Game.new(deck), {"normal": [1, 2, 7], "hard": [0, 0, 0]})
    assert memory.load(deck)[0] is not None
    memory.path.write_text(json.dumps(json.loads(memory.path.read_text()) | change))
    assert memory.load(deck) == (None, {})


def test_a_game_of_another_network_is_not_taken_up(deck):
    Memory().save(Game.new(deck), {})
    dataset = pictures()
    assert Memory().load(Deck(dataset, Network(dataset, {}), "another"))[0] is None


def test_where_the_disk_is_full_the_game_goes_on(deck, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "write_atomically", full)
    board = Board(deck)
    board.answer.click()
    assert "could not be saved" in board.message.value and "No space left" in board.message.value
    assert board.game.current.over


def test_sums_of_finished_games_are_kept_and_counted_once(deck):
    board = Board(deck, rounds=2)
    for _ in range(2):
        board.entry.value = DISHES[board.game.current.correct]
        board.onward.click()
    assert "2 against" in board.picture.value
    assert board.sums["normal"][0] == 2 and board.sums["normal"][2] == 2
    assert Board(deck, rounds=2).sums["normal"][2] == 2
    first = [one.picture for one in board.game.rounds]
    board.again.click()
    assert board.game.number == 2 and [one.picture for one in board.game.rounds] != first


def test_nothing_on_the_board_gives_the_answer_away_before_the_picture_is_done(deck):
    board = Board(deck)
    name = DISHES[board.game.current.correct].replace("_", " ")
    shown = board.picture.value + board.message.value + board.opponent.value + board.tried.value + board.still()
    assert name not in shown
    assert board.ask.disabled and board.onward.disabled
    board.ask.value = True
    assert board.opponent.value == ""
    board.answer.click()
    assert name in board.picture.value and "aria-label" in board.opponent.value


def test_the_computers_guesses_are_shown_with_the_right_dish_even_where_it_missed_it(deck):
    board = Board(deck)
    board.course.value = "hard"
    board.answer.click()
    board.ask.value = True
    assert "✓" in board.opponent.value and "8." in board.opponent.value
    assert "missed it with all 5" in board.message.value


def test_the_network_is_asked_once_and_its_answers_are_kept():
    dataset = pictures()
    network = Network(dataset, WRONG)
    first = Deck(dataset, network, "a key").probabilities
    again = Deck(dataset, network, "a key").probabilities
    assert network.calls == 1
    np.testing.assert_array_equal(first, again)
    assert Deck(dataset, network, "another key").probabilities is not None and network.calls == 2


def test_a_damaged_cache_is_computed_again(tmp_path, monkeypatch):
    monkeypatch.setenv("INTRODL_CACHE", str(tmp_path))
    dataset = pictures()
    network = Network(dataset, WRONG)
    deck = Deck(dataset, network, "a key")
    first = deck.probabilities
    (path,) = (paths.cache() / "game").glob("*.npy")
    path.write_bytes(path.read_bytes()[:60])
    np.testing.assert_array_equal(Deck(dataset, network, "a key").probabilities, first)
    assert network.calls == 2


@pytest.mark.parametrize("wrong", [lambda x: np.ones((len(x), 8)), lambda x: np.zeros(3), lambda x: x * np.nan])
def test_a_predict_that_returns_no_probabilities_has_a_sentence(wrong):
    with pytest.raises(ValueError, match=r"it should return probabilities of shape \(30, 8\)"):
        _ = Deck(pictures(), wrong).probabilities


def test_pictures_without_names_or_none_at_all_have_a_sentence():
    from dataclasses import replace

    with pytest.raises(ValueError, match="need file names"):
        Deck(replace(pictures(), files=None), None)
    with pytest.raises(ValueError, match="no picture to play with"):
        Deck(pictures().subset([]), None)


def test_a_guess_is_what_was_entered_whole_and_the_field_is_empty_again(deck):
    """At every key the field would send what is there so far, and Enter would overtake the rest on a slow machine."""
    board = Board(deck)
    assert board.entry.continuous_update is False
    wrong = next(name for k, name in enumerate(DISHES) if k != board.game.current.correct)
    board.entry.value = wrong
    board.try_it.click()
    assert [DISHES[dish] for dish in board.game.current.guesses] == [wrong]
    assert board.entry.value == "" and "4 guesses left" in board.message.value
