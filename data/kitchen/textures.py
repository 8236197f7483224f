"""Pictures for the table: wood, cloth, stone and paint, made from filtered noise."""

import functools

import numpy as np


def filtered_noise(rng, shape, length_x, length_y):
    """Gaussian noise smoothed over the given lengths (in pixels), with unit standard deviation; it tiles."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    keep = np.exp(-2 * np.pi**2 * ((fx * length_x) ** 2 + (fy * length_y) ** 2))
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * keep, shape)
    return (noise - noise.mean()) / noise.std()


def wood(rng, size=1536, planks=9):
    """Color texture of a planked table, the grain running along x: an array of shape (size, size, 3)."""
    rows = size // planks
    picture = np.zeros((rows * planks, size, 3))
    dark, light = np.array([0.075, 0.032, 0.014]), np.array([0.26, 0.135, 0.066])
    for k in range(planks):
        shape = (rows, size)
        height = np.linspace(-1, 1, rows)[:, None] + rng.uniform(-0.4, 0.4)
        bend = filtered_noise(rng, shape, 260, 26)
        rings = np.sin(2 * np.pi * (3.2 * height + 0.55 * bend)) ** 3
        fibres = filtered_noise(rng, shape, 60, 1.1)
        pores = np.clip(filtered_noise(rng, shape, 16, 0.8) - 1.2, 0, None)
        tone = 0.48 + rng.uniform(-0.12, 0.12) + 0.13 * rings + 0.11 * fibres - 0.22 * pores + 0.07 * bend
        gap = np.minimum(np.arange(rows), np.arange(rows)[::-1])[:, None]
        edge = np.clip((gap - 1.0) / 3.5, 0, 1) ** 0.5
        color = dark + np.clip(tone, 0, 1.2)[..., None] * (light - dark)
        picture[k * rows : (k + 1) * rows] = color * (0.12 + 0.88 * edge)[..., None]
    return picture.astype(np.float32)


def plain_wood(rng, size=384):
    """One broad board without gaps, in gray levels from 0 to 1, the grain running along x."""
    across = np.linspace(-1, 1, size)[:, None]
    bend = filtered_noise(rng, (size, size), 90, 14)
    rings = np.sin(2 * np.pi * (rng.uniform(3, 7) * across + 0.5 * bend)) ** 3
    fibres = filtered_noise(rng, (size, size), 30, 0.8)
    return np.clip(0.55 + 0.15 * rings + 0.13 * fibres + 0.06 * bend, 0, 1)


def planked(rng, size=384):
    """Boards side by side with dark gaps, in gray levels."""
    count = int(rng.integers(3, 8))
    level = plain_wood(rng, size)
    row = np.arange(size) * count / size
    shift = rng.integers(0, size, count)
    for k in range(count):
        mine = row.astype(int) == k
        level[mine] = np.roll(level[mine], shift[k], axis=1) + rng.uniform(-0.14, 0.14)
    gap = np.clip(np.minimum(row % 1, 1 - row % 1) * size / count / 2.2, 0.15, 1)[:, None]
    return np.clip(level * gap, 0, 1)


def linen(rng, size=384):
    """A woven cloth, in gray levels."""
    step = np.arange(size) * 2 * np.pi / 4
    weave = np.sin(step)[:, None] * np.sin(step)[None, :]
    threads = filtered_noise(rng, (size, size), 20, 0.7) + filtered_noise(rng, (size, size), 0.7, 20)
    return np.clip(0.72 + 0.06 * weave + 0.05 * threads + 0.04 * filtered_noise(rng, (size, size), 30, 30), 0, 1)


def marble(rng, size=384):
    """Pale stone with dark veins, in gray levels."""
    swirl = filtered_noise(rng, (size, size), 30, 30) + 0.5 * filtered_noise(rng, (size, size), 9, 9)
    vein = np.exp(-((swirl / 0.07) ** 2)) * np.clip(filtered_noise(rng, (size, size), 40, 40) + 0.6, 0, 1)
    return np.clip(0.88 - 0.45 * vein - 0.06 * np.abs(filtered_noise(rng, (size, size), 18, 18)), 0, 1)


def speckled(rng, size=384):
    """Stone or terrazzo: a mottled ground with grains, in gray levels."""
    ground = 0.5 + 0.06 * filtered_noise(rng, (size, size), 12, 12)
    grains = filtered_noise(rng, (size, size), 1.6, 1.6)
    return np.clip(ground + 0.4 * (grains > 1.9) - 0.25 * (grains < -2.0), 0, 1)


def painted_boards(rng, size=384):
    """Smooth paint with a trace of the brush, in gray levels."""
    return np.clip(
        0.6 + 0.03 * filtered_noise(rng, (size, size), 40, 1.2) + 0.03 * filtered_noise(rng, (size, size), 25, 25), 0, 1
    )


def stripes(rng, size=384):
    """A mask of the pattern that is printed on a cloth: checks, stripes or tiles, from 0 to 1."""
    count = int(rng.integers(5, 12))
    place = np.arange(size) * count / size % 1
    kind = rng.integers(3)
    if kind == 0:  # gingham
        band = (place < 0.5) * 0.5
        return band[:, None] + band[None, :]
    if kind == 1:
        band = (place < rng.uniform(0.15, 0.6)) * 1.0
        return band[:, None] * np.ones(size)
    line = (place < 0.05) * 1.0  # tiles and their joints
    return np.maximum(line[:, None], line[None, :])


KINDS = {
    "wood": plain_wood,
    "planks": planked,
    "linen": linen,
    "marble": marble,
    "stone": speckled,
    "paint": painted_boards,
}


@functools.cache
def gray(kind, number):
    """Texture ``number`` of a kind, in gray levels: the same in every run, made once and then kept.

    Parameters
    ----------
    kind : str
        A name in ``KINDS``, or "stripes".
    number : int
        Which one; it is its own seed.

    Returns
    -------
    ndarray of float, shape (384, 384)
    """
    maker = stripes if kind == "stripes" else KINDS[kind]
    return maker(np.random.default_rng([384, number]))
