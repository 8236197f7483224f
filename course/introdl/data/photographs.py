"""Read photographs: your own with `photo`, and those of datasets as squares."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

#: The most pixels that a picture may have: above today's phones (108 megapixels), below what fills the memory.
MOST_PIXELS = 120_000_000
#: The most bytes that a picture's file may have.
MOST_BYTES = 200_000_000
_LEAST_SIDE = 8
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def photo(source, size: int | None = None, longest: int = 2048) -> np.ndarray:
    """Read a picture of your own.

    It is turned as its camera says (EXIF), whatever its mode is made red, green and blue, and what is transparent is
    laid over white. Of a moving picture you get the first frame.

    Parameters
    ----------
    source : str, os.PathLike, bytes or a binary file
        The picture's path, its bytes, or an open file (also an upload of `ipywidgets.FileUpload`: its ``content``).
    size : int, optional
        Cut out the largest square in the middle and give it this height and width in pixels.
    longest : int
        Without `size`: the longer side is reduced to at most this many pixels. It is never enlarged.

    Returns
    -------
    numpy.ndarray
        uint8, (height, width, 3), from 0 to 255.

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where it is no picture, a format that cannot be read here (HEIC, AVIF), cut off, under 8 pixels high or wide, or
        over 120 megapixels. The message says what to do.

    Examples
    --------
    >>> picture = photo("lunch.jpg", size=128)  # doctest: +SKIP
    >>> picture.shape  # doctest: +SKIP
    (128, 128, 3)
    """
    for name, value in (("size", size), ("longest", longest)):
        if value is not None:
            look_at_size(value, 1, 8192, name)
    content, name = _content(source)
    picture = read(content, name, size or longest)
    if size:
        return square(picture, int(size))
    if max(picture.size) > longest:
        scale = longest / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(picture)


def read(content: bytes, name: str, enough: int | None = None) -> Image.Image:
    """Decode a picture from its bytes: turned, in red, green and blue, over white.

    Parameters
    ----------
    content : bytes
        The file's bytes.
    name : str
        What to call it in messages.
    enough : int, optional
        A JPEG may be decoded smaller, as long as both sides keep twice this many pixels. That saves time and memory.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.

    Raises
    ------
    ValueError
        As for `photo`.
    """
    _refuse_at_sight(content, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                _refuse_size(opened.size, name)
                if enough:
                    opened.draft("RGB", (2 * enough, 2 * enough))
                opened.load()
                return _rgb(_turned(opened))
    except UnidentifiedImageError as error:
        raise ValueError(f"{name} is no picture that can be read: {_ASK}") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name} has far more pixels than {MOST_PIXELS // 10**6} million. {_SMALLER}") from error
    except (OSError, SyntaxError, EOFError, IndexError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(
            f"{name} is cut off or damaged ({error}). Copy it again from where it came, or open it in a picture program and "
            "save it as JPEG."
        ) from error


def look_at_size(size: int, least: int, most: int, name: str = "size") -> None:
    """Refuse a number of pixels that is no whole number from `least` to `most`.

    Raises
    ------
    ValueError
        With the range that there is.
    """
    if not isinstance(size, (int, np.integer)) or not least <= size <= most:
        raise ValueError(f"{name} is {size!r}; give a whole number of pixels from {least} to {most}.")


def square(picture: Image.Image, size: int) -> np.ndarray:
    """Cut out the largest square in the middle of a picture, and give it a size.

    Parameters
    ----------
    picture : PIL.Image.Image
        Of mode RGB.
    size : int
        Height and width of what comes out, in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, (size, size, 3).
    """
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if (width, height) != (size, size):
        box = (left, top, left + side, top + side)
        picture = picture.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.array(picture)


_ASK = "give a JPEG, PNG, WebP, GIF, BMP or TIFF file. A picture program can save it as JPEG."
_SMALLER = "Make it smaller in a picture program first."


def _content(source) -> tuple[bytes, str]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "The picture"
    if hasattr(source, "read"):
        content = source.read(MOST_BYTES + 1)
        if not isinstance(content, bytes):
            raise ValueError('The file is open as text. Open it with open(path, "rb").')
        return content, str(getattr(source, "name", "The picture"))
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(f"photo takes a path or bytes, not {type(source).__name__}.")
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        raise ValueError(f"{source} is an address. Download the picture, and give photo the path of its file.")
    path = Path(source).expanduser()
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Give the path of one picture in it.")
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}. In this notebook, paths start at {Path.cwd()}.")
    if not path.is_file():
        raise ValueError(f"{path} is no plain file.")
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1), path.name


def _refuse_at_sight(content: bytes, name: str) -> None:
    if not content:
        raise ValueError(f"{name} is empty. Copy it again from where it came.")
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name} has over {MOST_BYTES // 10**6} MB. {_SMALLER}")
    if content[4:8] == b"ftyp":
        brands = {content[start : start + 4] for start in (8, *range(16, 40, 4))}
        if brands & _AVIF_BRANDS:
            raise ValueError(
                f"{name} is an AVIF picture, which photo does not read. Open it and save it as JPEG or PNG."
            )
        if brands & _HEIF_BRANDS:
            raise ValueError(
                f"{name} is a HEIC picture, which photo does not read. On an iPhone choose Settings, Camera, Formats, "
                "Most Compatible, for new pictures; for this one, open it on the phone or a computer and export it as JPEG."
            )
        raise ValueError(f"{name} is a film or another kind of file. Take a single picture of it: {_ASK}")


def _refuse_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise ValueError(
            f"{name} has {width:,} x {height:,} pixels, more than {MOST_PIXELS // 10**6} million. {_SMALLER}"
        )
    if min(width, height) < _LEAST_SIDE:
        raise ValueError(
            f"{name} has only {width} x {height} pixels; there is nothing to see. Give one of at least {_LEAST_SIDE} x "
            f"{_LEAST_SIDE}."
        )


def _turned(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a broken EXIF block can raise almost anything, and the picture itself is fine
        return picture


def _rgb(picture: Image.Image) -> Image.Image:
    """Make any mode RGB: 16 bits and floats scaled to 8, transparency over white."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return _from_deep(picture)
    if mode == "LAB":
        from PIL import ImageCms

        lab, rgb = (ImageCms.createProfile(name) for name in ("LAB", "sRGB"))
        return cast(Image.Image, ImageCms.profileToProfile(picture, lab, rgb, outputMode="RGB"))
    if picture.has_transparency_data:
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, over).convert("RGB")
    return picture.convert("RGB")


def _from_deep(picture: Image.Image) -> Image.Image:
    """Scale gray levels of more than 8 bits: by 1/257 from 16 bits, from the least to the greatest value otherwise."""
    values = np.asarray(picture).astype(np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if picture.mode != "F" and low >= 0 and high <= 65535:
        values = values / 257 if picture.mode.startswith("I;16") or high > 255 else values
    elif high > low:
        values = (values - low) * (255 / (high - low))
    else:
        values = np.zeros_like(values)
    return Image.fromarray(np.round(values).astype(np.uint8)).convert("RGB")
