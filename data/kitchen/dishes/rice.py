"""Sushi."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, ball, blob, box, disc_grid, merged, mix, paint, slab, tube, varied

from dishes.garnish import leaf


def grains(rng, body, strength=0.05):
    """A body whose surface looks like grains of rice."""
    lumps = Grain(rng, (0.28, 0.5), 36)(body.points)
    middle = body.points.mean(0)
    way = body.points - middle
    way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
    tone = mix(paint("#f8f5ea"), paint("#d9d3bd"), np.clip(-0.45 * lumps - 0.1, 0, 1))
    return Body(body.points + strength * lumps[:, None] * way, body.faces, tone, 0.4)


def nigiri(rng, kind):
    """A hand-pressed block of rice under a slice of fish, prawn or egg; as (body, stuff) pairs."""
    rice = grains(rng, box(5.4, 2.4, 2.0, round_off=0.45, rows=26))
    s, t = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 24), indexing="ij")
    x, y = 3.35 * s, 1.45 * t * (1 - 0.10 * s**4)
    z = 2.05 - 0.55 * s**4 - 0.75 * np.abs(t) ** 3.0 - 0.35 * np.clip(np.abs(s) - 0.85, 0, 1) * 3
    fat = np.exp(
        -((((s * 5.2 + 0.9 * np.abs(t) + 0.25 * Grain(rng, (1, 4), 6)(np.stack([x, y], -1))) % 1) - 0.5) ** 2) / 0.012
    )
    if kind == "salmon":
        color = mix(varied(rng, paint("#f07a3a"), 0.05), paint("#fbd0ac"), 0.85 * fat)
    elif kind == "tuna":
        color = mix(varied(rng, paint("#a81e2c"), 0.06), paint("#d0525a"), 0.5 * fat)
    elif kind == "prawn":
        band = np.sin(9 * s + 0.6 * np.abs(t)) > 0.2
        color = mix(paint("#fbeee2"), paint("#ee7038"), np.clip(band * 0.75 + 0.3 * (np.abs(t) > 0.75), 0, 1))
        z = z + 0.08 * np.cos(9 * s)
    elif kind == "white":
        color = mix(paint("#f6ebe2"), paint("#eab9b0"), 0.6 * fat)
    else:
        color = (
            np.broadcast_to(paint("#f2c544"), (*x.shape, 3))
            * (1 + 0.04 * Grain(rng, (0.4, 2), 10)(np.stack([x, y], -1)))[..., None]
        )
        z = z + 0.35 - 0.3 * s**8
    fish = slab(x, y, z + 0.45, z, color, 0.16, side=None, side_rows=4, bulge=0.08)
    parts = [(rice, "rice"), (fish, "egg yolk" if kind == "egg" else "fish")]
    if kind == "egg" or rng.random() < 0.08:
        a = np.linspace(0, 2 * np.pi, 50)
        path = np.stack([0 * a, 1.62 * np.cos(a), 1.25 + 1.5 * np.sin(a)], -1)
        band = tube(path, 0.1, 6, paint("#10160f"), 0.45)
        parts.append((Body(band.points * [5.0, 1, 1], band.faces, band.color, 0.45), "leaf"))
    return parts


def maki(rng, filling, inside_out, radius):
    """A slice of a roll, its cut face up: rice and filling in seaweed; as (body, stuff) pairs."""
    height = radius * rng.uniform(1.3, 1.7)
    x, y, share, angle = disc_grid(radius, 34, 72)
    at = np.stack([x, y], -1)
    lumps = Grain(rng, (0.25, 0.45), 40)(at)
    rice = mix(paint("#f8f5ea"), paint("#d5cfba"), np.clip(-0.5 * lumps - 0.1, 0, 1))
    tones = {
        "salmon": ["#f07a3a"], "tuna": ["#a81e2c"], "cucumber": ["#a9cc6a"], "avocado": ["#bcd06a"],
        "mixed": ["#f07a3a", "#bcd06a", "#f2c544"], "crab": ["#e8553a", "#bcd06a"],
    }[filling]  # fmt: skip
    inner = rng.uniform(0.40, 0.52)
    sector = np.floor((angle / (2 * np.pi) + rng.random()) * len(tones)).astype(int) % len(tones)
    core = np.array([paint(t) for t in tones])[sector] * (1 + 0.06 * lumps)[..., None]
    color = mix(core, rice, np.clip((share - inner) / 0.05, 0, 1))
    nori = paint("#121a12")
    if inside_out:
        color = mix(color, nori, np.clip(1 - np.abs(share - inner - 0.07) / 0.05, 0, 1))
    else:
        color = mix(color, nori, np.clip((share - 0.91) / 0.03, 0, 1))
    z = height + 0.04 * lumps * (share > inner) + 0.06 * (share < inner) - 0.06 * radius * share**8
    if inside_out:
        side = lambda p, h: mix(
            paint("#f8f5ea"),
            paint("#d5cfba"),
            np.clip(-0.5 * Grain(np.random.default_rng(1), (0.25, 0.5), 36)(p), 0, 1),
        )
    else:
        side = lambda p, h: (
            np.tile(nori, (len(p), 1)) * (1 + 0.2 * Grain(np.random.default_rng(1), (0.2, 1.0), 20)(p))[:, None]
        )
    body = slab(x, y, z, 0 * z, np.clip(color, 0.005, 0.95), 0.35, side=side, side_rows=12, bulge=0.05 * radius)
    parts = [(body, "rice")]
    if inside_out:
        tones = [[paint("#f2e3b8"), paint("#23242b")], [paint("#f2701c"), paint("#f58a2c")]][int(rng.random() < 0.4)]
        shape = ball(1, 7, 5)
        dots = []
        for _ in range(60):
            a, h = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.95) * height
            piece = shape.scaled(0.13, 0.10, 0.13).painted(tones[rng.integers(2)], 0.3)
            dots.append(piece.moved(1.04 * radius * np.cos(a), 1.04 * radius * np.sin(a), h))
        parts.append((merged(dots), "seed"))
    return parts


def sushi(rng):
    """Four to ten pieces of nigiri and maki in rows, often with ginger and wasabi."""
    serving = Serving()
    style = str(rng.choice(["nigiri", "maki", "both"], p=[0.25, 0.3, 0.45]))
    count = int(rng.integers(4, 10))
    fish = [
        str(k)
        for k in rng.choice(
            ["salmon", "tuna", "prawn", "white", "egg"],
            int(rng.integers(1, 4)),
            replace=False,
            p=[0.38, 0.25, 0.15, 0.09, 0.13],
        )
    ]
    fillings = [
        str(k) for k in rng.choice(["salmon", "tuna", "cucumber", "avocado", "mixed", "crab"], 2, replace=False)
    ]
    inside_out = rng.random() < 0.35
    radius = rng.uniform(1.5, 2.3)
    lying = rng.random() < 0.2
    columns = 2 if count < 6 else 3
    step = 3.5 if style != "maki" else 2.15 * radius
    wide = 7.4 if style != "maki" else 2.2 * radius
    slant = rng.normal(0, 0.2)
    for k in range(count):
        row, column = divmod(k, columns)
        is_roll = style == "maki" or (style == "both" and row % 2 == 1)
        if is_roll:
            parts = maki(rng, fillings[column % 2], inside_out, radius)
            if lying:
                parts = [(b.turned(np.pi / 2, "x").moved(z=radius), s) for b, s in parts]
            x = (column - (columns - 1) / 2) * 2.3 * radius
        else:
            parts = nigiri(rng, fish[k % len(fish)])
            parts = [(b.turned(np.pi / 2 + rng.normal(0, 0.06)), s) for b, s in parts]
            x = (column - (columns - 1) / 2) * 3.5
        y = row * (wide if not is_roll and style == "nigiri" else max(step, 5.4 if style == "both" else step))
        turn = rng.normal(0, 0.08)
        for body, stuff in parts:
            serving.add(body.turned(turn).moved(x + slant * y + rng.normal(0, 0.1), y + rng.normal(0, 0.1)), stuff)
    serving.notes = [style, *(fish if style != "maki" else []), *(fillings if style != "nigiri" else [])]
    if rng.random() < 0.5:
        points = np.concatenate([b.points for b in serving.bodies])
        x, y = points[:, 0].max() + 1.6, rng.uniform(points[:, 1].min() + 1, points[:, 1].max() - 1)
        if rng.random() < 0.7:
            body = blob(
                rng, 1.05, 0.12, (0.4, 1.4), columns=36, rows=24, color=varied(rng, paint("#8fb54a"), 0.06), rough=0.6
            )
            serving.add(body.scaled(1, 1, 0.75).onto().moved(x, y), "vegetable")
        for _ in range(int(rng.integers(0, 6))):
            petal = leaf(rng, 2.6, varied(rng, paint("#f2c3a4"), 0.05), 0.7, 0.7, 0.2)
            serving.drop(
                petal.turned(rng.normal(0, 0.5), "x")
                .turned(rng.uniform(0, 6))
                .moved(x + rng.normal(0, 0.5), y + 2.2 + rng.normal(0, 0.5)),
                "vegetable",
                0.3,
            )
    return serving
