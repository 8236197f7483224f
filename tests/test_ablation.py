"""The ablation of chapter 09: one command, one record; and the settings that it needed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from introdl import models, training  # noqa: E402
from introdl.data import Dataset  # noqa: E402
from introdl.experiments import ablation, records  # noqa: E402
from introdl.figures import food_cnn  # noqa: E402


def tiny(count=36):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = rng.integers(0, 60, (count, 16, 16, 3)) + 150 * np.eye(3, dtype=int)[labels][:, None, None]
    splits = np.repeat(["train", "val", "test"], count // 3)
    return Dataset("tiny", images.astype(np.uint8), labels.astype(np.int64), ("a", "b", "c"), splits)


def test_every_arm_runs_and_is_recorded_once(tmp_path):
    path = tmp_path / "ablation.json"
    arms = [arm for arm in ablation.ARMS if "epochs" not in arm.settings]
    made = ablation.make(tiny(), path, seeds=(0,), epochs=1, widths=(4, 5), arms=arms, quiet=True)
    assert [run["arm"] for run in made["runs"]] == [arm.name for arm in arms]
    assert all(0 <= run["test_accuracy"] <= 1 for run in made["runs"])
    again = ablation.make(tiny(), path, seeds=(0,), epochs=1, widths=(4, 5), arms=arms, quiet=True)
    assert again == made == records.load("ablation", path)


def test_the_long_arms_come_last(tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, "run_arm", lambda *given: {"test_accuracy": 0.5})
    made = ablation.make(tiny(), tmp_path / "x.json", quiet=True)
    long = ["three times" in run["arm"] for run in made["runs"]]
    assert long == sorted(long) and sum(long) == 2 * len(ablation.SEEDS)


def test_gains_are_paired_by_seed():
    runs = [("full recipe", 0, 0.9), ("full recipe", 1, 0.8), ("less", 1, 0.7), ("less", 0, 0.95), ("less", 2, 0.1)]
    record = {
        "runs": [{"arm": a, "seed": s, "test_accuracy": v} for a, s, v in runs]
        + [{"arm": "bad", "seed": 0, "diverged": ""}]
    }
    gains, noise = food_cnn.ablation_gains(record)
    assert list(gains) == ["less"]
    assert gains["less"] == pytest.approx([5.0, -10.0])
    assert noise == pytest.approx(7.0711, abs=1e-3)


def test_a_constant_rate_stays_and_one_cycle_falls():
    data = tiny()
    last = {}
    for schedule in ("one_cycle", "constant"):
        settings = training.Settings(epochs=2, batch_size=4, lr=0.01, schedule=schedule, precision="fp32")
        history = training.train(
            models.PlainCNN(3, (4,)), data.split("train"), None, settings, device="cpu", quiet=True
        )
        last[schedule] = history.column("lr")
    assert last["constant"] == [0.01, 0.01]
    assert last["one_cycle"][1] < last["one_cycle"][0] < 0.01
    with pytest.raises(ValueError, match="schedule is 'cosine'"):
        training.Settings(schedule="cosine")


def test_a_plain_network_without_batch_normalization_has_biases_in_its_place():
    net = models.PlainCNN(3, (4, 5), batch_norm=False)
    assert not [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert net(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
    assert all(m.bias is not None for m in net.modules() if isinstance(m, torch.nn.Conv2d))
