"""The course's data: pictures of food with what is known of them.

`plates`, `digits` and `doughnut` come with the course and need no network. `grocery`, `food101` and `mnist` are
downloaded once, on the first call, to the folder that ``introdl data where`` names. All five return a `Dataset`.
`photo` reads a picture of your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from introdl.data.dataset import Dataset
    from introdl.data.embedded import digits, doughnut, plates
    from introdl.data.errors import DataError
    from introdl.data.photographs import photo
    from introdl.data.published import food101, grocery, mnist

_FROM = {
    "DataError": "errors",
    "Dataset": "dataset",
    "digits": "embedded",
    "doughnut": "embedded",
    "food101": "published",
    "grocery": "published",
    "mnist": "published",
    "photo": "photographs",
    "plates": "embedded",
}

__all__ = ["DataError", "Dataset", "digits", "doughnut", "food101", "grocery", "mnist", "photo", "plates"]


def __getattr__(name):
    if name not in _FROM:
        raise AttributeError(f"module 'introdl.data' has no attribute {name!r}")
    value = getattr(import_module(f"introdl.data.{_FROM[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
