"""The networks, the weights that come with the course, and published weights."""

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from introdl import models, paths
from introdl.data import sources
from introdl.data.errors import Damaged
from tests.test_data_download import QUICK, server  # noqa: F401

CARD = models.Card(
    name="tiny",
    summary="Tells three dishes apart.",
    classes=("soup", "salad", "pizza"),
    size=16,
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.3, 0.4),
    architecture="PlainCNN",
    arguments={"num_classes": 3, "widths": [4, 5]},
    dataset={"name": "none"},
    test={"accuracy": 1.0, "standard_error": 0.0, "pictures": 1},
    training={"seed": 0},
    license="CC BY 4.0",
)


@pytest.fixture
def tiny(tmp_path):
    torch.manual_seed(0)
    model = models.PlainCNN(3, (4, 5))
    with torch.no_grad():  # statistics that are not those of a new network
        model.train()(torch.randn(9, 3, 16, 16))
    models.publish(model, CARD, tmp_path)
    return model


def pictures(n, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


# --- Networks -----------------------------------------------------------------------------------------------


def test_the_plain_network_halves_the_picture_at_each_stage():
    model = models.PlainCNN(20)
    assert model.stages(torch.zeros(2, 3, 64, 64)).shape == (2, 256, 2, 2)
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 20)
    assert 0.3e6 < sum(p.numel() for p in model.parameters()) < 1e6


def torchvisions_names():
    """The names and shapes of torchvision's resnet18, by the rule that they follow, written out without our class."""
    shapes = {"conv1.weight": (64, 3, 7, 7)}

    def norm(name, channels):
        shapes.update({f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{name}.num_batches_tracked"] = ()

    norm("bn1", 64)
    before = 64
    for number, after in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            name = f"layer{number}.{block}"
            shapes[f"{name}.conv1.weight"] = (after, before, 3, 3)
            norm(f"{name}.bn1", after)
            shapes[f"{name}.conv2.weight"] = (after, after, 3, 3)
            norm(f"{name}.bn2", after)
            if before != after:
                shapes[f"{name}.downsample.0.weight"] = (after, before, 1, 1)
                norm(f"{name}.downsample.1", after)
            before = after
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def test_resnet18_has_torchvisions_names_shapes_and_count():
    model = models.ResNet18()
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == torchvisions_names()
    assert sum(p.numel() for p in model.parameters()) == 11_689_512


def test_a_basic_block_adds_what_went_in_and_then_relu():
    block = models.BasicBlock(3, 3).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 3, 5, 6)
    assert torch.equal(block(x), x.relu())
    assert models.BasicBlock(3, 4, stride=2)(x).shape == (2, 4, 3, 3)


def test_resnet18_sees_the_shapes_that_the_paper_gives():
    model = models.ResNet18(7).eval()
    seen = []
    for layer in (model.conv1, model.layer1, model.layer2, model.layer3, model.layer4):
        layer.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 7)
    assert seen == [(64, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)]


# --- Weights that come with the course -----------------------------------------------------------------------


def test_weights_come_back_as_they_were_saved(tiny, tmp_path):
    loaded = models.pretrained("tiny", tmp_path)
    assert not loaded.training and loaded.card == dataclasses.replace(CARD, sha256=loaded.card.sha256)
    for (name, ours), theirs in zip(tiny.state_dict().items(), loaded.state_dict().values(), strict=True):
        assert theirs.dtype == ours.dtype
        torch.testing.assert_close(theirs, ours, rtol=0 if ours.ndim == 1 else 2**-11, atol=1e-6, msg=name)


def test_predict_normalizes_as_the_card_says(tiny, tmp_path):
    model = models.pretrained("tiny", tmp_path)
    images = pictures(5, 16, 16)
    with torch.inference_mode():
        x = (images / 255 - CARD.mean) / CARD.std
        expected = model(torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float32)).softmax(1).numpy()
    found = models.predict(model, images, batch_size=2)
    assert found.dtype == np.float32 and found.shape == (5, 3)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_predict_brings_pictures_to_the_cards_size_as_the_loaders_do(tiny, tmp_path):
    from PIL import Image

    from introdl.data.photographs import square

    model = models.pretrained("tiny", tmp_path)
    wide = pictures(3, 20, 40)
    small = np.stack([square(Image.fromarray(picture), 16) for picture in wide])
    np.testing.assert_array_equal(models.predict(model, wide), models.predict(model, small))
    # The square in the middle: what lies left and right of it does not count.
    cut = wide.copy()
    cut[:, :, :6] = cut[:, :, 34:] = 0  # the filter reaches some pixels over the edge
    np.testing.assert_allclose(models.predict(model, cut), models.predict(model, wide), atol=1e-6)


def test_predict_leaves_the_model_as_it_was(tiny, tmp_path):
    model = models.pretrained("tiny", tmp_path).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = models.predict(model, pictures(4, 16, 16))
    assert model.training and all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    np.testing.assert_array_equal(first, models.predict(model.eval(), pictures(4, 16, 16)))
    assert models.predict(model, pictures(0, 16, 16)).shape == (0, 3)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (pictures(1, 16, 16)[0], r"one picture.*picture\[None\]"),
        (np.zeros((2, 3, 16, 16), np.uint8), "Channels come last"),
        (np.zeros((2, 16, 16, 3)), "float64; they should be uint8"),
        (np.zeros((2, 16, 16), np.uint8), r"shape \(2, 16, 16\)"),
    ],
)
def test_predict_says_what_is_wrong_with_pictures(tiny, tmp_path, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        models.predict(models.pretrained("tiny", tmp_path), images)


def test_predict_needs_a_card():
    with pytest.raises(TypeError, match="no card.*pretrained"):
        models.predict(models.PlainCNN(3), pictures(1, 16, 16))


def test_missing_and_damaged_weights_are_a_sentence(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="no network 'soup'.*there are: tiny"):
        models.pretrained("soup", tmp_path)
    path = tmp_path / "tiny.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(Damaged, match="copied in part, or changed"):
        models.pretrained("tiny", tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="weights of 'tiny' are missing"):
        models.pretrained("tiny", tmp_path)
    path.write_bytes(whole)
    card = tmp_path / "tiny.json"
    text = card.read_text()
    for wrong in (text[:100], "[]", text.replace('"form": 1', '"form": 2'), text.replace('"size"', '"sice"')):
        card.write_text(wrong)
        with pytest.raises(Damaged, match=r"tiny.json cannot be read .*Install the course again"):
            models.pretrained("tiny", tmp_path)
    card.write_text(text.replace('"widths": [', '"widths": [2,'))
    with pytest.raises(Damaged, match="does not fit its card"):
        models.pretrained("tiny", tmp_path)
    card.write_text(text)
    models.pretrained("tiny", tmp_path)


def test_a_failed_save_leaves_what_was_there(tiny, tmp_path, monkeypatch):
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        models.publish(models.PlainCNN(3, (4, 5)), CARD, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", models.available())
def test_the_networks_that_come_with_the_course_load_and_are_as_good_as_their_cards_say(name):
    from introdl import data

    model = models.pretrained(name)
    card = model.card
    test = data.plates(size=card.size, dishes=card.classes).split("test")
    archive = json.loads((paths.data() / "plates" / "plates.json").read_text())["sha256"]
    if archive != card.dataset["sha256"]:
        pytest.skip("the plates here are not those that it was trained on")
    right = models.predict(model, test.images).argmax(axis=1) == test.labels
    assert len(test) == card.test["pictures"]
    assert abs(right.mean() - card.test["accuracy"]) < 2 / len(test)  # another machine may round one or two otherwise


# --- Published weights ---------------------------------------------------------------------------------------


@pytest.fixture
def published(server, tmp_path, monkeypatch):  # noqa: F811
    """A server that has a file of the layout of resnet18-f37072fd.pth; `sources.toml` names it."""
    torch.manual_seed(1)
    model = models.ResNet18()
    path = tmp_path / "made.pth"
    torch.save(model.state_dict(), path)
    content = path.read_bytes()
    address = server.put("/resnet18.pth", content)
    folder = tmp_path / "data"
    folder.mkdir()
    digest = hashlib.sha256(content).hexdigest()
    (folder / "sources.toml").write_text(
        "[imagenet_resnet18]\ntitle = 't'\nhome = 'h'\nlicense = 'l'\ncitation = 'c'\n[[imagenet_resnet18.files]]\n"
        f"name = 'resnet18.pth'\naddresses = ['{address}']\nsize = {len(content)}\nsha256 = '{digest}'\n"
    )
    monkeypatch.setenv("INTRODL_DATA", str(folder))
    monkeypatch.setenv("INTRODL_CACHE", str(tmp_path / "cache"))  # another test may have fetched the same file
    sources._read.cache_clear()
    yield server.asked, model
    sources._read.cache_clear()


def test_published_weights_are_downloaded_once_and_load_by_name(published):
    asked, theirs = published
    ours = models.imagenet(patience=QUICK)
    assert not ours.training
    for name, value in theirs.state_dict().items():
        assert torch.equal(value, ours.state_dict()[name]), name
    other = models.imagenet(num_classes=12)
    assert len(asked) == 1
    assert other.fc.weight.shape == (12, 512) and torch.equal(other.conv1.weight, theirs.conv1.weight)


def test_the_command_gets_weights_ahead_of_a_class(published):
    from typer.testing import CliRunner

    from introdl.data_cli import app

    done = CliRunner().invoke(app, ["get", "imagenet_resnet18"])
    assert done.exit_code == 0 and "as published" in done.output
    done = CliRunner().invoke(app, ["get", "imagenet_resnet18", "--size", "64"])
    assert done.exit_code == 1 and "--size cannot be given" in done.output


def test_the_address_and_the_checksum_are_pytorchs():
    (file,) = sources.find("imagenet_resnet18").files
    assert file.addresses == ("https://download.pytorch.org/models/resnet18-f37072fd.pth",)
    assert file.sha256.startswith("f37072fd") and file.size == 46_830_571


def test_weights_that_would_run_code_are_refused(tmp_path):
    import os
    import pickle

    class Bad:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/ran",)

    for wrong in (pickle.dumps(Bad()), b"<html>", b""):
        (tmp_path / "bad.pth").write_bytes(wrong)
        with pytest.raises(Damaged, match="cannot be read as weights"):
            models.read_state(tmp_path / "bad.pth")
    torch.save({"epoch": 3}, tmp_path / "bad.pth")
    with pytest.raises(Damaged, match="other things than tensors"):
        models.read_state(tmp_path / "bad.pth")
    assert not (tmp_path / "ran").exists()


def test_loading_by_name_keeps_a_head_of_other_size_and_refuses_the_rest():
    state = models.ResNet18(5).state_dict()
    model = models.ResNet18(7)
    assert models.load_pretrained(model, state) == ["fc.weight", "fc.bias"]
    assert torch.equal(model.conv1.weight, state["conv1.weight"])
    assert models.load_pretrained(models.ResNet18(5), state) == []
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert models.load_pretrained(models.ResNet18(5), old) == []
    without = {name: value for name, value in state.items() if name != "layer2.0.bn1.running_var"}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="no 'layer2.0.bn1.running_var'"):
        models.load_pretrained(model, without)
    with pytest.raises(ValueError, match="network has no 'layer5'"):
        models.load_pretrained(model, state | {"layer5": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"'conv1.weight' has the shape \(64, 3, 3, 3\)"):
        models.load_pretrained(model, state | {"conv1.weight": torch.zeros(64, 3, 3, 3)})
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_importing_the_models_loads_torch_only_when_one_is_used():
    code = "import sys; from introdl import models; assert 'torch' not in sys.modules; models.PlainCNN; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_models_do_not_lean_on_training():
    """Training leans on them: the other way round would be a circle."""
    code = "import sys; from introdl.models import inputs, meal, plain, resnet, weights; assert 'introdl.training' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    folder = Path(models.__file__).parent
    assert not [path.name for path in folder.glob("*.py") if "introdl.training" in path.read_text(encoding="utf-8")]
