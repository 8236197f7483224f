"""Dish, grams and box are learned by the same loop as the dish alone: every setting and every sentence holds for both."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from introdl import training
from introdl.models import MealNet
from introdl.training import Settings, TrainingError
from tests.test_mealomi_app import PLATES
from tests.test_training import one_thread, same  # noqa: F401

TRAIN, VAL = PLATES.split("train"), PLATES.split("val")
MEALS = training.Meals()


def net(seed=0):
    torch.manual_seed(seed)
    return MealNet(3, size=64, widths=(4, 4, 4), hidden=8)


def go(model, validation=VAL, *, changed=None, **options):
    settings = Settings(**{"epochs": 2, "batch_size": 20, "precision": "fp32", **(changed or {})})
    return training.train(model, TRAIN, validation, settings, device="cpu", task=MEALS, **{"quiet": True, **options})


def test_each_part_is_measured():
    row = go(net()).rows[-1]
    assert row["train_loss"] == pytest.approx(row["train_dish"] + 0.5 * row["train_mass"] + row["train_box"], rel=1e-5)
    assert row["val_loss"] == pytest.approx(row["val_dish"] + 0.5 * row["val_mass"] + 1 - row["val_iou"], rel=1e-5)


def test_the_network_comes_back_in_evaluation_mode_with_the_weights_of_the_least_loss(tmp_path):
    model = net()
    history = go(model, checkpoint=tmp_path / "run.pt")
    assert not any(part.training for part in model.modules())
    assert same(dict(model.state_dict()), torch.load(tmp_path / "run.pt", weights_only=True)["best"])
    assert history.best["val_loss"] == min(history.column("val_loss"))
    logs = np.log(TRAIN.grams)
    assert (model.mass_mean.item(), model.mass_std.item()) == pytest.approx((logs.mean(), logs.std()), rel=1e-5)


def test_without_validation_the_last_weights_are_kept():
    assert go(net(), None).best_epoch == 2


def test_the_schedule_holds():
    assert go(net(), changed={"schedule": "constant", "lr": 0.01}).column("lr") == [0.01, 0.01]
    falls = go(net(), changed={"lr": 0.01}).column("lr")
    assert falls[1] < falls[0] < 0.01


def test_compile_holds(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model: compiled.append(model) or model)
    model = net()
    go(model, changed={"compile": True})
    assert compiled == [model]


def test_groups_hold():
    model = net()
    before = [value.detach().clone() for value in model.stages.parameters()]
    groups = [
        {"params": list(model.stages.parameters()), "lr": 0.0},
        {"params": list(model.head.parameters()), "lr": 0.01},
    ]
    go(model, groups=groups, changed={"ema": 0.0, "weight_decay": 0.0})
    assert same(before, [value.detach() for value in model.stages.parameters()])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_low_precision_is_the_trunks_alone(precision):
    model, seen = net(), []
    model.stages.register_forward_hook(lambda _model, _given, maps: seen.append(maps.dtype))
    model.where.register_forward_hook(lambda _model, _given, out: seen.append(("heads", out.dtype)))
    go(model, changed={"precision": precision, "epochs": 1, "ema": 0.0})
    # The first picture that goes through, and the last, which is validation's: before and after the run is set up.
    assert seen[-2:] == [torch.float32 if precision == "fp32" else torch.bfloat16, ("heads", torch.float32)]


def test_a_gpu_out_of_memory_is_a_sentence():
    model = net()

    def hungry(module, given):
        if module.training:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    model.stages.register_forward_pre_hook(hungry)
    with pytest.raises(TrainingError, match="ran out of memory with batch_size=20.*Try batch_size=10"):
        go(model)


def test_an_interrupt_keeps_the_best_weights_and_says_so(monkeypatch):
    told, model = [], net()
    monkeypatch.setattr("introdl.data.progress.say", told.append)

    def stop(history):
        raise KeyboardInterrupt

    history = go(model, on_epoch=stop, quiet=False)
    assert history.stopped == "interrupted in epoch 2 of 2" and not model.training
    assert told == [
        "Training was interrupted in epoch 2 of 2; the network keeps the averaged weights of epoch 1. It is in evaluation mode."
    ]


def test_a_checkpoint_of_other_grams_is_refused_and_the_network_is_left_alone(tmp_path):
    path, model = tmp_path / "run.pt", net(seed=5)
    go(net(), checkpoint=path)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    heavier = replace(TRAIN, grams=TRAIN.grams * 2)
    settings = Settings(epochs=2, batch_size=20, precision="fp32")
    with pytest.raises(TrainingError, match="with other pictures"):
        training.train(model, heavier, VAL, settings, device="cpu", quiet=True, checkpoint=path, task=MEALS)
    assert same(before, dict(model.state_dict()))


def test_a_pair_of_arrays_has_no_grams():
    with pytest.raises(TrainingError, match="needs grams .over 0. and a box for each picture"):
        training.train(net(), (TRAIN.images, TRAIN.labels), device="cpu", quiet=True, task=MEALS)
