"""A network for your own photographs: begun, trained, kept, loaded again, and in the app."""

import sys
import types
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
import torch
from torch import nn

from introdl import data, mealomi, models, training
from introdl.data.dataset import Dataset
from introdl.data.errors import Damaged
from introdl.mealomi.app_view import Board
from introdl.mealomi.diary import Diary
from introdl.models.weights import Card
from introdl.training.errors import TrainingError

CLASSES = ("goulash", "pizza", "tomato_soup")


@pytest.fixture(scope="module")
def photos():
    """Three classes that a glance tells apart: each has a color of its own."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 16)
    images = rng.integers(0, 90, (48, 32, 32, 3))
    images[np.arange(48), :, :, labels] += 120
    splits = np.tile(np.repeat(["train", "val", "test"], [8, 4, 4]), 3)
    files = np.array([f"{CLASSES[label]}/{n}.jpg" for n, label in enumerate(labels)])
    return Dataset("mine", images.astype(np.uint8), labels.astype(np.int64), CLASSES, splits, files=files)


@pytest.fixture(scope="module")
def trained(photos):
    model = models.classifier(photos.classes, size=32)
    history = training.finetune(model, photos, steps=16, batch_size=8, quiet=True, device="cpu")
    return model, history


def test_it_begins_on_the_backbones_weights_and_normalization():
    base = models.pretrained("base-resnet18")
    model = models.classifier(CLASSES, size=64)
    assert torch.equal(model.conv1.weight, base.conv1.weight) and model.fc.out_features == 3
    assert (model.card.mean, model.card.size, model.card.classes) == (base.card.mean, 64, CLASSES)
    assert not model.training and torch.equal(model.fc.weight, models.classifier(CLASSES).fc.weight)
    assert not torch.equal(models.classifier(CLASSES, backbone="").conv1.weight, base.conv1.weight)


def test_it_learns_and_its_card_says_how_well(photos, trained):
    model, history = trained
    assert len(history.rows) == 8 and not model.training
    test = model.card.test
    assert test["part"] == "val" and test["pictures"] == 12 and test["accuracy"] > 0.6
    looked = photos.split("val")
    found = models.predict(model, looked.images)
    assert test["accuracy"] == round(float((found.argmax(axis=1) == looked.labels).mean()), 4)
    assert np.mean(1 - found.max(axis=1) > test["doubt"]) <= 0.05
    assert model.card.dataset == {"name": "mine", "pictures": {"train": 24, "val": 12, "test": 12}}
    assert model.card.training["steps"] == 16 and model.card.training["backbone"] == "base-resnet18"


def test_the_same_seed_gives_the_same_network(photos, trained):
    again = models.classifier(photos.classes, size=32)
    training.finetune(again, photos, steps=16, batch_size=8, quiet=True, device="cpu")
    assert np.allclose(models.predict(again, photos.images), models.predict(trained[0], photos.images), atol=1e-5)


def test_what_does_not_fit_is_refused(photos):
    model = models.classifier(CLASSES, size=32)
    for wrong, words in (
        (photos.only(["pizza", "goulash"]), r"models.classifier\(photos.classes\)"),
        (photos.split("train"), "need a part 'val'"),
    ):
        with pytest.raises(TrainingError, match=words):
            training.finetune(model, wrong, quiet=True)
    with pytest.raises(TrainingError, match="steps is 3"):
        training.finetune(model, photos, steps=3, quiet=True)
    for wrong in ("pizza", ["pizza"], ["pizza", "pizza"]):
        with pytest.raises(ValueError, match="photos.classes"):
            models.classifier(wrong)
    with pytest.raises(ValueError, match="There are 'base-resnet18'"):
        models.classifier(CLASSES, backbone="resnet5")
    with pytest.raises(ValueError, match="from 32"):
        models.classifier(CLASSES, size=8)


# --- to a file and back -------------------------------------------------------------------------------------------


def test_a_file_holds_all_that_is_needed(photos, trained, tmp_path):
    path = models.save(trained[0], tmp_path / "my_food")
    assert path == tmp_path / "my_food.safetensors"
    again = models.load(str(path), map_location="cpu")
    assert again.card == trained[0].card and not again.training
    assert np.array_equal(models.predict(again, photos.images), models.predict(trained[0], photos.images))
    assert models.load(path, map_location=torch.device("meta")).conv1.weight.device.type == "meta"


def test_a_file_that_is_none_is_refused_and_a_failed_save_loses_nothing(trained, tmp_path, monkeypatch):
    path = models.save(trained[0], tmp_path / "mine.safetensors")
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"PK\x03\x04" + bytes(99)):
        path.write_bytes(content)
        with pytest.raises(Damaged, match="Save it again"):
            models.load(path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        models.load(tmp_path / "nothing.safetensors")
    path.write_bytes(whole)
    with pytest.raises(TypeError, match="has no card"):
        models.save(nn.Linear(2, 2), path)
    with pytest.raises(ValueError, match="There is no folder"):
        models.save(trained[0], tmp_path / "nowhere" / "mine")
    assert path.read_bytes() == whole


# --- other packages' networks -------------------------------------------------------------------------------------


def packages(monkeypatch):
    """torchvision and timm as far as they are asked: a small network of theirs, and what its pictures need."""

    class Small(nn.Module):
        def __init__(self, classes=1000):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(8, classes))

        def forward(self, x):
            return self.classifier(self.body(x))

    def weights_of(name):
        transforms = lambda: types.SimpleNamespace(mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25])
        return types.SimpleNamespace(DEFAULT=types.SimpleNamespace(transforms=transforms))

    vision = types.ModuleType("torchvision")
    vision.models = types.SimpleNamespace(
        list_models=lambda module=None: ["small"], get_model_weights=weights_of, get_model=lambda name, weights: Small()
    )
    timm = types.ModuleType("timm")
    timm.is_model = lambda name: name == "small"
    timm.create_model = lambda name, pretrained, num_classes: Small(num_classes)
    timm.data = types.SimpleNamespace(
        resolve_model_data_config=lambda model: {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
    )
    for one in (vision, timm):
        monkeypatch.setitem(sys.modules, one.__name__, one)


@pytest.mark.parametrize(("maker", "mean"), [("torchvision", (0.5, 0.5, 0.5)), ("timm", (0.1, 0.2, 0.3))])
def test_a_backbone_of_another_package_comes_with_its_own_preprocessing(monkeypatch, photos, tmp_path, maker, mean):
    packages(monkeypatch)
    model = models.classifier(photos.classes, backbone=f"{maker}/small", size=32)
    assert model.card.mean == mean and model.classifier[1].out_features == 3
    training.finetune(model, photos, steps=8, batch_size=8, quiet=True, device="cpu")
    again = models.load(models.save(model, tmp_path / maker))
    assert np.array_equal(models.predict(again, photos.images), models.predict(model, photos.images))
    with pytest.raises(ValueError, match=f"{maker} has no"):
        models.classifier(photos.classes, backbone=f"{maker}/resnet5000")


@pytest.mark.parametrize("maker", ["torchvision", "timm"])
def test_a_package_that_is_not_here_is_named_with_how_to_install_it(monkeypatch, maker):
    monkeypatch.setitem(sys.modules, maker, None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {maker}"):
        models.classifier(CLASSES, backbone=f"{maker}/small")


# --- in the app ---------------------------------------------------------------------------------------------------


@pytest.fixture
def board(trained, photos, tmp_path):
    now = lambda: datetime(2026, 5, 4, 12, 30)
    return Board(Diary(tmp_path / "diary.sqlite"), trained[0], photos.split("test"), now=now)


def look_at(board, photos, dish):
    shown = photos.split("test")
    index = int(np.flatnonzero(shown.labels == CLASSES.index(dish))[0])
    board._open(shown.images[index], "mine")


def test_the_app_runs_on_it_with_its_own_dishes(board, photos):
    assert set(CLASSES) <= {dish for _, dish in board.dish.options}
    assert board.meal.box is None and board.meal.grams is None
    assert 'stroke-width="6"' not in board.view.value  # no box is drawn
    values = [str(child.value) for child in board.widget.children if hasattr(child, "value")]
    assert any("your own network; it names 3 classes" in value for value in values)


def test_a_dish_of_the_table_gets_its_usual_serving_and_can_be_written_down(board, photos):
    board._fill("pizza", mealomi.serving("pizza"))
    board._write_down()
    assert "In your diary: pizza" in board.message.value


def test_a_dish_that_the_table_does_not_know_is_told_and_another_can_be_chosen(board):
    board._fill("goulash", 250.0)
    assert "goulash" in board.facts.value and board.add.disabled and board.score.value == ""
    board.dish.value = "pizza"
    assert not board.add.disabled and "Nutri-Score" in board.score.value


def test_it_doubts_by_what_was_measured_on_your_own_pictures(trained, photos):
    looked = photos.split("val")
    doubted = [not mealomi.recognize(picture, trained[0]).known for picture in looked.images]
    assert sum(doubted) <= 0.05 * len(looked) + 1
    strict = replace(trained[0].card, test=trained[0].card.test | {"doubt": 0.0})
    model = models.classifier(CLASSES, size=32)
    model.load_state_dict(trained[0].state_dict())
    model.card = strict
    assert not any(mealomi.recognize(picture, model).known for picture in looked.images)


def test_a_network_that_was_never_measured_or_has_no_card_is_refused(photos):
    with pytest.raises(ValueError, match="training.finetune"):
        mealomi.app(model=models.classifier(CLASSES, size=32))
    with pytest.raises(TypeError, match="has no card"):
        mealomi.app(model=nn.Linear(2, 2))


def test_what_is_liked_leads_to_recommendations_among_your_pictures(board):
    board.liked.value = True
    board._fill("tomato_soup" if "tomato_soup" in mealomi.dishes() else "pizza", 200.0, liked=True)
    board._write_down()
    assert board.advice.value


def test_from_a_folder_to_a_named_picture(photos, tmp_path):
    """The ten lines of chapter 11."""
    from PIL import Image

    for picture, name in zip(photos.images, photos.files, strict=True):
        path = tmp_path / "my_food" / str(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path.with_suffix(".png"))
    mine = data.folder(tmp_path / "my_food", size=32)
    model = models.classifier(mine.classes, size=32)
    training.finetune(model, mine, steps=8, batch_size=8, quiet=True, device="cpu")
    models.save(model, tmp_path / "my_network")
    new = data.photo(tmp_path / "my_food" / mine.files[0])
    meal = mealomi.recognize(new, models.load(tmp_path / "my_network.safetensors"))
    assert meal.dish in CLASSES and isinstance(model.card, Card)
