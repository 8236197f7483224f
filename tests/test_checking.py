"""The checker: whatever a learner's function does, there is a sentence, in time, and the notebook goes on."""

import dataclasses
import html
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from introdl import wording
from introdl.checking import isolation, judge, notebook, records, report, values
from introdl.checking.outcome import Outcome


def scale_right(x, w):
    return x * w


def endless(x, w):
    while True:
        pass


def endless_and_deaf(x, w):
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass


def ten_gigabytes(x, w):
    return np.ones((10_000, 125_000))


def ten_gigabytes_never_touched(x, w):
    return np.broadcast_to(np.float64(1), (10_000, 125_000))


def endless_recursion(x, w):
    return endless_recursion(x, w)


def convolve_by_another_name(x, w):
    from numpy import convolve as multiply

    multiply([1.0], [2.0])
    return x * w


def forbidden_and_hidden(x, w):
    try:
        np.convolve([1.0], [2.0])
    except BaseException:
        pass
    return x * w


def with_torch(x, w):
    import torch

    return torch.from_numpy(x) * w


def as_tensor_made_before(tensor):
    return lambda x, w: tensor


SAID = [
    (lambda x, w: None, "The result is None. Did you forget to return it?"),
    (lambda x, w: (x * w).tolist(), "The numbers are right, but the result is a list"),
    (lambda x, w: [[1]], "The result is a list; it should be a NumPy array of shape (2, 3)"),
    (lambda x, w: (x * w).T, "The axes stand in the opposite order"),
    (lambda x, w: x[0] * w, "should have shape (2, 3); yours has shape (3,)"),
    (lambda x, w: (x * w)[None], "It has an axis of length 1 too many"),
    (lambda x, w: 3.0, "should have shape (2, 3); yours is a single number"),
    (lambda x, w: x * w + 0j, "complex numbers"),
    (lambda x, w: (x * w).astype(str), "should hold numbers; yours has dtype <U32"),
    (lambda x, w: (x * w).astype(object), "array of dtype object"),
    (lambda x, w: x * np.nan, "nan (not a number) at [0, 0] where"),
    (lambda x, w: x * np.inf, "is inf at [0, 0] where"),
    (lambda x, w: "many", "should be a NumPy array of shape (2, 3); yours is a text"),
    (lambda x, w: {}, "yours is a dict"),
    (lambda x, w: x.undefined, "raised AttributeError: 'numpy.ndarray' object has no attribute 'undefined'"),
    (lambda: 0, "raised TypeError"),
    (lambda x, w: 1 / 0, "raised ZeroDivisionError: division by zero (line"),
    (endless_recursion, "calls itself without end"),
    (ten_gigabytes, "asked for more memory than there is"),
    (ten_gigabytes_never_touched, "far too large: array of 10.0 GB of shape (10000, 125000)"),
    (lambda x, w: [0] * 10**7, "far too large: list of 10000000 items"),
    (lambda x, w: 10**100_000, "far too large: whole number of"),
    (lambda x, w: os._exit(0), "brought its Python process down: it stopped its own process"),
    (lambda x, w: os.kill(os.getpid(), signal.SIGSEGV), "the system stopped it (SIGSEGV)"),
    (lambda x, w: exit(), "raised SystemExit"),
    (convolve_by_another_name, "calls numpy.convolve, which this exercise asks you to write yourself"),
    (forbidden_and_hidden, "calls numpy.convolve"),
    (with_torch, "calls torch"),
    ("a text", "raised TypeError: 'str' object is not callable"),
    (lambda x, w: misspelled, "name 'misspelled' is not defined (line"),  # noqa: F821
    (lambda x, w: input("x?"), "EOFError: it asks for input(), and while an answer is checked nobody types."),
]


@pytest.mark.parametrize(("wrong", "said"), SAID, ids=[said[:40] for _, said in SAID])
def test_every_way_to_fail_has_its_sentence(toy_sheet, wrong, said):
    begun = time.monotonic()
    verdict = notebook.examine(toy_sheet["98.scale"], (wrong,))
    assert time.monotonic() - begun < 10
    assert verdict.status == judge.FAILED
    assert said in verdict.cases[0].sentence
    assert said in report.as_text(verdict)


@pytest.mark.parametrize("never", [endless, endless_and_deaf])
def test_a_function_that_never_comes_back_is_stopped_in_time(toy_sheet, never):
    begun = time.monotonic()
    verdict = notebook.examine(toy_sheet["98.scale"], (never,))
    assert time.monotonic() - begun < 10
    assert "had not come back after 3 s" in verdict.cases[0].sentence
    assert verdict.cases[1].sentence == "Not run, because the time was used up before."


def test_where_cases_share_a_process_the_endless_one_is_told_by_name(toy_sheet, monkeypatch):
    """An endless FoodNet read "the time was used up before" in every case, and nothing of what used it."""
    entry = dataclasses.replace(toy_sheet["98.scale"], seconds=1.0)
    call = isolation.PROBES[entry.probe]
    monkeypatch.setitem(isolation.PROBES, entry.probe, dataclasses.replace(call, together=True))
    verdict = notebook.examine(entry, (lambda x, w: x * w if x.shape == (2, 3) else endless(x, w),))
    endless_one = next(i for i, case in enumerate(entry.cases) if case.inputs[0][1].shape != (2, 3))
    kinds = [case.outcome.kind for case in verdict.cases]
    assert kinds == ["returned"] * endless_one + ["out of time"] + ["not run"] * (len(kinds) - endless_one - 1)
    assert "had not come back after 1 s" in verdict.cases[endless_one].sentence


def test_what_the_cases_before_left_no_time_for_is_told_so(toy_sheet):
    entry = toy_sheet["98.scale"]
    found = judge.judge(entry, [Outcome("out of time", message="0")] * len(entry.cases))
    assert found.cases[0].sentence.startswith("scale was stopped: the cases before had left it less than a second")


@pytest.mark.parametrize("isolation", ["fork", "inline"])
def test_both_ways_of_running_agree(toy_sheet, monkeypatch, isolation):
    monkeypatch.setenv("INTRODL_ISOLATION", isolation)
    assert notebook.examine(toy_sheet["98.scale"], (scale_right,)).passed
    assert "had not come back" in notebook.examine(toy_sheet["98.scale"], (endless,)).cases[0].sentence
    assert (
        "raised ZeroDivisionError" in notebook.examine(toy_sheet["98.scale"], (lambda x, w: 1 / 0,)).cases[0].sentence
    )
    assert "calls numpy.convolve" in notebook.examine(toy_sheet["98.scale"], (forbidden_and_hidden,)).cases[0].sentence


def test_a_tensor_has_its_sentence(toy_sheet):
    import torch

    right = as_tensor_made_before(torch.tensor([[1.0, 2.0]]))
    assert "is a torch tensor" in notebook.examine(toy_sheet["98.scale"], (right,)).cases[0].sentence


RIGHT = [
    scale_right,
    lambda x, w: np.array([[value * w for value in row] for row in x]),
    lambda x, w: (x * w).astype(np.float32),
    lambda x, w: (x * w).astype(np.longdouble),
    lambda x, w: np.multiply(x, w, out=x.copy()),
    lambda x, w: np.asfortranarray(x * w),
    lambda x, w: np.ma.array(x * w),
    lambda x, w: (x.repeat(2, axis=1) * w)[:, ::2],
]


@pytest.mark.parametrize("right", RIGHT)
def test_right_answers_pass_however_they_are_made(toy_sheet, right):
    verdict = notebook.examine(toy_sheet["98.scale"], (right,))
    assert verdict.passed, report.as_text(verdict)
    assert verdict.earned == verdict.points == 10


def test_whole_numbers_pass_where_they_are_right(toy_sheet):
    verdict = notebook.examine(toy_sheet["98.scale"], (lambda x, w: (x * w).astype(int) if x[0, 0] >= 1 else x * w,))
    assert verdict.cases[0].passed


def test_a_function_cannot_fool_the_check_by_changing_its_input(toy_sheet):
    def change(x, w):
        x[:] = 0.0
        return x

    verdict = notebook.examine(toy_sheet["98.scale"], (change,))
    assert not any(case.passed for case in verdict.cases)

    def both(x, w):
        result = x * w
        x[:] = 7.0
        return result

    verdict = notebook.examine(toy_sheet["98.scale"], (both,))
    assert "changed its input x in place" in verdict.cases[0].sentence


def test_points_are_given_case_by_case(toy_sheet):
    verdict = notebook.examine(toy_sheet["98.scale"], (lambda x, w: np.abs(x) * w if x.shape == (2, 3) else 0.0,))
    assert verdict.earned == pytest.approx(10 / 3, abs=0.01)
    assert verdict.status == judge.FAILED


def test_a_misconception_is_named_with_its_words(toy_sheet):
    text = report.as_text(notebook.examine(toy_sheet["98.scale"], (lambda x, w: w + x,)))
    assert "This looks like: added in place of multiplied." in text
    assert "You added w. Multiply by it." in text


def test_a_mistake_in_one_branch_only_is_called_a_part(toy_sheet):
    verdict = notebook.examine(toy_sheet["98.scale"], (lambda x, w: x + w if x.shape == (2, 3) else x * w * 1.5,))
    assert [(d.name, d.whole) for d in verdict.diagnoses] == [("added in place of multiplied", False)]
    said = "Part of it looks like: added in place of multiplied. (in “small”)"
    assert said in report.as_text(verdict)


def test_an_unknown_mistake_is_not_called_by_a_known_name(toy_sheet):
    assert notebook.examine(toy_sheet["98.scale"], (lambda x, w: x - w,)).diagnoses == []


def test_a_warning_is_a_mistake_where_the_exercise_says_so(toy_sheet):
    verdict = notebook.examine(toy_sheet["98.root"], (lambda z: np.nan_to_num(np.sqrt(z)),))
    assert "NumPy warned: invalid value" in verdict.cases[0].sentence
    assert [d.name for d in verdict.diagnoses] == ["warns"]

    def quiet(z):
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(np.sqrt(z))

    assert notebook.examine(toy_sheet["98.root"], (quiet,)).passed


def test_quiz_letters_are_read_kindly_and_each_wrong_one_is_explained(toy_sheet):
    entry = toy_sheet["98.quiz"]
    assert notebook.examine(entry, ("b", "a")).passed
    assert notebook.examine(entry, (" B)", "A")).passed
    half = notebook.examine(entry, ("c", "a"))
    assert half.earned == 3
    assert [d.explanation for d in half.diagnoses] == ["Not c."]
    assert "Question 1: c.\n  Not c." in report.as_text(half)
    both = notebook.examine(entry, ("a", "c"))
    assert [d.explanation for d in both.diagnoses] == ["Not a.", "Never c."]
    odd = notebook.examine(entry, ("e", 3))
    assert "answer_1 is 'e'; it should be one of" in odd.cases[0].sentence
    assert "one letter in quotes" in odd.cases[1].sentence
    assert notebook.examine(entry, (None, ...)).status == judge.NOT_STARTED
    assert notebook.examine(entry, ("b", None)).earned == 3


def test_a_quiz_never_tells_the_right_letter(toy_sheet):
    verdict = notebook.examine(toy_sheet["98.quiz"], ("c", "b"))
    for text in (report.as_text(verdict), report.as_html(verdict), report.as_text(verdict, blind=True)):
        assert "is not right." in text and "expected" not in text
        assert "'b' is not right" in html.unescape(text) and "should be" not in text


def test_a_forbidden_ufunc_is_found_under_any_name(toy_folder):
    import scipy.special

    from autograder.authoring import drawing
    from autograder.authoring.exercise import Case, Exercise

    expit = scipy.special.expit
    sigmoid = Exercise(
        "98.sigmoid", "t", 1, lambda rng: [Case("one", z=rng.normal(size=3))], lambda z: 1 / (1 + np.exp(-z)), (),
        ("a", "b", "c"), forbidden=("scipy.special.*",),
    )  # fmt: skip
    entry = drawing.entry(sigmoid, "seed")

    def by_attribute(z):
        return scipy.special.expit(z)

    def by_import(z):
        from scipy.special import expit as harmless

        return harmless(z)

    space = {"expit": expit}
    exec("def by_global(z):\n    return expit(z)", space)
    for wrong in (expit, by_attribute, by_import, space["by_global"]):
        sentence = notebook.examine(entry, (wrong,)).cases[0].sentence
        assert "calls scipy.special.expit, which this exercise asks you to write yourself" in sentence
    assert scipy.special.expit is expit
    assert notebook.examine(entry, (lambda z: 1 / (1 + np.exp(-z)),)).passed


def test_prints_are_kept_up_to_a_limit(toy_sheet):
    def chatty(x, w):
        for _ in range(5_000):
            print("value", x.shape)
        return x

    verdict = notebook.examine(toy_sheet["98.scale"], (chatty,))
    printed = verdict.cases[0].outcome.printed
    assert printed.startswith("value (2, 3)") and len(printed) < 5000
    assert "more was printed" in printed


def test_the_notebooks_own_state_is_left_alone(toy_sheet):
    seen = []

    def remembers(x, w):
        seen.append(1)
        np.random.seed(0)
        return x * w

    before = np.random.get_state()[1].tolist()
    assert notebook.examine(toy_sheet["98.scale"], (remembers,)).passed
    assert seen == [] and np.random.get_state()[1].tolist() == before


def test_check_shows_keeps_progress_and_never_raises(toy_sheet, capsys):
    notebook.check("98.scale", lambda x, w: x + w)
    assert "Not yet" in capsys.readouterr().out
    assert records.load("98.scale") == records.Record(0.0, False, 1, 0, records.load("98.scale").last)
    notebook.check("98.scale", scale_right)
    assert "✓ Right: Scale (98.scale, 10 of 10 points)" in capsys.readouterr().out
    notebook.check("98.scale", lambda x, w: x)
    record = records.load("98.scale")
    assert record.passed and record.best == 1.0 and record.tries == 3


def test_check_explains_its_own_misuse(toy_sheet, capsys):
    notebook.check("98.scal", scale_right)
    assert "There is no exercise '98.scal'. Did you mean '98.scale'?" in capsys.readouterr().out
    notebook.check("98.scale")
    assert "Write: check('98.scale', scale)" in capsys.readouterr().out
    notebook.check("77.nothing", scale_right)
    assert "There is no exercise '77.nothing'." in capsys.readouterr().out
    for misuse in (notebook.check, notebook.hint, lambda: notebook.check(scale_right, "98.scale")):
        misuse()
        assert "The exercise's id comes first, in quotes" in capsys.readouterr().out


def test_hints_come_one_by_one(toy_sheet, capsys):
    for number, (shown, foot) in enumerate(
        [("1. Think.", "2 more."), ("2. Think of *.", "1 more."), ("3. x * w", "last")]
    ):
        notebook.hint("98.scale")
        text = capsys.readouterr().out
        assert shown in text and foot in text
        assert text.count("\n  ") == number + 1
    notebook.hint("98.scale")
    assert "There are no more hints." in capsys.readouterr().out
    assert records.load("98.scale").hints == 3


def test_a_full_disk_or_locked_folder_is_said_and_the_verdict_still_shown(toy_sheet, capsys, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("INTRODL_HOME", str(blocked))
    notebook.check("98.scale", scale_right)
    text = capsys.readouterr().out
    assert "✓ Right" in text and "Your progress could not be saved" in text


def test_damaged_progress_counts_as_none(own_home):
    path = own_home / "progress" / "98.scale.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"best": ')
    assert records.load("98.scale") == records.Record()


def test_html_and_text_say_the_same_and_html_is_escaped(toy_sheet):
    def evil(x, w):
        print("<script>alert(1)</script>")
        raise ValueError("<b>bold</b>")

    verdict = notebook.examine(toy_sheet["98.scale"], (evil,))
    page = report.as_html(verdict)
    assert "<script>" not in page and "<b>bold" not in page
    assert "&lt;script&gt;" in page and "raised ValueError" in page
    data = report.as_data(verdict)
    assert data["status"] == "failed" and data["earned"] == 0


def test_a_picture_of_the_difference_is_drawn_for_images(toy_sheet):
    def wrong_large(x, w):
        return x * w if x.shape != (12, 14) else x + w

    page = report.as_html(notebook.examine(toy_sheet["98.scale"], (wrong_large,)))
    assert page.count("<img") == 3 and 'alt="the difference"' in page
    small = report.as_html(notebook.examine(toy_sheet["98.scale"], (lambda x, w: x + w,)))
    assert "<table" in small and small.count("<img") == 3 and small.index("<table") < small.index("<img")
    only_small = report.as_html(
        notebook.examine(toy_sheet["98.scale"], (lambda x, w: x * w if x.shape == (12, 14) else x + w,))
    )
    assert "<img" not in only_small and "<table" in only_small


def test_a_sentence_that_comes_again_names_the_case_that_it_was_said_of(toy_sheet):
    def breaks(x, w):
        raise ValueError("no")

    verdict = notebook.examine(toy_sheet["98.scale"], (breaks,))
    first, *others = [line for line in report.as_text(verdict).splitlines() if line.startswith("  ✗ wrong")]
    assert "raised ValueError" in first and others
    assert all(line.endswith(f": The same as in “{verdict.cases[0].label}”.") for line in others)


def test_no_sentence_of_a_report_is_longer_than_a_screen(toy_sheet):
    def talks(x, w):
        raise ValueError("word " * 20_000 + str(x.shape))

    def writes(x, w):
        return ["word " * 20_000] * 3

    for answer in (talks, writes):
        verdict = notebook.examine(toy_sheet["98.scale"], (answer,))
        for sentence in report.as_text(verdict).splitlines():
            assert len(sentence) < 2 * wording.LONGEST
    assert wording.shortened("a" * 128_931) == "a" * wording.LONGEST + "... (128,931 characters in all)"
    assert values.describe(["b" * 5000, ["c" * 5000] * 12]).endswith("characters in all)")


def test_texts_and_dicts_are_shown_as_people_write_them():
    assert values.describe(np.array(["train", "val"])) == "['train', 'val']"
    assert values.describe(np.array(["a"] * 12)) == "array of texts of shape (12,): 'a', 'a', 'a', 'a', ..."
    assert values.describe({"done": 2, "weights": np.zeros(100)}) == (
        "{'done': 2, 'weights': float64 array of shape (100,), from 0 to 0}"
    )


@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("scipy.special._logsumexp.softmax", "scipy.special.softmax"),
        ("sklearn.<module>", "sklearn"),
        ("numpy.convolve", "numpy.convolve"),
    ],
)
def test_what_is_forbidden_is_called_by_its_public_name(toy_sheet, called, told):
    entry = toy_sheet["98.scale"]
    verdict = judge.judge(entry, [Outcome("forbidden", message=called) for _ in entry.cases])
    assert verdict.cases[0].sentence == f"scale calls {told}, which this exercise asks you to write yourself."


def test_counts_agree_in_number():
    record = records.Record(best=0.5, tries=1)
    chapter = records.ChapterProgress("03_convolution", [("03.size", "Sizes", 1.0, record)])
    text = report.progress_text([chapter])
    assert wording.counted(1, "page") == "1 page" and wording.counted(0, "page") == "0 pages"
    assert wording.counted(1.0, "point") == "1 point" and wording.counted(0.5, "point") == "0.5 points"
    assert "0 of 1 exercise, 0.5 of 1 point\n" in text and "(1 point)" in text


def test_a_progress_page_is_escaped_and_says_its_share_in_words():
    record = records.Record(best=1.0, passed=True, tries=1)
    page = report.progress_html([records.ChapterProgress("03_convolution", [("03.a", '<i>"', 2.0, record)])])
    assert 'aria-label="100% of the points"' in page and "<i>" not in page and "Convolution" in page


def test_templates_are_loaded_when_a_page_is_wanted_and_not_before():
    code = "import sys, introdl, introdl.checking.report; assert 'jinja2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_blind_report_shows_no_number_of_a_hidden_case(toy_sheet):
    def odd(x, w):
        return x * w + 1234.5

    verdict = notebook.examine(toy_sheet["98.scale"], (odd,))
    for text in (report.as_html(verdict, blind=True), report.as_text(verdict, blind=True)):
        assert "First difference" not in text and "expected" not in text
        assert "The result is wrong in all 6 places." in text

    def tells(x, w):
        raise ValueError("".join(["look: ", str(x.tolist())]))

    verdict = notebook.examine(toy_sheet["98.scale"], (tells,))
    assert "look: [[" in report.as_text(verdict)
    blind = report.as_text(verdict, blind=True)
    assert "raised ValueError" in blind and "look: [[" not in blind


def test_memory_is_limited_in_the_case_alone(toy_sheet):
    notebook.examine(toy_sheet["98.scale"], (ten_gigabytes,))
    assert np.ones(10**8).nbytes == 8 * 10**8


def test_interrupting_the_kernel_ends_the_case_too(toy_sheet, monkeypatch):
    children = []
    fork = os.fork

    def spy():
        pid = fork()
        if pid:
            children.append(pid)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
        return pid

    def interrupt(_signal, _frame):
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    monkeypatch.setattr(isolation.os, "fork", spy)
    try:
        with pytest.raises(KeyboardInterrupt):
            notebook.examine(toy_sheet["98.scale"], (endless,))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


def test_what_torch_imports_for_seconds_is_imported_before_the_forks_and_where_it_is_wanted_alone():
    """Right answers with an optimizer or torch.func were stopped: each case imported for seconds, under the watch."""
    code = (
        "import sys, torch\n"
        "from introdl.checking import isolation\n"
        "isolation.run_case(isolation.Task('call', ('introdl.inspection.*',)), (abs,), [('x', -1)], 5)\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "isolation.run_case(isolation.Task('top_activating'), (abs,), [('x', -1)], 5)\n"
        "assert 'torch._dynamo' in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
