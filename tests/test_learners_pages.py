"""Pages from templates: whatever a name, a file or a path holds, it is shown as it is and never becomes part of the page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from introdl import pages
from introdl.checking import notebook, records, report, sheets
from introdl.data import Dataset
from introdl.game import Deck
from introdl.game.pairs import Match, PairsBoard
from introdl.game.table_view import Board
from introdl.mealomi import app_view, charts, nutriscore
from introdl.mealomi.nutrition import nutrients
from introdl.verification import draw_pairs

NASTY = ('<i id="own">pie', "fish & 'chips'", '"><script>soup')
_EMPTY = {"img", "br", "image", "rect", "line", "circle", "polygon", "path"}


class Page(HTMLParser):
    """Reads a page: its words, its tags, and whether each is closed where it should be.

    `unreadable` holds words with a color of their own on the ground of the notebook's theme, or the other way round: in a
    dark theme that may be black on black. A theme colors the cells of tables and code itself, whatever they stand in.
    """

    def __init__(self, text):
        super().__init__()
        self.words, self.tags, self.alts, self._open = "", [], [], []
        self.unreadable, self._looks = [], [(False, False)]
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.alts += [value for name, value in attributes if name in ("alt", "aria-label")]
        if tag not in _EMPTY:
            self._open.append(tag)
            style = dict(attributes).get("style") or ""
            own = [bool(re.search(rf"(^|[;\s]){name}:", style)) for name in ("color", "background")]
            themed = tag in ("td", "th", "code", "pre")
            self._looks.append(
                tuple(here or (not themed and above) for here, above in zip(own, self._looks[-1], strict=True))
            )

    def handle_endtag(self, tag):
        if tag not in _EMPTY:
            assert self._open.pop() == tag
            self._looks.pop()

    def handle_data(self, words):
        self.words += words
        if words.strip() and "svg" not in self._open and len(set(self._looks[-1])) == 2:
            self.unreadable.append(words)


def pictures():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    images, files = rng.integers(0, 255, (120, 6, 6, 3), np.uint8), np.array([f"{k}.jpg" for k in range(120)])
    return Dataset("specials", images, labels, NASTY, np.full(120, "test"), files=files)


def scores(images):
    return np.tile([0.6, 0.3, 0.1], (len(images), 1))


def whole(page):
    """Read a page in which only tags of ours may stand."""
    read = Page(page)
    assert not {"i", "script"} & set(read.tags)
    assert not read.unreadable
    return read


def test_a_dish_of_any_name_is_shown_as_it_is_called_throughout_a_game():
    board, seen = Board(Deck(pictures(), scores), rounds=4), ""
    for _ in range(4):
        board.entry.value = NASTY[0]
        board.answer.click()
        board.ask.value = True
        for view in (board.score, board.picture, board.message, board.tried, board.opponent):
            seen += whole(view.value).words
        board.onward.click()
    result = whole(board.picture.value)
    assert {f"A plate of {name}" for name in NASTY} >= set(result.alts) and result.tags.count("tr") == 5
    assert any(name in seen for name in NASTY)


def test_a_dish_of_any_name_is_shown_as_it_is_called_throughout_same_or_not():
    dataset = pictures()
    pairs = draw_pairs(dataset.labels, per_fold=12, folds=3, seed=1)
    board = PairsBoard(Match(dataset, pairs, np.where(pairs.same, 0.6, 0.1), fold=1, count=5))
    seen = []
    for _ in range(5):
        whole(board.still())
        board.same.click()
        seen += whole(board.table.value).alts
        assert "both are " in whole(board.message.value).words or " and " in whole(board.message.value).words
        board.onward.click()
    result = whole(board.table.value)
    assert set(seen) == set(result.alts) <= set(NASTY) and result.tags.count("tr") == 6


@pytest.mark.parametrize("dish", ["pizza", "ice_cream", "salad"])
def test_the_tables_of_mealomi_are_whole_and_say_each_number_once(dish):
    score = nutriscore.of_dish(dish)
    table = Page(charts.score_table(score))
    assert table.tags.count("tr") == 3 + len(score.items)
    assert (
        f"{score.unfavourable} − {score.favourable} = ".replace("-", "−") in table.words and score.letter in table.words
    )
    portion = Page(charts.nutrient_table(nutrients(dish, 250)))
    assert portion.tags.count("tr") == 9 and portion.words.count(" %") == 7
    assert f"Nutri-Score {score.letter} for {dish.replace('_', ' ')}" in Page(app_view._scored(dish)).words


def test_mealomi_escapes_what_comes_from_outside():
    for macro, shown in (
        ("export", ("data:,", "1 meal", "/home/<i>/d")),
        ("said", ("<i>.jpg", "bad")),
        ("refused", ("<i>",)),
    ):
        read = whole(pages.part(app_view.__file__, "app", macro, *shown))
        assert "<i>" in read.words
    advice = whole(pages.part(app_view.__file__, "app", "advice", [("data:,", '"<i>', "A", "#000", "#fff", "soup")]))
    assert advice.alts == ['"<i>', "Nutri-Score A"] and "as you liked soup" in advice.words


def test_the_cards_of_check_can_be_read_in_a_dark_notebook():
    def flipped(image, kernel):
        print("looking at", image.shape)
        windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
        return np.einsum("ijuv,uv->ij", windows, kernel[::-1, ::-1])

    wrong = notebook.examine(sheets.find("03.correlate2d"), (flipped,))
    text = notebook.examine(sheets.find("12.nutrients"), (lambda *given: {"kcal": 1.0},))
    for card in (
        report.as_html(wrong, 2, "A note."),
        report.as_html(text),
        report.progress_html(records.overview()),
        report._page("hints", id="03.correlate2d", hints=["One.", "Two."], foot="No more."),
        report._page("sentence", sentence="A sentence."),
    ):
        assert not Page(card).unreadable
    shown = Page(report.as_html(wrong))
    assert {"td", "pre", "img"} <= set(shown.tags) and "looking at (3, 4)" in shown.words
    assert "code" in Page(report.as_html(text)).tags


def test_a_name_that_a_template_misses_is_an_error(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "card.html.j2").write_text("{% macro line(words) %}<p>{{ words }}</p>{% endmacro %}{{ here }}")
    assert pages.page(str(tmp_path / "module.py"), "card", here="a<b") == "a&lt;b"
    with pytest.raises(Exception, match="'here' is undefined"):
        pages.page(str(tmp_path / "module.py"), "card")
