"""The kitchen: every recipe cooks, the same seed gives the same serving, and what is packed can be loaded."""

import csv
import importlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).resolve().parent.parent / "data"
PLATES = DATA / "plates" / "plates.zip"


@pytest.fixture(scope="module")
def kitchen():
    """The kitchen's modules by name; they are scripts beside each other, no package."""
    sys.path.insert(0, str(DATA / "kitchen"))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(DATA / "kitchen"))


def menu():
    sys.path.insert(0, str(DATA / "kitchen"))
    try:
        return importlib.import_module("dishes").MENU
    finally:
        sys.path.remove(str(DATA / "kitchen"))


@pytest.mark.parametrize("dish", menu())
def test_every_recipe_cooks_and_varies_and_repeats_itself(kitchen, dish):
    cook = kitchen("dishes").cook
    servings = [cook(dish, np.random.default_rng(seed)) for seed in (1, 2, 3, 1)]
    for serving in servings:
        assert 5 < serving.grams < 3000
        for body in serving.bodies:
            assert np.isfinite(body.points).all() and np.isfinite(body.color).all()
            assert body.faces.min() >= 0 and body.faces.max() < len(body.points)
        foot, reach, height = serving.extent()
        assert 0 < foot <= reach < 40 and 0 < height < 40
    first, second, _, again = servings
    assert first.grams == again.grams and first.notes == again.notes
    assert all(np.array_equal(a.points, b.points) for a, b in zip(first.bodies, again.bodies, strict=True))
    assert first.grams != second.grams


def test_every_dish_has_its_nutrition_and_every_nutrition_its_dish():
    with (DATA / "nutrition.csv").open(newline="") as file:
        rows = {row["dish"]: row["special"] for row in csv.DictReader(file)}
    assert set(rows) == set(menu())


def test_seeds_do_not_depend_on_what_else_is_rendered(kitchen):
    seed = kitchen("render").picture_seed
    seeds = {seed(2026, dish, index) for dish in menu() for index in range(320)}
    assert len(seeds) == len(menu()) * 320
    assert seed(2026, "pizza", 7) == seed(2026, "pizza", 7) != seed(2027, "pizza", 7)


def fake_pictures(kitchen, folder, count=20):
    render = kitchen("render")
    rng = np.random.default_rng(0)
    for dish in menu():
        for index in range(count):
            image, label = render.places(folder, dish, index)
            render.write(image, render.jpeg(rng.integers(0, 256, (128, 128, 3)).astype(np.uint8)))
            record = {
                "dish": dish, "index": index, "seed": render.picture_seed(1, dish, index), "special": dish in
                kitchen("dishes").SPECIALS, "grams": 100.0, "box": [1, 2, 100, 90], "light": {}, "camera": {},
            }  # fmt: skip
            render.write(label, json.dumps(record).encode())


def test_what_is_packed_can_be_loaded_and_is_the_same_twice(kitchen, tmp_path, monkeypatch):
    pack = kitchen("pack").pack
    fake_pictures(kitchen, tmp_path / "pictures")
    described = pack(tmp_path / "pictures", tmp_path / "data" / "plates", DATA / "nutrition.csv")
    assert described["pictures"] == 400 and described["splits"] == {"train": 280, "val": 60, "test": 60}
    again = pack(tmp_path / "pictures", tmp_path / "again", DATA / "nutrition.csv")
    assert again["sha256"] == described["sha256"]
    with Image.open(tmp_path / "data" / "plates" / "contact_sheet.png") as sheet:
        assert sheet.width > 1000 and sheet.height > 1000

    from introdl import data, paths

    (tmp_path / "data" / "sources.toml").write_text((paths.data() / "sources.toml").read_text())
    monkeypatch.setenv("INTRODL_DATA", str(tmp_path / "data"))
    plates = data.plates()
    assert len(plates) == 400 and list(plates.classes) == menu()
    assert plates.boxes[0].tolist() == [1, 2, 100, 90]
    apple = plates.labels == plates.classes.index("apple")
    assert np.allclose(plates.kcal[apple], 52)


def test_packing_what_is_missing_says_so(kitchen, tmp_path):
    with pytest.raises(ValueError, match="There are no pictures of pizza"):
        kitchen("pack").pack(tmp_path, tmp_path / "out", DATA / "nutrition.csv")
    with pytest.raises(FileNotFoundError, match="There is no nutrition table"):
        kitchen("pack").energy(tmp_path / "nutrition.csv")


def test_baselines_measure_what_they_should(kitchen, tmp_path):
    """On pictures whose color tells the dish, and whose background does not."""
    baselines = kitchen("baselines")
    rng = np.random.default_rng(0)
    rows, memory = [], io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for number in range(120):
            label = number % 3
            picture = rng.integers(0, 256, (128, 128, 3)).astype(np.uint8)
            picture[30:90, 20:100, label] = 250
            name = f"images/{label}/{number}.jpg"
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "JPEG", quality=95)
            file.writestr(name, buffer.getvalue())
            split = "train" if number < 80 else "val" if number < 99 else "test"
            rows.append(f"{name},dish{label},{split},20,30,100,90")
        file.writestr("plates.csv", "file,dish,split,x0,y0,x1,y1\n" + "\n".join(rows) + "\n")
    (tmp_path / "plates.zip").write_bytes(memory.getvalue())
    plates = baselines.read(tmp_path / "plates.zip")
    truth = plates["labels"][plates["split"] == "test"]
    whole = baselines.logistic(baselines.histograms(plates["images"]), plates["labels"], plates["split"])
    assert np.mean(whole == truth) > 0.95
    away = baselines.outside(plates["boxes"], 128, 128)
    assert not away[0, 50, 50] and away[0, 5, 5] and away[0, 120, 120]
    without = baselines.logistic(baselines.histograms(plates["images"], away), plates["labels"], plates["split"])
    assert np.mean(without == truth) < 0.75


def test_a_few_plates_rendered_again_are_the_same():
    """By the kitchen's own environment, which `make kitchen` sets up and CI has."""
    python = DATA.parent / "build" / "kitchen" / "bin" / "python"
    if not python.exists():
        pytest.skip("the kitchen is not set up; first: make kitchen")
    command = [python, DATA / "kitchen" / "again.py", PLATES, "--count", "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if "No LLVM 16 or newer" in done.stderr:
        pytest.skip("there is no LLVM 16 or newer for Mitsuba on this machine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the same") == 4


def test_a_picture_that_comes_out_differently_is_told(kitchen, tmp_path, monkeypatch):
    again, render = kitchen("again"), kitchen("render")
    fake_pictures(kitchen, tmp_path / "pictures", count=10)
    kitchen("pack").pack(tmp_path / "pictures", tmp_path / "out", DATA / "nutrition.csv")
    monkeypatch.setattr(render, "render", lambda dish, index: (np.zeros((128, 128, 3), np.uint8), changed))
    changed = {"box": [1, 2, 90, 90], "grams": 103.0}
    (name, pixels, box, grams), *rest = again.differences(tmp_path / "out" / "plates.zip", 3)
    assert name == "images/pizza/0000.jpg" and len(rest) == 2
    assert pixels > 100 and box == 10 and grams == pytest.approx(3.0)
