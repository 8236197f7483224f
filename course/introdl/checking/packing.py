"""Values as data: `Packed` is a tree of plain JSON beside a list of arrays.

Learners' results and exercises' inputs travel between processes and into answer sheets in this form. It holds
numbers, text and arrays, never code and never pickles. Everywhere else, values are plain Python values.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Larger results are described, not carried.
MAX_BYTES = 64 * 2**20
MAX_ITEMS = 20_000
_MAX_DEPTH = 16
_KINDS = "biufcU"
_LENGTH = struct.Struct("<Q")
#: A message's head is JSON; more of it than this, or more parts of it, are nobody's answer.
MAX_HEAD = 8 * 2**20
_MAX_PARTS = 400_000
_MAX_BITS = 256
#: What `numpy.dtype.str` may say of the arrays that are carried. NumPy reads much else, and some of it takes gigabytes.
_DTYPE = re.compile(r"[<>|=][biufcU][0-9]{1,6}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ARRAY_TAGS = ("$array", "$scalar", "$tensor")


@dataclass(frozen=True)
class Tensor:
    """A torch tensor's numbers, carried as an array."""

    array: np.ndarray


@dataclass(frozen=True)
class Huge:
    """A result too large to carry: what it was, in words, and its shape where it has one."""

    what: str
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Other:
    """A result of a type that the course has no use for: its type's name, and its repr's beginning."""

    type_name: str
    text: str = ""


@dataclass
class Packed:
    """A value as data.

    Attributes
    ----------
    tree : object
        None, bool, int, float, str, or a dict of one tag and its content; an array is named by its number.
    arrays : list of numpy.ndarray
        Copies of the value's arrays. Several trees may share one list.
    """

    tree: Any
    arrays: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of(cls, value: Any) -> Packed:
        """Pack a value, whatever it is. What has no place in the form is described in words (`Huge`, `Other`)."""
        packer = _Packer()
        return cls(packer.pack(value), packer.arrays)

    def value(self, live: bool = False) -> Any:
        """Return the value; its arrays are fresh copies.

        Parameters
        ----------
        live : bool
            True makes torch tensors of tensors (to hand to a learner's function); False leaves them as `Tensor`.

        Raises
        ------
        ValueError
            If it is no packed value, or larger than `of` makes any. It may be a stranger's.
        """
        return _Unpacker(self.arrays, live).unpack(self.tree)

    def renumbered(self, number: Callable[[np.ndarray], Any]) -> Any:
        """Return the tree with each array's number (or whatever a function makes of an array) in its place."""

        def walk(tree: Any) -> Any:
            if isinstance(tree, dict):
                return {
                    key: number(self.arrays[inside]) if key in _ARRAY_TAGS else walk(inside)
                    for key, inside in tree.items()
                }
            return [walk(item) for item in tree] if isinstance(tree, list) else tree

        return walk(self.tree)

    def same_as(self, other: Packed) -> bool:
        """Whether two packed values are the same, to the bit."""
        if self.tree != other.tree and repr(self.tree) != repr(other.tree):  # repr: nan equals nan
            return False
        return len(self.arrays) == len(other.arrays) and all(
            x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
            for x, y in zip(self.arrays, other.arrays, strict=True)
        )

    def to_bytes(self) -> bytes:
        """Write it as bytes: the length of a JSON head, the head, then each array's bytes."""
        shapes = [[a.dtype.str, list(a.shape)] for a in self.arrays]
        head = json.dumps({"tree": self.tree, "arrays": shapes}).encode()
        return b"".join([_LENGTH.pack(len(head)), head, *(np.ascontiguousarray(a).tobytes() for a in self.arrays)])

    @classmethod
    def from_bytes(cls, message: bytes | bytearray) -> Packed:
        """Read what `to_bytes` wrote, or what a stranger put in its place.

        Its arrays are views of the message.

        Raises
        ------
        ValueError
            If the bytes are anything else.
        """
        try:
            (length,) = _LENGTH.unpack_from(message)
            if length > MAX_HEAD:
                raise ValueError("head")
            start = _LENGTH.size + length
            head = _loaded(bytes(message[_LENGTH.size : start]))
            if len(head["arrays"]) > 4 * MAX_ITEMS:
                raise ValueError("arrays")
            arrays = []
            for code, shape in head["arrays"]:
                dtype, count = _described(code, shape)
                end = start + count * dtype.itemsize
                if end > len(message):
                    raise ValueError("length")
                flat = np.frombuffer(message, dtype, count, start) if count else np.empty(0, dtype)
                arrays.append(flat.reshape(shape))
                start = end
            if start != len(message):
                raise ValueError("length")
            return cls(head["tree"], arrays)
        except (
            struct.error,
            LookupError,
            TypeError,
            ValueError,
            ArithmeticError,
            RecursionError,
            SyntaxError,
        ) as error:
            raise ValueError("The message is damaged.") from error


def _loaded(head: bytes) -> Any:
    """Read a message's head. Halves of characters in it become question marks: no file and no page can hold them."""
    if sum(map(head.count, (b"[", b"{", b","))) > _MAX_PARTS:
        raise ValueError("parts")
    found = json.loads(head)
    if _HALF.search(head):
        found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    return found


def _described(code: Any, shape: Any) -> tuple[np.dtype, int]:
    """Return an array's dtype, and how many numbers it holds."""
    if not isinstance(code, str) or not _DTYPE.fullmatch(code) or not isinstance(shape, list) or len(shape) > 32:
        raise ValueError("array")
    if any(type(n) is not int or not 0 <= n < 2**48 for n in shape):
        raise ValueError("array")
    dtype = np.dtype(code)
    if dtype.itemsize == 0:
        raise ValueError("array")
    return dtype, int(np.prod(shape, dtype=object)) if shape else 1


def copied(value: Any, live: bool = False) -> Any:
    """Return a fresh copy of a value as data, with torch tensors in the place of `Tensor` where `live`."""
    return Packed.of(value).value(live)


class _Packer:
    def __init__(self):
        self.arrays: list[np.ndarray] = []
        self.items = 0
        self.bytes = 0

    def _store(self, array: np.ndarray) -> int:
        self.arrays.append(np.array(array, copy=True, subok=False, order="C"))
        return len(self.arrays) - 1

    def _array(self, tag: str, array: np.ndarray) -> dict:
        if array.dtype.kind not in _KINDS:
            return {"$other": f"array of dtype {array.dtype}", "text": ""}
        if self.bytes + array.size * array.itemsize > MAX_BYTES:
            size = array.size * array.itemsize
            return {"$huge": f"array of {_human(size)}", "shape": list(array.shape)}
        self.bytes += array.nbytes
        return {tag: self._store(array)}

    def pack(self, value: Any, depth: int = 0) -> Any:  # noqa: C901
        self.items += 1
        if depth > _MAX_DEPTH:
            return {"$other": "nested collection", "text": f"more than {_MAX_DEPTH} levels deep"}
        kind = type(value)
        if value is None or kind in (bool, float):
            return value
        if kind is str:
            return value if len(value) <= 100_000 else {"$huge": f"text of {len(value)} characters"}
        if kind is int:
            return value if value.bit_length() <= _MAX_BITS else {"$huge": f"whole number of {value.bit_length()} bits"}
        if kind is complex:
            return {"$complex": [value.real, value.imag]}
        if value is Ellipsis:
            return {"$ellipsis": True}
        if isinstance(value, np.ndarray):
            return self._array("$array", np.asarray(value))
        if isinstance(value, np.generic):
            return self._array("$scalar", np.asarray(value))
        if isinstance(value, np.random.Generator):
            return {"$generator": [value.bit_generator.__class__.__name__, _plain(value.bit_generator.state)]}
        if isinstance(value, (list, tuple)):
            if self.items + len(value) > MAX_ITEMS:
                return {"$huge": f"{kind.__name__} of {len(value)} items"}
            tag = "$list" if isinstance(value, list) else "$tuple"
            return {tag: [self.pack(item, depth + 1) for item in list(value)]}
        if isinstance(value, dict):
            if self.items + len(value) > MAX_ITEMS:
                return {"$huge": f"dict of {len(value)} items"}
            return {"$dict": [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in list(value.items())]}
        if kind in _AS_DATA:
            return self._described(value)
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            return self._tensor(value, torch)
        return {"$other": _type_name(value), "text": _short(value)}

    def _described(self, value: Tensor | Huge | Other) -> dict:
        """Pack what was packed before."""
        if isinstance(value, Tensor):
            return self._array("$tensor", value.array)
        if isinstance(value, Huge):
            return {"$huge": value.what} | ({} if value.shape is None else {"shape": list(value.shape)})
        return {"$other": value.type_name, "text": value.text}

    def _tensor(self, value, torch) -> dict:
        if value.numel() * value.element_size() > MAX_BYTES:
            return {"$huge": f"tensor of {_human(value.numel() * value.element_size())}", "shape": list(value.shape)}
        value = value.detach().cpu()
        if value.dtype in (torch.bfloat16, torch.float16):
            value = value.float()
        return self._array("$tensor", value.numpy())


def _plain(state: Any) -> Any:
    if isinstance(state, dict):
        return {k: _plain(v) for k, v in state.items()}
    if isinstance(state, np.ndarray):
        return {"$state": state.tolist(), "dtype": str(state.dtype)}
    return int(state) if isinstance(state, np.integer) else state


def _unplain(state: Any) -> Any:
    if isinstance(state, dict):
        if "$state" in state:
            if state["dtype"] not in ("uint32", "uint64") or len(state["$state"]) > 10_000:
                raise ValueError("This is not a packed value: a generator's state that is none.")
            return np.array(state["$state"], dtype=state["dtype"])
        return {k: _unplain(v) for k, v in state.items()}
    return state


def _human(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _short(value: Any) -> str:
    try:
        return repr(value)[:200]
    except BaseException as error:  # a learner's __repr__ may do anything
        return f"<its repr raised {type(error).__name__}>"


_AS_DATA = (Tensor, Huge, Other)


class _Unpacker:
    """Holds a stranger's tree to the bounds that `_Packer` keeps."""

    def __init__(self, arrays: list, live: bool):
        self.arrays, self.live = arrays, live
        self.items = self.bytes = 0

    def _array(self, number: Any) -> np.ndarray:
        if type(number) is not int or not 0 <= number < len(self.arrays):
            raise ValueError("This is not a packed value: it names an array that is not there.")
        array = self.arrays[number]
        self.bytes += array.nbytes
        if self.bytes > MAX_BYTES:
            raise ValueError("This is not a packed value: it is too large.")
        return array

    def unpack(self, tree: Any, depth: int = 0) -> Any:  # noqa: C901
        self.items += 1
        if self.items > 4 * MAX_ITEMS or depth > _MAX_DEPTH + 1:
            raise ValueError("This is not a packed value: it is too large.")
        if isinstance(tree, int) and tree.bit_length() > _MAX_BITS:
            raise ValueError("This is not a packed value: a number in it is too large.")
        if tree is None or isinstance(tree, (bool, int, float, str)):
            return tree
        if not isinstance(tree, dict) or not tree:
            raise ValueError("This is not a packed value: the sheet or the message is damaged.")
        tag = next(iter(tree))
        body = tree[tag]
        if tag == "$array":
            return np.array(self._array(body), copy=True)
        if tag == "$scalar":
            return self._array(body)[()]
        if tag == "$tensor":
            array = np.array(self._array(body), copy=True)
            if self.live:
                import torch

                return torch.from_numpy(array)
            return Tensor(array)
        if tag == "$list":
            return [self.unpack(item, depth + 1) for item in body]
        if tag == "$tuple":
            return tuple(self.unpack(item, depth + 1) for item in body)
        if tag == "$dict":
            return {self.unpack(k, depth + 1): self.unpack(v, depth + 1) for k, v in body}
        if tag == "$complex":
            return complex(*body)
        if tag == "$ellipsis":
            return Ellipsis
        if tag == "$generator":
            name, state = body
            if name not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
                raise ValueError(f"Unknown random generator {name!r}.")
            bits = getattr(np.random, name)()
            bits.state = _unplain(state)
            return np.random.Generator(bits)
        if tag == "$huge":
            return Huge(str(body)[:200], tuple(tree["shape"]) if tree.get("shape") is not None else None)
        if tag == "$other":
            return Other(str(body)[:200], str(tree.get("text", ""))[:200])
        raise ValueError(f"Unknown tag {tag!r} in a packed value: it was made by a newer version of the course.")
