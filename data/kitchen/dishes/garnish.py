"""Small things that lie on many dishes: leaves, rings, slices, crumbs and sauces."""

import numpy as np
from shapes import Body, Grain, ball, blob, box, disc_grid, merged, mix, paint, revolve, slab, tube, varied


def leaf(rng, length, color=None, width=0.5, curl=0.25, rough=0.45):
    """A leaf with a midrib, lying along x; its color may be an array of shape (3,)."""
    s, t = np.meshgrid(np.linspace(0, 1, 16), np.linspace(-1, 1, 9), indexing="ij")
    half = width / 2 * length * np.sin(np.pi * np.clip(s, 0.015, 0.99) ** 0.8) ** 0.8
    x, y = length * (s - 0.5), t * half
    ripple = Grain(rng, (0.25 * length, 0.8 * length), 8)(np.stack([x, y], -1))
    z = curl * length * (0.25 * np.abs(t) * np.sin(np.pi * s) + 0.3 * (s - 0.5) ** 2) + 0.015 * length * ripple
    color = varied(rng, paint("#3f7a2a"), 0.15) if color is None else color
    shade = mix(color, color * 1.7, np.exp(-((t / 0.10) ** 2)) * 0.6)
    return slab(x, y, z, z - 0.02 * length, np.clip(shade * (1 + 0.10 * ripple)[..., None], 0, 0.9), rough, side_rows=2)


def basil(rng, length=None):
    """A bunch of two or three basil leaves, as a list."""
    length = length or rng.uniform(2.0, 3.2)
    start = rng.uniform(0, 2 * np.pi)
    return [
        leaf(rng, length * rng.uniform(0.8, 1.1), width=0.62, curl=0.4).moved(0.42 * length).turned(start + k * 2.1)
        for k in range(rng.integers(1, 4))
    ]


def flecks(rng, serving, count, radius, colors, stuff, reach, size=(0.12, 0.2), flat=0.35, inner=0.0, long=1.0):
    """Drop crumbs, herbs, seeds or pepper over a serving, within ``radius`` centimeters of its middle."""
    shape = ball(1.0, 7, 5)
    for _ in range(count):
        away, angle = radius * np.sqrt(rng.uniform(inner, 1)), rng.uniform(0, 2 * np.pi)
        x, y = away * np.cos(angle), away * np.sin(angle)
        piece = rng.uniform(*size)
        body = shape.scaled(piece * long, piece, piece * flat).painted(
            varied(rng, colors[rng.integers(len(colors))], 0.15)
        )
        body = (
            body.laid(serving.pile.slope(x, y), rng.uniform(0, np.pi)) if reach else body.turned(rng.uniform(0, np.pi))
        )
        serving.add(body.moved(x, y, serving.pile.at(x, y) + 0.3 * piece * flat), stuff, remember=False)


def disc(rng, radius, thick, face, rim=None, bend=0.0, rough=0.4, lumps=0.03, pattern=None):
    """A round slice. ``pattern`` turns (share of radius, angle) into colors of shape (..., 3)."""
    edge = Grain(rng, (1.0, 3.0), 6)
    outline = lambda a: radius * (1 + lumps * edge(np.stack([np.cos(a), np.sin(a)], -1)))
    x, y, share, angle = disc_grid(outline, 10, 32)
    z = bend * share**2 + 0.0 * x
    color = pattern(share, angle) if pattern else np.broadcast_to(face, (*x.shape, 3))
    rim = face if rim is None else rim
    return slab(
        x, y, z + thick, z, color, rough, side=lambda p, h: np.tile(rim, (len(p), 1)), side_rows=4, bulge=0.25 * thick
    )


def ring(rng, radius, tube_radius, color, rough=0.3, squash=1.0):
    """A ring lying flat, like one of onion, olive or pepper."""
    angle = np.linspace(0, 2 * np.pi, 37)
    wave = 1 + 0.05 * Grain(rng, (1.5, 4), 4)(np.stack([np.cos(angle), np.sin(angle)], -1))
    wave[-1] = wave[0]
    path = np.stack(
        [radius * wave * np.cos(angle), radius * wave * np.sin(angle), 0 * angle + tube_radius * squash], -1
    )
    body = tube(path, tube_radius, 8, color, rough)
    return Body(body.points * [1, 1, squash], body.faces, color, rough)


def tomato_slice(rng, radius, thick=0.6):
    """A slice of tomato with its chambers."""
    count = int(rng.integers(4, 7))
    flesh, gel, skin = paint("#d8402a"), paint("#e8794a"), paint("#b51f14")

    def pattern(share, angle):
        chamber = np.clip((np.abs(np.sin(count * angle / 2)) - 0.35) / 0.2, 0, 1) * np.clip((share - 0.25) / 0.1, 0, 1)
        chamber = chamber * np.clip((0.82 - share) / 0.08, 0, 1)
        seed = (np.sin(9 * count * angle) * np.sin(28 * share) > 0.5) * chamber
        return mix(
            mix(mix(flesh, gel, chamber), paint("#f0d9a0"), 0.6 * seed), skin, np.clip((share - 0.93) / 0.05, 0, 1)
        )

    return disc(rng, radius, thick, flesh, skin, pattern=pattern, rough=0.15)


def berry(rng, kind, size=None):
    """A blueberry, raspberry, cherry or strawberry standing on z = 0."""
    if kind == "blueberry":
        r = size or rng.uniform(0.55, 0.8)
        body = revolve(
            [
                [0, 0],
                [0.9 * r, 0.5 * r],
                [r, 0.9 * r],
                [0.75 * r, 1.6 * r],
                [0.35 * r, 1.75 * r],
                [0.2 * r, 1.6 * r],
                [0, 1.6 * r],
            ],
            20,
            4,
        )
        bloom = Grain(rng, (0.3, 1.5), 12)(body.points)
        return [body.painted(mix(paint("#232a4d"), paint("#5d6a96"), 0.35 + 0.3 * bloom), 0.5)]
    if kind == "raspberry":
        r = size or rng.uniform(0.8, 1.05)
        parts, tone = [], varied(rng, paint("#b3163a"), 0.1)
        for k in range(44):
            up = 1 - (k + 0.5) / 44
            a = k * 2.399963
            s = np.sqrt(1 - up**2)
            parts.append(
                ball(0.26 * r, 8, 6, tone, 0.25).moved(
                    r * 0.85 * s * np.cos(a), r * 0.85 * s * np.sin(a), 1.15 * r * up + 0.2 * r
                )
            )
        return parts
    if kind == "cherry":
        r = size or rng.uniform(0.9, 1.15)
        body = revolve(
            [[0, 0], [0.8 * r, 0.35 * r], [r, r], [0.7 * r, 1.75 * r], [0.25 * r, 1.85 * r], [0, 1.65 * r]],
            28,
            5,
            paint("#8a0d16"),
            0.08,
        )
        bend = rng.uniform(-1, 1)
        s = np.linspace(0, 1, 10)
        stem = tube(np.stack([bend * s**2 * r, 0.3 * s * r, 1.65 * r + 2.2 * r * s], -1), 0.07, 6, paint("#5b7a2a"))
        return [body, stem]
    r = size or rng.uniform(1.1, 1.6)
    body = revolve(
        [[0, 2.2 * r], [0.35 * r, 2.0 * r], [0.75 * r, 1.2 * r], [0.95 * r, 0.55 * r], [0.7 * r, 0.1 * r], [0, 0]],
        30,
        8,
    )
    angle, high = np.arctan2(body.points[:, 1], body.points[:, 0]), body.points[:, 2] / (2.2 * r)
    pit = np.clip(
        (np.cos(13 * angle + np.pi * (np.floor(high * 11) % 2)) * np.sin(np.pi * ((high * 11) % 1)) - 0.75) * 5, 0, 1
    )
    color = mix(
        mix(paint("#c4131c"), paint("#e9b25a"), 0.8 * pit), paint("#e8c9b0"), np.clip((0.12 - high) / 0.1, 0, 1) * 0.5
    )
    green = [leaf(rng, 0.9 * r, paint("#4f8a2c"), 0.4).moved(0.45 * r, 0, 0.0).turned(k * 1.05) for k in range(6)]
    body = body.painted(color, 0.2)
    if rng.random() < 0.5:
        return [body.turned(np.pi / 2 * 0.9, "x").onto()]
    return [body, *[g.moved(z=0.02) for g in green]]


def sauce_line(path, radius, color, rough=0.15):
    """A thread of sauce along a path."""
    wobble = 1 + 0.18 * np.sin(np.arange(len(path)) * 1.7)
    return tube(path, radius * wobble, 8, color, rough)


def puddle(rng, radius, thick, color, rough=0.12, lumps=0.16, wavelength=(1.2, 4.0)):
    """A round-edged flat pool around the origin."""
    edge = Grain(rng, wavelength, 8)
    outline = lambda a: radius * (1 + lumps * edge(np.stack([np.cos(a), np.sin(a)], -1)))
    x, y, share, _ = disc_grid(outline, 16, 72)
    z = thick * np.sqrt(np.clip(1 - share**6, 0, 1)) + 0.01
    return slab(x, y, z, 0 * z, color, rough, side_rows=2)


def whipped(rng, balls, lumps, flat):
    """A heap of whipped cream: balls of (radius, height of the middle) centimeters, pressed to the share ``flat``."""
    return merged([
        blob(rng, radius, lumps, color=paint("#fbf8f0"), rough=0.5).scaled(1, 1, flat).moved(z=z) for radius, z in balls
    ])  # fmt: skip


def cubes(rng, count, size, colors, rough=0.6):
    """Small rough blocks, as a list."""
    return [
        box(*(size * rng.uniform(0.75, 1.25, 3)), varied(rng, colors[rng.integers(len(colors))], 0.1), rough, 0.25, 4)
        .turned(rng.uniform(0, np.pi), "x").turned(rng.uniform(0, np.pi), "y").turned(rng.uniform(0, np.pi))
        for _ in range(count)
    ]  # fmt: skip


def drape(body, pile, lift=0.03):
    """A flat body (its foot at z = 0) laid over what is there, each vertex on its own."""
    points = body.points.copy()
    points[:, 2] += pile.at(points[:, 0], points[:, 1]) + lift
    return Body(points, body.faces, body.color, body.rough)


def smoothed(pile, passes=2):
    """Blur a pile's map of heights a little, so that what is draped next lies softly."""
    h = pile.height
    for _ in range(passes):
        h = (h + np.roll(h, 1, 0) + np.roll(h, -1, 0) + np.roll(h, 1, 1) + np.roll(h, -1, 1)) / 5
    pile.height = h
    return pile
