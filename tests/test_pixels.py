"""Pixels become files and addresses: kept exactly where they are few, as JPEG where they are many."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from introdl import pixels


def opened(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.split("base64,")[1])))


def picture(*shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (1, 1, 3)])
def test_a_small_picture_keeps_every_pixel(shape):
    image = picture(*shape)
    found = opened(pixels.address(image))
    assert found.format == "PNG"
    np.testing.assert_array_equal(np.asarray(found), image)


def test_a_photograph_becomes_jpeg_which_is_smaller():
    image = np.asarray(Image.fromarray(picture(8, 8, 3)).resize((224, 160)))
    address = pixels.address(image)
    assert address.startswith("data:image/jpeg;base64,")
    assert opened(address).size == (224, 160)
    assert len(address) < len(pixels.address(image, exact=True)) / 2


def test_the_caller_may_choose():
    image = picture(200, 4, 3)
    np.testing.assert_array_equal(np.asarray(opened(pixels.address(image, exact=True))), image)
    assert opened(pixels.address(image[:5], exact=False)).format == "JPEG"


def test_floats_are_cut_off_below_0_and_above_1():
    values = np.array([[-3.0, 0.0, 0.5, 1.0, 7.0]])
    assert pixels.as_bytes(values).tolist() == [[0, 0, 128, 255, 255]]
    assert pixels.as_bytes(picture(3, 3)[::-1, ::2]).flags.c_contiguous


def test_a_file_of_another_kind_has_its_own_media_type():
    address = pixels.data_address(b"dish,kcal\n", "text/csv")
    assert address == "data:text/csv;base64," + base64.b64encode(b"dish,kcal\n").decode()
