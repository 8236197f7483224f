"""The course's data: pictures of food with what is known of them.

`plates`, `digits` and `doughnut` come with the course and need no network. `grocery`, `food101` and `mnist` are
downloaded once, on the first call, to the folder that ``introdl data where`` names. All five return a `Dataset`.
`photo` reads a picture of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from introdl import lazy

if TYPE_CHECKING:
    from introdl.data.dataset import Dataset
    from introdl.data.embedded import digits, doughnut, plates
    from introdl.data.errors import DataError
    from introdl.data.photographs import photo
    from introdl.data.published import food101, grocery, mnist

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "DataError": "errors",
        "Dataset": "dataset",
        "digits": "embedded",
        "doughnut": "embedded",
        "food101": "published",
        "grocery": "published",
        "mnist": "published",
        "photo": "photographs",
        "plates": "embedded",
    },
)
