"""A learner's own pictures: whatever a phone, a scanner or a screenshot makes of them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from introdl.data import photo
from introdl.data.photographs import MOST_PIXELS

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 30), (30, 30, 220)


def corners(width=40, height=24):
    """A picture that is red at its top left, green at its top right, and blue below."""
    array = np.empty((height, width, 3), np.uint8)
    array[: height // 2, : width // 2], array[: height // 2, width // 2 :], array[height // 2 :] = RED, GREEN, BLUE
    return Image.fromarray(array)


def saved(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def close(a, b, by=12):
    return np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= by


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_every_common_format_is_read(kind):
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    array = photo(saved(corners(), kind, **options))
    assert array.dtype == np.uint8 and array.shape == (24, 40, 3) and array.flags.writeable
    assert close(array[4, 6], RED, 30) and close(array[4, 34], GREEN, 30) and close(array[20, 20], BLUE, 30)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_as_its_camera_says(turn):
    upright = corners()
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    lying = upright.transpose(back[turn]) if turn in back else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    array = photo(saved(lying, "JPEG", exif=exif, quality=95))
    assert array.shape == (24, 40, 3)
    assert close(array[4, 6], RED, 40) and close(array[4, 34], GREEN, 40) and close(array[20, 20], BLUE, 40)


def test_broken_camera_notes_do_not_matter():
    assert photo(saved(corners(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")).shape == (24, 40, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F"])
def test_any_mode_becomes_red_green_and_blue(mode):
    array = np.tile(np.linspace(0, 255, 32).astype(np.uint8), (16, 1))
    if mode in ("I", "I;16"):
        picture = Image.fromarray(array.astype(np.uint16) * 257)
        picture = picture.convert("I") if mode == "I" else picture
    elif mode == "F":
        picture = Image.fromarray(array.astype(np.float32) / 255)
    elif mode == "LAB":
        picture = Image.merge("LAB", [Image.fromarray(array)] + [Image.new("L", (32, 16), 128)] * 2)
    else:
        picture = Image.fromarray(np.repeat(array[..., None], 3, axis=2)).convert(mode)
    result = photo(saved(picture, "TIFF" if mode in ("CMYK", "YCbCr", "LAB", "I", "I;16", "F") else "PNG"))
    assert result.dtype == np.uint8 and result.shape == (16, 32, 3)
    assert result[:, 0].max() <= 8 and result[:, -1].min() >= 247
    if mode not in ("1", "P"):
        assert close(result[..., 1], array, 14)


def test_a_cmyk_jpeg_keeps_its_colors():
    result = photo(saved(corners().convert("CMYK"), "JPEG", quality=95))
    assert close(result[4, 6], RED, 40) and close(result[20, 20], BLUE, 40)


def test_what_is_transparent_is_laid_over_white():
    picture = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 128), (0, 0, 16, 8))
    result = photo(saved(picture))
    assert close(result[12, 8], (255, 255, 255), 0) and close(result[4, 8], (255, 127, 127), 1)
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.paste(1, (0, 0, 16, 8))
    result = photo(saved(palette, "PNG", transparency=0))
    assert close(result[12, 8], (255, 255, 255), 0) and close(result[4, 8], (255, 0, 0), 0)


def test_size_cuts_out_the_middle_and_longest_only_reduces(tmp_path):
    path = tmp_path / "lunch.jpg"
    picture = Image.new("RGB", (300, 100), BLUE)
    picture.paste(RED, (100, 0, 200, 100))
    path.write_bytes(saved(picture, "JPEG", quality=95))
    assert photo(path, size=64).shape == (64, 64, 3) and close(photo(path, size=64)[32, 32], RED, 20)
    assert close(photo(path, size=64)[10:54, 10:54], RED, 30)
    assert photo(str(path), longest=150).shape == (50, 150, 3)
    assert photo(path).shape == (100, 300, 3)
    assert photo(path, size=np.int64(128)).shape == (128, 128, 3)
    with path.open("rb") as file:
        assert photo(file).shape == photo(memoryview(path.read_bytes())).shape == (100, 300, 3)


def test_a_large_jpeg_is_reduced_to_a_sane_size():
    assert photo(saved(Image.new("RGB", (5000, 3000), RED), "JPEG")).shape == (1229, 2048, 3)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevx"])
def test_heic_is_refused_with_what_to_do(brand):
    content = b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x00\x00mif1heic" + bytes(100)
    with pytest.raises(ValueError, match=r"is a HEIC picture.*Most Compatible.*export it as JPEG"):
        photo(content)


def test_avif_and_films_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"AVIF picture.*save it as JPEG"):
        photo(b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avifmif1" + bytes(100))
    with pytest.raises(ValueError, match="a film or another kind of file"):
        photo(b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00mp42avc1" + bytes(100))


def bomb(width, height):
    """A PNG of a few kilobytes that says it has width x height pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [11_000, 50_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(side):
    assert side**2 > MOST_PIXELS
    with pytest.raises(ValueError, match=r"million\. Make it smaller"):
        photo(bomb(side, side))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.15, 0.6])
def test_a_picture_that_is_cut_off_is_refused(kind, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = saved(noise, kind)
    with pytest.raises(ValueError, match=r"cut off or damaged|no picture that can be read"):
        photo(content[: int(share * len(content))])


def test_what_is_no_picture_is_refused_with_a_sentence(tmp_path):
    for content in (b"<svg/>" * 9, b"%PDF-1.7" * 9, b"%!PS-Adobe-3.0 EPSF-3.0" * 9, bytes(64)):
        with pytest.raises(ValueError, match="no picture that can be read: give a JPEG"):
            photo(content)
    with pytest.raises(ValueError, match="is empty"):
        photo(b"")
    with pytest.raises(ValueError, match="only 3 x 3 pixels"):
        photo(saved(Image.new("RGB", (3, 3))))
    with pytest.raises(FileNotFoundError, match="There is no file .*lunch"):
        photo(tmp_path / "lunch.jpg")
    with pytest.raises(ValueError, match="is a folder"):
        photo(tmp_path)
    with pytest.raises(ValueError, match="is an address"):
        photo("https://example.org/lunch.jpg")
    with pytest.raises(ValueError, match="not list"):
        photo([1, 2])
    with pytest.raises(ValueError, match="whole number of pixels"):
        photo(saved(corners()), size=0)
    (tmp_path / "text").write_text("x")
    with (tmp_path / "text").open() as file, pytest.raises(ValueError, match="open as text"):
        photo(file)


def test_damaged_bytes_never_raise_anything_but_a_sentence():
    rng = np.random.default_rng(1)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        content = saved(corners(), kind)
        for _ in range(40):
            broken = bytearray(content)
            for at in rng.integers(0, len(broken), 6):
                broken[at] = rng.integers(0, 256)
            try:
                result = photo(bytes(broken))
            except ValueError as error:
                assert str(error).endswith(".")
            else:
                assert result.dtype == np.uint8 and result.ndim == 3 and result.shape[2] == 3
