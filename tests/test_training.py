"""The training engine: what it does to pictures, that it learns, resumes, stops, shares, and says what is wrong."""

import json
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from introdl import training
from introdl.figures import training as figures
from introdl.training import Augment, Settings, TrainingError, devices, live, loop

STILL = Augment(flip=False, rotate=0, shift=0, scale=0, color=0, cutout=0)
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def colored(n, seed=0, size=12):
    """Noise in which one of three colors is a little stronger: which one is the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    images = rng.integers(0, 200, (n, size, size, 3))
    images[np.arange(n), :, :, labels] += 30
    return images.astype(np.uint8), labels


def net(seed=0, dropout=0.0, norm=True):
    torch.manual_seed(seed)
    parts = [nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6) if norm else nn.Identity(), nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(6, 3))


def quick(**changed):
    return Settings(**({"epochs": 4, "batch_size": 16, "lr": 0.02, "precision": "fp32"} | changed))


def same(first, second):
    """Whether two nested things hold the same bits."""
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(same(a, b) for a, b in zip(first, second, strict=True))
    return first == second


# --- Pictures ------------------------------------------------------------------------------------------------


def batch(n=5, height=10, width=14, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8))


def augmented(images, how, seed=0):
    drawn = training.draw(len(images), how, torch.Generator().manual_seed(seed))
    return training.augment(images, drawn, how, MEAN, STD)


def test_normalizing_is_the_formula_and_channels_stay_last_in_memory():
    images = batch()
    x = training.normalize(images, MEAN, STD)
    expected = (images.numpy() / 255 - MEAN) / STD
    np.testing.assert_allclose(x.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-5)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_no_change_is_normalizing():
    x = augmented(batch(), STILL)
    torch.testing.assert_close(x, training.normalize(batch(), MEAN, STD), atol=1e-4, rtol=0)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_flip_mirrors_left_and_right_never_up_and_down_and_about_half_the_pictures():
    images = batch(200)
    x = augmented(images, Augment(flip=True, rotate=0, shift=0, scale=0, color=0, cutout=0))
    plain = training.normalize(images, MEAN, STD)
    mirrored = [torch.allclose(x[i], plain[i].flip(2), atol=1e-4) for i in range(200)]
    kept = [torch.allclose(x[i], plain[i], atol=1e-4) for i in range(200)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True)) and 70 < sum(mirrored) < 130


def test_shift_scale_and_rotation_do_what_they_say():
    images = torch.zeros(1, 40, 40, 3, dtype=torch.uint8)
    images[0, 18:22, 18:22] = 255  # a square in the middle

    def seen(affine):
        drawn = {"affine": torch.tensor([affine]), "color": torch.eye(3)[None], "center": torch.zeros(1, 2)}
        return training.augment(images, drawn, STILL, (0, 0, 0), (1, 1, 1))[0, 0]

    def middle(x):
        rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
        return (x * rows).sum() / x.sum(), (x * columns).sum() / x.sum()

    assert middle(seen([[1.0, 0, 0.25], [0, 1, 0]])) == pytest.approx(
        (19.5, 14.5), abs=0.1
    )  # a quarter of half the width
    # Bounds: over many draws the square moves, grows and shrinks by no more than was asked for.
    many = images.expand(300, 40, 40, 3)
    how = Augment(flip=False, rotate=0, shift=0.1, scale=0.2, color=0, cutout=0)
    drawn = training.draw(300, how, torch.Generator().manual_seed(1))
    x = training.augment(many, drawn, how, (0, 0, 0), (1, 1, 1))[:, 0]
    moved = torch.tensor([middle(each) for each in x]) - 19.5
    areas = x.sum(dim=(1, 2)) / 16
    assert 4 < moved.abs().max() < 0.1 * 40 * 1.2 + 0.6
    assert 0.8**2 * 0.8 < areas.min() < 0.8 and 1.25 < areas.max() < 1.2**2 * 1.2
    turned = training.draw(300, Augment(flip=False, rotate=15, shift=0, scale=0), torch.Generator().manual_seed(1))[
        "affine"
    ]
    angles = torch.atan2(turned[:, 1, 0], turned[:, 0, 0]).rad2deg()
    assert 14 < angles.abs().max() <= 15.001 and angles.min() < -10 < 10 < angles.max()


def test_each_picture_has_draws_of_its_own_and_the_generator_decides():
    images = batch(1).expand(6, -1, -1, -1)
    for how in (Augment(), Augment(flip=False, rotate=0, shift=0, scale=0, cutout=0)):
        x = augmented(images, how)
        assert all(not torch.allclose(x[i], x[j], atol=1e-3) for i in range(6) for j in range(i))
        assert torch.equal(x, augmented(images, how)) and not torch.equal(x, augmented(images, how, seed=1))


def test_cutout_blanks_a_square_to_the_mean_color():
    images = torch.full((400, 20, 20, 3), 200, dtype=torch.uint8)
    x = augmented(images, Augment(flip=False, rotate=0, shift=0, scale=0, color=0, cutout=0.3))
    blank = (x == 0).all(dim=1)
    assert blank.sum(dim=(1, 2)).max() == 36  # 6 x 6 where it lies inside
    assert blank.any(dim=0).all()  # everywhere at some time
    i = int(blank.sum(dim=(1, 2)).argmax())
    assert blank[i].any(dim=1).sum() == blank[i].any(dim=0).sum() == 6


def test_colors_change_within_bounds_and_gray_stays_nearly_gray():
    gray = torch.full((500, 2, 2, 3), 100, dtype=torch.uint8)
    how = Augment(flip=False, rotate=0, shift=0, scale=0, color=0.2, cutout=0)
    drawn = training.draw(500, how, torch.Generator().manual_seed(0))
    x = training.augment(gray, drawn, how, (0, 0, 0), (1, 1, 1))[:, :, 0, 0] * 255
    assert 100 * 0.8 * 0.9 - 0.1 < x.min() < 85 and 115 < x.max() < 100 * 1.2 * 1.1 + 0.1


def test_channel_statistics_are_those_of_numpy():
    images = batch(7).numpy()
    mean, std = training.channel_statistics(images)
    np.testing.assert_allclose(mean, (images / 255).mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(std, (images / 255).std(axis=(0, 1, 2)))
    assert training.channel_statistics(np.full((1, 2, 2, 3), 7, np.uint8))[1] == (1, 1, 1)


# --- Learning ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ema", [0.9, 0.0])
def test_it_learns(ema):
    model = net()
    settings = quick(epochs=10, lr=0.05, ema=ema)
    history = training.train(model, colored(240), colored(90, 1), settings, device="cpu", quiet=True)
    assert history.best["val_accuracy"] > 0.95 > history.rows[0]["train_accuracy"]
    assert history.rows[-1]["train_loss"] < history.rows[0]["train_loss"]
    loss, accuracy = training.evaluate(
        model, colored(90, 1), *(history.about[name] for name in ("mean", "std")), device="cpu"
    )
    assert accuracy == pytest.approx(history.best["val_accuracy"])
    assert loss == pytest.approx(history.best["val_loss"], abs=1e-4)


def test_the_learning_rate_rises_to_its_highest_and_falls_to_zero():
    factors = [training.one_cycle(step, 100, 0.2) for step in range(100)]
    assert max(factors) == 1 and factors.index(1) == 19 and 0 < factors[0] < 0.06 and 0 < factors[-1] < 0.001
    assert factors[:20] == sorted(factors[:20]) and factors[19:] == sorted(factors[19:], reverse=True)
    assert training.one_cycle(0, 10, 0.0) < 1 and training.one_cycle(0, 1, 0.5) <= 1


def test_only_weights_decay():
    decayed, kept = training.parameter_groups(net(), 0.1)
    assert {p.ndim for p in decayed["params"]} == {2, 4} and {p.ndim for p in kept["params"]} == {1}
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)


def test_groups_keep_their_own_learning_rates():
    model = net()
    groups = [{"params": model[-1].parameters(), "lr": 0.01}, {"params": model[0].parameters(), "lr": 0.0}]
    before = model[0].weight.clone(), model[-1].weight.clone()
    training.train(model, colored(64), None, quick(ema=0.0, weight_decay=0.0), groups=groups, device="cpu", quiet=True)
    assert torch.equal(before[0], model[0].weight) and not torch.equal(before[1], model[-1].weight)


def test_the_average_is_what_is_kept():
    """With one step an epoch the average can be followed by hand."""
    data, seen = colored(16), []
    plain = net(norm=False)
    training.train(
        plain, data, None, quick(epochs=3, ema=0.0), device="cpu", quiet=True,
        on_epoch=lambda history: seen.append(plain[-1].weight.detach().clone()),
    )  # fmt: skip
    model = net(norm=False)
    mean = model[-1].weight.detach().clone()
    training.train(model, data, None, quick(epochs=3, ema=0.15), device="cpu", quiet=True)
    for step, weight in enumerate(seen):
        kept = min(0.15, (1 + step) / (10 + step))
        mean = kept * mean + (1 - kept) * weight
    torch.testing.assert_close(model[-1].weight, mean)


def test_two_runs_with_one_seed_are_the_same_and_chance_elsewhere_is_left_alone():
    states, before = [], torch.get_rng_state()
    for seed in (3, 3, 4):
        model = net()
        state = torch.get_rng_state()
        training.train(model, colored(48), None, quick(seed=seed), device="cpu", quiet=True)
        assert torch.equal(state, torch.get_rng_state())
        states.append(model.state_dict())
    assert same(states[0], states[1]) and not same(states[0], states[2])
    torch.set_rng_state(before)


@pytest.mark.skipif(devices.quick_dtype(torch.device("cpu")) != torch.bfloat16, reason="bf16 is emulated on this CPU")
def test_auto_is_bf16_where_the_cpu_has_it():
    history = training.train(net(), colored(32), None, quick(precision="auto", epochs=1), device="cpu", quiet=True)
    assert history.about["precision"] == "bfloat16"


@pytest.mark.parametrize("changed", [{}, {"ema": 0.0}])
@pytest.mark.parametrize("validation", [None, colored(30, 1)])
def test_the_network_comes_back_in_evaluation_mode_with_the_weights_that_were_kept(tmp_path, changed, validation):
    model, path = net(), tmp_path / "run.pt"
    training.train(model, colored(64), validation, quick(**changed), device="cpu", quiet=True, checkpoint=path)
    assert not any(part.training for part in model.modules())
    assert same(dict(model.state_dict()), torch.load(path, weights_only=True)["best"])


def test_which_weights_the_network_has_is_said(monkeypatch):
    told = []
    monkeypatch.setattr("introdl.data.progress.say", told.append)
    for ema in (0.9, 0.0):
        training.train(net(), colored(32), None, quick(epochs=2, ema=ema), device="cpu")
    assert told == [
        "The network keeps the averaged weights of epoch 2. It is in evaluation mode.",
        "The network keeps the weights of epoch 2. It is in evaluation mode.",
    ]


@pytest.mark.parametrize("ema", [0.9, 0.0])
def test_a_frozen_batch_norm_keeps_its_statistics_and_one_that_learns_does_not(ema):
    frozen, learns = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
    frozen.requires_grad_(False)
    parts = [nn.Conv2d(3, 6, 3), frozen, nn.Conv2d(6, 6, 3), learns, nn.BatchNorm2d(6, affine=False), nn.ReLU()]
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    before, free = {name: value.clone() for name, value in frozen.state_dict().items()}, model[4].running_mean.clone()
    modes = []
    learns.register_forward_hook(lambda *_: modes.append((frozen.training, learns.training, model[4].training)))
    training.train(model, colored(48), colored(20, 1), quick(ema=ema), device="cpu", quiet=True)
    assert (False, True, True) in modes and not any(each[0] for each in modes)
    assert same(before, dict(frozen.state_dict()))
    assert learns.running_mean.abs().sum() > 0 and not torch.equal(free, model[4].running_mean)


def test_a_network_that_is_frozen_altogether_is_a_sentence():
    with pytest.raises(TrainingError, match="Every parameter of the network is frozen. Set requires_grad=True"):
        training.train(net().requires_grad_(False), colored(32), device="cpu", quiet=True)


# --- Checkpoints ---------------------------------------------------------------------------------------------


def stop_after(epoch):
    def stop(history):
        if len(history.rows) == epoch:
            raise KeyboardInterrupt

    return stop


def without_times(content):
    for row in content["history"]["rows"]:
        del row["seconds"], row["images_per_second"]
    return content


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_four_epochs_are_two_and_two_more_bit_for_bit(tmp_path, precision):
    """Weights, average, optimizer, best weights, both sources of chance: with dropout, BatchNorm and augmentation."""
    settings, data, held_out = quick(precision=precision), colored(70), colored(30, 1)

    def go(path, **options):
        model = net(dropout=0.3)
        history = training.train(model, data, held_out, settings, device="cpu", checkpoint=path, quiet=True, **options)
        return model, history

    straight, _ = go(tmp_path / "straight.pt")
    _, first = go(tmp_path / "broken.pt", on_epoch=stop_after(2))
    assert len(first.rows) == 2 and first.stopped
    torch.manual_seed(99)  # another process's chance
    resumed, second = go(tmp_path / "broken.pt")
    assert len(second.rows) == 4 and not second.stopped
    one, two = (torch.load(tmp_path / name, weights_only=True) for name in ("straight.pt", "broken.pt"))
    assert set(one) >= {"model", "ema", "optimizer", "generator", "torch", "best"}
    assert same(without_times(one), without_times(two))
    assert same(straight.state_dict(), resumed.state_dict())


def test_a_finished_run_is_not_run_again(tmp_path):
    model = net()
    options = {"device": "cpu", "checkpoint": tmp_path / "run.pt", "quiet": True}
    training.train(model, colored(32), None, quick(), **options)
    again = net(seed=5)
    history = training.train(again, colored(32), None, quick(), on_epoch=stop_after(0), **options)
    assert len(history.rows) == 4 and same(model.state_dict(), again.state_dict())


def test_a_checkpoint_of_something_else_is_a_sentence(tmp_path):
    path = tmp_path / "run.pt"
    training.train(net(), colored(32), None, quick(epochs=1), device="cpu", checkpoint=path, quiet=True)

    def go(model=None, data=None, **changed):
        settings = quick(**({"epochs": 1} | changed))
        training.train(model or net(), data or colored(32), None, settings, device="cpu", checkpoint=path, quiet=True)

    with pytest.raises(TrainingError, match=r"written with lr=0.02, and this run has 0.5"):
        go(lr=0.5)
    with pytest.raises(TrainingError, match="with other pictures"):
        go(data=colored(48))
    with pytest.raises(TrainingError, match="of another network"):
        go(model=nn.Sequential(nn.Flatten(), nn.Linear(432, 3)))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(TrainingError, match="cannot be read.*Delete it"):
        go()


def remade(path, change):
    """Write a checkpoint again, changed."""
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def averages(content):
    return content["optimizer"]["state"][0]


#: What is done to a whole checkpoint, and the sentence that follows.
UNFIT = {
    "another form": (lambda c: c.update(form=2), "cannot be read .*the form 2.*Delete it"),
    "a part is missing": (lambda c: c.pop("generator"), "cannot be read .*no 'generator'"),
    "a part is of another type": (lambda c: c.update(settings=3), "cannot be read"),
    "no epochs": (lambda c: c["history"].update(rows=[]), "cannot be read .*no best epoch"),
    "epochs in disorder": (lambda c: c["history"]["rows"].reverse(), "cannot be read .*not in order"),
    "a history with other names": (lambda c: c["history"].update(rowz=[]), "cannot be read"),
    "more epochs than asked for": (
        lambda c: c["history"]["rows"].extend({"epoch": number} for number in range(3, 10)),
        "holds 9 epochs of 4",
    ),
    "another setting": (lambda c: c["settings"].update(lr=0.5), "written with lr=0.5, and this run has 0.02"),
    "a setting is missing": (lambda c: c["settings"].pop("ema"), "written with ema=None"),
    "other pictures": (lambda c: c["history"]["about"].update(crc32=1), "with other pictures"),
    "a weight is missing": (lambda c: c["model"].pop("0.weight"), "of another network: its '0.weight' is missing"),
    "a weight too many": (
        lambda c: c["model"].update(more=torch.zeros(1)),
        "'more' is float32 .1,., here it is missing",
    ),
    "another shape": (lambda c: c["model"].update({"0.bias": torch.zeros(7)}), r"'0.bias' is float32 \(7,\), here"),
    "another type": (lambda c: c["model"].update({"0.bias": torch.zeros(6).double()}), "'0.bias' is float64"),
    "no tensor": (lambda c: c["model"].update({"0.bias": 3}), "'0.bias' is missing"),
    "weights that are not finite": (lambda c: c["model"]["0.bias"].fill_(torch.nan), "'0.bias' holds .* not finite"),
    "no average": (lambda c: c.update(ema=None), "no weights 'ema'"),
    "an average that does not fit": (lambda c: c["ema"].pop("0.bias"), "'0.bias' is missing"),
    "an average that is not finite": (lambda c: c["ema"]["0.bias"].fill_(torch.inf), "not finite"),
    "no best weights": (lambda c: c.update(best=None), "no weights 'best'"),
    "best weights that do not fit": (lambda c: c["best"].update({"0.bias": torch.zeros(7)}), "'0.bias' is float32"),
    "an optimizer of nothing": (lambda c: c.update(optimizer={}), "cannot be read .*optimizer is not whole"),
    "another group's rate": (
        lambda c: c["optimizer"]["param_groups"][0].update(highest_lr=1.0),
        "other groups of parameters",
    ),
    "a group is missing": (lambda c: c["optimizer"]["param_groups"].pop(), "other groups of parameters"),
    "averages of another shape": (lambda c: averages(c).update(exp_avg=torch.zeros(2)), "'exp_avg' is float32"),
    "averages are missing": (lambda c: averages(c).pop("exp_avg_sq"), "'exp_avg_sq' is missing"),
    "averages that are not finite": (lambda c: averages(c)["exp_avg"].fill_(torch.nan), "not finite"),
    "averages of nothing known": (lambda c: c["optimizer"]["state"].update({99: {}}), "a parameter 99"),
    "a damaged generator": (
        lambda c: c.update(generator=torch.zeros(3)),
        "'generator' are of another device or damaged",
    ),
    "a short generator": (lambda c: c.update(torch=c["torch"][:9]), "'torch' are of another device or damaged"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_an_unfit_checkpoint_is_a_sentence_and_nothing_of_the_network_changes(tmp_path, kind):
    """Nor of torch's own chance: a run that is refused has not begun."""
    change, sentence = UNFIT[kind]
    path, model = tmp_path / "run.pt", net(seed=5)
    options = {"device": "cpu", "quiet": True, "checkpoint": path}
    training.train(net(), colored(32), colored(20, 1), quick(), on_epoch=stop_after(2), **options)
    remade(path, change)
    written = path.read_bytes()
    before, chance = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    with pytest.raises(TrainingError, match=sentence):
        training.train(model, colored(32), colored(20, 1), quick(), **options)
    assert same(before, dict(model.state_dict())) and torch.equal(chance, torch.get_rng_state())
    assert path.read_bytes() == written


def test_a_checkpoint_of_other_groups_is_a_sentence(tmp_path):
    """Their learning rates are no settings: without this, the run would go on with those of the file."""
    options = {"device": "cpu", "quiet": True, "checkpoint": tmp_path / "run.pt"}
    for model, lr in ((net(), 0.01), (net(), 0.001)):
        groups = [
            {"params": list(model[0].parameters()), "lr": lr},
            {"params": list(model[-1].parameters()), "lr": 0.1},
        ]
        if lr == 0.01:
            training.train(model, colored(32), None, quick(), groups=groups, on_epoch=stop_after(2), **options)
    with pytest.raises(TrainingError, match="other groups of parameters"):
        training.train(model, colored(32), None, quick(), groups=groups, **options)


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    training.train(net(), colored(32), None, quick(), device="cpu", checkpoint=path, quiet=True, on_epoch=stop_after(2))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        training.train(net(), colored(32), None, quick(), device="cpu", checkpoint=path, quiet=True)
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["run.pt"]


# --- When something is wrong ---------------------------------------------------------------------------------


def test_an_interrupt_keeps_the_best_weights():
    model, kept = net(), []

    def on_epoch(history):
        kept.append(history.best_epoch)
        if len(history.rows) == 3:
            raise KeyboardInterrupt

    history = training.train(
        model, colored(96), colored(60, 1), quick(lr=0.05), device="cpu", on_epoch=on_epoch, quiet=True
    )
    assert history.stopped == "interrupted in epoch 4 of 4" and history.best_epoch == kept[-1]
    _, accuracy = training.evaluate(model, colored(60, 1), history.about["mean"], history.about["std"], device="cpu")
    assert accuracy == pytest.approx(history.best["val_accuracy"])


def test_an_interrupt_in_the_first_epoch_says_so(capsys, monkeypatch):
    class Stopped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net()

        def forward(self, x):
            if self.training:
                raise KeyboardInterrupt
            return self.inner(x)

    monkeypatch.setattr("introdl.data.progress.say", print)
    history = training.train(Stopped(), colored(32), None, quick(), device="cpu")
    assert (
        history.rows == []
        and "interrupted in epoch 1 of 4; the network keeps the weights as they are" in capsys.readouterr().out
    )


def test_a_loss_that_is_no_number_is_a_sentence():
    model = net()
    with torch.no_grad():
        model[-1].bias[0] = torch.nan
    with pytest.raises(training.Diverged, match=r"became nan in epoch 1.*Try a lower one, such as lr=0.002"):
        training.train(model, colored(32), None, quick(), device="cpu", quiet=True)


def test_a_gpu_out_of_memory_is_a_sentence():
    class Hungry(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net()

        def forward(self, x):
            if self.training:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
            return self.inner(x)

    with pytest.raises(TrainingError, match="ran out of memory with batch_size=16.*Try batch_size=8"):
        training.train(Hungry(), colored(32), None, quick(), device="cpu", quiet=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_a_sentence():
    with pytest.raises(TrainingError, match="device is 'cuda', but .*Leave device out"):
        training.train(net(), colored(8), device="cuda")


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ((np.zeros((4, 3, 8, 8), np.uint8), np.zeros(4, int)), r"should be uint8 \(N, H, W, 3\)"),
        ((np.zeros((4, 8, 8, 3)), np.zeros(4, int)), "images are float64"),
        ((np.zeros((4, 8, 8, 3), np.uint8), np.zeros(5, int)), r"labels are int64 \(5,\)"),
        ((np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4)), "labels are float64"),
        ((np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, int)), "no pictures"),
        ((np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 2, 3])), r"labels from 0 to 3 it should be \(2, 4\)"),
    ],
)
def test_pictures_that_do_not_fit_are_told_before_anything_is_learned(pictures, sentence):
    with pytest.raises(TrainingError, match=sentence):
        training.train(net(), pictures, device="cpu", quiet=True)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 1.5}, "batch_size is 1.5"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"lr": -1}, "lr should be over 0"),
        ({"precision": "fp16"}, "'auto', 'bf16' or 'fp32'"),
        ({"mean": (0, 0, 0)}, "mean and std both"),
    ],
)
def test_settings_that_make_no_sense_are_told(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Settings(**wrong)


# --- Several processes, threads ------------------------------------------------------------------------------

SCRIPT = """
import sys, numpy as np, torch
sys.path.insert(0, {root!r})
from introdl import training
from tests.test_training import colored, net, quick
torch.set_num_threads(1)
model = net(norm=False)
history = training.train(model, colored(64), colored(31, 1), quick(epochs=3), device="cpu", quiet=True)
if torch.distributed.get_rank() == 0:
    torch.save({{"state": model.state_dict(), "history": history.as_dict()}}, sys.argv[1])
torch.distributed.barrier()  # a process that leaves while the other still works can take it down
torch.distributed.destroy_process_group()
"""


def test_two_processes_do_what_one_does(tmp_path):
    """With a network without BatchNorm, whose CPU version knows its own share of a batch alone."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(root=str(Path(__file__).resolve().parent.parent)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, *torchrun, str(script), str(tmp_path / "two.pt")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    two = torch.load(tmp_path / "two.pt", weights_only=True)
    model = net(norm=False)
    one = training.train(model, colored(64), colored(31, 1), quick(epochs=3), device="cpu", quiet=True)
    assert (one.about["processes"], two["history"]["about"]["processes"]) == (1, 2)
    torch.testing.assert_close(two["state"], dict(model.state_dict()), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(one.rows, two["history"]["rows"], strict=True):
        for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"):
            assert theirs[name] == pytest.approx(ours[name], rel=1e-4)


def test_the_quickest_number_of_threads_is_used():
    best = training.quickest_threads(most=2, tries=1)
    assert best in (1, 2) and torch.get_num_threads() == best
    assert training.quickest_threads(most=1) == 1 == torch.get_num_threads()


# --- What is seen --------------------------------------------------------------------------------------------


def test_the_history_is_plain_data():
    history = training.train(net(), colored(32), colored(20, 1), quick(), device="cpu", quiet=True)
    plain = json.loads(json.dumps(history.as_dict()))
    assert training.History(**plain).as_dict() == plain
    assert history.column("epoch") == [1, 2, 3, 4] and history.about["pictures"] == 32
    assert plain["settings"]["augment"]["cutout"] == 0.3


def test_curves_show_loss_and_accuracy_and_the_epoch_that_was_kept():
    import matplotlib.pyplot as plt

    history = training.train(net(), colored(32), colored(20, 1), quick(), device="cpu", quiet=True)
    figure = figures.curves(history)
    left, right = figure.axes
    assert [line.get_label() for line in left.lines if not line.get_label().startswith("_")] == [
        "training",
        "validation",
    ]
    np.testing.assert_allclose(right.lines[1].get_ydata(), 100 * np.array(history.column("val_accuracy")))
    assert right.lines[2].get_xdata()[0] == history.best_epoch
    assert f"epoch {history.best_epoch}" in figures.told(history)
    plt.close(figure)
    alone = training.train(net(), colored(32), None, quick(epochs=1), device="cpu", quiet=True)
    plt.close(figures.curves(alone))
    assert figures.told(alone).startswith("Over 1 epochs the training loss goes")


def test_a_run_that_was_stopped_in_its_first_epoch_has_a_sentence_instead_of_curves():
    import matplotlib.pyplot as plt

    stopped = training.History(stopped="interrupted in epoch 1 of 8")
    plt.close(figures.curves(stopped))
    assert figures.told(stopped) == "No epoch was finished, so there is nothing to draw."


def test_a_line_is_told_for_each_epoch(capsys):
    training.train(net(), colored(32), colored(20, 1), quick(epochs=2), device="cpu")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch   2 of 2: training loss") and "validation" in lines[1]


def test_in_a_notebook_one_picture_grows_and_stays(tmp_path):
    """Executed as CI executes notebooks: what is left is one figure of all epochs, with an alt text."""
    import nbformat
    from nbclient import NotebookClient

    code = textwrap.dedent("""
        import sys; sys.path.insert(0, {root!r})
        from introdl import training
        from tests.test_training import colored, net, quick
        history = training.train(net(), colored(32), colored(20, 1), quick(), device="cpu")
    """)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code.format(root=str(Path(__file__).resolve().parent.parent)))]
    )
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    shown = [each for each in notebook.cells[0].outputs if each.output_type == "display_data"]
    assert len(shown) == 1 and "<img" in shown[0].data["text/html"] and "Over 4 epochs" in shown[0].data["text/html"]


def test_live_curves_are_not_drawn_more_often_than_a_tenth_of_the_time(monkeypatch):
    drawn, clock = [], iter([0.0, 0.0, 2.0, 2.0, 3.0, 21.0, 21.0, 22.0, 22.0, 23.0])
    curves = live.LiveCurves()
    monkeypatch.setattr(live.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(curves, "_draw", lambda history: drawn.append(len(history.rows)))
    for count in (1, 2, 3):
        curves.update(training.History(rows=[{}] * count))
    assert drawn == [1, 3]  # drawn in 2 s, so not again before 18 s are over


def test_importing_training_loads_torch_only_when_it_is_used():
    code = "import sys; from introdl import training; assert 'torch' not in sys.modules; training.train; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_loop_fits_in_a_chapter():
    """A learner reads it: what is not needed has no place there."""
    assert len(Path(loop.__file__).read_text().splitlines()) < 260


# --- which learning rate ------------------------------------------------------------------------------------------


def test_a_range_test_raises_the_rate_by_one_factor_and_leaves_the_network_alone():
    model = net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = training.range_test(model, colored(64), quick(augment=None), lowest=1e-4, highest=1e-1, steps=10)
    assert same(before, model.state_dict())
    rates, losses = map(np.array, zip(*found, strict=True))
    assert np.allclose(rates, 1e-4 * 1000 ** (np.arange(10) / 9))
    assert losses[-1] < losses[0] - 0.05  # it did train: the colors are easily told apart


def test_a_range_test_stops_where_the_loss_explodes():
    found = training.range_test(net(norm=False), colored(64), quick(augment=None), lowest=1e-3, highest=1e6, steps=60)
    losses = [loss for _, loss in found]
    assert len(found) < 60 and np.isfinite(losses).all()


@pytest.mark.parametrize("wrong", [{"lowest": 0.0}, {"lowest": 2.0, "highest": 1.0}, {"steps": 1}])
def test_a_range_test_says_what_its_numbers_should_be(wrong):
    with pytest.raises(TrainingError, match="0 < lowest < highest"):
        training.range_test(net(), colored(16), quick(), **wrong)


# --- pictures that stay on the disk -----------------------------------------------------------------------------------


@pytest.fixture
def photographs(tmp_path):
    """Two classes, one of them with a picture in gray; notes and a file lie beside them."""
    for name, color, mode in (("soup/b.JPG", (250, 10, 10), "RGB"), ("soup/a.png", (0, 0, 255), "RGBA"), ("bread/c.jpeg", (99, 99, 99), "L")):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 10), color).convert(mode).save(tmp_path / name)
    (tmp_path / "soup/notes.txt").write_text("good")
    (tmp_path / "README").write_text("mine")
    return tmp_path


def test_a_folder_of_photographs_has_its_classes_by_name_and_every_kind_of_picture(photographs):
    found = training.PhotoFolder(photographs, 8)
    assert found.classes == ["bread", "soup"] and len(found) == 3
    pictures, labels = zip(*(found[k] for k in range(3)), strict=True)
    assert labels == (0, 1, 1)
    assert all(x.shape == (3, 8, 8) and x.dtype == torch.float32 for x in pictures)
    colors = [(255 * x.mean(dim=(1, 2))).round().tolist() for x in pictures]
    for given, wanted in zip(colors, ([99, 99, 99], [0, 0, 255], [250, 10, 10]), strict=True):
        assert np.abs(np.subtract(given, wanted)).max() <= 4  # JPEG


def test_a_folder_of_photographs_opens_none_before_it_is_asked_for(photographs):
    (photographs / "soup/b.JPG").write_bytes(b"no picture")
    found = training.PhotoFolder(photographs, 8)
    assert found[1][1] == 1
    with pytest.raises(OSError):
        found[2]


def test_a_loader_with_a_worker_makes_batches_of_a_folder(photographs):
    loader = torch.utils.data.DataLoader(training.PhotoFolder(photographs, 6), batch_size=2, num_workers=1)
    assert [(tuple(x.shape), y.tolist()) for x, y in loader] == [((2, 3, 6, 6), [0, 1]), ((1, 3, 6, 6), [1])]
