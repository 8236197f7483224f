"""The parts that every chapter's figures are drawn with: numbers, number grids, panels, bars and picture tiles."""

import re

import numpy as np
import pytest

from introdl.figures import grid, panel, svg, tile


@pytest.mark.parametrize(
    ("value", "short", "fixed", "factor"),
    [
        (2.0, "2", "2.00", "2"),
        (-0.5, "−0.5", "−0.50", "(−0.5)"),
        (-0.001, "0", "0.00", "0"),
        (1234.567, "1234.57", "1234.57", "1234.57"),
        (100, "100", "100.00", "100"),
    ],
)
def test_numbers_are_written_with_a_true_minus_sign_and_never_as_minus_nought(value, short, fixed, factor):
    assert (svg.short(value), svg.fixed(value), svg.factor(value)) == (short, fixed, factor)


def test_a_grid_shows_each_number_in_its_place():
    drawing = grid.grid([[1, 2, 3], [4, 5.5, -6]], 20)
    assert re.findall(r">([^<>]+)</text>", drawing) == ["1", "2", "3", "4", "5.5", "−6"]
    corners = re.findall(r'<rect x="(\d+)" y="(\d+)" width="20" height="20"', drawing)
    assert corners == [("2", "2"), ("22", "2"), ("42", "2"), ("2", "22"), ("22", "22"), ("42", "22")]
    assert 'viewBox="0 0 64 44"' in drawing


def test_a_cell_of_a_grid_may_look_different_and_say_something_else():
    drawing = grid.cells([[1, 2]], 20, lambda i, j: {"words": "", "dashed": True} if j else {"fill": "#ABCDEF"})
    assert drawing.count("#ABCDEF") == drawing.count("stroke-dasharray") == 1
    assert re.findall(r">([^<>]+)</text>", drawing) == ["1"]


def test_a_ring_lies_around_its_cells():
    assert 'x="42.0" y="22.0" width="60.0" height="40.0"' in grid.ring(1, 2, 20, "#000", rows=2, columns=3)


@pytest.mark.parametrize(
    ("lit", "bold"), [(lambda i, j: i == 1, {"b", "3", "4"}), (lambda i, j: (i, j) == (0, 1), {"a", "q", "2"})]
)
def test_a_table_names_the_line_that_is_lit_in_bold(lit, bold):
    drawing = grid.table(0, 0, np.array([[1, 2], [3, 4]]), "ab", "pq", lit=lit, digits=0)
    assert set(re.findall(r'font-weight="bold">([^<]+)<', drawing)) == bold


def test_positive_is_blue_negative_is_orange_and_nought_is_white():
    assert grid.tint(0, 1) == grid.tint(3, 0) == grid.mix("#0072B2", 0) == "#FFFFFF"
    assert grid.mix("#0072B2", 2) == "#0072B2"
    red, _, blue = (int(grid.tint(1, 1)[i : i + 2], 16) for i in (1, 3, 5))
    assert blue > red
    red, _, blue = (int(grid.tint(-1, 1)[i : i + 2], 16) for i in (1, 3, 5))
    assert red > blue


def test_a_panel_turns_data_into_pixels_with_y_upwards():
    axes = panel.Panel(10, 20, 100, 50, (0, 10), (-1, 1))
    assert (float(axes.x(0)), float(axes.x(10))) == (10, 110) == (axes.left, axes.right)
    assert (float(axes.y(1)), float(axes.y(-1))) == (20, 70) == (axes.top, axes.bottom)
    drawing = axes.axes([0, (5, "half")], [(1, "one")], "across", "up", "title")
    assert re.findall(r">([^<>]+)</text>", drawing) == ["0", "half", "one", "across", "up", "title"]


def test_the_first_row_of_a_panels_plane_is_its_top():
    places = panel.Panel(0, 0, 10, 10, (0, 4), (0, 2)).plane(4, 2)
    assert places.shape == (2, 4, 2)
    assert places[0, 0].tolist() == [0.5, 1.5] and places[1, 3].tolist() == [3.5, 0.5]


def test_shades_run_from_orange_over_white_to_blue():
    low, middle, high = panel.shades(np.array([-5.0, 0.0, 1.0]))
    assert middle.tolist() == [255] * 3
    assert low.tolist() == [251, 226, 178] and high.tolist() == [186, 218, 242]


@pytest.mark.parametrize(("low", "high"), [(0.013, 0.094), (-3, 17), (40, 4100)])
def test_ticks_are_round_numbers_inside_the_range(low, high):
    ticks = panel.nice_ticks(low, high)
    assert 3 <= len(ticks) <= 12 and low <= min(ticks) and max(ticks) < high
    assert len({round(b - a, 9) for a, b in zip(ticks, ticks[1:], strict=False)}) == 1


def test_bars_have_a_name_a_value_and_a_width_that_can_be_seen():
    drawing = panel.bars(100, 0, ["dish", "none"], [50, 0], ["5 %", "0 %"], ["#111111", "#222222"])
    assert re.findall(r">([^<>]+)</text>", drawing) == ["dish", "5 %", "none", "0 %"]
    assert re.findall(r'width="([\d.]+)"[^>]*fill="#[12]', drawing) == ["50.0", "1.0"]


def test_a_map_as_ink_is_white_where_it_is_nought():
    assert tile.ink(np.array([0.0, 1.0, 9.0]), 2.0).tolist() == [1.0, 0.5, 0.0]


def test_a_picture_on_the_page_has_its_alt_text_escaped():
    shown = tile.img(np.zeros((4, 4, 3)), 'a "plate" & more', 90, sharp=True)
    assert 'alt="a &quot;plate&quot; &amp; more"' in shown and "pixelated" in shown and "width:90px" in shown
