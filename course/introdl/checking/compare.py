"""Compare what came with what was expected, and say the difference in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking.packing import Huge, Other, Tensor
from introdl.checking.probes import Wrong
from introdl.wording import with_article

#: A half-precision or single-precision answer is right to fewer digits.
_LOOSER = {2: 2e-3, 4: 2e-4}


@dataclass(frozen=True)
class Difference:
    """How a result differs: a sentence, and the arrays to draw where shapes agree.

    `kind` is one of ``type``, ``shape``, ``not a number``, ``infinite``, ``value``, ``none``, ``unreadable``. `blind`
    is a sentence without any of the expected numbers (for hidden cases).
    """

    kind: str
    sentence: str
    blind: str
    where: np.ndarray | None = None


def _words(shape: tuple) -> str:
    return "a single number" if shape == () else f"shape {shape}"


def _typed(value: Any) -> str:
    if isinstance(value, Tensor):
        return "a torch tensor"
    if isinstance(value, Other):
        return _kind(value.type_name)
    if isinstance(value, Huge):
        return value.what
    if isinstance(value, (complex, np.complexfloating)):
        return "a complex number"
    if isinstance(value, (np.ndarray, np.generic)):
        return f"an array of {_words(value.shape)}" if np.ndim(value) else "a number"
    if isinstance(value, (bool, int, float)):
        return f"the number {value!r}" if not isinstance(value, bool) else f"{value}"
    if value is Ellipsis:
        return "..."
    article: dict[type, str] = {list: "a list", tuple: "a tuple", dict: "a dict", str: "a text"}
    return article.get(type(value), with_article(type(value).__name__))


_FUNCTIONS = ("function", "method", "builtin_function_or_method", "numpy.ufunc", "functools.partial")


def _kind(type_name: str) -> str:
    """Say what kind of thing a result is that the course has no use for, as a learner would."""
    if type_name in _FUNCTIONS:
        return "a function"
    if type_name.startswith("pandas."):
        return f"a pandas {type_name.rpartition('.')[2]}"
    return with_article(type_name.rpartition(".")[2] if type_name.startswith(("__main__.", "introdl.")) else type_name)


def key_text(key: Any) -> str:
    """Write a dict's key as a learner would: without the name of NumPy's type around it."""
    if isinstance(key, Other):
        return _kind(key.type_name)
    return repr(key.item() if isinstance(key, np.generic) else key)


def _inner(name: str) -> str:
    return name[0].lower() + name[1:]


def _plain(kind: str, sentence: str) -> Difference:
    return Difference(kind, sentence, sentence)


def format_number(value: Any) -> str:
    """Write a number as briefly as it can be read: 3, 0.25, 1.2e-05."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (complex, np.complexfloating)):
        return f"{complex(value):.4g}"
    number = float(value)
    if np.isfinite(number) and number == int(number) and abs(number) < 1e6:
        return str(int(number))
    return f"{number:.4g}"


def tell_apart(one: Any, other: Any) -> tuple[str, str]:
    """Write two different numbers with as many digits as it takes to tell them apart."""
    texts = format_number(one), format_number(other)
    if any(isinstance(each, (complex, np.complexfloating)) for each in (one, other)):
        return texts
    for digits in range(5, 18):
        if texts[0] != texts[1]:
            break
        texts = f"{float(one):.{digits}g}", f"{float(other):.{digits}g}"
    return texts


def compare(given: Any, expected: Any, rtol: float = 1e-5, name: str = "The result") -> Difference | None:
    """Compare a result with what was expected.

    Parameters
    ----------
    given : object
        A learner's result as data: numbers, arrays, text, collections of those, or `Tensor`, `Huge`, `Other`, `Wrong`.
    expected : object
        Numbers, arrays, text, None, or lists, tuples and dicts of those.
    rtol : float
        Allowed error, relative to the largest expected magnitude of each array (at least 0.001), in float64;
        float32 answers may be off by 2e-4, float16 by 2e-3. Where whole numbers are expected, others by less than a half.
    name : str
        What to call the result in the sentence.

    Returns
    -------
    Difference or None
        None where they agree.
    """
    if isinstance(given, Wrong):
        return _plain("unreadable", given.sentence)
    if expected is None:
        return None if given is None else _plain("none", f"{name} should be None here; yours is {_typed(given)}.")
    if given is None:
        return _plain("none", f"{name} is None. Did you forget to return it?")
    if isinstance(expected, str):
        if isinstance(given, str):
            sentence = f"{name} should be {expected!r}; yours is {given!r}."
            return None if given == expected else Difference("value", sentence, f"{name} is not right.")
        return _plain("type", f"{name} should be a text; yours is {_typed(given)}.")
    if isinstance(expected, (tuple, list)):
        return _compare_sequence(given, expected, rtol, name)
    if isinstance(expected, dict):
        return _compare_dict(given, expected, rtol, name)
    return _compare_numbers(given, np.asarray(expected), isinstance(expected, np.ndarray), rtol, name)


def none_here(expected: Any) -> Difference:
    """Say that None came where it is right in other cases, but not in this one."""
    wanted = _typed(expected)
    return _plain("none", f"The result is None here; it should be {wanted}.")


def _compare_sequence(given: Any, expected: Any, rtol: float, name: str) -> Difference | None:
    kind = "tuple" if isinstance(expected, tuple) else "list"
    if not isinstance(given, (tuple, list)):
        return _plain("type", f"{name} should be a {kind} of {len(expected)}; yours is {_typed(given)}.")
    if len(given) != len(expected):
        return _plain("shape", f"{name} should hold {len(expected)} things; yours holds {len(given)}.")
    for position, (one, other) in enumerate(zip(given, expected, strict=True), start=1):
        found = compare(one, other, rtol, f"Item {position} of {_inner(name)}")
        if found:
            return found
    return None


def _compare_dict(given: Any, expected: dict, rtol: float, name: str) -> Difference | None:
    if not isinstance(given, dict):
        return _plain("type", f"{name} should be a dict; yours is {_typed(given)}.")
    odd = [key for key in given if isinstance(key, Other)]
    if odd and expected:
        return _plain("type", f"{name} has {_typed(odd[0])} for a key; it should be one like {next(iter(expected))!r}.")
    missing = [key for key in expected if key not in given]
    extra = [key for key in given if key not in expected]
    if missing or extra:
        lists = [f"[{', '.join(map(key_text, keys))}]" for keys in (missing, extra)]
        words = [f"lacks {lists[0]}" if missing else "", f"has {lists[1]} too many" if extra else ""]
        blind = words[0] or "has keys that are too many"
        return Difference("shape", f"{name} {' and '.join(w for w in words if w)}.", f"{name} {blind}.")
    for key, value in expected.items():
        found = compare(given[key], value, rtol, f"{name}[{key_text(key)}]")
        if found:
            return found
    return None


def _though_right(same: bool, name: str) -> str:
    """How a sentence about the wrong container begins."""
    return f"The numbers are right, but {_inner(name)}" if same else name


def _numeric_list(value: Any) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except Exception:
        return None
    return array if array.dtype.kind in "biuf" else None


def _compare_numbers(given: Any, expected: np.ndarray, is_array: bool, rtol: float, name: str) -> Difference | None:
    wanted = f"a NumPy array of {_words(expected.shape)}" if is_array else "a number"
    if isinstance(given, Huge):
        size = f"{given.what} of shape {given.shape}" if given.shape is not None else given.what
        return _plain("shape", f"{name} should be {wanted}; yours is far too large: {size}.")
    if isinstance(given, Tensor):
        same = _compare_numbers(given.array, expected, is_array, rtol, name) is None
        return _plain(
            "type",
            f"{_though_right(same, name)} is a torch tensor. This exercise works with NumPy: return {wanted} (x.numpy()).",
        )
    if isinstance(given, (list, tuple)):
        array = _numeric_list(given)
        same = array is not None and _compare_numbers(array, expected, is_array, rtol, name) is None
        return _plain(
            "type",
            f"{_though_right(same, name)} is {_typed(given)}; it should be {wanted}. np.array(...) makes one.",
        )
    if isinstance(given, (complex, np.complexfloating)) or (isinstance(given, np.ndarray) and given.dtype.kind == "c"):
        return _plain("type", f"{name} holds complex numbers; it should hold real ones.")
    if not isinstance(given, (bool, int, float, np.ndarray, np.generic)):
        return _plain("type", f"{name} should be {wanted}; yours is {_typed(given)}.")
    if isinstance(given, (np.ndarray, np.generic)) and given.dtype.kind not in "biuf":
        return _plain("type", f"{name} should hold numbers; yours has dtype {given.dtype}.")
    array = np.asarray(given)
    if array.shape != expected.shape:
        return _shape(array, expected, name)
    return _values(array, expected, rtol, name)


def _shape(array: np.ndarray, expected: np.ndarray, name: str) -> Difference:
    have, want = array.shape, expected.shape
    advice = ""
    if len(want) > 1 and have != want and have == want[::-1]:
        advice = " The axes stand in the opposite order."
    elif len(have) == len(want) and sorted(have) == sorted(want):
        advice = " The axes stand in another order."
    elif [n for n in have if n != 1] == [n for n in want if n != 1]:
        advice = f" It has {_axes(have, want, ' of length 1')} too many."
        if len(have) < len(want):
            advice = f" It lacks {_axes(have, want, ' of length 1')}."
    elif len(have) < len(want):
        advice = f" {_axes(have, want).capitalize()} {'is' if len(want) - len(have) == 1 else 'are'} missing."
    elif len(have) > len(want):
        advice = f" It has {_axes(have, want)} too many."
    wanted = "be a single number" if want == () else f"have shape {want}"
    given = "is a single number" if have == () else f"has shape {have}"
    sentence = f"{name} should {wanted}; yours {given}.{advice}"
    return _plain("shape", sentence)


def _axes(have: tuple, want: tuple, kind: str = "") -> str:
    """Say by how many axes two shapes differ: ``"an axis"``, ``"2 axes of length 1"``."""
    count = abs(len(have) - len(want))
    return f"an axis{kind}" if count == 1 else f"{count} axes{kind}"


def _values(array: np.ndarray, expected: np.ndarray, rtol: float, name: str) -> Difference | None:
    x, e = array.astype(np.float64), expected.astype(np.float64)
    if x.size == 0:
        return None
    finite = np.isfinite(e)
    scale = max(float(np.max(np.abs(e[finite]))) if finite.any() else 0.0, 1e-3)
    looser = _LOOSER.get(array.dtype.itemsize, 0.0) if array.dtype.kind == "f" else 0.0
    allowed = max(rtol, looser) * scale
    if expected.dtype.kind in "iu" and not looser:
        allowed = min(allowed, 0.4)  # a count is right or wrong, however large
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(x - e)
        bad = ~((off <= allowed) | (x == e) | (np.isnan(x) & np.isnan(e)))
    if not bad.any():
        return None
    count, total = int(bad.sum()), bad.size
    share = "" if total == 1 else f" in {count} of {total} places" if count < total else f" in {_all(total)}"
    lost = bad & np.isnan(x)
    if lost.any():
        return Difference(
            "not a number",
            f"{name} is nan (not a number){_at(lost)} where {format_number(e[lost][0])} was expected. Look for 0/0, "
            "inf - inf, or the logarithm of a negative number.",
            f"{name} is nan (not a number){_roughly(lost)} where a number was expected.",
            bad,
        )
    endless = bad & np.isinf(x) & np.isfinite(e)
    if endless.any():
        return Difference(
            "infinite",
            f"{name} is {format_number(x[endless][0])}{_at(endless)} where {format_number(e[endless][0])} was expected. "
            "Look for a division by zero, the logarithm of 0, or exp of a large number.",
            f"{name} is infinite{_roughly(endless)} where a number was expected.",
            bad,
        )
    worst = np.unravel_index(
        int(np.argmax(np.where(bad, np.nan_to_num(off, nan=np.inf, posinf=np.inf), -1))), bad.shape
    )
    place = "" if total == 1 else f" at [{', '.join(str(int(i)) for i in worst)}]"
    wanted, came = tell_apart(e[worst], x[worst])
    whole = "Expected" if name == "The result" else f"{name}: expected"
    first = whole if total == 1 else f"{name} differs{share}, most{place}: expected"
    return Difference(
        "value",
        f"{first} {wanted}, got {came}.",
        f"{name} is wrong{_roughly(bad)}.",
        bad,
    )


def _roughly(mask: np.ndarray) -> str:
    """Say in how many places, without the number: it is a learner's to choose, and could tell a hidden input."""
    if mask.size == 1:
        return ""
    return f" in {_all(mask.size)}" if mask.all() else f" in some of {mask.size} places"


def _all(total: int) -> str:
    return "both places" if total == 2 else f"all {total} places"


def _at(mask: np.ndarray) -> str:
    if mask.size == 1:
        return ""
    first = np.argwhere(mask)[0]
    return f" at [{', '.join(str(int(i)) for i in first)}]"
