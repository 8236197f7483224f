"""What authors of exercises share: draws keep their promises, formulas agree with PyTorch's, no mistake is lost."""

import ast
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from autograder import exercises
from autograder.authoring import draws, formulas
from autograder.authoring.exercise import AuthorError, Case, Exercise, Misconception, Mistake, Question, quiz

SOURCES = sorted(Path(exercises.__file__).parent.glob("ch*.py"))


def _rng(seed=0):
    return np.random.default_rng(seed)


def test_results_are_rounded_to_ten_decimals_and_a_number_is_a_numpy_scalar():
    assert draws.rounded([1 / 3, 2]).tolist() == [0.3333333333, 2.0]
    for value in (1 / 3, Fraction(1, 3), np.float64(1 / 3)):
        assert type(draws.rounded(value)) is np.float64 and draws.rounded(value) == 0.3333333333
    assert draws.rounding(lambda a, b: a / b)(2, 3) == 0.6666666667


@pytest.mark.parametrize(("high", "low", "digits"), [(2.0, 0.1, 2), (5.0, 0.1, 1), (1.2, 0.2, 2)])
def test_signed_numbers_have_both_signs_few_decimals_and_no_zero(high, low, digits):
    found = draws.signed(_rng(), (50, 4), high, low, digits)
    assert (found > 0).any() and (found < 0).any()
    assert np.abs(found).min() >= low and np.abs(found).max() <= high
    assert np.array_equal(found, found.round(digits))


def test_whole_numbers_are_floats_in_their_range_and_zero_can_be_replaced():
    found = draws.whole(_rng(), 400, -2, 3)
    assert found.dtype == float and set(found.tolist()) == {-2, -1, 0, 1, 2}
    assert set(draws.whole(_rng(), 400, -2, 3, zero=2).tolist()) == {-2, -1, 1, 2}


@pytest.mark.parametrize("seed", range(30))
def test_labels_are_not_all_alike_and_not_all_0(seed):
    found = draws.drawn_labels(_rng(seed), 4, 5)
    assert found.dtype == np.int64 and found.any() and len(set(found.tolist())) > 1
    assert len(set(draws.drawn_labels(_rng(seed), 4, 5, repeated=True).tolist())) < 4
    assert draws.drawn_labels(_rng(seed), 1, 3)[0] > 0


def test_a_drawn_generator_depends_on_the_one_it_is_drawn_from():
    first, again, other = (draws.generator(_rng(seed)).random() for seed in (1, 1, 2))
    assert first == again != other


def test_a_checksum_tells_arrays_apart_whatever_their_layout_in_memory():
    array = np.arange(12.0).reshape(3, 4)
    assert draws.checksum(array) == draws.checksum(np.asfortranarray(array)) != draws.checksum(array + 1)


def test_formulas_agree_with_pytorch():
    rng = _rng(3)
    scores, labels = 1000 * rng.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    given = torch.from_numpy(scores)
    np.testing.assert_allclose(formulas.softmax(scores), torch.softmax(given, 1), atol=1e-12)
    np.testing.assert_allclose(formulas.log_softmax(scores), torch.log_softmax(given, 1), atol=1e-9)
    assert np.array_equal(formulas.one_hot(labels, 4), torch.nn.functional.one_hot(torch.from_numpy(labels), 4))
    assert np.array_equal(formulas.relu(scores), torch.relu(given))


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_the_convolution_layer_agrees_with_pytorch(stride, padding):
    rng = _rng(4)
    x, w, b = rng.normal(size=(2, 3, 8, 11)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
    right = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, w, b)), stride=stride, padding=padding).numpy()
    np.testing.assert_allclose(formulas.convolution(x, w, b, stride, padding), right)
    sizes = [formulas.output_size(n, k, stride, padding) for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    assert right.shape[2:] == tuple(sizes)


def _exercise(mistakes):
    return Exercise(
        id="98.double",
        title="t",
        points=1,
        cases=lambda rng: [Case("one", x=2.0)],
        oracle=lambda x: 2 * x,
        misconceptions=mistakes,
        hints=("a", "b", "c"),
    )


def test_mistakes_by_name_are_the_list_of_misconceptions_in_their_order():
    by_name = _exercise({"squared": Mistake("Why", abs), "added": Mistake("How", min, 1)})
    listed = [Misconception("squared", "Why", abs), Misconception("added", "How", min, only_case=1)]
    assert list(by_name.misconceptions) == listed
    assert draws.wrong_answers(by_name) == {"squared": abs, "added": min}


def test_a_mistake_that_is_made_in_several_ways_has_one_name():
    one = _exercise({"a power": Mistake("Why", abs, also=[min, max]), "added": Mistake("How", sum)})
    assert [(m.name, m.wrong) for m in one.misconceptions] == [("a power", abs), ("a power", min), ("a power", max), ("added", sum)]  # fmt: skip
    assert draws.wrong_answers(one) == {"a power": abs, "added": sum}


def test_a_mistake_without_its_explanation_has_its_sentence():
    with pytest.raises(AuthorError, match="'squared' of exercise 98.double"):
        _exercise({"squared": abs})


def test_a_question_takes_its_wrong_letters_by_name_or_in_a_dict():
    by_name, in_dict = Question("b", a="x", c="y"), Question("b", {"a": "x", "c": "y"})
    assert by_name.right == in_dict.right and by_name.wrong == in_dict.wrong == {"a": "x", "c": "y"}
    assert [m.explanation for m in quiz("98.quiz", 5, [by_name]).misconceptions] == ["x", "y"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_name_of_a_mistake_stands_twice_in_a_dict(source):
    """The later one would take the earlier one's place without a word."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Dict):
            names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            assert len(names) == len(set(names)), f"{source.name}:{node.lineno}: {sorted(names)}"
    written = source.read_text().count(": Mistake(")
    spread = {"ch02_neurons": 4, "ch04_pooling": 10, "ch08_cuda": 6}.get(source.stem, 0)  # made or shared with `**`
    chapter = exercises.load(source.stem[2:4]).values()
    kept = {(one.id, m.name) for one in chapter if one.probe != "answers" for m in one.misconceptions}
    assert len(kept) == written + spread
