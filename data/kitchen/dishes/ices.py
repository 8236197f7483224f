"""Ice cream in scoops."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, ball, disc_grid, merged, mix, paint, sheet_faces, slab, tube, varied

from dishes.garnish import berry, drape, flecks, puddle

FLAVORS = {
    "vanilla": ("#f4e8c8", "#6b5232", 0.05), "chocolate": ("#6a3f28", "#3a2012", 0.15), "strawberry": ("#f2b3bb", "#c2304a", 0.2),
    "pistachio": ("#b9cc8a", "#6f8a3f", 0.2), "mint": ("#b5e0c8", "#3a2012", 0.5), "stracciatella": ("#f7f2e6", "#2f1a10", 0.55),
    "mango": ("#f8c860", "#e0962a", 0.1), "blueberry": ("#9a86b8", "#4a3a78", 0.35), "caramel": ("#e3b878", "#9a5c22", 0.3),
    "lemon": ("#f6efb0", "#e8d878", 0.05), "raspberry": ("#e389a0", "#a83058", 0.25),
}  # fmt: skip


def scoop(rng, radius, flavor):
    """A ball with a rough skin and the ragged collar that the scoop leaves around its foot."""
    tone, speck, share = FLAVORS[flavor]
    body = ball(1.0, 110, 70)
    p = body.points
    coarse, fine = Grain(rng, (0.35, 1.2), 20)(p), Grain(rng, (0.10, 0.3), 40)(p)
    lines = np.sin(22 * (p[:, 2] + 0.15 * Grain(rng, (0.8, 2), 6)(p)))
    high = p[:, 2]
    collar = np.exp(-(((high + 0.52) / 0.16) ** 2)) * (0.15 + 0.07 * Grain(rng, (0.25, 0.7), 16)(p))
    swell = 1 + 0.008 * coarse + 0.009 * fine + 0.005 * lines + collar * (high < -0.3)
    swell = swell * np.where(high < -0.62, 0.99, 1)
    points = p * swell[:, None] * radius
    points[:, 2] = np.maximum(points[:, 2], -0.72 * radius) + 0.72 * radius
    bits = Grain(rng, (0.12, 0.32), 40)(p)
    ice = varied(rng, paint(tone), 0.05) * (1 + 0.06 * fine + 0.05 * coarse)[:, None]
    color = mix(ice, paint(speck), np.clip((bits - 2.3 + share * 1.4) / 0.25, 0, 1) * 0.85)
    return Body(points, body.faces, np.clip(color, 0.01, 0.95), 0.38)


def wafer(rng, length):
    """A rolled wafer or a fan."""
    if rng.random() < 0.5:
        s = np.linspace(0, 1, 14)
        body = tube(np.stack([0 * s, 0 * s, s * length], -1), 0.48, 20, paint("#d9a356"), 0.6)
        swirl = np.sin(2.2 * body.points[:, 2] + np.arctan2(body.points[:, 1], body.points[:, 0])) > 0.4
        return body.painted(mix(paint("#dca85c"), paint("#9a6226"), swirl * 0.8))
    x, y, share, angle = disc_grid(length, 24, 40, 1.15, 2.0)
    grid = (np.abs((share * 9) % 1 - 0.5) > 0.38) | (np.abs((angle * 9) % 1 - 0.5) > 0.38)
    z = 0.12 + 0.06 * grid
    return slab(x, y, z, 0 * z, mix(paint("#dfae64"), paint("#b67c36"), grid * 0.8), 0.6, side_rows=2).turned(
        np.pi / 2, "x"
    )


def waffle_cone(rng, radius, length):
    """A pointed waffle cone, its mouth up at z = 0 and its tip at -length."""
    s, a = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 2 * np.pi, 100), indexing="ij")
    net = np.minimum(np.abs((6 * a / np.pi + 7 * s) % 1 - 0.5), np.abs((6 * a / np.pi - 7 * s) % 1 - 0.5))
    ridge = np.clip((net - 0.0) / 0.12, 0, 1)
    reach = radius * (0.06 + 0.94 * s) * (1 + 0.05 * (1 - ridge))
    points = np.stack([reach * np.cos(a), reach * np.sin(a), length * (s - 1)], -1)
    color = mix(paint("#b5752f"), paint("#dca75c"), ridge)
    return Body(points.reshape(-1, 3), sheet_faces(60, 100), color.reshape(-1, 3), 0.6)


def ice_cream(rng):
    """One to five scoops, with wafers, sauce, fruit or sprinkles; sometimes in a cone that lies down."""
    serving = Serving()
    radius = rng.uniform(2.6, 3.3)
    names = list(FLAVORS)
    count = int(rng.choice([1, 2, 3, 4], p=[0.04, 0.34, 0.44, 0.18]))
    mine = [names[k] for k in rng.choice(len(names), min(count, int(rng.integers(1, 4))), replace=False)]
    serving.notes = mine
    if rng.random() < 0.24:  # cones, lying down
        for k in range(int(rng.choice([1, 2], p=[0.7, 0.3]))):
            length = radius * rng.uniform(3.2, 4.0)
            cone = waffle_cone(rng, radius * 0.86, length)
            parts = [(cone, "biscuit", cone.area() * 0.25)]
            for j in range(int(rng.choice([1, 2], p=[0.6, 0.4]))):
                ice = scoop(rng, radius, mine[(j + k) % len(mine)]).moved(z=-0.25 * radius + 1.35 * radius * j)
                parts.append((ice, "ice cream", None))
            lean = 2.2 * radius * k * 1.15
            whole = merged([b for b, _, _ in parts]).turned(np.pi / 2 - 0.12, "x")
            lift = -whole.points[:, 2].min()
            for body, stuff, volume in parts:
                serving.add(
                    body.turned(np.pi / 2 - 0.12, "x").moved(lean, rng.normal(0, 0.01), lift), stuff, volume=volume
                )
        if rng.random() < 0.5:
            points = np.concatenate([b.points for b in serving.bodies])
            y0 = np.quantile(points[:, 1], 0.2)
            serving.bodies = [b.moved(0, -y0) for b in serving.bodies]
            serving.pile.begin_again(serving.bodies)
        return serving
    spin = rng.uniform(0, 2 * np.pi)
    for k in range(count):
        if k == 3 or (count == 3 and k == 2 and rng.random() < 0.4):
            x, y, z = 0.0, 0.0, 1.2 * radius
        else:
            ring = min(count, 3)
            away = 0 if ring == 1 else radius * (0.97 if ring == 2 else 1.12)
            x, y, z = away * np.cos(spin + k * 2 * np.pi / ring), away * np.sin(spin + k * 2 * np.pi / ring), 0.0
        body = scoop(rng, radius * rng.uniform(0.93, 1.05), mine[k % len(mine)])
        serving.add(body.turned(rng.normal(0, 0.06), "x").turned(rng.uniform(0, 6)).moved(x, y, z), "ice cream", 0.97)
    if rng.random() < 0.35:  # it has begun to melt
        tone = paint(FLAVORS[mine[0]][0])
        serving.add(puddle(rng, radius * (0.95 if count == 1 else 1.75), 0.18, tone, 0.12, 0.10), "ice cream")
    top = serving.pile.height.max()
    if rng.random() < 0.3:
        tone = paint(str(rng.choice(["#3a1a0c", "#8f3a0c", "#9a1530", "#c07a20"])))
        pool = puddle(rng, radius * rng.uniform(0.5, 0.8), 0.12, tone, 0.08, 0.35, (0.6, 1.6))
        if count != 2:
            serving.add(drape(pool, serving.pile, 0.02), "syrup", volume=0.15 * np.pi * radius**2)
    if rng.random() < (0.35 if count > 2 else 0.7):
        for k in range(int(rng.integers(1, 3))):
            stick = wafer(rng, radius * 2.4).turned(rng.uniform(0.3, 0.6), "x").turned(spin + 0.6 + k * 0.5)
            serving.add(
                stick.moved(0.4 * np.cos(spin), 0.4 * np.sin(spin), 0.75 * radius), "biscuit", 0.6, remember=False
            )
    if rng.random() < 0.3:
        for piece in berry(rng, str(rng.choice(["cherry", "raspberry", "strawberry"])), None):
            serving.add(piece.moved(0, 0, serving.pile.at(0.0, 0.0) - 0.15), "berry", remember=False)
    if rng.random() < 0.3:
        tones = [
            paint(c)
            for c in (["#e0332c", "#f9d423", "#2f8fe0", "#4bb04f"] if rng.random() < 0.6 else ["#3a1a0c", "#5a2c14"])
        ]
        flecks(
            rng,
            serving,
            int(rng.integers(40, 90)),
            radius * (1 if count == 1 else 1.8),
            tones,
            "sugar",
            top > 0,
            (0.09, 0.13),
            0.8,
            long=2.2,
        )
    return serving
