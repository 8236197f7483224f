"""Your own photographs: a folder that holds a folder of pictures for each class."""

import numpy as np
import pytest
from PIL import Image

from introdl import data


def picture(rng, side=(40, 60)):
    """A picture like no other: a few large patches."""
    return Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize(side, Image.Resampling.NEAREST)


@pytest.fixture
def food(tmp_path):
    """Three classes of ten pictures."""
    rng = np.random.default_rng(0)
    for dish in ("curry", "pizza", "soup"):
        (tmp_path / "food" / dish).mkdir(parents=True)
        for number in range(10):
            picture(rng).save(tmp_path / "food" / dish / f"IMG_{number:04}.jpg")
    return tmp_path / "food"


def test_each_folder_is_a_class_and_each_class_is_in_each_part(food):
    photos = data.folder(food, size=32)
    assert photos.classes == ("curry", "pizza", "soup") and photos.images.shape == (30, 32, 32, 3)
    for part, count in (("train", 6), ("val", 2), ("test", 2)):
        assert list(photos.split(part).counts().values()) == [count] * 3
    for name, label in zip(photos.files, photos.labels, strict=True):
        assert name.split("/")[0] == photos.classes[label]
    again = data.folder(str(food), size=32)
    assert np.array_equal(again.splits, photos.splits) and np.array_equal(again.images, photos.images)
    assert not np.array_equal(data.folder(food, size=32, seed=1).splits, photos.splits)


def test_shares_may_be_nothing(food):
    photos = data.folder(food, size=16, val=0.3, test=0)
    assert photos.parts == ("train", "val") and sum(photos.splits == "val") == 9


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "Test"), ("train", "test")])
def test_parts_that_the_folder_has_stay(tmp_path, names):
    rng = np.random.default_rng(1)
    for name in names:
        for dish in ("curry", "pizza"):
            (tmp_path / name / dish).mkdir(parents=True)
            for number in range(5):
                picture(rng).save(tmp_path / name / dish / f"{number}.png")
    photos = data.folder(tmp_path, size=16)
    assert set(photos.parts) == {"train", "val", "test"}
    for file, part in zip(photos.files, photos.splits, strict=True):
        own = file.split("/")[0].lower()[:3]
        assert part[:3] == own or (part == "val" and "val" not in [name[:3] for name in names] and own == "tra")


def test_all_in_one_folder_named_train_is_dealt_out(food, tmp_path):
    food.rename(tmp_path / "train")
    assert data.folder(tmp_path, size=16).parts == ("train", "val", "test")


def test_it_is_turned_as_the_camera_says_and_reads_what_cameras_write(food):
    tall = Image.new("RGB", (30, 60), "white")
    tall.paste("red", (0, 0, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: the left of the file is the top
    tall.rotate(90, expand=True).save(food / "soup" / "turned.JPG", exif=exif)
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(food / "soup" / "clear.png")
    picture(np.random.default_rng(9)).convert("CMYK").save(food / "soup" / "print.tif")
    picture(np.random.default_rng(8)).convert("P").save(food / "soup" / "web.gif")
    picture(np.random.default_rng(7)).save(food / "soup" / "phone.webp")
    photos = data.folder(food, size=32)
    assert photos.counts()["soup"] == 15
    turned = photos.images[list(photos.files).index("soup/turned.JPG")]
    assert turned[2, 16, 1] < 60 and turned[-2, 16, 1] > 200
    assert (photos.images[list(photos.files).index("soup/clear.png")] == 255).all()


def test_what_cannot_be_read_is_left_out_and_told(food, capsys):
    (food / "pizza" / "broken.jpg").write_bytes((food / "pizza" / "IMG_0000.jpg").read_bytes()[:200])
    (food / "pizza" / "empty.jpg").write_bytes(b"")
    (food / "pizza" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (food / "pizza" / "notes.txt").write_text("mine")
    (food / "pizza" / ".DS_Store").write_bytes(b"x")
    (food / "__MACOSX").mkdir()
    (food / "few").mkdir()
    picture(np.random.default_rng(5)).save(food / "few" / "one.jpg")
    picture(np.random.default_rng(6)).save(food / "loose.jpg")
    photos = data.folder(food, size=16)
    assert photos.classes == ("curry", "pizza", "soup") and len(photos) == 30
    told = capsys.readouterr().err
    for words in (
        "pizza/broken.jpg",
        "pizza/empty.jpg",
        "export them as JPEG: pizza/IMG_1.HEIC",
        "no pictures: pizza/notes.txt",
    ):
        assert words in told, words
    assert "fewer than 3 pictures: few (1)" in told and "not in the folder of a class: loose.jpg" in told
    assert "DS_Store" not in told and "MACOSX" not in told


def test_the_same_file_counts_once_and_in_two_classes_it_is_refused(food, capsys):
    content = (food / "pizza" / "IMG_0003.jpg").read_bytes()
    (food / "pizza" / "copy.jpg").write_bytes(content)
    assert len(data.folder(food, size=16)) == 30 and "the same file as another" in capsys.readouterr().err
    (food / "soup" / "copy.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"two classes: pizza/IMG_0003.jpg and soup/copy.jpg. Which class is right"):
        data.folder(food, size=16)


def test_what_is_nearly_the_same_goes_to_one_part(food):
    for number in range(10):
        burst = Image.open(food / "curry" / f"IMG_{number:04}.jpg")
        burst.resize((56, 84)).save(food / "curry" / f"again_{number}.jpg", quality=60)
    photos = data.folder(food, size=32)
    part = dict(zip(photos.files, photos.splits, strict=True))
    assert all(part[f"curry/IMG_{n:04}.jpg"] == part[f"curry/again_{n}.jpg"] for n in range(10))
    assert {part[name] for name in part if "again" in name} == {"train", "val", "test"}


def test_a_small_class_is_in_each_part(food, capsys):
    for number in range(3, 10):
        (food / "soup" / f"IMG_{number:04}.jpg").unlink()
    photos = data.folder(food, size=16)
    assert {part for part, label in zip(photos.splits, photos.labels, strict=True) if label == 2} == {
        "train",
        "val",
        "test",
    }
    assert "Fewer than 10 pictures: soup" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda f: f / "nothing", FileNotFoundError, "There is no folder"),
        (lambda f: f / "pizza" / "IMG_0000.jpg", ValueError, "is a file. Give a folder that holds a folder"),
        (lambda f: f / "pizza", ValueError, "do not lie in folders of their classes: make one for each"),
        (lambda f: f.parent, ValueError, "holds the one folder 'food'. Give that one"),
    ],
)
def test_what_is_no_such_folder_is_refused_with_what_to_do(food, make, kind, words):
    with pytest.raises(kind, match=words):
        data.folder(make(food))


def test_wrong_numbers_and_archives_are_refused(food, tmp_path):
    (tmp_path / "food.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match="Unpack it first"):
        data.folder(tmp_path / "food.zip")
    for wrong, words in (
        ({"size": 4}, "from 8 to 1024"),
        ({"val": 2}, "val is 2"),
        ({"val": 0.5, "test": 0.6}, "leave something"),
    ):
        with pytest.raises(ValueError, match=words):
            data.folder(food, **wrong)


def test_links_in_circles_end(food):
    (food / "pizza" / "again").symlink_to(food)
    assert len(data.folder(food, size=16)) == 30
