"""Pancakes and waffles, and what is poured and strewn over both."""

import numpy as np
from serving import Serving
from shapes import Grain, box, disc_grid, merged, mix, paint, slab, tube, varied

from dishes.garnish import berry, disc, drape, flecks, puddle, whipped

SYRUPS = ["#96490c", "#84390a", "#a4560f", "#6f2e08"]


def dressed(rng, serving, radius, top):
    """Butter, syrup, berries, cream or sugar, as they are put on pancakes and waffles alike."""
    tone = varied(rng, paint(str(rng.choice(SYRUPS))), 0.15)
    if rng.random() < 0.55:  # syrup: a pool on top, and streams down the side
        pool = puddle(rng, radius * rng.uniform(0.45, 0.8), 0.10, tone, 0.06, 0.18)
        serving.add(drape(pool, serving.pile, 0.0), "syrup", volume=0.1 * np.pi * (0.6 * radius) ** 2)
        for _ in range(int(rng.integers(2, 7))):
            angle = rng.uniform(0, 2 * np.pi)
            out = np.linspace(0.5, 1.3, 60) * radius
            high = serving.pile.at(out * np.cos(angle), out * np.sin(angle)) > top - 0.9
            rim = out[np.flatnonzero(high)[-1]] if high.any() else radius
            shelf = float(serving.pile.at((rim - 0.5) * np.cos(angle), (rim - 0.5) * np.sin(angle)))
            foot = max(shelf - rng.uniform(0.3, 0.95) * top, 0.15)
            away = np.array([0.68 * rim, rim - 0.7, rim - 0.3, rim - 0.08, rim - 0.02, rim, rim])
            z = np.array(
                [shelf - 0.06, shelf - 0.04, shelf - 0.04, shelf - 0.2, shelf - 0.5, (shelf + foot) / 2 - 0.2, foot]
            )
            x, y = away * np.cos(angle), away * np.sin(angle)
            width = np.array([0.15, 0.22, 0.22, 0.22, 0.24, 0.26, 0.36]) * rng.uniform(0.7, 1.3)
            serving.add(tube(np.stack([x, y, z], -1), width, 10, tone, 0.06), "syrup", remember=False)
        serving.notes.append("syrup")
    choice = rng.choice(["butter", "berries", "cream", "banana", "nothing"], p=[0.33, 0.3, 0.14, 0.08, 0.15])
    if choice == "butter":
        side = rng.uniform(1.5, 2.4)
        pat = box(side, side * rng.uniform(0.8, 1.2), 0.8, paint("#f6dc7a"), 0.25, 0.35)
        serving.drop(pat.turned(rng.uniform(0, 3)).moved(*rng.normal(0, 0.1 * radius, 2)), "butter", 0.3)
    if choice in ("berries", "cream"):
        if choice == "cream":
            heap = whipped(rng, ((1.9, 1.0), (1.35, 2.0), (0.75, 2.9)), 0.08, 0.75)
            serving.drop(heap.moved(*rng.normal(0, 0.15 * radius, 2)), "cream", 0.3, 0.85)
        kinds = [
            str(k) for k in rng.choice(["blueberry", "raspberry", "strawberry"], int(rng.integers(1, 3)), replace=False)
        ]
        for _ in range(int(rng.integers(4, 12))):
            pieces = berry(rng, kinds[rng.integers(len(kinds))])
            away, angle = radius * rng.uniform(0, 0.75), rng.uniform(0, 2 * np.pi)
            whole = (
                merged(pieces)
                .turned(rng.normal(0, 0.3), "x")
                .turned(rng.uniform(0, 6))
                .moved(away * np.cos(angle), away * np.sin(angle))
            )
            serving.drop(whole, "berry", 0.12)
    if choice == "banana":
        for _ in range(int(rng.integers(3, 8))):
            tone_ = lambda s, a: mix(
                paint("#f3e6b8"), paint("#d9bd78"), np.clip(1 - s * 3, 0, 1) * (np.sin(3 * a) > 0) * 0.6
            )
            away, angle = radius * rng.uniform(0, 0.6), rng.uniform(0, 2 * np.pi)
            serving.drop(
                disc(rng, 1.5, 0.6, paint("#f3e6b8"), paint("#efe0ac"), pattern=tone_).moved(
                    away * np.cos(angle), away * np.sin(angle)
                ),
                "banana",
                0.3,
            )
    serving.notes.append(str(choice))
    if rng.random() < 0.25:
        flecks(rng, serving, 160, radius * 0.95, [paint("#fdfbf6")], "sugar", False, (0.05, 0.12), 0.4)


def pancake(rng, radius, thick, brown):
    """One pancake, standing on z = 0."""
    edge, mottle = Grain(rng, (3, 9), 8), Grain(rng, (0.8, 3.2), 24)
    outline = lambda a: radius * (1 + 0.022 * edge(4 * np.stack([np.cos(a), np.sin(a)], -1)))
    x, y, share, _ = disc_grid(outline, 26, 84)
    at = np.stack([x, y], -1)
    spots = mottle(at)
    z = thick * (1 - 0.35 * share**7) + 0.02 * spots
    pale, dark = paint("#e9c684"), mix(paint("#c27a33"), paint("#7f4217"), np.array(brown))
    baked = np.clip((0.955 - share) / 0.05, 0, 1) * np.clip(0.82 + 0.16 * spots, 0, 1)
    ring = 0.25 * np.exp(-(((share - 0.9) / 0.05) ** 2))
    color = mix(mix(pale, dark, baked), paint("#6b3512"), ring)
    side = lambda p, h: mix(paint("#f0d69c"), dark, np.clip(np.abs(h - 0.5) * 2.4 - 0.55, 0, 1))
    return slab(x, y, z, 0 * z + 0.08 * thick * share**6, color, 0.5, side=side, side_rows=7, bulge=0.28 * thick)


def pancakes(rng):
    """A stack of one to seven pancakes with butter, syrup, berries, cream or banana."""
    serving = Serving()
    radius, brown = rng.uniform(5.2, 8.0), rng.uniform(0, 1)
    count = int(rng.choice([2, 3, 4, 5, 6, 7], p=[0.14, 0.24, 0.25, 0.18, 0.12, 0.07]))
    top = 0.0
    fanned = rng.random() < 0.2
    slide = rng.uniform(0, 2 * np.pi)
    for k in range(count):
        thick = rng.uniform(0.9, 1.4)
        x, y = rng.normal(0, 0.045 * radius, 2) + fanned * 0.28 * radius * k * np.array([np.cos(slide), np.sin(slide)])
        body = pancake(rng, radius * rng.uniform(0.94, 1.04), thick, np.clip(brown + rng.normal(0, 0.12), 0, 1))
        tilt = -0.1 * (k > 0) if fanned else rng.normal(0, 0.012)
        body = body.turned(rng.uniform(0, 2 * np.pi)).turned(tilt, "x").moved(x, y, top if not fanned else 0.75 * top)
        serving.add(body, "pancake")
        top += thick * 0.97
    if fanned:
        center = np.mean([b.points.mean(0) for b in serving.bodies[-2:]], 0)
        serving.bodies = [b.moved(-center[0], -center[1]) for b in serving.bodies]
        serving.pile.begin_again(serving.bodies)
    dressed(rng, serving, radius, serving.pile.height.max())
    return serving


def waffle(rng, square, size, cells, thick, brown):
    """One waffle with its grid of pockets."""
    if square:
        aspect = rng.choice([1.0, 1.35, 0.75])
        u, v = np.meshgrid(np.linspace(-1, 1, 120), np.linspace(-1, 1, 120), indexing="ij")
        x, y = u * size * aspect, v * size
        edge = 1 - np.maximum(np.abs(u), np.abs(v))
        gu, gv = u * cells * aspect, v * cells
        off = 0.5 * (cells % 2 == 0)
    else:
        edge_noise = Grain(rng, (3, 8), 6)
        x, y, share, _ = disc_grid(
            lambda a: size * (1 + 0.015 * edge_noise(4 * np.stack([np.cos(a), np.sin(a)], -1))), 84, 150
        )
        edge, gu, gv, off = 1 - share, x / size * cells, y / size * cells, 0.5
    wall = np.minimum(np.abs((gu + off + 0.5) % 1 - 0.5), np.abs((gv + off + 0.5) % 1 - 0.5))
    pocket = np.clip((wall - 0.13) / 0.10, 0, 1) * np.clip((edge * cells - 0.22) / 0.12, 0, 1)
    if not square and rng.random() < 0.6:  # a cross, as round irons have
        spoke = np.minimum(np.abs(x), np.abs(y)) / size
        pocket = pocket * np.clip((spoke - 0.035) / 0.02, 0, 1)
    mottle = Grain(rng, (1.2, 5), 18)(np.stack([x, y], -1))
    z = thick * (1 - 0.62 * pocket) * (1 - 0.25 * np.clip(1 - edge * 14, 0, 1) ** 3)
    light, dark = (
        mix(paint("#dfae62"), paint("#b87430"), np.array(brown)),
        mix(paint("#b06a28"), paint("#6f3a14"), np.array(brown)),
    )
    color = (
        mix(dark * 1.05, light, np.clip(pocket * 0.85 + 0.18 * mottle, 0, 1))
        if rng.random() < 0.7
        else mix(light, dark, np.clip(pocket * 0.7 + 0.18 * mottle, 0, 1))
    )
    return slab(
        x, y, z, 0 * z, color, 0.5, side=lambda p, h: np.tile(light, (len(p), 1)), side_rows=5, bulge=0.1 * thick
    )


def waffles(rng):
    """One to three waffles, round or square, with their grid, and the same toppings as pancakes."""
    serving = Serving()
    square = rng.random() < 0.55
    size = rng.uniform(4.8, 6.5) if square else rng.uniform(6.5, 9)
    cells = float(rng.choice([2, 2.5, 3])) if square else float(rng.choice([3, 4, 5]))
    count, brown, top = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.2, 0.1])), rng.uniform(0, 1), 0.0
    for k in range(count):
        thick = rng.uniform(1.7, 2.4)
        body = waffle(rng, square, size, cells, thick, brown)
        x, y = rng.normal(0, (0.12 if k else 0) * size, 2)
        tilt = rng.normal(0, 0.05) * (k > 0)
        serving.add(body.turned(rng.normal(0, 0.35)).turned(tilt, "x").moved(x, y, top), "waffle")
        top += thick * 0.98
    dressed(rng, serving, size * 0.85, serving.pile.height.max())
    return serving
