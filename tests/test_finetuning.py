"""Chapter 11: its experiment, its figures' numbers, and what a right answer may fail by."""

import math
import shutil

import numpy as np
import pytest
from PIL import Image

from autograder.authoring import drawing
from autograder.exercises import ch11_finetuning as chapter
from introdl import models
from introdl.experiments import records, transfer
from introdl.figures import finetuning as figs
from tests.answers import ch11_finetuning as right

SMALL = {**transfer.SETTINGS, "size": 32, "batch_size": 4, "steps": 4, "steps_all": 4, "looks": 2}


@pytest.fixture
def folder(tmp_path):
    """Three classes of plain colors, twelve pictures each."""
    rng = np.random.default_rng(0)
    for name, color in (("red", (200, 40, 40)), ("green", (40, 200, 40)), ("blue", (40, 40, 200))):
        (tmp_path / "food" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.clip(color + rng.normal(0, 20, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "food" / name / f"{number}.png")
    return tmp_path / "food"


def test_a_right_draw_is_called_wrong_less_than_once_in_a_million():
    for seed in ("visible", "a", "b"):
        for case in chapter.FEW_SHOT_SUBSET.cases(drawing.generator("11.few_shot_subset", seed)):
            labels, per_class, _ = case.inputs.values()
            if np.bincount(labels).min() >= per_class:
                sets = math.prod(math.comb(int(n), per_class) for n in np.bincount(labels))
                assert 3 / sets < 1e-6  # three comparisons, each wrong where one given set is drawn


def test_the_drawn_bars_count_what_the_network_has():
    model = models.ResNet18(8)
    counted = dict.fromkeys(figs.layer_parameters(8), 0)
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        counted["stem" if part in ("conv1", "bn1") else part] += parameter.numel()
    assert figs.layer_parameters(8) == counted
    assert sum(figs.layer_parameters(1000).values()) == 11_689_512


def test_the_chapters_network_has_the_librarys_names_and_answers():
    import torch

    model, other = models.ResNet18(5).eval(), right.NetPlain(5).eval()
    other.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 40, 56)
    assert torch.allclose(model(x), other(x), atol=1e-5)


def test_photographs_are_split_by_class_and_always_in_the_same_way(folder):
    one, two = (transfer.split_by_class(folder, 16, "food") for _ in range(2))
    assert one.classes == ("blue", "green", "red")
    assert [one.split(part).counts()["red"] for part in ("train", "val", "test")] == [7, 2, 3]
    assert np.array_equal(one.images, two.images) and np.array_equal(one.splits, two.splits)


def test_a_val_folder_beside_train_is_the_test_part(folder, tmp_path):
    apart = tmp_path / "apart"
    shutil.copytree(folder, apart / "train")
    for name in ("red", "blue"):
        shutil.copytree(folder / name, apart / "val" / name)
    found = transfer.split_by_class(apart, 16, "food")
    assert found.classes == ("blue", "red") and len(found.split("test")) == 24


def test_folders_that_are_none_have_their_sentence(folder, tmp_path):
    with pytest.raises(ValueError, match="is no folder"):
        transfer.split_by_class(tmp_path / "nowhere", 16, "x")
    with pytest.raises(ValueError, match="a folder of photographs for each class"):
        transfer.split_by_class(folder / "red", 16, "x")
    shutil.copytree(folder / "red", tmp_path / "single" / "red")
    with pytest.raises(ValueError, match="at least two folders"):
        transfer.split_by_class(tmp_path / "single", 16, "x")
    for path in sorted((folder / "red").iterdir())[:4]:
        path.unlink()
    with pytest.raises(ValueError, match="'red'.*only 8 pictures"):
        transfer.split_by_class(folder, 16, "x")


def test_every_arm_runs_and_the_backbones_weights_are_where_they_should_be(folder, monkeypatch):
    import torch

    made_up = models.ResNet18(12)
    made_up.card = type("Card", (), {"mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2)})
    with torch.no_grad():
        made_up.conv1.weight.fill_(0.01)
    monkeypatch.setattr(models, "pretrained", lambda name: made_up)
    ours, _, _ = transfer.start("plates", 3, 0)
    none, _, _ = transfer.start("", 3, 0)
    assert (ours.conv1.weight == 0.01).all() and not (none.conv1.weight == 0.01).any()
    trial = transfer.Trial(transfer.split_by_class(folder, 32, "food"), SMALL)
    for arm in transfer.ARMS:
        made = trial.run({"arm": arm, "per_class": 3, "seed": 1})
        assert 0 <= made["test_accuracy"] <= 1 and made["train_pictures"] == 9
    assert made["steps"] == 12


def test_imagenets_weights_take_part_where_they_are(folder, tmp_path, monkeypatch):
    """A made-up file of the published layout, found in the cache by its name; a checksum of its own."""
    import hashlib

    import torch

    torch.manual_seed(3)
    state = models.ResNet18(1000).state_dict()
    known = tmp_path / "data" / "sources.toml"
    known.parent.mkdir()
    cache = tmp_path / "cache"
    monkeypatch.setenv("INTRODL_CACHE", str(cache))
    from introdl.data import download, sources

    place = download.folder(sources.find("imagenet_resnet18"))
    assert not transfer.imagenet_is_here()
    place.mkdir(parents=True)
    path = place / "resnet18-f37072fd.pth"
    torch.save(state, path)
    assert transfer.imagenet_is_here()
    assert hashlib.sha256(path.read_bytes()).hexdigest() != sources.find("imagenet_resnet18").files[0].sha256
    monkeypatch.setattr(download, "fetch", lambda file, folder, patience=None: folder / file.name)
    model, mean, _ = transfer.start("imagenet", 3, 0)
    assert torch.equal(model.layer4[1].conv2.weight, state["layer4.1.conv2.weight"]) and mean[0] == 0.485
    keys = list(transfer.wanted_photographs("food", (0,), True))
    assert {key["backbone"] for key in keys} == {"plates", "imagenet", ""}
    trial = transfer.Trial(transfer.split_by_class(folder, 32, "food"), SMALL)
    for arm in ("frozen", "fine-tuned"):
        made = trial.run({"arm": arm, "backbone": "imagenet", "per_class": "all", "seed": 0})
        assert made["train_pictures"] == 21


def test_recorded_runs_are_complete_and_were_made_with_the_settings_that_stand_here():
    record = records.load("transfer")
    assert {key: record["about"][key] for key in transfer.SETTINGS} == transfer.SETTINGS
    found = figs.summary(record["runs"])
    for arm in ("frozen", "fine-tuned", "scratch"):
        for size in transfer.PER_CLASS:
            assert (arm, size) in found
    photographs = records.load("transfer", records.path_of("transfer_photographs"))
    assert {key: photographs["about"][key] for key in transfer.SETTINGS} == transfer.SETTINGS


def test_a_command_that_cannot_work_says_so(tmp_path, capsys):
    assert transfer.main(["--photographs", str(tmp_path / "none")]) == 1
    assert "is no folder" in capsys.readouterr().err
