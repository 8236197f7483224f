"""Interactive figures: one picture in two forms, and lists that keep their keys in JupyterLab."""

import ipywidgets as widgets
import pytest

from introdl.figures.interactive import explore, hiding


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr("IPython.display.display", lambda *given, **how: found.append(given[0]))
    return found


def test_the_live_figure_hides_the_still_one_and_moves(shown):
    slider = widgets.IntSlider(3)
    explore(lambda n: f"<b>{n} dots</b>", {"n": slider}, "Dots.")
    page, live = shown
    mark = page["text/html"].split('class="')[1].split('"')[0]
    hide, body = live.children
    assert f".{mark}{{display:none}}" in hide.value and "3 dots" in page["text/html"]
    slider.value = 7
    assert "7 dots" in body.children[1].value and 'aria-label="Dots."' in body.children[1].value


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        explore(lambda: "", {}, " ")


def test_drop_down_lists_keep_their_keys_in_jupyterlab():
    """Without the attribute JupyterLab takes the arrow keys of a list to go to the next cell, and letters as commands."""
    value = hiding("some").value
    assert "'data-lm-suppress-shortcuts'" in value and "'.jp-OutputArea select'" in value
    script = value.split('onerror="')[1].split('">')[0]
    assert '"' not in script and script.count("{") == script.count("}") and script.count("(") == script.count(")")
