"""Soups, creamy and clear."""

import numpy as np
from serving import Serving
from shapes import Grain, ball, disc_grid, mix, paint, slab, somewhere, tube, varied

from dishes.garnish import cubes, disc, flecks, leaf, ring, sauce_line

KINDS = {  # color, how its surface varies, whether pieces float in it
    "tomato": ("#cf4a1e", "#b8340f", False), "pumpkin": ("#e8921f", "#d97a12", False), "pea": ("#8aa83a", "#6f8f2a", False),
    "mushroom": ("#b89a78", "#94765a", False), "potato": ("#e6cf96", "#d6b976", False), "lentil": ("#b5722a", "#94561c", True),
    "minestrone": ("#c4622a", "#a84a1c", True), "chicken": ("#dcb04a", "#c99a34", True), "beetroot": ("#8f1a3a", "#70122c", False),
    "ramen": ("#9a6428", "#7a4a1c", True),
}  # fmt: skip


def surface(rng, radius, level, kind):
    """The liquid's surface, with cream stirred in or drops of fat; and its color."""
    tone, deep = (varied(rng, paint(c), 0.07) for c in KINDS[kind][:2])
    x, y, share, _ = disc_grid(radius, 70, 150)
    at = np.stack([x, y], -1)
    mottle = Grain(rng, (0.25 * radius, radius), 14)(at)
    color = mix(tone, deep, np.clip(0.5 + 0.35 * mottle, 0, 1))
    fine = Grain(rng, (0.25, 0.9), 30)(at)
    z = level + 0.02 * fine * (not KINDS[kind][2]) + 0.10 * np.clip((share - 0.97) / 0.03, 0, 1)
    notes = []
    if not KINDS[kind][2]:
        color = color * (1 + 0.04 * fine)[..., None]
        if rng.random() < 0.6:  # a swirl or drops of cream
            notes.append("cream")
            radii, angle = np.hypot(x, y), np.arctan2(y, x)
            warp = 0.5 * Grain(rng, (0.5 * radius, 1.5 * radius), 8)(at)
            if rng.random() < 0.6:
                turns, width = rng.uniform(1.2, 2.6), rng.uniform(0.07, 0.16)
                phase = (angle / (2 * np.pi) + turns * radii / radius + 0.3 * warp) % 1
                cream = np.clip((width - np.abs(phase - 0.5)) / 0.05, 0, 1) * (radii < 0.72 * radius)
            else:
                cream = np.zeros_like(x)
                for _ in range(int(rng.integers(1, 6))):
                    px, py = rng.normal(0, 0.3 * radius, 2)
                    size = rng.uniform(0.08, 0.28) * radius
                    cream = np.maximum(
                        cream, np.clip((1.2 - np.hypot(x - px, y - py) / size + 0.35 * warp) / 0.15, 0, 1)
                    )
            color = mix(color, paint("#fbf4e4"), 0.92 * cream)
    else:
        drops = Grain(rng, (0.5, 1.6), 40)(at)
        color = mix(color, tone * 1.35, np.clip((drops - 1.1) / 0.15, 0, 1) * 0.7)
    return slab(x, y, z, 0 * z + level - 0.05, np.clip(color, 0.01, 0.92), 0.22, side_rows=2), notes


def soup(rng):
    """A bowl of soup: tomato, pumpkin, pea, mushroom, potato, lentil, minestrone, chicken, beetroot or ramen."""
    serving = Serving()
    kind = str(rng.choice(list(KINDS)))
    radius, depth = rng.uniform(6.5, 9.5), rng.uniform(2.2, 4.5)
    wall = rng.uniform(2.0, 3.5)
    share = np.array([0.0, 0.3, 0.55, 0.75, 0.9, 1.0])
    serving.well = np.stack([share * radius, depth * share**wall], -1)
    body, notes = surface(rng, radius * 1.01, depth, kind)
    serving.add(body, "soup", volume=np.pi * radius**2 * depth * wall / (wall + 2))  # integral of 2 pi r (depth - z)
    serving.notes = [kind, *notes]
    serving.pile.height[:] = depth

    def float_(count, make, stuff, low=0.35, reach=0.82):
        """Let pieces float, partly under the surface."""
        for _ in range(int(count)):
            place = somewhere(rng, radius * reach)
            piece = make()
            height = np.ptp(piece.points[:, 2])
            serving.add(
                piece.onto(depth - low * height).moved(*place),
                stuff,
                1 - low,
                remember=False,
            )

    spun = lambda body: body.turned(rng.normal(0, 0.3), "x").turned(rng.uniform(0, 6.28))
    carrot = lambda: disc(rng, rng.uniform(0.9, 1.3), 0.35, paint("#ec7a1c"), paint("#d96812"), rough=0.2).turned(
        rng.normal(0, 0.25), "x"
    )
    if KINDS[kind][2]:
        if kind == "lentil":
            float_(
                150,
                lambda: (
                    ball(1, 10, 6)
                    .scaled(0.3, 0.3, 0.14)
                    .painted(varied(rng, paint(str(rng.choice(["#8a5524", "#a86a2c", "#6b3f1a"]))), 0.1), 0.3)
                ),
                "vegetable",
                0.4,
                0.93,
            )
        if kind == "minestrone":
            float_(
                22,
                lambda: spun(cubes(rng, 1, 1.0, [paint("#e2c878"), paint("#ec7a1c"), paint("#7fa03a")], 0.3)[0]),
                "vegetable",
                0.5,
                0.9,
            )
            float_(
                26,
                lambda: (
                    ball(1, 14, 9)
                    .scaled(0.75, 0.42, 0.4)
                    .painted(varied(rng, paint(str(rng.choice(["#d9b48a", "#8a3324"]))), 0.08), 0.25)
                    .turned(rng.uniform(0, 6))
                ),
                "vegetable",
                0.45,
                0.9,
            )
            float_(
                18,
                lambda: ball(1, 9, 7).scaled(0.36, 0.36, 0.36).painted(paint("#6f9a2f"), 0.25),
                "vegetable",
                0.4,
                0.9,
            )
        if kind == "chicken":
            float_(
                14, lambda: spun(cubes(rng, 1, 1.3, [paint("#f0dfc0"), paint("#e3c79c")], 0.5)[0]), "fish", 0.5, 0.85
            )
        if kind in ("chicken", "ramen"):
            for _ in range(34 if kind == "ramen" else 16):
                t = np.linspace(0, 1, 40)
                bend = rng.uniform(2, 5)
                away, angle = radius * 0.55 * np.sqrt(rng.random()), rng.uniform(0, 6.28)
                x = away * np.cos(angle) + rng.uniform(1.2, 2.6) * np.cos(bend * t * 2 + angle)
                y = away * np.sin(angle) + rng.uniform(1.2, 2.6) * np.sin(bend * t * 2 + angle)
                far = np.hypot(x, y)
                keep = np.minimum(1, 0.9 * radius / (far + 1e-6))
                z = depth + 0.16 * np.sin(9 * t + rng.uniform(0, 6)) - 0.04
                serving.add(
                    tube(np.stack([x * keep, y * keep, z], -1), 0.17, 6, varied(rng, paint("#eed592"), 0.05), 0.2),
                    "pasta",
                    0.6,
                    remember=False,
                )
        if kind == "ramen":
            yolk = lambda s, a: mix(paint("#f09a1c"), paint("#faf6ec"), np.clip((s - 0.5) / 0.06, 0, 1))
            float_(
                rng.integers(0, 2),
                lambda: disc(rng, 1.7, 0.9, paint("#faf6ec"), pattern=yolk).scaled(1.25, 1, 1),
                "egg white",
                0.3,
                0.6,
            )
            float_(
                3,
                lambda: disc(rng, 2.4, 0.35, paint("#c9976a"), paint("#8a4a2a"), lumps=0.08).turned(
                    rng.normal(0, 0.15), "x"
                ),
                "beef",
                0.4,
                0.55,
            )
        if kind == "ramen":
            float_(
                26,
                lambda: ring(rng, rng.uniform(0.35, 0.6), 0.10, varied(rng, paint("#8fbf4a"), 0.1), 0.25),
                "vegetable",
                0.3,
                0.8,
            )
        if kind in ("chicken", "minestrone"):
            float_(rng.integers(6, 14), carrot, "vegetable", 0.4, 0.85)
    else:
        if rng.random() < 0.45:
            float_(
                rng.integers(5, 14),
                lambda: cubes(rng, 1, 1.3, [paint("#d9a35a"), paint("#b9772f")], 0.7)[0],
                "crouton",
                0.3,
                0.5,
            )
            serving.notes.append("croutons")
        if rng.random() < 0.2:
            flecks(
                rng,
                serving,
                26,
                radius * 0.4,
                [paint("#5c7436"), paint("#7d8f4a")],
                "seed",
                False,
                (0.3, 0.4),
                0.4,
                long=1.6,
            )
    if rng.random() < 0.75:
        flecks(
            rng,
            serving,
            int(rng.integers(20, 80)),
            radius * rng.uniform(0.4, 0.85),
            [paint("#3f7a26"), paint("#568f34")],
            "herb",
            False,
            (0.10, 0.22),
            0.4,
            long=1.4,
        )
    if rng.random() < 0.3:
        for k in range(3):
            serving.drop(leaf(rng, 2.2, width=0.55).moved(0.9).turned(k * 2.1 + rng.normal(0, 0.3)), "herb", 0.3)
    if rng.random() < 0.2 and not KINDS[kind][2]:
        t = np.linspace(0, 1, 60)
        path = np.stack([radius * 0.5 * t * np.cos(9 * t), radius * 0.5 * t * np.sin(9 * t), 0 * t + depth + 0.02], -1)
        serving.add(sauce_line(path, 0.10, paint("#8a9a2a"), 0.06), "syrup", remember=False)
    return serving
