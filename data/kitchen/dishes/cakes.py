"""Chocolate cake and cheesecake: slices, several slices, or a small whole one with a slice taken out."""

import numpy as np
from serving import Serving
from shapes import Grain, box, disc_grid, merged, mix, paint, slab, varied

from dishes.garnish import berry, drape, flecks, leaf, puddle, whipped


def wedge(rng, radius, height, start, stop, top, rim, cut, lip=0.0, rough=0.4):
    """A piece of a round cake between two angles.

    ``top`` gives colors from (share of radius, points in the plane), ``rim`` and ``cut`` give those of the outer wall
    and of the cut faces from (points, height share).
    """
    columns = max(int(40 * (stop - start)), 14)
    x, y, share, _ = disc_grid(radius, 60, columns, start, stop)
    z = (
        height
        + lip * np.clip((share - 0.82) / 0.12, 0, 1) * np.clip((1 - share) / 0.03, 0, 1)
        - 0.25 * np.clip((share - 0.96) / 0.04, 0, 1) ** 2
    )
    z = z + 0.02 * Grain(rng, (0.5, 2), 14)(np.stack([x, y], -1))

    def side(p, h):
        outside = np.hypot(p[:, 0], p[:, 1]) > 0.985 * radius
        return np.where(outside[:, None], rim(p, h), cut(p, h))

    return slab(x, y, z, 0 * z, top(share, np.stack([x, y], -1)), rough, side=side, side_rows=44)


def portions(rng, radius):
    """Which pieces of the cake there are: a list of (start, stop, shift x, shift y)."""
    kind = str(rng.choice(["slice", "two", "whole"], p=[0.70, 0.20, 0.10]))
    if kind == "whole":
        gap = rng.uniform(0.5, 1.0)
        pieces = [(gap, 2 * np.pi, 0.0, 0.0)]
        if rng.random() < 0.4:
            pieces.append((0.06, gap - 0.06, 0.5 * radius * np.cos(gap / 2), 0.5 * radius * np.sin(gap / 2)))
        return kind, pieces
    width = rng.uniform(0.55, 0.85)
    pieces = [(-width / 2, width / 2, -0.62 * radius, 0.0)]
    if kind == "two":
        pieces.append((-width / 2, width / 2, -0.62 * radius + rng.normal(0, 0.6), 0.62 * radius))
    return kind, pieces


def on_top(rng, serving, kind, pieces, radius, choices, shares):
    """Berries, cream or chocolate on each piece."""
    choice = str(rng.choice(choices, p=shares))
    serving.notes += [kind, choice]
    for start, stop, dx, dy in pieces:
        for _ in range(max(1, round((3 if choice != "crumbs" else 1) * (stop - start) / 0.6 * rng.uniform(0.6, 1.3)))):
            angle, away = rng.uniform(start + 0.12, max(stop - 0.12, start + 0.13)), radius * rng.uniform(0.5, 0.88)
            x, y = dx + away * np.cos(angle), dy + away * np.sin(angle)
            if choice in ("strawberry", "raspberry", "blueberry", "cherry"):
                body = merged(berry(rng, choice)).turned(rng.normal(0, 0.2), "x").turned(rng.uniform(0, 6))
                serving.drop(body.moved(x, y), "berry", 0.12)
            elif choice == "cream":
                heap = whipped(rng, ((1.0, 0.5), (0.72, 1.1), (0.4, 1.6)), 0.06, 0.7)
                serving.drop(heap.moved(x, y), "cream", 0.2)
            elif choice == "shavings":
                for _ in range(9):
                    curl = box(rng.uniform(0.6, 1.6), 0.45, 0.10, varied(rng, paint("#3a1c0e"), 0.2), 0.35, 0.3, 4)
                    serving.drop(
                        curl.turned(rng.normal(0, 0.4), "x")
                        .turned(rng.uniform(0, 6))
                        .moved(x + rng.normal(0, 0.6), y + rng.normal(0, 0.6)),
                        "chocolate",
                        0.2,
                    )
            elif choice == "mint":
                for k in range(2):
                    serving.drop(
                        leaf(rng, 1.8, width=0.6, curl=0.4).moved(0.7).turned(k * 2.4 + x).moved(x, y), "herb", 0.3
                    )


def chocolate_cake(rng):
    """Dark layers with cream between them under a dark or glossy coat."""
    serving = Serving()
    radius, height = rng.uniform(8.5, 11), rng.uniform(5.0, 7.5)
    layers = int(rng.integers(2, 5))
    crumb = varied(rng, paint(str(rng.choice(["#4a2a1a", "#5a3320", "#3a1f14"]))), 0.08)
    cream = varied(
        rng,
        paint(str(rng.choice(["#6b412a", "#7d5236", "#2a140c", "#f0e2cc", "#8a5c40"], p=[0.3, 0.2, 0.2, 0.15, 0.15]))),
        0.06,
    )
    coat = varied(rng, paint(str(rng.choice(["#3d2012", "#2b140b", "#553019", "#6a4128"]))), 0.08)
    rough = float(rng.choice([0.12, 0.3, 0.5]))
    pores, waves = Grain(rng, (0.2, 0.7), 40), Grain(rng, (1.5, 5), 10)
    thick = rng.uniform(0.05, 0.09)

    def cut(p, h):
        place = h * (1 + 0.012 * waves(p)) * layers
        filling = (np.abs(place % 1 - 0.0) < thick * layers / 2) | (np.abs(place % 1 - 1.0) < thick * layers / 2)
        filling = filling & (h > 0.08) & (h < 0.93)
        outer = (h > 0.95) | (np.hypot(p[:, 0], p[:, 1]) > radius * 0.955)
        body = crumb * np.clip(1 + 0.22 * pores(p), 0.3, 1.6)[:, None]
        body = np.where(filling[:, None], cream, body)
        return np.where(outer[:, None], coat, body)

    rings = rng.random() < 0.4
    top = lambda s, at: coat * (1 + 0.08 * waves(at) + (0.15 * np.sin(s * 60) if rings else 0))[..., None]
    rim = lambda p, h: coat * (1 + 0.06 * waves(p) + 0.10 * np.sin(h * 30) * rings)[:, None]
    kind, pieces = portions(rng, radius)
    for start, stop, dx, dy in pieces:
        body = wedge(rng, radius, height, start, stop, top, rim, cut, rng.choice([0, 0.35]), rough)
        serving.add(body.moved(dx, dy), "cake")
    on_top(
        rng,
        serving,
        kind,
        pieces,
        radius,
        ["nothing", "strawberry", "raspberry", "cherry", "cream", "shavings", "mint"],
        [0.22, 0.12, 0.14, 0.1, 0.14, 0.22, 0.06],
    )
    if rng.random() < 0.2:
        flecks(rng, serving, 120, radius * 0.6, [paint("#fdfbf6")], "sugar", False, (0.04, 0.08), 0.5)
    return serving


def cheesecake(rng):
    """A pale, smooth filling on a crumbly base, plain, baked brown, or under fruit or sauce."""
    serving = Serving()
    radius, height = rng.uniform(8.5, 11), rng.uniform(3.6, 5.4)
    filling = varied(rng, paint(str(rng.choice(["#f6e9c2", "#faf3dc", "#f2dfa8", "#f7ead0"]))), 0.03)
    crumb = varied(rng, paint(str(rng.choice(["#a9702f", "#8a5526", "#b98442", "#6a4020"]))), 0.08)
    grains, soft = Grain(rng, (0.2, 0.6), 40), Grain(rng, (2, 6), 10)
    base = rng.uniform(0.14, 0.24)
    wall = rng.random() < 0.65
    style = str(rng.choice(["plain", "baked", "jelly", "sauce"], p=[0.24, 0.34, 0.24, 0.18]))
    jelly = varied(rng, paint(str(rng.choice(["#a8142c", "#c2203a", "#5a1a4a", "#e8951f", "#7a0f2a"]))), 0.06)
    brown = rng.uniform(0.55, 0.95)

    def body_tone(p, h):
        crust = crumb * np.clip(1 + 0.28 * grains(p), 0.4, 1.7)[:, None]
        inside = filling * (1 + 0.02 * soft(p))[:, None]
        if style == "jelly":
            inside = np.where((h > 0.90)[:, None], jelly, inside)
        if style == "baked":
            inside = mix(inside, paint("#a8622a"), np.clip((h - 0.94) / 0.05, 0, 1) * brown)
        return np.where((h < base + 0.015 * soft(p))[:, None], crust, inside)

    def cut(p, h):
        tone = body_tone(p, h)
        if wall:
            at_wall = (np.hypot(p[:, 0], p[:, 1]) > radius * 0.945) & (h < 0.93)
            tone = np.where(at_wall[:, None], crumb * np.clip(1 + 0.28 * grains(p), 0.4, 1.7)[:, None], tone)
        return tone

    def rim(p, h):
        crust = crumb * np.clip(1 + 0.28 * grains(p), 0.4, 1.7)[:, None]
        return crust if wall else body_tone(p, h)

    def top(share, at):
        if style == "jelly":
            return jelly * (1 + 0.05 * soft(at))[..., None]
        tone = filling * (1 + 0.03 * soft(at))[..., None]
        if style == "baked":
            tone = mix(
                tone,
                mix(paint("#c98a3f"), paint("#6f3a18"), np.array(brown**2)),
                np.clip(brown * (0.75 + 0.35 * soft(at)) * np.clip((share - 0.1) * 3, 0.4, 1), 0, 0.95),
            )
        if wall:
            tone = mix(tone, crumb, np.clip((share - 0.955) / 0.01, 0, 1))
        return tone

    kind, pieces = portions(rng, radius)
    for start, stop, dx, dy in pieces:
        body = wedge(rng, radius, height, start, stop, top, rim, cut, 0.0, 0.10 if style == "jelly" else 0.42)
        serving.add(body.moved(dx, dy), "cheesecake")
        if style == "sauce":
            angle = (start + stop) / 2
            for away in (0.45, 0.68):
                pool = puddle(rng, radius * 0.17, 0.14, jelly, 0.08, 0.22).moved(
                    dx + away * radius * np.cos(angle), dy + away * radius * np.sin(angle)
                )
                serving.add(drape(pool, serving.pile, 0.0), "sauce", volume=0.5)
    serving.notes.append(style)
    on_top(
        rng,
        serving,
        kind,
        pieces,
        radius,
        ["nothing", "strawberry", "raspberry", "blueberry", "cream"],
        [0.36 * (style != "plain"), 0.2, 0.16, 0.18, 0.10 + 0.36 * (style == "plain")],
    )
    return serving
