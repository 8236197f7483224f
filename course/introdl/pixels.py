"""Pixels as files and as addresses: the one place where an array becomes a PNG or JPEG that a page can hold.

The ground floor: it imports nothing of the project, and NumPy and Pillow only when a function is called.
"""

from __future__ import annotations

import base64
import io

#: Pictures whose longer side has fewer pixels are kept exactly, as PNG; larger ones become JPEG.
SMALL = 112


def as_bytes(values):
    """Turn a picture's values into bytes.

    Parameters
    ----------
    values : array-like
        (H, W) or (H, W, 3): uint8, which stays as it is, or floats in [0, 1]; what lies outside is cut off.

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape, contiguous.
    """
    import numpy as np

    values = np.asarray(values)
    if values.dtype != np.uint8:
        values = (np.clip(values, 0, 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(values)


def png(values) -> bytes:
    """Encode a picture as PNG, every pixel kept; `values` as in `as_bytes`. Quick rather than small."""
    return _encoded(values, "PNG", compress_level=1)


def jpeg(values, quality: int = 88) -> bytes:
    """Encode a picture as JPEG; `values` as in `as_bytes`, `quality` from 1 to 95."""
    return _encoded(values, "JPEG", quality=quality)


def _encoded(values, kind: str, **options) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(as_bytes(values)).save(buffer, kind, **options)
    return buffer.getvalue()


def data_address(content: bytes, media_type: str = "image/png") -> str:
    """Write bytes into an address, for a ``src`` or ``href`` that needs no file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def address(values, exact: bool | None = None) -> str:
    """Return a picture as the ``src`` of an ``<img>``.

    Parameters
    ----------
    values : array-like
        As in `as_bytes`.
    exact : bool, optional
        True for PNG, False for JPEG, which is far smaller for photographs. By default pictures below `SMALL` pixels are
        exact.

    Returns
    -------
    str
        ``"data:image/..."``.
    """
    pixels = as_bytes(values)
    if exact is None:
        exact = max(pixels.shape[:2]) < SMALL
    return data_address(png(pixels)) if exact else data_address(jpeg(pixels), "image/jpeg")
