"""The loaders: every dataset in its published form, built here, small, and served by a server on this machine."""

import csv
import errno
import gzip
import hashlib
import html
import io
import json
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import textwrap
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from introdl import data, paths
from introdl.data import archives, cache, published, sources
from introdl.data.dataset import Dataset
from introdl.data.errors import Damaged, DiskFull
from tests.test_data_download import left
from tests.test_data_download import server as server  # a fixture

ROOT = Path(__file__).resolve().parent.parent
#: A folder with real pieces of the published datasets: grocery/, food101_mini/, mnist/.
REAL = Path(os.environ.get("INTRODL_REAL_DATA", "/nonexistent"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing is written into a person's cache."""
    monkeypatch.setenv("INTRODL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def jpeg(array, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def flat(color, height=40, width=40):
    return np.full((height, width, 3), color, np.uint8)


# --- Plates -------------------------------------------------------------------------------------------------


def plates_archive(folder, count=12, change=None):
    """Make a folder `plates` of the committed form: four dishes, of which two are special; the food is a red box."""
    dishes = {"pizza": 0, "apple": 0, "bagel": 1, "tomato": 1}
    rng = np.random.default_rng(5)
    table = io.StringIO()
    columns = ["file", "dish", "split", "special", "grams", "kcal", "x0", "y0", "x1", "y1", "seed", "light", "camera"]
    writer = csv.DictWriter(table, columns)
    writer.writeheader()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for dish, special in dishes.items():
            for index in range(count):
                x0, y0 = rng.integers(0, 40, 2)
                x1, y1 = x0 + rng.integers(30, 80), y0 + rng.integers(30, 80)
                picture = flat((200, 200, 200), 128, 128)
                picture[y0:y1, x0:x1] = (200, 20, 20)
                name = f"images/{dish}/{index:04d}.jpg"
                archive.writestr(name, jpeg(picture))
                row = [name, dish, ("train", "val", "test")[min(index % 4, 2)], special, 100.5 + index, 250 + index]
                row += [x0, y0, x1, y1, 1000 + index, '{"key": 3}', "near"]
                writer.writerow(dict(zip(columns, row, strict=True)))
        archive.writestr("plates.csv", table.getvalue() if change is None else change(table.getvalue()))
    (folder / "plates").mkdir(parents=True)
    (folder / "plates" / "plates.zip").write_bytes(made.getvalue())
    about = {"version": 1, "sha256": hashlib.sha256(made.getvalue()).hexdigest(), "classes": list(dishes)}
    about["counts"] = dict.fromkeys(dishes, count)
    (folder / "plates" / "plates.json").write_text(json.dumps(about))
    (folder / "sources.toml").write_text((ROOT / "data" / "sources.toml").read_text())
    return folder


@pytest.fixture
def plates_here(tmp_path, monkeypatch):
    folder = plates_archive(tmp_path / "data")
    monkeypatch.setenv("INTRODL_DATA", str(folder))
    return folder


def test_plates_have_all_that_is_known_of_each_picture(plates_here):
    plates = data.plates()
    assert isinstance(plates, Dataset) and len(plates) == 48
    assert plates.images.shape == (48, 128, 128, 3) and plates.images.dtype == np.uint8
    assert plates.labels.dtype == np.int64 and plates.classes == ("pizza", "apple", "bagel", "tomato")
    assert plates.boxes.shape == (48, 4) and plates.boxes.dtype == plates.grams.dtype == plates.kcal.dtype == np.float32
    assert plates.counts() == dict.fromkeys(plates.classes, 12)
    assert plates.license == "CC BY 4.0" and set(plates.details) == {"special", "seed", "light", "camera"}
    for index in range(len(plates)):
        dish, number = re.fullmatch(r"images/(\w+)/(\d{4})\.jpg", plates.files[index]).groups()
        assert plates.classes[plates.labels[index]] == dish
        assert plates.grams[index] == 100.5 + int(number) and plates.kcal[index] == 250 + int(number)
        assert plates.details["seed"][index] == 1000 + int(number)
        assert plates.splits[index] == ("train", "val", "test")[min(int(number) % 4, 2)]


@pytest.mark.parametrize("size", [128, 64, 48])
def test_boxes_fit_the_food_at_every_size(plates_here, size):
    plates = data.plates(size=size)
    assert plates.images.shape[1:] == (size, size, 3)
    for image, (x0, y0, x1, y1) in zip(plates.images, plates.boxes, strict=True):
        rows, columns = np.nonzero((image[..., 0].astype(int) - image[..., 1]) > 90)
        found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert np.abs(found - (x0, y0, x1, y1)).max() <= 1


def test_plates_can_be_the_base_dishes_or_the_specials_or_some(plates_here):
    assert data.plates(dishes="base").classes == ("pizza", "apple")
    special = data.plates(dishes="special")
    assert special.classes == ("bagel", "tomato") and special.details["special"].all()
    some = data.plates(dishes=["tomato", "apple"])
    assert some.classes == ("tomato", "apple") and set(some.labels) == {0, 1}
    for index, name in enumerate(some.files):
        assert some.classes[some.labels[index]] in name
    with pytest.raises(ValueError, match="Did you mean tomato"):
        data.plates(dishes=["tomatoe"])
    with pytest.raises(ValueError, match="'base'"):
        data.plates(dishes="all of them")


def test_the_first_pictures_of_a_part_are_a_fair_sample(plates_here):
    train = data.plates(dishes="base").split("train")
    assert len(set(train.labels[:8])) == 2
    assert np.array_equal(train.files, data.plates(dishes="base").split("train").files)


def test_a_second_load_maps_what_is_there_and_is_quick(plates_here, own_cache):
    first = data.plates()
    (plates_here / "plates" / "plates.zip").unlink()  # proof that it is not read again
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        again = data.plates()
        seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 0.2
    assert np.array_equal(first.images, again.images) and np.array_equal(first.boxes, again.boxes)
    base = again.images
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_scribbling_on_a_picture_does_not_change_the_cache(plates_here):
    plates = data.plates()
    before = plates.images[0].copy()
    plates.images[0] = 0
    assert np.array_equal(data.plates().images[0], before)


def test_torch_takes_the_pictures_without_a_warning(plates_here):
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.from_numpy(data.plates().split("train").images).shape[1:] == (128, 128, 3)


def test_plates_that_were_changed_or_are_missing_are_told(plates_here):
    path = plates_here / "plates" / "plates.zip"
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(Damaged, match="copied in part, or changed"):
        data.plates()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="The plates are missing"):
        data.plates()


def test_a_table_of_another_form_is_told_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "INTRODL_DATA", str(plates_archive(tmp_path / "a", 1, lambda text: text.replace("tomato", "tomatl")))
    )
    with pytest.raises(Damaged, match="line 5: dish 'tomatl'"):
        data.plates()
    monkeypatch.setenv(
        "INTRODL_DATA", str(plates_archive(tmp_path / "b", 1, lambda text: text.replace("kcal", "joule")))
    )
    with pytest.raises(Damaged, match="no column kcal"):
        data.plates()


def test_the_committed_plates_load_where_they_are():
    """Runs as soon as data/plates is committed."""
    if not (ROOT / "data" / "plates" / "plates.zip").exists():
        pytest.skip("data/plates is not rendered yet")
    plates = data.plates(size=32)
    assert len(plates.classes) == 20 and plates.parts == ("train", "val", "test") and plates.kcal.min() > 0
    assert (plates.boxes[:, 2:] > plates.boxes[:, :2]).all() and plates.boxes.min() >= 0 and plates.boxes.max() <= 32


# --- The cache ----------------------------------------------------------------------------------------------


def test_where_the_cache_cannot_be_written_to_pictures_come_all_the_same(plates_here, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INTRODL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="cannot be written to"):
        plates = data.plates()
    assert plates.images.shape == (48, 128, 128, 3) and plates.images.std() > 10


def test_a_damaged_entry_is_built_again(plates_here):
    data.plates()
    (entry,) = cache.entries("plates")
    content = (entry / "images.npy").read_bytes()
    for name, damaged in (("images.npy", content[:-1000]), ("card.json", b"{"), ("facts.npz", b"PK")):
        (entry / name).write_bytes(damaged)
        assert len(data.plates()) == 48
        assert (entry / "images.npy").read_bytes() == content


def test_verify_finds_one_changed_byte(plates_here):
    data.plates()
    (entry,) = cache.entries("plates")
    assert cache.verify(entry) == ""
    with (entry / "images.npy").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff\x00\xff")
    assert "not as it was written" in cache.verify(entry)


def test_no_room_to_unpack_is_told_with_what_is_needed(plates_here, monkeypatch):
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: type("usage", (), {"free": 1_000_000}))
    with pytest.raises(DiskFull, match=r"22 MB are needed and 1\.0 MB are free.*INTRODL_CACHE"):
        data.plates()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve room")
def test_room_that_is_gone_when_it_is_taken_is_told_and_nothing_is_left(plates_here, own_cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DiskFull, match="are needed and .* are free"):
        data.plates()
    assert left(own_cache / "arrays") == []


SLOW = """
    import sys, time
    import numpy as np
    from introdl.data import cache
    def pictures():
        open(sys.argv[1], "a").write("built ")
        yield from ((index, 7) for index in range(4))
        time.sleep(float(sys.argv[2]))
    plan = cache.Plan("slow", (4, 8, 8, 3), {"labels": np.zeros(4, np.int64)}, {"classes": ["a"]}, pictures)
    print(int(cache.load("slow", {}, lambda: plan).images.sum()))
"""


def started(*words):
    command = [sys.executable, "-c", textwrap.dedent(SLOW), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_of_two_processes_one_unpacks_and_the_other_waits(tmp_path):
    both = [started(tmp_path / "told", 0.5) for _ in range(2)]
    for process in both:
        out, problem = process.communicate(timeout=30)
        assert out.strip() == str(7 * 4 * 8 * 8 * 3), problem
    assert (tmp_path / "told").read_text() == "built "


def test_a_process_killed_while_it_unpacks_leaves_nothing_half(tmp_path, own_cache):
    process = started(tmp_path / "told", 60)
    until = time.monotonic() + 20
    while not (tmp_path / "told").exists() and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert cache.entries("slow") == []
    (half,) = (own_cache / "arrays").glob(".building-slow-*")
    kept = half.with_name(half.name.replace("-slow-", "-other-"))
    half.rename(kept).joinpath("images.npy").exists()
    cache.clean("other")
    assert not kept.exists()
    out, problem = started(tmp_path / "told", 0).communicate(timeout=30)
    assert out.strip() == str(7 * 4 * 8 * 8 * 3), problem
    assert [path for path in left(own_cache / "arrays") if path.startswith(".")] == []


# --- The dataset itself -------------------------------------------------------------------------------------


def small(count=10, **more):
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 5, 3), np.uint8)
    splits = np.array(["train"] * (count - 3) + ["test"] * 3)
    return Dataset("small", images, np.arange(count) % 2, ("even", "odd"), splits, **more)


def test_a_subset_takes_masks_lists_and_slices():
    whole = small(grams=np.arange(10, dtype=np.float32))
    for chosen in (whole.labels == 1, [1, 3, 5, 7, 9], slice(1, None, 2), np.array([1, 3, 5, 7, 9])):
        part = whole.subset(chosen)
        assert part.grams.tolist() == part.images[:, 0, 0, 0].tolist() == [1, 3, 5, 7, 9]
    assert whole.subset([9, 0, 9]).grams.tolist() == [9, 0, 9]
    assert len(whole.subset([])) == 0 and len(whole.subset([-1])) == 1
    assert np.shares_memory(whole.subset([2, 3, 4]).images, whole.images)
    with pytest.raises(IndexError, match="has 10 pictures"):
        whole.subset([10])
    with pytest.raises(ValueError, match="mask has the shape"):
        whole.subset([True])
    with pytest.raises(ValueError, match="list of whole numbers"):
        whole.subset(3)


def test_a_part_that_is_not_there_is_told_with_those_that_are():
    assert len(small().split("train")) == 7
    with pytest.raises(ValueError, match=r"no part 'val'; it has 'train', 'test'. hold_out\(\)"):
        small().split("val")


def test_hold_out_takes_the_same_share_of_each_class():
    held = small(43).hold_out(0.25, seed=1)
    assert held.parts == ("train", "val", "test") and len(held.split("test")) == 3
    assert held.split("val").counts() == {"even": 5, "odd": 5}
    assert np.array_equal(held.splits, small(43).hold_out(0.25, seed=1).splits)
    assert not np.array_equal(held.splits, small(43).hold_out(0.25, seed=2).splits)
    with pytest.raises(ValueError, match="already"):
        held.hold_out()


def test_what_does_not_fit_together_is_no_dataset():
    with pytest.raises(ValueError, match="should be uint8"):
        Dataset("x", np.zeros((2, 3, 3)), np.zeros(2, int), ("a",), np.array(["train"] * 2))
    with pytest.raises(ValueError, match="run from 0 to 0"):
        Dataset("x", np.zeros((2, 3, 3, 3), np.uint8), np.array([0, 1]), ("a",), np.array(["train"] * 2))
    with pytest.raises(ValueError, match="boxes has the shape"):
        small(boxes=np.zeros((10, 2), np.float32))


def test_it_tells_of_itself_in_a_line():
    assert repr(small()) == "small: 10 pictures of 4 x 5, 2 classes (even, odd); train 7, test 3"


def test_it_shows_one_picture_of_each_class_with_facts_and_an_alt_text(plates_here):
    shown = data.plates()._repr_html_()
    assert shown.count("<img ") == shown.count(' alt="') == 12
    alts = [html.unescape(alt) for alt in re.findall(r'alt="([^"]+)"', shown)]
    assert [re.match(r"A picture of the class (\w+), \d+ g, \d+ kcal; the food's box runs", alt)[1] for alt in alts[:4]] == [
        "pizza", "apple", "bagel", "tomato"
    ]  # fmt: skip
    assert "<script" not in shown and "48 pictures" in shown and "CC BY 4.0" in shown
    assert "<em>" not in small(grams=np.ones(10, np.float32)).only(["odd"])._repr_html_()
    assert small().subset([])._repr_html_().count("<img") == 0


def test_what_it_shows_of_itself_is_escaped():
    images, labels = np.zeros((1, 4, 4, 3), np.uint8), np.zeros(1, np.int64)
    odd = Dataset('a"<i>', images, labels, ('<b title="t">',), np.array(["train"]), license="<u>mine</u>")
    shown = odd._repr_html_()
    assert not re.search("<(i|b|u)[ >]", shown) and shown.count("<") == shown.count(">")
    said = html.unescape(re.sub("<[^>]*>", " ", shown))
    assert 'a"<i>' in said and '<b title="t">' in said and "<u>mine</u>" in said
    assert re.findall('alt="([^"]*)"', shown) == [
        html.escape('A picture of the class <b title="t">').replace("&quot;", "&#34;")
    ]


def test_the_box_is_drawn_where_it_is():
    import base64

    images = np.full((1, 128, 128, 3), 255, np.uint8)
    one = Dataset("x", images, np.zeros(1, np.int64), ("a",), np.array(["train"]), boxes=np.float32([[20, 30, 70, 90]]))
    encoded = re.search(r"base64,([^\"]+)", one._repr_html_())[1]
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded)))).astype(int)
    blue = drawn[..., 2] - drawn[..., 0] > 60
    rows, columns = np.nonzero(blue)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx((20, 30, 70, 90), abs=2)
    assert not blue[40:80, 30:60].any()
    assert (one.images == 255).all()


# --- Digits and MNIST ---------------------------------------------------------------------------------------


def test_digits_are_scikit_learns_in_three_equal_channels():
    from sklearn.datasets import load_digits

    digits = data.digits()
    assert digits.images.shape == (1797, 8, 8, 3) and digits.classes == tuple("0123456789")
    assert np.array_equal(np.round(digits.images[..., 0] * (16 / 255)), load_digits().images)
    assert np.array_equal(digits.images[..., 0], digits.images[..., 2])
    assert np.array_equal(digits.labels, load_digits().target)
    shares = [len(digits.split(part)) / 1797 for part in ("train", "val", "test")]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.01)


def idx(array):
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def sources_with(tmp_path, monkeypatch, name, files):
    """Let `sources.toml` name these files: (name, address, content, more lines)."""
    lines = [f'[{name}]\ntitle = "t"\nhome = "h"\nlicense = "l"\ncitation = "c"\n']
    for file, address, content, more in files:
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f'[[{name}.files]]\nname = "{file}"\naddresses = ["{address}"]\n{more.format(digest=digest)}\n')
    folder = tmp_path / "published"
    folder.mkdir(exist_ok=True)
    (folder / "sources.toml").write_text("\n".join(lines))
    monkeypatch.setenv("INTRODL_DATA", str(folder))
    sources._read.cache_clear()


CHECKED = 'sha256 = "{digest}"'


def test_mnist_is_downloaded_read_and_kept(server, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (60, 28, 28)), "train-labels-idx1-ubyte.gz": np.arange(60) % 10,
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (10, 28, 28)), "t10k-labels-idx1-ubyte.gz": np.arange(10),
    }  # fmt: skip
    files = [(name, server.put(f"/{name}", idx(array)), idx(array), CHECKED) for name, array in arrays.items()]
    sources_with(tmp_path, monkeypatch, "mnist", files)
    mnist = data.mnist()
    assert mnist.images.shape == (70, 28, 28, 3) and mnist.parts == ("train", "test")
    assert np.array_equal(mnist.split("train").images[..., 1], arrays["train-images-idx3-ubyte.gz"])
    assert np.array_equal(mnist.split("test").labels, np.arange(10))
    server.close()
    assert np.array_equal(data.mnist().images, mnist.images)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (idx(np.zeros((3, 4, 4)))[:-12], "cannot be unpacked"),
        (gzip.compress(b"\x00\x00\x08\x03" + struct.pack(">3I", 3, 4, 4) + bytes(47)), "does not hold the 48 bytes"),
        (gzip.compress(b"\x00\x00\x08\x03" + struct.pack(">3I", 3, 4, 4) + bytes(49)), "does not hold the 48 bytes"),
        (gzip.compress(b"\x00\x00\x08\x03" + struct.pack(">3I", 2**31, 2**31, 4)), "more than the course takes"),
        (idx(np.zeros(3)), "no IDX file of bytes with 3 dimensions"),
        (b"<html>", "cannot be unpacked"),
    ],
    ids=["cut short", "a byte too few", "a byte too many", "beyond bounds", "one dimension", "no gzip"],
)
def test_a_damaged_idx_file_is_a_sentence(tmp_path, content, sentence):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(Damaged, match=sentence):
        published.read_idx(tmp_path / "a.gz", 3)


# --- Grocery ------------------------------------------------------------------------------------------------

GROCERY_CLASSES = """Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),Iconic,Description
Granny-Smith,0,Apple,0,/i.jpg,/d.txt
Pink-Lady,1,Apple,0,/i.jpg,/d.txt
Banana,2,Banana,1,/i.jpg,/d.txt
"""


def grocery_archive(pictures, classes=GROCERY_CLASSES, change=lambda part, text: text):
    """Pack pictures (part, path, sort, kind, bytes) as GitHub packs the published repository."""
    top = f"GroceryStoreDataset-{'a' * 40}"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.comment = b"a" * 40
        archive.writestr(f"{top}/", "")
        archive.writestr(f"{top}/README.md", "# Grocery Store Dataset")
        archive.writestr(f"{top}/dataset/classes.csv", classes)
        for part in ("train", "val", "test"):
            own = [entry for entry in pictures if entry[0] == part]
            lines = "".join(f"{path}, {sort}, {kind}\n" for _, path, sort, kind, _ in own)
            archive.writestr(f"{top}/dataset/{part}.txt", change(part, lines))
            for _, path, _, _, content in own:
                archive.writestr(f"{top}/dataset/{path}", content)
    return made.getvalue()


def grocery_pictures():
    colors, kinds, names = (
        ((90, 200, 60), (230, 90, 140), (240, 220, 40)),
        (0, 0, 1),
        ("Apple/Granny-Smith", "Apple/Pink-Lady", "Banana"),
    )
    for part, count in (("train", 4), ("val", 1), ("test", 2)):
        for sort, name in enumerate(names):
            for number in range(count):
                path = f"{part}/Fruit/{name}/{name.split('/')[-1]}_{number:03d}.jpg"
                # Tall ones, as the published ones of cartons are: the middle counts.
                content = jpeg(np.concatenate([flat(0, 20, 60), flat(colors[sort], 60, 60), flat(0, 20, 60)]))
                yield part, path, sort, kinds[sort], content


def test_grocery_is_read_out_of_githubs_archive(server, tmp_path, monkeypatch):
    content = grocery_archive(list(grocery_pictures()))
    address = server.put("/grocery.zip", content)
    sources_with(
        tmp_path, monkeypatch, "grocery", [("g.zip", address, content, f'kind = "zip"\ncommit = "{"a" * 40}"')]
    )
    coarse = data.grocery(size=32)
    assert coarse.images.shape == (21, 32, 32, 3) and coarse.classes == ("Apple", "Banana")
    assert [len(coarse.split(part)) for part in ("train", "val", "test")] == [12, 3, 6]
    fine = data.grocery(size=32, level="fine")
    assert fine.classes == ("Granny-Smith", "Pink-Lady", "Banana") and np.array_equal(
        fine.details["coarse"], coarse.labels
    )
    for picture, label, name, part in zip(fine.images, fine.labels, fine.files, fine.splits, strict=True):
        assert fine.classes[label] in name and name.startswith(part)
        assert np.abs(picture.astype(int) - ((90, 200, 60), (230, 90, 140), (240, 220, 40))[label]).max() < 25
    assert data.grocery(size=32, classes=["Banana"]).counts() == {"Banana": 7}
    assert len(server.asked) == 1
    with pytest.raises(ValueError, match="from 8 to 348"):
        data.grocery(size=1000)
    with pytest.raises(ValueError, match="'coarse' or 'fine'"):
        data.grocery(level="medium")


@pytest.mark.parametrize(
    ("classes", "change", "sentence"),
    [
        (GROCERY_CLASSES, lambda part, text: text + "train/x.jpg, 9, 0\n", r"train\.txt in .*, line 13, is not 'path, sort, kind'"),
        (GROCERY_CLASSES, lambda part, text: text + "train/x.jpg, 0, 0\n", "has no 'GroceryStoreDataset-.*x.jpg'"),
        (GROCERY_CLASSES.replace("Pink-Lady,1", "Pink-Lady,7"), lambda part, text: text, "without gaps"),
        ("a\nb\n", lambda part, text: text, "not of the form"),
    ],
)  # fmt: skip
def test_a_grocery_archive_of_another_form_is_a_sentence(server, tmp_path, monkeypatch, classes, change, sentence):
    content = grocery_archive(list(grocery_pictures()), classes, change)
    sources_with(tmp_path, monkeypatch, "grocery", [("g.zip", server.put("/g", content), content, CHECKED)])
    with pytest.raises(Damaged, match=sentence):
        data.grocery(size=16)
    assert cache.entries("grocery") == []


# --- Food-101 -----------------------------------------------------------------------------------------------


def food101_archive(pictures, lists=True, missing=()):
    """Pack pictures (part, dish, number, bytes) as ETH packs the published set: the lists come after the pictures."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:

        def put(name, content):
            member = tarfile.TarInfo(f"food-101/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        folder = tarfile.TarInfo("food-101/images")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for _, dish, number, content in [entry for entry in pictures if entry not in missing]:
            put(f"images/{dish}/{number}.jpg", content)
        put("license_agreement.txt", b"LICENSE AGREEMENT")
        put("meta/classes.txt", "\n".join(published.FOOD101_CLASSES).encode())
        for part in ("train", "test") if lists else ():
            put(f"meta/{part}.txt", "\n".join(f"{dish}/{n}" for p, dish, n, _ in pictures if p == part).encode())
    return made.getvalue()


FOOD = [
    (part, dish, 1000 * position + number, jpeg(flat(color, 48, 64)))
    for part, count in (("train", 3), ("test", 1))
    for position, (dish, color) in enumerate({"pizza": (200, 80, 40), "sushi": (240, 240, 230), "waffles": (190, 140, 60)}.items())
    for number in range(count)
]  # fmt: skip
FOOD = [(part, dish, number + (500 if part == "test" else 0), content) for part, dish, number, content in FOOD]


def test_food101_is_read_as_it_is_published_all_of_it_or_some_classes(server, tmp_path, monkeypatch):
    content = food101_archive(FOOD)
    address = server.put("/f", content)
    sources_with(tmp_path, monkeypatch, "food101", [("food-101.tar.gz", address, content, CHECKED)])
    some = data.food101(size=24, classes=["waffles", "pizza"])
    assert some.classes == ("waffles", "pizza") and some.images.shape == (8, 24, 24, 3)
    assert some.counts() == {"waffles": 4, "pizza": 4} and some.parts == ("train", "test")
    for picture, label, name in zip(some.images, some.labels, some.files, strict=True):
        assert f"/{some.classes[label]}/" in name
        assert np.abs(picture.astype(int) - ((190, 140, 60), (200, 80, 40))[label]).max() < 20
    whole = data.food101(size=24)
    assert len(whole.classes) == 101 and len(whole) == 12 and len(whole.split("test")) == 3
    assert {whole.classes[label] for label in whole.labels} == {"pizza", "sushi", "waffles"}
    assert len(server.asked) == 1
    with pytest.raises(ValueError, match="Did you mean donuts"):
        data.food101(classes=["donut"])
    assert len(server.asked) == 1


def test_a_food101_archive_without_its_lists_or_pictures_is_a_sentence(server, tmp_path, monkeypatch):
    content = food101_archive(FOOD, lists=False)
    sources_with(tmp_path, monkeypatch, "food101", [("f.tgz", server.put("/f", content), content, CHECKED)])
    with pytest.raises(Damaged, match="has no meta/train.txt"):
        data.food101(size=24, classes=["pizza"])
    content = food101_archive(FOOD, missing=FOOD[-1:])
    sources_with(tmp_path, monkeypatch, "food101", [("f1.tgz", server.put("/f1", content), content, CHECKED)])
    with pytest.raises(Damaged, match="lists 4 pictures of these classes and holds 3"):
        data.food101(size=24, classes=["waffles"])
    broken = [*FOOD[:-1], (*FOOD[-1][:3], FOOD[-1][3][:200])]
    content = food101_archive(broken)
    sources_with(tmp_path, monkeypatch, "food101", [("f2.tgz", server.put("/f2", content), content, CHECKED)])
    assert len(data.food101(size=24, classes=["pizza"])) == 4
    with pytest.raises(Damaged, match=r"waffles/2500\.jpg is cut off or damaged"):
        data.food101(size=24, classes=["waffles"])


def test_the_101_classes_are_in_order_and_none_is_twice():
    assert len(set(published.FOOD101_CLASSES)) == 101 and list(published.FOOD101_CLASSES) == sorted(
        published.FOOD101_CLASSES
    )


# --- Archives that mean harm --------------------------------------------------------------------------------

OUTSIDE = ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "..\\evil", "a/..", "bell\x07"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_outside_makes_the_archive_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good", b"1")
        archive.writestr(name, b"2")
    with pytest.raises(Damaged, match="leads outside of it"):
        archives.Zip(tmp_path / "a.zip")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(Damaged, match="leads outside of it"):
        list(archives.tar_members(tmp_path / "a.tar", lambda name: True))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
    ids=["symbolic link", "hard link", "character device", "block device", "pipe"],
)  # fmt: skip
def test_links_and_devices_make_the_archive_refused(tmp_path, kind):
    member = tarfile.TarInfo("images/a.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(member)
    with pytest.raises(Damaged, match="is a link or a device"):
        list(archives.tar_members(tmp_path / "a.tar", lambda name: True))
    entry = zipfile.ZipInfo("images/a.jpg")
    entry.external_attr = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}.get(kind, stat.S_IFLNK) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(Damaged, match="is a link or a device"):
        archives.Zip(tmp_path / "a.zip")


def test_a_member_that_is_too_large_or_twice_there_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(3_000_000))
    assert (tmp_path / "a.zip").stat().st_size < 10_000
    with archives.Zip(tmp_path / "a.zip", largest=1_000_000) as opened, pytest.raises(Damaged, match=r"has 3\.0 MB"):
        opened.read("bomb")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("bomb")
        member.size = 3_000_000
        archive.addfile(member, io.BytesIO(bytes(3_000_000)))
    with pytest.raises(Damaged, match=r"has 3\.0 MB"):
        list(archives.tar_members(tmp_path / "a.tgz", lambda name: True, largest=1_000_000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
            archive.writestr("a", b"1")
            archive.writestr("a", b"2")
    with pytest.raises(Damaged, match="twice"):
        archives.Zip(tmp_path / "b.zip")


def test_a_zip_member_that_lies_about_its_size_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(100_000))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 1000)
    (tmp_path / "a.zip").write_bytes(content)
    with archives.Zip(tmp_path / "a.zip") as opened, pytest.raises(Damaged, match="damaged|larger or smaller"):
        opened.read("a")


def test_archives_that_are_cut_off_are_a_sentence(tmp_path):
    whole = food101_archive(FOOD)
    for share in (0.3, 0.9):
        (tmp_path / "a.tgz").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(Damaged, match="cannot be read as a tar archive|ends in the middle"):
            list(archives.tar_members(tmp_path / "a.tgz", lambda name: True))
    (tmp_path / "a.zip").write_bytes(grocery_archive([])[:-70])
    with pytest.raises(Damaged, match="cannot be read as a zip archive"):
        archives.Zip(tmp_path / "a.zip")


def test_reading_an_archive_writes_nothing(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tgz").write_bytes(food101_archive(FOOD))
    monkeypatch.chdir(tmp_path / "in")
    assert len(list(archives.tar_members(tmp_path / "in" / "a.tgz", lambda name: name.endswith(".jpg")))) == 12
    assert left(tmp_path / "in") == ["a.tgz"]


# --- The list of sources ------------------------------------------------------------------------------------


def test_every_source_says_whose_it_is_and_each_download_is_checked_or_said_not_to_be():
    known = sources.every()
    assert list(known) == ["plates", "digits", "grocery", "food101", "mnist", "imagenet_resnet18"]
    text = (ROOT / "data" / "sources.toml").read_text()
    for source in known.values():
        assert source.license and source.citation
        for file in source.files:
            assert file.sha256 or file.kind == "zip" and file.commit and file.commit in file.addresses[0]
            assert all(a.startswith("https://") for a in file.addresses) or file.sha256
    assert text.count("sha256 = ") == text.count("checksum_from = ")
    assert known["food101"].size == 4_996_278_331 and known["grocery"].size is None and known["digits"].embedded


def test_a_source_that_does_not_fit_is_told_with_its_place(tmp_path, monkeypatch):
    entry = ("a.zip", "https://example.org/a", b"", "")
    for name, address, _, more, sentence in (
        (*entry[:3], 'sha256 = "abc"', "64 small hexadecimal digits"),
        (*entry[:3], 'kind = "rar"', "'kind' is 'rar'"),
        (*entry[:3], "color = 1", "color is not a known key"),
        ("../a", *entry[1:], "not a plain file name"),
        ("a", "file:///etc/passwd", *entry[2:], "http or https address"),
    ):
        sources_with(tmp_path, monkeypatch, "x", [(name, address, b"", more)])
        with pytest.raises(ValueError, match=sentence):
            sources.every()
    with pytest.raises(LookupError, match="no dataset 'soup'. There are: plates, digits"):
        monkeypatch.delenv("INTRODL_DATA")
        sources.find("soup")


def test_course_and_data_alone_are_enough(tmp_path):
    """A student who has course/ and data/, without an install, has every loader and the list of sources."""
    shutil.copytree(
        ROOT / "course" / "introdl", tmp_path / "course" / "introdl", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data" / "sources.toml", tmp_path / "data")
    code = "import introdl; from introdl import data, paths; from introdl.data import sources; print(introdl.__file__, paths.data(), len(data.digits()), *sources.every())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "course", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.split()[1:4] == [str(tmp_path / "data"), "1797", "plates"]
        and str(tmp_path) in done.stdout.split()[0]
    )


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("INTRODL_CACHE", str(tmp_path / "elsewhere"))
    assert paths.cache() == tmp_path / "elsewhere"
    monkeypatch.delenv("INTRODL_CACHE")
    assert paths.cache().name == "introdl" and paths.cache() != paths.home()


def test_importing_the_data_loads_nothing_heavy():
    code = "import sys; from introdl import data; data.plates, data.grocery, data.photo; print([m for m in ('torch', 'matplotlib', 'sklearn', 'requests', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    lazy = "import sys; from introdl import data; print('numpy' in sys.modules, 'PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", lazy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


# --- Real pieces of the published sets, where there are some (INTRODL_REAL_DATA) ----------------------------


@pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="no real MNIST here")
def test_real_mnist_files_are_read():
    images = published.read_idx(REAL / "mnist" / "t10k-images-idx3-ubyte.gz", 3)
    labels = published.read_idx(REAL / "mnist" / "t10k-labels-idx1-ubyte.gz", 1)
    assert images.shape == (10_000, 28, 28) and np.bincount(labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
    # The raw file's widely published MD5.
    raw = gzip.decompress((REAL / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert hashlib.md5(raw).hexdigest() == "2646ac647ad5339dbf082846283269ea"


@pytest.mark.skipif(not (REAL / "grocery").is_dir(), reason="no real grocery photographs here")
def test_real_grocery_photographs_go_all_the_way(server, tmp_path, monkeypatch):
    kinds = [path.name for path in sorted((REAL / "grocery" / "train").iterdir())][:6]
    pictures = []
    for part in ("train", "val"):
        for number, kind in enumerate(kinds):
            for path in sorted((REAL / "grocery" / part / kind).glob("*.jpg"))[:10]:
                pictures.append((part, f"{part}/{kind}/{path.name}", number, number, path.read_bytes()))
    classes = "a,b,c,d\n" + "".join(f"{kind},{number},{kind},{number}\n" for number, kind in enumerate(kinds))
    content = grocery_archive(pictures, classes)
    sources_with(tmp_path, monkeypatch, "grocery", [("g.zip", server.put("/g", content), content, 'kind = "zip"')])
    grocery = data.grocery(size=64)
    assert len(grocery) == len(pictures) and grocery.classes == tuple(kinds)
    for index in range(0, len(grocery), 7):
        (own,) = [entry[4] for entry in pictures if entry[1] == grocery.files[index]]
        assert np.abs(data.photo(own, size=64).astype(int) - grocery.images[index]).max() <= 1


@pytest.mark.skipif(not (REAL / "food101_mini").is_dir(), reason="no real Food-101 photographs here")
def test_real_food101_photographs_go_all_the_way(server, tmp_path, monkeypatch):
    pictures = []
    for folder in sorted((REAL / "food101_mini" / "train").iterdir()):
        for number, path in enumerate(sorted(folder.glob("*.jpg"))[:12]):
            pictures.append(("test" if number >= 9 else "train", folder.name, path.stem, path.read_bytes()))
    content = food101_archive(pictures)
    sources_with(tmp_path, monkeypatch, "food101", [("f.tgz", server.put("/f", content), content, CHECKED)])
    food = data.food101(size=96, classes=["waffles", "paella"])
    assert len(food) == 24 and food.images.std() > 30
