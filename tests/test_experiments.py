"""Recorded runs: each is made once, and what is done is never lost. Folders of photographs are read in one way."""

import importlib
import json

import pytest
from PIL import Image

from introdl.experiments import command, photographs, pointing, records, transfer, unusual, verification
from introdl.training import TrainingError

WANTED = [{"arm": arm, "seed": seed} for arm in ("plain", "tricks") for seed in (0, 1)]


def test_a_record_is_read_as_it_was_written_and_runs_are_made_once(tmp_path):
    made = []

    def run(key):
        made.append(key)
        return {"accuracy": 0.5 + key["seed"] / 10}

    path = tmp_path / "trial.json"
    record = records.collect("trial", {"epochs": 2}, WANTED, run, path, quiet=True)
    assert made == WANTED
    assert record == records.load("trial", path)
    assert record["runs"][3] == {"arm": "tricks", "seed": 1, "accuracy": 0.6}
    assert record["about"]["epochs"] == 2
    assert record["about"]["machine"]["torch"]
    records.collect("trial", {"epochs": 2}, [*WANTED, {"arm": "more", "seed": 0}], run, path, quiet=True)
    assert made == [*WANTED, {"arm": "more", "seed": 0}]


def test_what_is_done_stays_when_a_run_fails(tmp_path):
    path = tmp_path / "trial.json"

    def run(key):
        if key["arm"] == "tricks":
            raise KeyboardInterrupt
        return {"accuracy": 1.0}

    with pytest.raises(KeyboardInterrupt):
        records.collect("trial", {}, WANTED, run, path, quiet=True)
    assert [each["arm"] for each in records.load("trial", path)["runs"]] == ["plain", "plain"]


def test_runs_of_another_setup_are_not_mixed(tmp_path):
    path = tmp_path / "trial.json"
    records.collect("trial", {"epochs": 2}, WANTED[:1], lambda key: {}, path, quiet=True)
    with pytest.raises(ValueError, match="another set-up .epochs.. Delete it"):
        records.collect("trial", {"epochs": 3}, WANTED[:1], lambda key: {}, path, quiet=True)


def test_a_missing_or_broken_record_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m introdl\.experiments\.trial"):
        records.load("trial", tmp_path / "trial.json")
    (tmp_path / "trial.json").write_text('{"runs": 1')
    with pytest.raises(ValueError, match="Delete it"):
        records.load("trial", tmp_path / "trial.json")


def test_the_spread_is_the_sample_standard_deviation():
    assert records.spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert records.spread([4.0]) == (4.0, 0.0)


@pytest.fixture
def folder(tmp_path):
    """Two classes of photographs, and what is none."""
    for number, name in enumerate(("soup/a.jpg", "soup/b.PNG", "rice/a.jpg", ".hidden/a.jpg", "rice/.a.jpg")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (12, 10), (40 * number, 0, 0)).save(path, path.suffix[1:].upper().replace("JPG", "JPEG"))
    (tmp_path / "soup" / "notes.txt").write_text("none")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_photographs_of_a_folder_are_found_by_class_and_all_together(folder):
    found = photographs.by_class(folder)
    assert {name: [path.name for path in paths] for name, paths in found.items()} == {
        "rice": ["a.jpg"],
        "soup": ["a.jpg", "b.PNG"],
    }
    assert photographs.below(folder) == [path for paths in found.values() for path in paths]
    images, labels = verification.labeled(folder)
    assert images.shape == (3, verification.SIZE, verification.SIZE, 3) and labels.tolist() == [0, 1, 1]
    assert len(unusual.drawn(folder, 2)) == 2 and len(unusual.drawn(folder, 9)) == 3


def test_folders_without_photographs_have_their_sentence(folder):
    for read in (photographs.below, photographs.by_class):
        with pytest.raises(ValueError, match="nowhere is no folder"):
            read(folder / "nowhere")
        with pytest.raises(ValueError, match="There is no .*empty"):
            read(folder / "empty")
    with pytest.raises(ValueError, match="a folder of photographs for each class"):
        photographs.by_class(folder / "soup")


@pytest.mark.parametrize("name", ["ablation", "pointing", "transfer", "unusual", "verification"])
def test_every_experiment_is_a_command_with_the_same_two_options(name, capsys):
    module = importlib.import_module(f"introdl.experiments.{name}")
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    said = capsys.readouterr().out
    assert stop.value.code == 0 and "--out OUT" in said and "--quiet" in said
    assert f"Example: python -m introdl.experiments.{name}" in " ".join(said.split())


def test_a_command_that_cannot_go_on_says_why(capsys):
    def stops(error):
        def job():
            raise error

        return command.status(job), capsys.readouterr().err.strip()

    assert command.status(lambda: None) == 0
    assert stops(ValueError("x is no folder.")) == (1, "x is no folder.")
    assert stops(TrainingError("No GPU.")) == (1, "No GPU.")
    assert stops(OSError("The disk is full.")) == (1, "The disk is full.")
    assert stops(KeyboardInterrupt()) == (1, "Stopped. The same command goes on where it was.")
    with pytest.raises(ZeroDivisionError):  # a fault of the program keeps its traceback
        stops(ZeroDivisionError())


def test_the_recorded_runs_belong_to_the_setups_that_stand_here():
    for name, about in (("pointing", pointing.SETTINGS), ("verification", verification.about())):
        recorded = {key: value for key, value in records.load(name)["about"].items() if key != "machine"}
        assert recorded == json.loads(json.dumps(about)), name
    kept = records.load("transfer")["about"]
    assert {key: kept[key] for key in (*transfer.SETTINGS, "arms")} == {**transfer.SETTINGS, "arms": transfer.ARMS}
