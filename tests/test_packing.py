"""Values as data: what goes in comes out, and nothing else is believed."""

import numpy as np
import pytest

from introdl.checking.packing import Huge, Other, Packed, Tensor


def there_and_back(value):
    return Packed.from_bytes(Packed.of(value).to_bytes()).value()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        2**70,
        0.1,
        float("inf"),
        "text é",
        ...,
        1 + 2j,
        [1, [2.0, "x"], ()],
        {"a": 1, 2: [None]},
    ],
)
def test_plain_values_come_back_as_they_were(value):
    back = there_and_back(value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "uint8", "bool", "complex128", "<U5"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), (1, 2, 3, 4)])
def test_arrays_come_back_with_dtype_and_shape(dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    back = there_and_back(array)
    assert back.dtype == array.dtype and back.shape == array.shape and np.array_equal(back, array)


def test_numpy_scalars_nan_and_views_come_back():
    assert there_and_back(np.float32(0.5)).dtype == np.float32
    assert np.isnan(there_and_back(float("nan")))
    assert np.array_equal(there_and_back(np.arange(12).reshape(3, 4).T[::2]), np.arange(12).reshape(3, 4).T[::2])


def test_a_generator_comes_back_in_its_state():
    rng = np.random.default_rng(5)
    rng.normal(size=3)
    assert there_and_back(rng).normal() == rng.normal()


def test_torch_tensors_are_known_and_can_be_made_live():
    torch = pytest.importorskip("torch")
    packed = Packed.of(torch.ones(2, dtype=torch.bfloat16))
    assert isinstance(packed.value(), Tensor)
    assert torch.equal(packed.value(live=True), torch.ones(2))
    assert torch.equal(Packed.of(packed.value()).value(live=True), torch.ones(2))


def test_arrays_are_copies():
    array = np.zeros(3)
    packed = Packed.of(array)
    array[:] = 1
    packed.value()[:] = 2
    assert packed.value().sum() == 0


class Hostile:
    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError


def test_what_is_no_data_is_described():
    back = there_and_back(Hostile())
    assert isinstance(back, Other) and "Hostile" in back.type_name
    assert there_and_back(back) == back
    assert isinstance(there_and_back(np.array([Hostile()])), Other)
    huge = there_and_back(np.broadcast_to(0.0, (10**6, 10**6)))
    assert isinstance(huge, Huge) and huge.shape == (10**6, 10**6) and there_and_back(huge) == huge
    nested = []
    nested.append(nested)
    text = repr(there_and_back(nested))
    assert "levels deep" in text


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"12345678",
        (5).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        Packed(1, [np.zeros(3)]).to_bytes()[:-1],
        Packed(1, [np.zeros(3)]).to_bytes() + b"x",
    ],
    ids=["empty", "no head", "longer than it is", "shorter than it is", "a byte too few", "a byte too many"],
)
def test_damaged_messages_are_refused(message):
    with pytest.raises(ValueError, match="damaged"):
        Packed.from_bytes(message)


def test_object_arrays_and_unknown_tags_are_refused():
    import json

    head = json.dumps({"tree": 1, "arrays": [["|O", [1]]]}).encode()
    with pytest.raises(ValueError, match="damaged"):
        Packed.from_bytes(len(head).to_bytes(8, "little") + head + b"12345678")
    with pytest.raises(ValueError, match="Unknown tag"):
        Packed({"$code": "print(1)"}).value()


def test_two_packed_values_are_the_same_to_the_bit_or_not():
    def same(one, other):
        return Packed.of(one).same_as(Packed.of(other))

    nan = np.array([1.0, np.nan])
    assert same([nan, float("nan"), {"a": 1}], [nan.copy(), float("nan"), {"a": 1}])
    assert not same(np.zeros(2), -np.zeros(2)) and not same(np.zeros(2), np.zeros(2, np.float32))
    assert not same(np.zeros((1, 2)), np.zeros((2, 1))) and not same([1], (1,)) and not same(1, 2)


def test_a_packed_value_is_renumbered_whole():
    numbers = iter(range(10, 20))
    tree = Packed.of({"a": [np.zeros(1), np.float32(1)], 2: "$array"}).renumbered(lambda array: next(numbers))
    assert tree == {"$dict": [["a", {"$list": [{"$array": 10}, {"$scalar": 11}]}], [2, "$array"]]}
