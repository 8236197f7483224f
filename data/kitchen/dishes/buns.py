"""Burgers and hot dogs."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, ball, disc_grid, mix, paint, revolve, slab, tube, varied

from dishes.garnish import disc, puddle, ring, sauce_line, tomato_slice


def lettuce(rng, radius, frill=0.5):
    """A frilly leaf that sticks out all around."""
    angle, share = np.meshgrid(np.linspace(0, 2 * np.pi, 130), np.linspace(0.4, 1, 9), indexing="ij")
    wave = Grain(rng, (0.5, 1.6), 14)(np.stack([np.cos(angle), np.sin(angle)], -1) * 2.2)
    reach = radius * share * (1 + 0.05 * Grain(rng, (1, 3), 6)(np.stack([np.cos(angle), np.sin(angle)], -1)))
    outside = np.clip((share - 0.72) / 0.28, 0, 1)
    z = frill * outside * wave * 0.45 - 0.35 * frill * outside
    green = mix(varied(rng, paint("#a9c94e"), 0.1), varied(rng, paint("#4d8a24"), 0.12), outside * (0.6 + 0.3 * wave))
    return slab(reach * np.cos(angle), reach * np.sin(angle), z + 0.08, z, green, 0.35, side_rows=2)


def crown(rng, radius, height, bread):
    """The upper half of a round bun, standing on its cut face."""
    body = revolve(
        [[0, height], [0.5 * radius, 0.93 * height], [0.85 * radius, 0.62 * height], [radius, 0.26 * height],
         [0.97 * radius, 0.04 * height], [0.85 * radius, 0.0], [0, 0]], 72, 8,
    )  # fmt: skip
    swell = Grain(rng, (3, 9), 8)(body.points)
    points = body.points * (1 + 0.018 * swell)[:, None]
    high = points[:, 2] / height
    brown = np.clip((high - 0.12) / 0.35, 0, 1) * (0.85 + 0.12 * swell)
    color = mix(paint("#e8c78d"), bread, brown)
    return Body(points, body.faces, color, 0.32)


def seeds(rng, serving, body, count, colors, reach, stuff="seed", size=0.17, low=0.55):
    """Strew seeds over the upper side of a body that has been added."""
    top = body.points[:, 2].max()
    bottom = body.points[:, 2].min()
    good = np.flatnonzero(body.points[:, 2] > bottom + low * (top - bottom))
    middle = body.points.mean(0)
    shape = ball(1.0, 8, 6)
    weight = np.hypot(*(body.points[good, :2] - middle[:2]).T) + 0.05 * reach
    for index in rng.choice(good, count, p=weight / weight.sum()):
        place = body.points[index]
        normal = place - (middle - [0, 0, 0.6 * reach])
        piece = shape.scaled(size * rng.uniform(0.9, 1.3), size * 0.6, size * 0.4).painted(
            varied(rng, colors[rng.integers(len(colors))], 0.1), 0.4
        )
        serving.add(piece.laid(normal, rng.uniform(0, np.pi)).moved(*place), stuff, remember=False)


def patty(rng, radius, thick, doneness):
    """A minced-beef patty."""
    edge = Grain(rng, (1.5, 5), 10)
    crumbs = Grain(rng, (0.35, 1.1), 30)
    outline = lambda a: radius * (1 + 0.035 * edge(2 * np.stack([np.cos(a), np.sin(a)], -1)))
    x, y, share, _ = disc_grid(outline, 20, 90)
    lump = crumbs(np.stack([x, y], -1))
    top = thick * (1 - 0.25 * share**8) + 0.07 * lump
    meat = mix(paint("#6b3a22"), paint("#3a1c10"), doneness)
    tone = lambda p: np.clip(meat * (1 + 0.28 * crumbs(p))[..., None], 0.01, 1)
    body = slab(
        x,
        y,
        top,
        0 * x,
        tone(np.stack([x, y, top], -1)),
        0.4,
        side=lambda p, h: tone(p),
        side_rows=7,
        bulge=0.3 * thick,
    )
    points = body.points + 0.05 * crumbs(body.points)[:, None] * np.array([1, 1, 0])
    return Body(points, body.faces, body.color, 0.38)


def cheese_slice(rng, half, pile):
    """A square slice that has melted over what lies below."""
    x, y = np.meshgrid(np.linspace(-half, half, 36), np.linspace(-half, half, 36), indexing="ij")
    reach = np.hypot(x, y)
    z = pile.at(x, y)
    rest = pile.height.max()
    hang = np.clip(reach - 0.86 * half, 0, None)
    z = np.where(z > rest - 0.9, rest, rest) - 0.75 * hang**1.35
    tone = varied(rng, paint(str(rng.choice(["#f2a922", "#f0b93c", "#f3d98c", "#ef9a1a"]))), 0.05)
    return slab(x, y, z + 0.12, z, tone, 0.28, side_rows=2).turned(rng.uniform(0, np.pi))


def burger(rng):
    """A burger, its top bun set a little askew; sometimes two patties, sometimes a bite of onion, bacon or sauce."""
    serving = Serving()
    radius = rng.uniform(4.4, 5.6)
    bread = varied(rng, paint(str(rng.choice(["#b9742f", "#a9662a", "#c98a45", "#8e5220"]))), 0.08)
    if rng.random() < 0.05:
        bread = paint("#2a2523")
    heel = revolve(
        [[0, 0], [0.82 * radius, 0], [0.98 * radius, 0.5], [radius, 1.1], [0.97 * radius, 1.5], [0, 1.5]], 72, 6,
    )  # fmt: skip
    pale = np.clip((heel.points[:, 2] - 0.9) / 0.6, 0, 1)
    serving.add(heel.painted(mix(bread, paint("#e8c78d"), pale), 0.5), "bread")
    z = 1.5
    layers = ["patty"]
    if rng.random() < 0.3:
        layers += ["cheese", "patty"]
    if rng.random() < 0.75:
        layers.append("cheese")
    if rng.random() < 0.7:
        layers.append("tomato")
    if rng.random() < 0.4:
        layers.append("onion")
    if rng.random() < 0.3:
        layers.append("bacon")
    if rng.random() < 0.3:
        layers.append("pickle")
    if rng.random() < 0.85:
        layers.insert(0 if rng.random() < 0.4 else len(layers), "lettuce")
    doneness = rng.uniform(0, 1)
    for layer in layers:
        slip = rng.normal(0, 0.12, 2)
        if layer == "patty":
            thick = rng.uniform(1.3, 2.2)
            serving.add(patty(rng, radius * rng.uniform(0.98, 1.1), thick, doneness).moved(*slip, z - 0.05), "beef")
            z += thick
        elif layer == "cheese":
            serving.pile.height[:] = np.minimum(serving.pile.height, z)
            serving.add(
                cheese_slice(rng, radius * rng.uniform(0.86, 1.0), serving.pile).moved(
                    *slip, z - serving.pile.height.max()
                ),
                "cheese",
                remember=False,
            )
            z += 0.12
        elif layer == "tomato":
            for k in range(int(rng.integers(2, 4))):
                a = k * 2.2 + slip[0] * 9
                serving.add(
                    tomato_slice(rng, radius * rng.uniform(0.55, 0.62), 0.55).moved(
                        0.42 * radius * np.cos(a), 0.42 * radius * np.sin(a), z + 0.06 * k
                    ),
                    "tomato",
                )
            z += 0.6
        elif layer == "onion":
            for r in (0.9, 0.7, 0.5):
                serving.add(
                    ring(rng, r * radius, 0.2, paint(str(rng.choice(["#c9a0b8", "#efe8dc"]))), 0.25).moved(*slip, z),
                    "vegetable",
                )
            z += 0.35
        elif layer == "bacon":
            for k in range(2):
                t = np.linspace(-1.2, 1.2, 40)
                x, y = np.meshgrid(t * radius, np.linspace(-1.2, 1.2, 9), indexing="ij")
                wave = 0.12 * np.sin(6 * x / radius + k) - 0.9 * np.clip(np.abs(x) / radius - 0.95, 0, None)
                strip = mix(paint("#7a2416"), paint("#d9a27a"), (np.sin(4.2 * y + 0.5 * np.sin(x)) > 0.35) * 0.8)
                serving.add(
                    slab(x, y, wave + 0.15, wave, strip, 0.3).turned(rng.uniform(0, np.pi)).moved(0, 0, z), "bacon"
                )
            z += 0.3
        elif layer == "pickle":
            for k in range(4):
                a = k * 1.6 + slip[0]
                tone = lambda s, t: mix(paint("#9bac4c"), paint("#4e6a22"), np.clip((s - 0.85) / 0.1, 0, 1))
                serving.add(
                    disc(rng, 1.6, 0.3, paint("#9bac4c"), paint("#4e6a22"), pattern=tone).moved(
                        0.6 * radius * np.cos(a), 0.6 * radius * np.sin(a), z
                    ),
                    "vegetable",
                )
            z += 0.3
        else:
            serving.add(
                lettuce(rng, radius * rng.uniform(1.12, 1.3), rng.uniform(0.7, 1.3)).moved(*slip, z + 0.25), "leaf", 0.6
            )
            z += 0.35
    if rng.random() < 0.35:
        tone = paint(str(rng.choice(["#a8170f", "#f0e6c4", "#d9a016"])))
        serving.add(puddle(rng, 0.93 * radius, 0.35, tone, lumps=0.08).moved(0, 0, z - 0.1), "sauce", remember=False)
    top = crown(rng, radius * rng.uniform(0.97, 1.05), radius * rng.uniform(0.58, 0.8), bread)
    aslant = rng.random() < 0.35
    tilt = rng.uniform(0.15, 0.34) if aslant else rng.uniform(0, 0.08)
    top = top.turned(tilt, "x").moved(0, 0.0, z + 0.55 * tilt * radius).moved(y=-0.25 * tilt * radius)
    top = serving.add(top, "bread")
    if rng.random() < 0.75:
        spread = [[paint("#f0dfb4")], [paint("#f0dfb4"), paint("#1d1a18")]][int(rng.random() < 0.15)]
        seeds(rng, serving, top, int(rng.integers(50, 130)), spread, radius)
    turn = rng.uniform(0, 2 * np.pi)
    serving.bodies = [b.turned(turn) for b in serving.bodies]
    return serving


def hot_dog(rng):
    """A sausage in a long split bun, under lines of mustard and ketchup; one or two of them."""
    serving = Serving()
    count = int(rng.choice([1, 2], p=[0.72, 0.28]))
    bread = varied(rng, paint(str(rng.choice(["#c48743", "#b4732f", "#d6a059"]))), 0.07)
    meat = varied(rng, paint(str(rng.choice(["#9a3a20", "#a94a2a", "#7f2c1a", "#b5583a"]))), 0.07)
    length = rng.uniform(14, 18)
    toppings = [
        str(k)
        for k in rng.choice(
            ["mustard", "ketchup", "onion", "relish", "nothing"], 2, replace=False, p=[0.4, 0.3, 0.15, 0.1, 0.05]
        )
    ]
    for k in range(count):
        bodies = []
        s = np.linspace(-1, 1, 46)
        bow = rng.uniform(0.2, 0.9)
        for side in (-1, 1):
            path = np.stack([s * (length / 2 - 0.5), side * 1.75 + bow * s**2 * 0.6, 1.75 - 0.1 * s**2], -1)
            width = 2.0 * np.clip(1 - np.abs(s) ** 7, 0.05, 1) ** 0.5
            half = tube(path, width, 28, bread, 0.35)
            points = half.points + [0, 0, 0]
            points = points * [1, 1, 0.95]
            high = points[:, 2]
            inward = -side * (points[:, 1] - bow * (points[:, 0] / length * 2) ** 2 * 0.6 - side * 1.75)
            crumb = np.clip((inward - 0.6) / 0.5, 0, 1)
            swell = Grain(rng, (2, 7), 8)(points)
            brown = np.clip((high - 0.6) / 1.6, 0, 1) * (0.8 + 0.15 * swell)
            color = mix(mix(paint("#e3bd80"), bread, brown), paint("#f2dfb8"), crumb)
            half = Body(points, half.faces, color, 0.38).turned(side * 0.22, "x", (0, side * 1.75, 0))
            bodies.append((half, "bread", 0.85))
        path = np.stack(
            [s * (length / 2 + rng.uniform(0.2, 1.3)), bow * s**2 * 0.6, 2.75 + 0.5 * s**2 * rng.uniform(0.2, 1)], -1
        )
        width = rng.uniform(1.25, 1.5) * np.clip(1 - np.abs(s) ** 12, 0.02, 1) ** 0.5
        sausage = tube(path, width, 26, meat, 0.16)
        char = Grain(rng, (0.8, 4), 14)(sausage.points)
        sausage = sausage.painted(mix(meat, meat * 0.4, np.clip((char - 0.7) * 0.7, 0, 0.8)))
        bodies.append((sausage, "sausage", 1.0))
        crest = lambda t: 2.75 + 0.3 * t**2 + 1.28
        for topping in toppings:
            t = np.linspace(-0.88, 0.88, 120)
            if topping in ("mustard", "ketchup"):
                tone = paint("#e5ac10") if topping == "mustard" else paint("#a8120c")
                waves = rng.uniform(6, 11)
                wiggle = (
                    rng.uniform(0.45, 0.85) * np.sin(waves * np.pi * t + rng.uniform(0, 6))
                    if rng.random() < 0.8
                    else 0 * t + rng.normal(0, 0.2)
                )
                line = np.stack([t * length / 2, wiggle + bow * t**2 * 0.6, crest(t) - 0.35 * wiggle**2], -1)
                bodies.append((sauce_line(line, rng.uniform(0.2, 0.32), tone), "sauce", 1.0))
            elif topping in ("onion", "relish"):
                tones = (
                    [paint("#efe6d6"), paint("#d8b8c8")] if topping == "onion" else [paint("#6f8f2a"), paint("#94ad3c")]
                )
                if topping == "onion" and rng.random() < 0.5:
                    tones = [paint("#b9742c"), paint("#d99a48")]
                for _ in range(70):
                    at, off = rng.uniform(-0.85, 0.85), rng.normal(0, 0.45)
                    crumb = (
                        ball(1, 7, 5)
                        .scaled(*rng.uniform(0.14, 0.3, 3))
                        .painted(varied(rng, tones[rng.integers(2)], 0.1), 0.35)
                    )
                    bodies.append(
                        (
                            crumb.moved(at * length / 2, off + bow * at**2 * 0.6, crest(at) - 0.35 * off**2 + 0.02),
                            "vegetable",
                            1.0,
                        )
                    )
        offset = (k - (count - 1) / 2) * 7.9
        turn = rng.normal(0, 0.08)
        for body, stuff, share in bodies:
            serving.add(body.turned(turn).moved(0, offset), stuff, share)
    serving.notes = toppings
    return serving
