"""Pizza: whole, or some of its slices."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, disc_grid, merged, mix, paint, slab, varied

from dishes.garnish import basil, disc, flecks, ring, smoothed, tomato_slice


def mushroom(rng):
    """A slice of mushroom."""
    s = np.linspace(0, 1, 24)
    cap = 1.1 * np.sqrt(np.clip(1 - (2 * s - 1) ** 2, 0, 1))
    stem = np.abs(s - 0.5) < 0.16
    x = np.tile((s * 2.2 - 1.1)[:, None], (1, 5))
    y = np.linspace(0, 1, 5)[None] * (cap[:, None] + 0.9 * stem[:, None]) - 0.9 * stem[:, None]
    gill = np.clip(1 - np.abs(y - 0.05) * 3, 0, 1) * (np.abs(x) > 0.3)
    color = mix(varied(rng, paint("#d9c3a0"), 0.06), paint("#6d4b32"), gill)
    return slab(x, y, 0 * x + 0.22, 0 * x, color, 0.5, side=lambda p, h: np.tile(paint("#a07a55"), (len(p), 1)))


def pizza(rng):
    """A pizza of 21 to 34 cm with a bready rim, cheese and two or three toppings."""
    serving = Serving()
    radius = rng.uniform(10.5, 17)
    rim = rng.uniform(1.2, 2.4)
    slices = int(rng.choice([6, 8]))
    kept = rng.choice(["whole", "cut", "gap", "some"], p=[0.35, 0.25, 0.2, 0.2])
    keep = np.ones(slices, bool)
    if kept == "gap":
        keep[: rng.integers(1, 3)] = False
    if kept == "some":
        keep[rng.integers(1, 4) :] = False
    outline_noise, bubbles, melt, char = (
        Grain(rng, (4, 12), 8), Grain(rng, (1.2, 4), 16), Grain(rng, (1.5, 5), 18), Grain(rng, (0.7, 2.5), 16),
    )  # fmt: skip
    baked = rng.uniform(0.1, 0.8)
    crust, dark = varied(rng, paint("#c98d4b"), 0.08), paint("#5b3016")
    sauce, cheese = varied(rng, paint("#b3341a"), 0.1), varied(rng, paint("#efcf86"), 0.05)
    white = rng.random() < 0.12
    sauciness = rng.uniform(-0.8, 0.5)
    parts = []
    for k in range(slices):
        if not keep[k]:
            continue
        a0, a1 = k * 2 * np.pi / slices, (k + 1) * 2 * np.pi / slices
        reach = lambda a: radius * (1 + 0.018 * outline_noise(8 * np.stack([np.cos(a), np.sin(a)], -1)))
        x, y, share, _ = disc_grid(reach, 44, 26, a0, a1)
        at = np.stack([x, y], -1)
        from_rim = (1 - share) * radius / rim
        bump = np.clip(1 - np.abs(from_rim - 0.5) / 0.6, 0, 1) ** 0.6 * (1 + 0.16 * bubbles(at))
        top = 0.75 + 1.25 * bump * np.where(from_rim < 0.5, np.sqrt(np.clip(from_rim * 2, 0, 1)), 1) + 0.05 * melt(at)
        on_cheese = np.clip((from_rim - 0.95 - 0.12 * melt(at)) / 0.15, 0, 1)
        bare = np.clip((melt(at) + sauciness - 0.1 + 0.5 * (from_rim < 1.5)) / 0.4, 0, 1) * (not white)
        brown = np.clip((char(at) + baked - 1.0) / 0.7, 0, 1) * 0.75
        color = mix(mix(cheese, paint("#b06a2c"), brown), sauce, bare)
        bread = mix(crust, dark, np.clip((bubbles(at) + 1.6 * baked - 1.2) / 1.5, 0, 0.85))
        bread = mix(paint("#e6c48f"), bread, np.clip(bump * 1.5, 0, 1))
        whole = slab(
            x,
            y,
            top,
            0 * x,
            mix(bread, color, on_cheese),
            0.5,
            side=lambda p, h: np.tile(crust, (len(p), 1)),
            side_rows=4,
        )
        middle = (a0 + a1) / 2
        apart = 0.0 if kept == "whole" else rng.uniform(0.1, 0.35) if kept == "cut" else 0.15
        if kept == "some":
            apart = rng.uniform(0.2, 0.6)
        shine = np.where(whole.color[:, 0] > 2.2 * whole.color[:, 1], 0.2, 0.42)
        whole = Body(whole.points, whole.faces, whole.color, shine).moved(
            apart * np.cos(middle), apart * np.sin(middle)
        )
        parts.append(whole)
    base = merged(parts)
    serving.add(base, "pizza crust", 0.62)
    serving.grams += 1.05 * 0.3 * base.volume()  # cheese and sauce: the upper third
    smoothed(serving.pile, 1)

    def free(margin):
        """A random place on the cheese, at least so far from the rim."""
        while True:
            away = (radius - rim - margin) * np.sqrt(rng.uniform(0.02, 1))
            angle = rng.uniform(0, 2 * np.pi)
            part = angle / (2 * np.pi) * slices
            if keep[int(part)] and (kept == "whole" or 0.1 < part % 1 < 0.9):
                return away * np.cos(angle), away * np.sin(angle)

    share = keep.mean() * (radius / 14) ** 2

    def strew(count, margin, make, stuff, gap, sink=0.35):
        """Lay about ``count`` pieces, apart from each other."""
        placed = np.empty((0, 2))
        for _ in range(round(count * share)):
            for _ in range(12):
                spot = np.array(free(margin))
                if not len(placed) or np.linalg.norm(placed - spot, axis=1).min() > gap:
                    break
            placed = np.vstack([placed, spot])
            for piece in make():
                serving.drop(piece.turned(rng.uniform(0, 2 * np.pi)).moved(*spot), stuff, sink)

    kinds = list(rng.choice(
        ["pepperoni", "mushroom", "olive", "basil", "pepper", "tomato", "mozzarella", "onion"],
        int(rng.integers(1, 4)), replace=False, p=[0.26, 0.14, 0.13, 0.16, 0.10, 0.08, 0.08, 0.05],
    ))  # fmt: skip
    meat = varied(rng, paint("#a3321f"), 0.08)

    def pepperoni():
        fat = Grain(rng, (0.3, 0.8), 12)
        tone = lambda s, a: mix(
            mix(
                meat, paint("#d98c6a"), 0.5 * np.clip(fat(np.stack([s * np.cos(a), s * np.sin(a)], -1) * 2) - 0.6, 0, 1)
            ),
            meat * 0.45,
            np.clip((s - 0.85) / 0.15, 0, 1),
        )
        return [disc(rng, rng.uniform(1.5, 1.9), 0.22, meat, meat * 0.5, 0.12, 0.25, pattern=tone)]

    makers = {
        "pepperoni": (rng.integers(14, 30), 1.4, pepperoni, "sausage", 3.0),
        "mushroom": (rng.integers(10, 22), 0.8, lambda: [mushroom(rng)], "vegetable", 2.2),
        "olive": (rng.integers(12, 26), 0.5, lambda: [ring(rng, 0.55, 0.26, paint("#1d1a1f"), 0.2)], "vegetable", 1.5),
        "basil": (rng.integers(3, 8), 1.0, lambda: basil(rng), "herb", 4.0),
        "pepper": (rng.integers(8, 16), 1.2, lambda: [ring(rng, 1.5, 0.22, paint(str(rng.choice(["#3f8f2f", "#c3261c", "#e8b21e"]))), 0.25)], "vegetable", 2.5),
        "tomato": (rng.integers(6, 12), 1.6, lambda: [tomato_slice(rng, 1.8, 0.3)], "tomato", 3.5),
        "mozzarella": (rng.integers(6, 12), 1.6, lambda: [disc(rng, rng.uniform(1.6, 2.4), 0.3, paint("#f6efdc"), lumps=0.10, rough=0.3)], "cheese", 4.2),
        "onion": (rng.integers(8, 16), 1.0, lambda: [ring(rng, rng.uniform(0.9, 1.8), 0.12, paint("#b06a8e"), 0.25)], "vegetable", 2.0),
    }  # fmt: skip
    for kind in sorted(kinds, key=lambda k: k == "basil"):
        count, margin, make, stuff, gap = makers[kind]
        strew(int(count), margin, make, stuff, gap)
        serving.notes.append(kind)
    if rng.random() < 0.4:
        flecks(rng, serving, int(40 * share), (radius - rim) * 0.9, [paint("#3c5a22")], "herb", False, (0.06, 0.12))
    return serving
