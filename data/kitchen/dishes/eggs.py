"""Fried eggs."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, disc_grid, mix, paint, revolve, slab, varied

from dishes.garnish import cubes, flecks, leaf


def fried_egg(rng, crisp):
    """The white and the yolk of one egg, as two bodies."""
    radius = rng.uniform(4.6, 6.0)
    edge, bumps = Grain(rng, (1.6, 5), 10), Grain(rng, (0.6, 2.6), 20)
    outline = lambda a: radius * (1 + 0.10 * edge(2 * np.stack([np.cos(a), np.sin(a)], -1)))
    x, y, share, angle = disc_grid(outline, 40, 110)
    at = np.stack([x, y], -1)
    off = rng.normal(0, 0.12 * radius, 2)
    from_yolk = np.hypot(x - off[0], y - off[1])
    z = 0.30 + 0.55 * np.exp(-((from_yolk / 2.9) ** 2)) + 0.05 * bumps(at) * (0.4 + share)
    z = z * np.sqrt(np.clip(1 - share**10, 0, 1)) + 0.10 * crisp * share**6 * (1 + bumps(at)) + 0.03
    brown = np.clip((share - 0.86 + 0.06 * bumps(at)) / 0.10, 0, 1) * crisp
    color = mix(mix(paint("#f7f4ec"), paint("#efe7d2"), np.clip(0.3 * bumps(at), 0, 1)), paint("#a9682e"), 0.85 * brown)
    white = slab(
        x,
        y,
        z,
        0 * z,
        color,
        0.22,
        side=lambda p, h: np.tile(mix(paint("#efe6d0"), paint("#8a5022"), np.array(crisp * 0.8)), (len(p), 1)),
    )
    r, h = rng.uniform(1.75, 2.25), rng.uniform(1.0, 1.5)
    yolk = revolve(
        [[0, h], [0.45 * r, 0.93 * h], [0.8 * r, 0.65 * h], [0.98 * r, 0.2 * h], [0.9 * r, -0.15], [0, -0.2]], 56, 7
    )
    tone = varied(rng, paint(str(rng.choice(["#f5a60f", "#f28c08", "#f7bd2a", "#ee7a06"]))), 0.04)
    film = rng.uniform(0, 0.35) * np.clip(1 - (yolk.points[:, 2] - 0.1) / 0.5, 0, 1)
    yolk = Body(yolk.points, yolk.faces, mix(tone, paint("#f6e3b8"), film), 0.08)
    return white, yolk.moved(off[0], off[1], 0.62)


def fried_eggs(rng):
    """One to three fried eggs, sunny side up, with pepper, herbs or a rasher of bacon."""
    serving = Serving()
    count = int(rng.choice([1, 2, 3], p=[0.42, 0.43, 0.15]))
    crisp = float(np.clip(rng.normal(0.6, 0.35), 0, 1))
    spin = rng.uniform(0, 2 * np.pi)
    for k in range(count):
        away = 0 if count == 1 else rng.uniform(3.8, 4.8) * (1 if count == 2 else 1.2)
        angle = spin + k * 2 * np.pi / count
        turn, x, y = rng.uniform(0, 2 * np.pi), away * np.cos(angle), away * np.sin(angle)
        white, yolk = fried_egg(rng, crisp)
        serving.add(white.turned(turn).moved(x, y, 0.03 * k), "egg white")
        serving.add(yolk.turned(turn).moved(x, y, 0.03 * k), "egg yolk")
    if rng.random() < 0.22:
        for k in range(int(rng.integers(1, 4))):
            x, y = np.meshgrid(np.linspace(-6.5, 6.5, 60), np.linspace(-1.2, 1.2, 11), indexing="ij")
            wave = 0.28 * np.sin(1.7 * x + rng.uniform(0, 6)) + 0.32
            strip = mix(
                varied(rng, paint("#7a2416"), 0.1),
                paint("#dca884"),
                (np.sin(4.3 * y + 0.5 * np.sin(x + k)) > 0.3) * 0.85,
            )
            place = 5.5 if count == 1 else 7.5
            body = (
                slab(x, y + 0.35 * np.sin(0.5 * x), wave + 0.16, wave, strip, 0.3)
                .turned(spin + rng.normal(0, 0.15))
                .moved(place * np.cos(spin + 1.57), place * np.sin(spin + 1.57) + 0.0)
            )
            serving.drop(
                body.moved(-2.0 * k * np.cos(spin + 1.57) * 0.4, -2.0 * k * np.sin(spin + 1.57) * 0.4), "bacon", 0.3
            )
        serving.notes.append("bacon")
    if rng.random() < 0.5:
        flecks(
            rng,
            serving,
            int(rng.integers(30, 110)),
            6.0 if count == 1 else 8.0,
            [paint("#1d1815"), paint("#3a2a20")],
            "herb",
            False,
            (0.05, 0.10),
            0.7,
        )
        serving.notes.append("pepper")
    if rng.random() < 0.4:
        flecks(
            rng,
            serving,
            int(rng.integers(15, 50)),
            5.0 if count == 1 else 7.0,
            [paint("#3f8a2a"), paint("#5aa53a")],
            "herb",
            False,
            (0.10, 0.18),
            0.5,
            long=1.6,
        )
        serving.notes.append("chives")
    if rng.random() < 0.15:
        for k in range(3):
            serving.drop(
                leaf(rng, 2.4, width=0.6, curl=0.5).turned(spin + 2 + k).moved(rng.normal(0, 1) + 4, rng.normal(0, 1)),
                "herb",
                0.3,
            )
    if rng.random() < 0.1:
        for body in cubes(rng, 6, 1.2, [paint("#c98d4b"), paint("#e0b06a")]):
            serving.drop(body.moved(*rng.normal(0, 3, 2)), "crouton", 0.1)
    return serving
