"""What happened in a training run, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass
class History:
    """A training run's record.

    Attributes
    ----------
    rows : list of dict
        One for each epoch: ``epoch`` (from 1), ``lr`` at its end, ``train_loss`` and ``train_accuracy`` (while learning, on
        changed pictures), ``val_loss`` and ``val_accuracy`` (where there is a validation set), ``seconds`` and
        ``images_per_second``; `Meals` adds the parts of its loss.
    settings : dict
        The `Settings`.
    about : dict
        The device, the precision, the number of threads and of processes, torch's version, and how many pictures and
        parameters there are.
    best_epoch : int
        The epoch whose weights were kept; 0 where none was finished.
    stopped : str
        Why it ended early, or ``""``.
    """

    rows: list[dict] = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    about: dict = field(default_factory=dict)
    best_epoch: int = 0
    stopped: str = ""

    @property
    def best(self) -> dict:
        """The row of the best epoch."""
        return next((row for row in self.rows if row["epoch"] == self.best_epoch), {})

    def column(self, name: str) -> list:
        """Return one quantity over the epochs, as in ``column("val_accuracy")``."""
        return [row[name] for row in self.rows]

    def as_dict(self) -> dict:
        """Return it as plain values that JSON can hold; ``History(**...)`` makes it again."""
        return json.loads(json.dumps(asdict(self)))
