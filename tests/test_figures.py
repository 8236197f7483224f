"""What a reader relies on in each figure of each chapter where no kernel is live: see `tests.still_pictures` for the table."""

import base64
import html
import importlib
import inspect
import io
import pkgutil
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from introdl import figures
from tests.still_pictures import FIGURES, still

#: What draws for all chapters; the rest are chapters.
SHARED = {"grid", "guesses", "interactive", "panel", "style", "svg", "tile"}

#: Public functions of chapters that show nothing themselves: they compute, or draw a part of a figure that the table has.
HELPERS = {
    "backpropagation": "Value in_order moments central check_layer step_errors relative_error two_layers yours_or_ours moons",
    "convolution": "gray half as_dense seven_loops race race_words",
    "course_map": "drawn places",
    "cuda": "seconds rate queue flat_size layer_costs machines step score",
    "finetuning": "layer_parameters summary",
    "food_cnn": "augmented ablation_gains",
    "losses": "loss_and_slopes trained fit_line",
    "neurons": "trained",
    "pooling": "small edge_strength read_numbers change shift_changes hand_made_network network_maps",
    "regression_classification": "histograms overlaps choose make_estimator lucky_guessers",
    "sgd": "Landscape runs four_loops layer_times",
    "training": "told",
    "training_board": "tiles",
    "what_it_sees": "overlay strongest peaks cosines patch ranks rank_correlation edges shaded",
}

#: kB that a still picture may have on these inputs: photographs and plots need more than drawings.
MOST = 60
LARGER = {("mealomi", "boxes_on_plates"): 90, ("what_it_sees", "by_layer"): 75}

VOID = {"br", "hr", "img", "input", "meta", "link", "wbr"}


class Balanced(HTMLParser):
    """Finds tags that are not closed, or closed in another order."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def shown():
    """Still pictures, each made once: a function of chapter and name."""
    made = {}

    def look(key):
        if key not in made:
            made[key] = still(*key)
        return made[key]

    return look


def pictures(page: str) -> list[np.ndarray]:
    found = re.findall(r'(?:src|href)="data:image/(?:png|jpeg);base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB")) for one in found]


every_figure = pytest.mark.parametrize("key", FIGURES, ids=".".join)


@every_figure
def test_an_alt_text_says_what_it_shows(key, shown):
    page, plain = shown(key)
    said = re.findall(r'(?:aria-label|alt)="([^"]*)"', page)
    assert said and len(said[0].split()) >= 4, said
    assert all(alt.strip() for alt in said)
    assert plain == "" or len(plain.split()) >= 5


@every_figure
def test_it_is_well_formed(key, shown):
    page, _ = shown(key)
    reader = Balanced()
    reader.feed(page)
    assert not reader.wrong and not reader.open
    if page.count("<svg") == 1:
        ElementTree.fromstring(re.search(r"<svg.*</svg>", page, re.DOTALL)[0])
    assert not re.search(r'="(nan|-?inf)"', page)


@every_figure
def test_it_is_not_blank(key, shown):
    page, _ = shown(key)
    drawn = len(re.findall(r"<(?:rect|circle|polyline|polygon|path|line|text|td) ", page))
    assert drawn >= 8 or any(len(np.unique(each.reshape(-1, 3), axis=0)) > 4 for each in pictures(page))


@every_figure
def test_it_shows_the_numbers_and_words_that_the_chapter_speaks_of(key, shown):
    page, plain = shown(key)
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
    missing = [word for word in FIGURES[key][1] if word not in words and word not in plain]
    assert not missing, (plain, words)


@every_figure
def test_it_is_small(key, shown):
    page, _ = shown(key)
    assert len(page) <= 1000 * LARGER.get(key, MOST)


def chapters() -> list[str]:
    return sorted({info.name for info in pkgutil.iter_modules(figures.__path__)} - SHARED)


@pytest.mark.parametrize("name", chapters())
def test_every_public_figure_is_in_the_table(name):
    module = importlib.import_module(f"introdl.figures.{name}")
    public = {
        found
        for found, value in vars(module).items()
        if (not found.startswith(("_", "draw_")) or (name, found) in FIGURES)
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    }
    shown_here = {figure for chapter, figure in FIGURES if chapter == name}
    assert public - shown_here - set(HELPERS.get(name, "").split()) == set(), "Add it to tests/still_pictures.py."
    assert all(hasattr(module, figure) for figure in shown_here)


def test_what_a_figure_is_given_is_escaped():
    from introdl.figures import svg, tile

    words = '<b onclick="x">dish</b> & "co"'
    for made in (
        svg.frame(words, ""),
        svg.label(words),
        svg.block(words, ""),
        svg.text(0, 0, words),
        svg.described("", words),
        tile.img(np.zeros((2, 2)), words, 9),
    ):
        assert "<b" not in made and "&lt;b onclick=&quot;x&quot;&gt;dish&lt;/b&gt; &amp; &quot;co&quot;" in made
