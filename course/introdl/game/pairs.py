"""*Same dish or not?*: you against a network on pairs of plates, both of dishes that the network was never trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from introdl import pages
from introdl.figures import svg, tile
from introdl.figures.grid import mix
from introdl.figures.interactive import show_live
from introdl.figures.style import BLUE, ORANGE
from introdl.wording import spoken

if TYPE_CHECKING:
    from introdl.data import Dataset
    from introdl.verification import Pairs

#: How many pairs there are in a game.
COUNT = 10
_ALT = (
    "A game: two plates side by side, and two buttons, same dish and different dishes. After ten pairs your right answers stand "
    "beside the network's."
)


def same_or_not(
    pictures: Dataset, pairs: Pairs, similarities: np.ndarray, fold: int = 0, count: int = COUNT, seed: int = 0
) -> None:
    """Show the game: two plates, same dish or not? The network answers after you, by a threshold from the other folds.

    Parameters
    ----------
    pictures : introdl.data.Dataset
        What the pairs are of.
    pairs : introdl.verification.Pairs
        P pairs in folds.
    similarities : numpy.ndarray
        (P,): the network's similarity of each pair.
    fold : int
        The fold that is played with; none of its pairs has had a say in the threshold.
    count : int
        Pairs in a game.
    seed : int
        Which pairs come first.
    """
    board = PairsBoard(Match(pictures, pairs, similarities, fold, count, seed))
    show_live(board.widget, board.still(), _ALT, "The game begins when you run its cell.", "game")


@dataclass
class Match:
    """The game itself, without a page: which pairs are played, what was answered, who was right.

    Parameters
    ----------
    pictures, pairs, similarities, fold, count, seed
        As for `same_or_not`.

    Attributes
    ----------
    threshold : float
        From which similarity on the network says "same": the best one for all other folds.
    answers : list of bool
        What you have said in this game: True is "same".
    position : int
        Which pair is on the table, from 0; `count` after the last.

    Raises
    ------
    ValueError
        Where there is no similarity for each pair, or the fold has too few pairs.
    """

    pictures: Dataset
    pairs: Pairs
    similarities: np.ndarray
    fold: int = 0
    count: int = COUNT
    seed: int = 0
    number: int = 0
    answers: list[bool] = field(default_factory=list)
    position: int = 0
    sums: list[int] = field(default_factory=lambda: [0, 0, 0])

    def __post_init__(self) -> None:
        from introdl.verification import threshold_of

        self.similarities = np.asarray(self.similarities, float)
        if self.similarities.shape != (len(self.pairs),):
            raise ValueError(
                f"similarities has the shape {self.similarities.shape}; there are {len(self.pairs)} pairs, so it should be "
                f"({len(self.pairs)},)."
            )
        own = self.pairs.folds == self.fold
        if not 1 <= self.count <= own.sum() or own.all():
            raise ValueError(
                f"A game of {self.count} pairs cannot be played with fold {self.fold}: it has {own.sum()} pairs of "
                f"{len(own)}, and the threshold needs others."
            )
        self.threshold = threshold_of(self.similarities[~own], self.pairs.same[~own])
        self._order = np.random.default_rng(self.seed).permutation(np.flatnonzero(own))
        self._deal()

    def _deal(self) -> None:
        places = np.arange(self.number * self.count, (self.number + 1) * self.count)
        self.dealt = self._order[places % len(self._order)]
        self.answers, self.position = [], 0

    @property
    def current(self) -> int | None:
        """Which pair is on the table; None after the last."""
        return None if self.over else int(self.dealt[self.position])

    @property
    def answered(self) -> bool:
        """Whether the pair on the table has had its answer."""
        return len(self.answers) > self.position

    @property
    def over(self) -> bool:
        """Whether all pairs are done."""
        return self.position >= self.count

    def network_says(self, pair: int) -> bool:
        """Whether the network calls a pair the same."""
        return bool(self.similarities[pair] >= self.threshold)

    def right(self) -> tuple[int, int]:
        """How many of the answered pairs you had right, and how many of the same pairs the network had."""
        done = self.dealt[: len(self.answers)]
        truth = self.pairs.same[done]
        network = [self.network_says(pair) for pair in done]
        return int(np.sum(np.array(self.answers, bool) == truth)), int(np.sum(np.array(network, bool) == truth))

    def say(self, same: bool) -> None:
        """Answer; a second answer to one pair is not heard."""
        if not self.over and not self.answered:
            self.answers.append(bool(same))
            if len(self.answers) == self.count:
                self.sums = [was + now for was, now in zip(self.sums, (*self.right(), self.count), strict=True)]

    def go_on(self) -> None:
        """Go to the next pair, once this one has its answer."""
        if not self.over and self.answered:
            self.position += 1

    def again(self) -> None:
        """Begin a new game with other pairs, as long as the fold has others."""
        self.number += 1
        self._deal()

    def dishes(self, pair: int) -> tuple[str, str]:
        """Name both dishes of a pair."""
        names = self.pictures.classes
        one, other = (self.pictures.labels[side[pair]] for side in (self.pairs.first, self.pairs.second))
        return spoken(names[one]), spoken(names[other])


class PairsBoard:
    """The widgets of a `Match`; `widget` is what is shown."""

    def __init__(self, match: Match):
        import ipywidgets as widgets

        self.match = match
        wide = widgets.Layout(width="auto")
        self.same = widgets.Button(description="Same dish", button_style="primary", layout=wide)
        self.different = widgets.Button(description="Different dishes", button_style="primary", layout=wide)
        self.onward = widgets.Button(description="Next pair", button_style="success", layout=wide)
        self.table, self.message = widgets.HTML(), widgets.HTML()
        self.same.on_click(lambda _: self._say(True))
        self.different.on_click(lambda _: self._say(False))
        self.onward.on_click(lambda _: self._go_on())
        row = widgets.Layout(display="flex", flex_flow="row wrap", align_items="center", grid_gap="4px 10px")
        self.widget = widgets.VBox(
            [self.table, widgets.Box([self.same, self.different, self.onward], layout=row), self.message]
        )
        self._render()

    def _say(self, same: bool) -> None:
        self.match.say(same)
        self._render()
        self.onward.focus()

    def _go_on(self) -> None:
        if self.match.over:
            self.match.again()
        else:
            self.match.go_on()
        self._render()
        (self.onward if self.match.over else self.same).focus()

    def _render(self) -> None:
        match = self.match
        self.same.disabled = self.different.disabled = match.over or match.answered
        self.onward.disabled = not match.over and not match.answered
        last = match.position == match.count - 1
        self.onward.description = (
            f"{match.count} pairs more" if match.over else "See the result" if last else "Next pair"
        )
        self.table.value = _result(match) if match.over else _table(match)
        self.message.value = f'<div role="status" aria-live="polite">{_said(match)}</div>'

    def still(self) -> str:
        """Return the first pair as plain HTML, for readers without a kernel; no answer is in it."""
        return _table(self.match)


def _part(macro: str, *shown) -> str:
    return pages.part(__file__, "pairs", macro, *shown)


def _picture(match: Match, index: int, alt: str, width: int) -> str:
    return tile.img(match.pictures.images[index], alt, width, look="border-radius:6px")


def _table(match: Match) -> str:
    pair = int(match.dealt[match.position])
    shown = match.dishes(pair) if match.answered else ("One plate", "The other plate")
    sides = [
        (_picture(match, int(side[pair]), words, 220), words if match.answered else "")
        for side, words in zip((match.pairs.first, match.pairs.second), shown, strict=True)
    ]
    you, network = match.right()
    score = f"; so far you have {you} right, the network {network}" if match.answers else ""
    return _part("table", match.position + 1, match, score, sides)


def _said(match: Match) -> str:
    if match.over or not match.answered:
        return ""
    pair = int(match.dealt[match.position])
    one, other = match.dishes(pair)
    truth = bool(match.pairs.same[pair])
    right = match.answers[-1] == truth
    fact = f"both are {one}" if truth else f"{one} and {other}"
    network = match.network_says(pair)
    similarity, threshold = float(match.similarities[pair]), match.threshold
    digits = 4 if svg.fixed(similarity) == svg.fixed(threshold) else 2
    words = (
        f"The network: similarity {svg.fixed(similarity, digits)}, "
        f"{'at or above' if network else 'below'} its threshold of {svg.fixed(threshold, digits)}, so "
        f"“{'same' if network else 'different'}”: {'right' if network == truth else 'wrong'}."
    )
    return _part("said", right, fact, words, _scale(match, pair))


def _scale(match: Match, pair: int) -> str:
    """Draw where the pair's similarity lies, from -1 to 1, and the threshold."""
    left, wide, y = 16, 420, 30

    def at(value: float) -> float:
        return left + wide * (min(max(value, -1), 1) + 1) / 2

    here, cut = at(match.similarities[pair]), at(match.threshold)
    return svg.canvas(
        left * 2 + wide,
        62,
        svg.box(left, y - 5, cut - left, 10, mix(ORANGE, 0.45)),
        svg.box(cut, y - 5, left + wide - cut, 10, mix(BLUE, 0.45)),
        svg.line(cut, y - 10, cut, y + 10, "#000", 2),
        svg.circle(here, y, 7, "#000"),
        svg.text(cut - 6, y - 13, "different", 12.5, "#8A5F00", "end"),
        svg.text(cut + 6, y - 13, "same", 12.5, BLUE),
        svg.text(left, y + 24, "−1", 12.5, "#444", "middle"),
        svg.text(at(0), y + 24, "0: cosine similarity", 12.5, "#444", "middle"),
        svg.text(left + wide, y + 24, "1", 12.5, "#444", "middle"),
    )


def _result(match: Match) -> str:
    rows = []
    for pair, answer in zip(match.dealt, match.answers, strict=True):
        truth, (one, other) = bool(match.pairs.same[pair]), match.dishes(pair)
        sides = ((match.pairs.first, one), (match.pairs.second, other))
        pictures = "".join(_picture(match, int(side[pair]), name, 44) for side, name in sides)
        dishes = one if truth else f"{one}, {other}"
        rows.append((pictures, dishes, truth, answer, match.network_says(pair), svg.fixed(match.similarities[pair])))
    you, network = match.right()
    all_you, all_network, played = match.sums
    more = ""
    if played > match.count:
        more = f" In all your games: you {all_you} of {played}, the network {all_network} of {played}."
    return _part("result", match.count, you, network, rows, (mix(ORANGE, 0.4), mix(BLUE, 0.4)), more)
