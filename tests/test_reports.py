"""Reports that a beginner can read: two things that differ, in plain words, each once."""

from __future__ import annotations

import html

import numpy as np
import pytest

from introdl import wording
from introdl.checking import isolation, judge, notebook, report, sheets, values
from introdl.checking.compare import compare
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Other
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry, SheetCase


def an_entry(expected, points=10.0, cases=1, **more):
    """An exercise without inputs whose right answer is given."""
    given = {"title": "A title", "names": ["f"], "probe": "call", "forbidden": [], "rtol": 1e-5}
    given |= {"quiet": False, "seconds": 3.0, "image": False}
    drawn = [SheetCase(f"case {number}", 1.0, [], expected) for number in range(cases)]
    return Entry("98.f", points=points, hints=[], cases=drawn, misconceptions=[], **(given | more))


def verdict_on(given, expected, **more):
    return judge.judge(an_entry(expected, **more), [Outcome("returned", given)])


def lines_of(verdict):
    text = report.as_text(verdict)
    return [line.strip() for line in text.splitlines() if line.strip().startswith(("expected", "yours"))]


LONG = np.arange(400.0).reshape(20, 20)


def changed(array, place, by):
    new = array.copy()
    new[place] += by
    return new


@pytest.mark.parametrize(
    ("expected", "given", "told"),
    [
        (LONG, changed(LONG, (17, 3), 5.0), ["expected [17, 3]: 343", "yours [17, 3]:    348"]),
        (LONG, changed(LONG, (17, 3), 0.01), ["expected [17, 3]: 343", "yours [17, 3]:    343.01"]),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0001]), ["expected [1]: 2", "yours [1]:    2.0001"]),
        ([1] * 20, [1] * 19 + [2], ["expected [19]: 1", "yours [19]:    2"]),
        ({"a": 1, "b": LONG}, {"a": 1, "b": changed(LONG, (0, 1), 3)}, ["expected ['b'][0, 1]: 1", "yours ['b'][0, 1]:    4"]),
        (3.0, 3.00004, ["expected: 3", "yours:    3.00004"]),
        ("a" * 300, "a" * 300 + "b", None),
    ],
)  # fmt: skip
def test_the_first_difference_shows_where_and_two_things_that_differ(expected, given, told):
    verdict = verdict_on(given, expected, rtol=1e-7)
    one, other = lines_of(verdict)
    assert one.partition(": ")[2].strip() != other.partition(": ")[2].strip() or told is None
    if told:
        assert [one, other] == told


def test_in_a_table_numbers_that_differ_never_look_the_same():
    verdict = verdict_on(np.array([1.00001, 2.0]), np.array([1.0, 2.0]), rtol=1e-7)
    (_, wanted), (_, came) = values.result(verdict.cases[0], image=False)
    assert wanted.planes[0][1][0][0][0] != came.planes[0][1][0][0][0]
    assert came.planes[0][1][0][0][1] and not came.planes[0][1][0][1][1]


def test_of_a_large_result_the_window_with_the_difference_is_shown():
    verdict = verdict_on(changed(LONG, (17, 3), 5.0), LONG)
    (label, wanted), (_, came) = values.result(verdict.cases[0], image=False)
    assert label == "expected [12:20, 1:9]"
    numbers = [number for row in came.planes[0][1] for number in row]
    assert ("348", True) in numbers and len(numbers) == 64
    assert "343" in [number for row in wanted.planes[0][1] for number, _ in row]


@pytest.mark.parametrize(
    ("points", "passed", "of", "told"),
    [
        (10, 6, 7, "8.6 of 10"),
        (6, 1, 6, "1 of 6"),
        (5, 99, 100, "4.9 of 5"),
        (5, 1, 200, "0.1 of 5"),
        (8, 1, 2, "4 of 8"),
    ],
)
def test_points_are_whole_or_have_one_decimal(points, passed, of, told):
    entry = an_entry(1.0, points=points, cases=of)
    verdict = judge.judge(entry, [Outcome("returned", 1.0)] * passed + [Outcome("returned", 2.0)] * (of - passed))
    assert f"(98.f, {told} points)" in report.as_text(verdict).splitlines()[0]


def test_a_headline_leaves_code_as_it_is_written():
    verdict = verdict_on(2.0, 1.0)
    verdict.diagnoses = [judge.Diagnosis("z taken for s", "You did.", [0], True)]
    assert "This looks like: z taken for s." in report.as_text(verdict)
    assert "This looks like: z taken for s." in report.as_html(verdict)


def test_what_a_check_needs_for_itself_is_not_told():
    """A network is given its number of dishes; seeds and the check's own inputs are not for the learner."""
    entry = sheets.find("09.food_net")
    wrong, within = Outcome("returned", {"amiss": "linear"}), Outcome("returned", {"parameters": 9, "numbers": 9})
    rest = [Outcome("not run")] * (len(entry.cases) - 1)
    for first, classes in ((wrong, 9), (within, 12)):
        verdict = judge.judge(entry, [first, *rest])
        text, page = report.as_text(verdict), html.unescape(report.as_html(verdict))
        assert f"num_classes = {classes}" in text
        for told in (text, page):
            assert not any(word in told for word in ("seed", "labels", "least", "= None", "{'"))


def test_no_sentence_is_said_twice():
    page = html.unescape(report.as_html(verdict_on(changed(LONG, (17, 3), 5.0), LONG)))
    sentence = "expected 343, got 348."
    assert page.count(sentence) == 1
    text = report.as_text(verdict_on(2.0, 1.0))
    assert text.count("Expected 1, got 2.") == 1


@pytest.mark.parametrize(
    ("given", "expected", "told"),
    [
        (Other("array of dtype object"), LONG, "yours is an array of dtype object."),
        (Other("__main__.Value"), 3.0, "yours is a Value."),
        (Other("builtin_function_or_method"), 3.0, "yours is a function."),
        (Other("pandas.core.frame.DataFrame"), LONG, "yours is a pandas DataFrame."),
        ({np.int64(3): 1}, {3: 1, 4: 2}, "lacks [4]."),
        ({np.str_("a"): 1}, {"b": 1}, "lacks ['b'] and has ['a'] too many."),
    ],
)
def test_kinds_of_things_are_told_without_internals(given, expected, told):
    assert told in compare(given, expected).sentence


def test_articles():
    assert wording.with_article("array") == "an array" and wording.with_article("list") == "a list"


def test_colors_for_a_terminal_are_no_words():
    def colored():
        print("\x1b[1mbold\x1b[0m")
        raise ValueError("\x1b[31mred\x1b[0m text")

    outcome = isolation.observe(isolation.Task("call"), (colored,), [])
    assert outcome.message == "red text" and outcome.printed == "bold\n"


def test_what_is_off_the_menu_is_not_what_is_to_be_written():
    entry = an_entry(1.0, forbidden=["torch.*", "numpy.convolve"])
    off, own = (judge.forbidden(entry, name) for name in ("torch.tensor", "numpy.convolve"))
    assert "not on its menu" in off and "write yourself" not in off
    assert own == "f calls numpy.convolve, which this exercise asks you to write yourself."


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("neuron", "02.neuron"), ("02_neuron", "02.neuron"), ("2.neuron", "02.neuron"), ("02.Neurn", "02.neuron"), ("softmax", "05.softmax")],
)  # fmt: skip
def test_a_wrong_id_is_told_the_right_one(wrong, meant, capsys):
    notebook.check(wrong, abs)
    assert capsys.readouterr().out.strip() == f"There is no exercise {wrong!r}. Did you mean {meant!r}?"


def test_an_id_like_no_other_is_told_what_ids_look_like(capsys):
    notebook.check("qqq", abs)
    assert "Ids look like '03.conv2d'" in capsys.readouterr().out


def test_check_without_an_id_is_told_how_to_write_it(capsys):
    def pad(x, p):
        return x

    notebook.check(pad)
    assert "Write: check('03.pad', pad)" in capsys.readouterr().out
    notebook.check(lambda: 0)
    assert "as in check('03.conv2d', conv2d)" in capsys.readouterr().out


def test_a_call_in_the_place_of_the_function_is_told_so(capsys):
    notebook.check("02.neuron", np.float64(3.0))
    said = capsys.readouterr().out
    assert "given a value where the function neuron belongs" in said and "check('02.neuron', neuron)" in said
    assert "float64" not in said and sheets.find("02.neuron").names == ["neuron"]


def test_an_input_is_called_as_the_learners_function_calls_it():
    def sgd_step(w, grad, lr):
        grad *= lr
        return w - grad

    verdict = notebook.examine(sheets.find("07.sgd_step"), (sgd_step,))
    assert "changed its input grad in place" in verdict.cases[0].sentence


def test_probes_can_be_put_into_a_set():
    """The fingerprint of a verdict does; a probe that could not made every submission unreadable."""
    assert len(set(PROBES.values())) <= len(PROBES)
