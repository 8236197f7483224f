"""Spaghetti."""

import numpy as np
from serving import Serving
from shapes import Grain, blob, disc_grid, merged, mix, paint, slab, somewhere, tube, varied

from dishes.garnish import basil, cubes, flecks, smoothed


def strand(rng, reach, pile, tone, radius, lift):
    """One strand that winds around within ``reach`` centimeters and lies on what is there."""
    n = 66
    turn = rng.choice([-1, 1]) * (1.1 / reach) * np.ones(n) + 0.55 / reach * np.cumsum(rng.normal(0, 0.35, n)) * 0.5
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(turn * 0.56)
    step = np.stack([np.cos(heading), np.sin(heading)], -1) * 0.56
    away, angle = reach * 0.75 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    path = np.cumsum(step, 0)
    path = path - path.mean(0) + [away * 0.6 * np.cos(angle), away * 0.6 * np.sin(angle)]
    far = np.hypot(*path.T)
    path = path * np.minimum(1, reach * (0.9 + 0.1 * np.tanh(far / reach - 1)) / (far + 1e-9))[:, None]
    z = pile.at(path[:, 0], path[:, 1])
    for _ in range(3):
        z = np.convolve(np.pad(z, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    wave = 0.12 * np.sin(np.linspace(0, rng.uniform(5, 14), n) + rng.uniform(0, 6))
    return tube(np.column_stack([path, z * 0.8 + radius + lift * rng.random() + wave.clip(0)]), radius, 5, tone, 0.22)


def spaghetti(rng):
    """A nest of spaghetti with tomato sauce, Bolognese, pesto, carbonara or meatballs."""
    serving = Serving()
    reach = rng.uniform(6.5, 9.0)
    sauce = str(rng.choice(["tomato", "bolognese", "meatballs", "pesto", "carbonara"], p=[0.33, 0.27, 0.2, 0.1, 0.1]))
    serving.notes.append(sauce)
    base = varied(rng, paint("#eccb7c"), 0.05)
    stain = {"pesto": paint("#a5b04a"), "carbonara": paint("#f2dc9c")}.get(sauce, paint("#dd8f42"))
    share = rng.uniform(0.0, 0.7)
    radius = rng.uniform(0.15, 0.20)
    count = int(rng.integers(75, 105) * (reach / 7) ** 1.2)
    for k in range(count):
        size = reach * (1 - 0.55 * (k / count) ** 1.5)
        tone = mix(varied(rng, base, 0.05), stain, np.array(share * rng.random()))
        body = strand(rng, size, serving.pile, tone, radius, 0.25)
        serving.add(body, "pasta")
        if k % 12 == 0:
            smoothed(serving.pile, 1)
    smoothed(serving.pile, 3)
    if sauce in ("tomato", "bolognese", "meatballs"):
        red = varied(rng, paint(str(rng.choice(["#c8341a", "#b82c16", "#d44820"]))), 0.08)
        size = reach * rng.uniform(0.42, 0.68)
        edge = Grain(rng, (0.8, 2.5), 12)
        x, y, s, _ = disc_grid(lambda a: size * (1 + 0.20 * edge(2 * np.stack([np.cos(a), np.sin(a)], -1))), 44, 110)
        lumps = Grain(rng, (0.5, 1.8), 24)(np.stack([x, y], -1))
        z = serving.pile.at(x, y) + (0.35 + 0.16 * lumps) * np.sqrt(np.clip(1 - s**6, 0, 1)) + 0.05 - 0.35 * s**6
        color = mix(red, red * 0.55, np.clip(0.4 * lumps + 0.2, 0, 1))
        if sauce == "bolognese":
            crumbs = Grain(rng, (0.35, 0.8), 40)(np.stack([x, y], -1))
            z = z + 0.14 * crumbs
            color = mix(color, paint("#5a2a16"), np.clip(crumbs + 0.3, 0, 1) * 0.75)
        body = slab(x, y, z, z - 0.5, color, 0.18)
        serving.add(body, "sauce", volume=0.6 * np.pi * size**2)
        if sauce == "bolognese":
            for piece in cubes(rng, 40, 0.55, [paint("#6b3420"), paint("#54260f")], 0.4):
                serving.drop(piece.moved(*somewhere(rng, size, 6.28)), "beef", 0.5)
    if sauce == "meatballs":
        for _ in range(int(rng.integers(3, 8))):
            body = blob(rng, rng.uniform(1.25, 1.7), 0.05, (0.25, 1.0), columns=40, rows=26)
            char = Grain(rng, (0.3, 1.2), 24)(body.points)
            body = body.painted(mix(paint("#7a4426"), paint("#42200f"), np.clip(0.5 + 0.4 * char, 0, 1)), 0.3)
            serving.drop(body.moved(*somewhere(rng, reach * 0.62, 6.28)), "beef", 0.3)
    if sauce == "carbonara":
        for piece in cubes(rng, 30, 0.75, [paint("#b5583c"), paint("#d98c6a"), paint("#8a3320")], 0.35):
            serving.drop(piece.moved(*somewhere(rng, reach * 0.85, 6.28)), "bacon", 0.4)
    if sauce == "pesto":
        flecks(rng, serving, 220, reach * 0.9, [paint("#3f6a1c"), paint("#557f28")], "herb", False, (0.10, 0.24), 0.5)
    if rng.random() < 0.55:
        for piece in basil(rng):
            serving.drop(piece.moved(*rng.normal(0, 0.8, 2)), "herb", 0.2)
        serving.notes.append("basil")
    if rng.random() < 0.5:
        flecks(
            rng,
            serving,
            int(rng.integers(80, 200)),
            reach * 0.6,
            [paint("#f8efcf"), paint("#f3e3b0")],
            "cheese",
            False,
            (0.07, 0.16),
            0.5,
            long=1.8,
        )
        serving.notes.append("cheese")
    serving.bodies = [merged(serving.bodies)]
    return serving
