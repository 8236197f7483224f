"""The recipes make networks that load, with cards that say what was measured."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from introdl import data, models, paths, recipes
from introdl.data import Dataset
from tests.test_mealomi_app import plates as meals

CLASSES = ("apple", "salad", "soup")


def plates(size=128, dishes="all"):
    """Plates of three colors, in place of the rendered ones."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    images = rng.integers(0, 150, (150, size, size, 3))
    images[np.arange(150), :, :, labels] += 60
    splits = np.repeat(["train", "val", "test"], [90, 30, 30])
    return Dataset("plates", images.astype(np.uint8), labels, CLASSES, splits)


TINY = recipes.Recipe(
    "tiny", "Tells three colors apart.", "PlainCNN", "base", 16,
    settings={"epochs": 5, "batch_size": 30, "lr": 0.02, "precision": "fp32"}, arguments={"widths": [8, 8]},
)  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "plates", plates)
    (tmp_path / "data" / "plates").mkdir(parents=True)
    (tmp_path / "data" / "plates" / "plates.json").write_text('{"version": "7", "sha256": "ab"}')
    monkeypatch.setenv("INTRODL_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(recipes, "RECIPES", {"tiny": TINY})
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_recipe_makes_a_network_whose_card_says_what_was_measured(tmp_path):
    card = recipes.make(TINY, tmp_path, device="cpu", quiet=True)
    model = models.pretrained("tiny", tmp_path)
    assert model.card == card
    test = plates(16).split("test")
    right = models.predict(model, test.images).argmax(axis=1) == test.labels
    assert card.test["accuracy"] == right.mean() > 0.8
    assert card.test["standard_error"] == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / 30))
    assert card.dataset == {
        "name": "plates", "version": "7", "sha256": "ab", "dishes": "base", "pictures": {"train": 90, "val": 30, "test": 30}
    }  # fmt: skip
    assert card.training["settings"]["lr"] == 0.02 and len(card.training["rows"]) == 5


def test_a_recipe_of_the_app_knows_its_plates_and_says_how_well_it_weighs(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "plates", lambda size, dishes: meals(120, size=size))
    shutil.copy(Path(__file__).parent.parent / "data" / "nutrition.csv", paths.data())
    recipe = dataclasses.replace(TINY, architecture="MealNet", arguments={"size": 16, "widths": [8, 8], "hidden": 8})
    card = recipes.make(recipe, tmp_path, device="cpu", quiet=True)
    model = models.pretrained("tiny", tmp_path)
    assert {"accuracy", "grams_error", "kcal_error", "iou"} <= set(card.test)
    assert model.centers.abs().sum() > 0 and (model.limits != 1).all()


def test_what_is_measured_is_counted_right():
    """A network that names everything soup, but for what is red."""

    class Red(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x):
            red = x.mean(dim=(2, 3)).argmax(dim=1) == 0
            return torch.stack([red * 2.0, torch.zeros(len(x)), torch.ones(len(x))], dim=1)

    model = Red()
    model.card = models.Card(
        "red", "", CLASSES, 16, (0.4, 0.4, 0.4), (1, 1, 1), "", {}, {}, {}, {}, ""
    )  # fmt: skip
    test = plates(16).split("test")
    counts = np.bincount(test.labels, minlength=3)
    found = recipes.measure(model, test)
    assert found["confusion"] == [[counts[0], 0, 0], [0, 0, counts[1]], [0, 0, counts[2]]]
    assert found["worst_pairs"] == [["salad", "soup", counts[1]]]
    assert found["by_class"] == {"apple": 1.0, "salad": 0.0, "soup": 1.0}
    assert found["accuracy"] == pytest.approx((counts[0] + counts[2]) / 30) and found["top_5"] == 1


def test_the_command_writes_weights_card_and_the_readmes_table(tmp_path, capsys):
    (tmp_path / "README.md").write_text(f"before\n{recipes._BEGIN}\nold\n{recipes._END}\nafter\n")
    options = ["--out", str(tmp_path), "--unfinished", str(tmp_path / "unfinished"), "--device", "cpu"]
    assert recipes.main(["tiny", *options]) == 0
    card = models.pretrained("tiny", tmp_path).card
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert f"{card.test['accuracy']:.1%} ± {card.test['standard_error']:.1%} of 30" in text
    assert not list((tmp_path / "unfinished").iterdir())
    with pytest.raises(SystemExit):
        recipes.main(["soup", *options])
    assert "there is no recipe 'soup'; there are: tiny" in capsys.readouterr().err


def test_an_interrupted_recipe_writes_nothing_and_goes_on(tmp_path, monkeypatch):
    from introdl.training import loop

    save = loop.save_checkpoint

    def stop_after_two(path, run):
        save(path, run)
        if len(run.history.rows) == 2:
            raise KeyboardInterrupt

    # How many threads are quickest is another number on another moment, and sums differ in their last bits with it.
    monkeypatch.setattr("introdl.training.quickest_threads", lambda: 1)
    options = ["tiny", "--out", str(tmp_path / "out"), "--unfinished", str(tmp_path), "--device", "cpu"]
    monkeypatch.setattr(loop, "save_checkpoint", stop_after_two)
    assert recipes.main(options) == 1 and not (tmp_path / "out").exists()
    monkeypatch.setattr(loop, "save_checkpoint", save)
    assert recipes.main(options) == 0
    straight = recipes.make(TINY, tmp_path / "straight", device="cpu", quiet=True)
    assert models.pretrained("tiny", tmp_path / "out").card.sha256 == straight.sha256


def test_the_readme_of_the_weights_says_what_the_cards_say(monkeypatch):
    monkeypatch.delenv("INTRODL_DATA")
    folder = models.weights_folder()
    text = (folder / "README.md").read_text()
    between = re.search(f"{re.escape(recipes._BEGIN)}\n(.*)\n{re.escape(recipes._END)}", text, re.DOTALL)[1]
    assert between == recipes.table([models.pretrained(name).card for name in models.available()])


def test_the_committed_weights_are_what_the_recipes_say(monkeypatch):
    monkeypatch.undo()
    for name in models.available():
        card, recipe = models.pretrained(name).card, recipes.RECIPES[name]
        settings = json.loads(json.dumps(recipes.settings_of(recipe).as_dict()))
        assert card.training["settings"] == settings and card.training["seed"] == recipe.seed
        assert card.architecture == recipe.architecture and card.size == recipe.size
        assert (paths.data() / "weights" / f"{name}.safetensors").stat().st_size < 25e6
