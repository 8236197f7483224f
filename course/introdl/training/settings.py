"""Every number that a training run depends on, in one table."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from introdl.training.augmentation import Augment


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    epochs : int
        How often every training picture is seen.
    batch_size : int
        Pictures in a step, over all devices together.
    lr : float
        The highest learning rate.
    schedule : "one_cycle" or "constant"
        Whether the learning rate rises from 0 to `lr` and falls to 0 again (see `one_cycle`), or is `lr` at every step.
    weight_decay : float
        AdamW's; for weights of convolutions and dense layers alone.
    warmup : float
        The share of all steps in which the learning rate rises, with the schedule "one_cycle".
    label_smoothing : float
        The share of the target that is spread over all classes.
    ema : float
        How much of the running average of the weights stays at each step; 0 for no average. The average is what is
        evaluated and kept.
    augment : Augment or None
        How pictures are changed.
    mean, std : three floats, or None
        Of red, green and blue in [0, 1]; by default those of the training pictures.
    precision : "auto", "bf16" or "fp32"
        What convolutions are computed in. "auto" is bf16 where the device computes in it by itself.
    compile : bool
        Whether torch compiles the network first. It takes a minute or so, and pays on a GPU.
    seed : int
        Of the order of the pictures and of their changes. The network's first weights are drawn by whoever builds it.
    """

    epochs: int = 20
    batch_size: int = 128
    lr: float = 3e-3
    schedule: str = "one_cycle"
    weight_decay: float = 0.05
    warmup: float = 0.15
    label_smoothing: float = 0.1
    ema: float = 0.98
    augment: Augment | None = Augment()
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    precision: str = "auto"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value!r}; it should be a whole number, at least {least}.")
        for name in ("warmup", "label_smoothing", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it should be from 0 to under 1.")
        if not self.lr > 0 or not self.weight_decay >= 0:
            raise ValueError(
                f"lr is {self.lr!r} and weight_decay {self.weight_decay!r}; lr should be over 0, weight_decay at least 0."
            )
        if self.precision not in ("auto", "bf16", "fp32"):
            raise ValueError(f"precision is {self.precision!r}; it should be 'auto', 'bf16' or 'fp32'.")
        if self.schedule not in ("one_cycle", "constant"):
            raise ValueError(f"schedule is {self.schedule!r}; it should be 'one_cycle' or 'constant'.")
        if (self.mean is None) != (self.std is None):
            raise ValueError("Give mean and std both, or neither.")

    def as_dict(self) -> dict:
        """Return the settings as plain values that JSON can hold."""
        plain = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
