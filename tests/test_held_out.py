"""The plates that judge FoodNet: nobody has them, and they do not go where answers run."""

import json

import numpy as np
import pytest
from PIL import Image

from autograder import exercises as exercise_bank
from autograder.authoring import drawing
from autograder.held_out import held_out, pack


def test_they_are_twenty_of_each_base_dish_and_none_is_known():
    images, dishes = held_out(32)
    assert images.shape == (240, 32, 32, 3) and images.dtype == np.uint8
    assert {dishes.count(dish) for dish in set(dishes)} == {20} and len(set(dishes)) == 12


def test_labels_stay_out_of_what_goes_inside():
    exercise = exercise_bank.load("09")["09.food_net"]
    drawn = drawing.draw(exercise, "a classroom")
    given = list(exercise.cases(drawing.generator(exercise.id, drawing.VISIBLE_SEED)))
    assert len(given) == len(drawn.cases)
    names = [name for name, _ in drawn.cases[-1].inputs]
    assert "labels" in names  # of the training plates
    inputs = [value for _, value in drawn.cases[-1].inputs]
    assert len(inputs[names.index("labels")]) == len(inputs[names.index("images")]) > 2000
    assert len(inputs[names.index("new")]) == 240


def test_pictures_that_learners_have_are_refused(tmp_path):
    folder = tmp_path / "images" / "pizza"
    folder.mkdir(parents=True)
    (folder / "0000.json").write_text(json.dumps({"dish": "pizza", "index": 0, "seed": 5}))
    Image.new("RGB", (8, 8)).save(folder / "0000.jpg")
    with pytest.raises(ValueError, match="in data/plates too"):
        pack.pack(tmp_path, tmp_path / "x.zip", {5})
    assert pack.pack(tmp_path, tmp_path / "x.zip", {6}) == 1
    images, dishes = held_out(8, tmp_path / "x.zip")
    assert images.shape == (1, 8, 8, 3) and dishes == ("pizza",)
    with pytest.raises(ValueError, match="no pictures"):
        pack.pack(tmp_path / "nothing", tmp_path / "y.zip", set())
    with pytest.raises(FileNotFoundError, match="cannot be graded"):
        held_out(8, tmp_path / "none.zip")
