"""Apples, tomatoes and bananas: whole, cut and sliced."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, merged, mix, paint, revolve, slab, tube, varied

from dishes.garnish import disc, leaf, tomato_slice

APPLES = [
    ("#b3161c", "#d9a23a"), ("#8f1018", "#5f0a12"), ("#c2262a", "#c9b24a"), ("#86ad2f", "#a5c24a"), ("#d3c24a", "#c0562f"),
    ("#a51a22", "#8fae3a"),
]  # fmt: skip


def scattered(rng, count, radius):
    """Places for round things that touch but do not overlap."""
    if count == 1:
        return [(0.0, 0.0)]
    spin = rng.uniform(0, 2 * np.pi)
    away = radius * (1.03 if count == 2 else 1.0 / np.sin(np.pi / count) * 1.03)
    return [
        (away * np.cos(spin + 2 * np.pi * k / count), away * np.sin(spin + 2 * np.pi * k / count)) for k in range(count)
    ]


def apple_skin(rng, radius, tones):
    """A whole apple on z = 0, with its stem, as two bodies."""
    tall = rng.uniform(0.86, 1.0)
    knots = np.array([
        [0.0, 1.50], [0.10, 1.52], [0.30, 1.75], [0.58, 1.86], [0.88, 1.60], [1.0, 1.15], [0.93, 0.65], [0.70, 0.22],
        [0.45, 0.02], [0.28, 0.03], [0.12, 0.16], [0.0, 0.18],
    ]) * radius * [1, tall]  # fmt: skip
    body = revolve(knots, 96, 8)
    p = body.points
    angle, high = np.arctan2(p[:, 1], p[:, 0]), p[:, 2] / (1.86 * radius * tall)
    lobes = 1 + 0.025 * np.cos(5 * angle + rng.uniform(0, 6)) * np.clip(0.6 - high, 0, 1) * 1.6
    lean = Grain(rng, (2.5 * radius, 5 * radius), 6)(p) * 0.025
    p = p * np.stack([lobes + lean, lobes + lean, np.ones(len(p))], -1)
    around = np.stack([np.cos(angle), np.sin(angle), 0.12 * high], -1)
    streak = Grain(rng, (0.12, 0.5), 40)(around)
    blush = Grain(rng, (1.6, 4), 6)(around) + 0.7 * (high - 0.5)
    main, other = (varied(rng, paint(t), 0.1) for t in tones)
    color = mix(main, other, np.clip(0.20 * streak + 0.45 * blush + rng.uniform(-0.5, 0.3), 0, 1))
    spots = Grain(rng, (0.22, 0.5), 40)(p)
    color = mix(color, paint("#e8d8a0"), 0.5 * np.clip(spots - 2.0, 0, 1))
    near = np.hypot(p[:, 0], p[:, 1]) / radius
    color = mix(color, paint("#8f8a3a"), np.clip((0.34 - near) / 0.22, 0, 0.85) * (high > 0.5))
    s = np.linspace(0, 1, 10)
    bend = rng.uniform(-0.5, 0.5)
    stem = tube(
        np.stack([bend * s**2 * radius, 0.1 * s, (1.48 * tall + 0.75 * s) * radius], -1),
        0.07 * radius * (0.8 + 0.5 * s**4),
        8,
        paint("#54371d"),
        0.7,
    )
    return Body(p, body.faces, color, 0.16), stem


def half_apple(rng, radius, tones):
    """Half an apple, its cut face up and then tipped towards one side, as a list."""
    angle = np.linspace(0, 2 * np.pi, 90)
    reach = radius * (
        1
        - 0.10 * np.abs(np.sin(angle)) ** 6
        - 0.16 * np.exp(-(((angle - np.pi / 2) / 0.25) ** 2))
        - 0.10 * np.exp(-(((angle - 1.5 * np.pi) / 0.2) ** 2))
    )
    share = 1 - (1 - np.linspace(0.001, 1, 26)) ** 1.5
    x, y = reach[:, None] * share * np.cos(angle)[:, None], reach[:, None] * share * np.sin(angle)[:, None]
    depth = radius * 0.95
    core = np.exp(-((x / (0.20 * radius)) ** 2) - ((y / (0.32 * radius)) ** 2))
    pip = ((np.abs(np.abs(x) - 0.11 * radius) < 0.07 * radius) & (np.abs(y) < 0.17 * radius)).astype(float)
    color = mix(paint("#f4e9c4"), paint("#d9c48a"), 0.7 * core + 0.15 * np.clip((share - 0.6) / 0.4, 0, 1))
    color = mix(
        mix(color, paint("#4a2a14"), pip), varied(rng, paint(tones[0]), 0.05), np.clip((share - 0.965) / 0.02, 0, 1)
    )
    below = depth * (1 - np.sqrt(np.clip(1 - share**2, 0, 1)))
    skin = slab(x, y, 0 * x + depth, below, color, 0.3, side_rows=2)
    n = x.size
    tone = skin.color.copy()
    streak = Grain(rng, (0.5, 2.0), 20)(skin.points[n : 2 * n])
    tone[n : 2 * n] = mix(varied(rng, paint(tones[0]), 0.05), paint(tones[1]), np.clip(0.3 * streak, 0, 0.6))
    tip = rng.uniform(0.2, 1.1)
    return [Body(skin.points, skin.faces, tone, 0.22).moved(z=-depth / 2).turned(tip, "x").onto()]


def apple(rng):
    """One to four apples, red, green or yellow; sometimes one is cut in half or in wedges."""
    serving = Serving()
    count = int(rng.choice([1, 2, 3, 4], p=[0.5, 0.22, 0.2, 0.08]))
    radius = rng.uniform(3.4, 4.4)
    tones = APPLES[rng.integers(len(APPLES))]
    cut = rng.random() < 0.25
    for k, (x, y) in enumerate(scattered(rng, count + cut, radius)):
        mine = tones if rng.random() < 0.75 else APPLES[rng.integers(len(APPLES))]
        if cut and k == count:
            for body in half_apple(rng, radius * 0.97, mine):
                serving.add(body.turned(rng.uniform(0, 2 * np.pi)).moved(x, y), "apple")
            continue
        skin, stem = apple_skin(rng, radius * rng.uniform(0.92, 1.05), mine)
        pieces = [(skin, "apple"), (stem, "herb")]
        if rng.random() < 0.4:
            green = leaf(rng, radius * 0.85, varied(rng, paint("#4c7f2a"), 0.1), 0.45).moved(
                radius * 0.5, 0, radius * 2.0
            )
            pieces.append((green.turned(rng.uniform(0, 6)), "herb"))
        tip, turn = rng.choice([0.0, 1.0], p=[0.7, 0.3]) * rng.uniform(0.4, 1.3), rng.uniform(0, 2 * np.pi)
        whole = merged([b.turned(tip, "x", (0, 0, radius)).turned(turn) for b, _ in pieces])
        lift = -whole.points[:, 2].min()
        for body, stuff in pieces:
            serving.add(body.turned(tip, "x", (0, 0, radius)).turned(turn).moved(x, y, lift), stuff)
    serving.notes.append(f"{count} whole" + (" and a half" if cut else ""))
    return serving


def tomato_skin(rng, radius, tone):
    """A whole tomato on z = 0, with its green star, as a list of bodies."""
    flat, lobes = rng.uniform(0.72, 0.9), int(rng.integers(4, 9))
    ribs = rng.choice([0.012, 0.05], p=[0.6, 0.4])
    knots = np.array([
        [0.0, 1.74], [0.10, 1.76], [0.26, 1.86], [0.52, 1.90], [0.84, 1.62], [1.0, 1.02], [0.90, 0.42], [0.62, 0.08],
        [0.3, 0.0], [0.0, 0.03],
    ]) * radius * [1, flat]  # fmt: skip
    body = revolve(knots, 96, 8)
    p = body.points
    angle, high = np.arctan2(p[:, 1], p[:, 0]), p[:, 2] / (1.9 * radius * flat)
    fold = (
        1 + ribs * np.cos(lobes * angle) * np.clip(high * 1.3, 0, 1) + 0.02 * Grain(rng, (3 * radius, 6 * radius), 5)(p)
    )
    p = p * np.stack([fold, fold, 1 + 0 * fold], -1)
    near = np.hypot(p[:, 0], p[:, 1]) / radius
    green = np.clip((0.55 - near) / 0.5, 0, 1) * (high > 0.6) * rng.uniform(0, 0.5)
    color = mix(tone * (1 + 0.06 * Grain(rng, (1, 5), 10)(p))[:, None], paint("#c98a2a"), green)
    parts = [Body(p, body.faces, np.clip(color, 0, 0.9), 0.06)]
    calyx, length = varied(rng, paint("#3f6d24"), 0.1), radius * rng.uniform(0.62, 0.9)
    count, curl = int(rng.integers(5, 7)), rng.uniform(0.1, 0.9)
    top = 1.80 * radius * flat
    for k in range(count):
        s = np.linspace(0, 1, 12)
        along = s * length
        z = top + 0.10 * radius * s + curl * 0.35 * length * s**2 - 0.08 * radius * (1 - curl) * 6 * s**3 * 0.5
        width = 0.14 * length * np.sin(np.pi * np.clip(0.15 + 0.85 * s, 0, 0.98)) ** 0.8
        x, y = np.meshgrid(along, np.linspace(-1, 1, 5), indexing="ij")
        zz = np.repeat(z[:, None], 5, 1)
        arm = slab(x, y * width[:, None], zz + 0.05 * radius * np.abs(y), zz - 0.03 * radius, calyx, 0.6, side_rows=2)
        parts.append(arm.turned(k * 2 * np.pi / count + rng.normal(0, 0.12)))
    s = np.linspace(0, 1, 8)
    path = np.stack(
        [0.25 * s**2 * radius * rng.uniform(-1, 1), 0 * s, top + 0.55 * s * radius * rng.uniform(0.4, 1.1)], -1
    )
    parts.append(tube(path, 0.075 * radius, 8, calyx * 0.9, 0.7))
    return parts


def tomato(rng):
    """One to six tomatoes with their green stars, ribbed or round; sometimes with slices or halves."""
    serving = Serving()
    small = rng.random() < 0.2
    count = int(rng.choice([1, 2, 3, 4], p=[0.36, 0.24, 0.25, 0.15])) + (2 if small else 0)
    radius = rng.uniform(1.5, 2.0) if small else rng.uniform(3.0, 4.2)
    tone = varied(rng, paint(str(rng.choice(["#cf1d12", "#d63216", "#b8150f", "#e0481a"]))), 0.06)
    cut = int(rng.integers(2, 5)) if rng.random() < 0.33 and not small else 0
    places = scattered(rng, count, radius)
    for x, y in places:
        parts = tomato_skin(rng, radius * rng.uniform(0.92, 1.06), tone)
        tip, turn = rng.choice([rng.uniform(0, 0.25), rng.uniform(0.4, 1.0)], p=[0.6, 0.4]), rng.uniform(0, 2 * np.pi)
        parts = [b.turned(tip, "x", (0, 0, radius)).turned(turn).moved(x, y) for b in parts]
        lift = -min(b.points[:, 2].min() for b in parts)
        for k, body in enumerate(parts):
            serving.add(body.moved(z=lift), "tomato" if k == 0 else "herb")
    reach = max(np.hypot(*p) for p in places) + radius
    spin = rng.uniform(0, 2 * np.pi)
    for k in range(cut):
        body = (
            tomato_slice(rng, radius * 0.93, 0.8)
            .turned(rng.uniform(0, 6))
            .turned(rng.uniform(0.1, 0.35) * (k > 0), "x")
        )
        angle = spin + 0.42 * k
        away = reach + 0.72 * radius
        serving.drop(body.moved(away * np.cos(angle), away * np.sin(angle)), "tomato", 0.15)
    serving.notes.append(f"{count} whole, {cut} slices")
    return serving


def curved(rng, length, bow, tone, ripe, thick):
    """One banana lying on its side, bent in the x-y plane, as two bodies: fruit and stem."""
    s = np.linspace(-1, 1, 60)
    turn = s * bow
    r = length / (2 * bow)
    path = np.stack([r * np.sin(turn), r * (np.cos(turn) - 1), 0 * s], -1)
    width = thick * np.clip(1 - np.abs(s) ** 5, 0.0, 1) ** 0.75 * (1 - 0.18 * s**2)
    width = np.maximum(width, thick * np.where(s > 0, 0.22, 0.16))
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    five = 1 + 0.055 * np.cos(5 * angle + rng.uniform(0, 1.2)) + 0.02 * np.cos(10 * angle)
    fruit = tube(path, width, 40, tone, 0.34, five)
    along = np.tile(np.concatenate([[-1], s, [1]]), 40)
    round_ = np.repeat(angle, 62)
    freckles, bruise = Grain(rng, (0.25, 0.9), 40)(fruit.points), Grain(rng, (1.5, 6), 12)(fruit.points)
    color = mix(tone, paint("#b5bb3a"), np.clip((np.abs(along) - 0.62) / 0.35, 0, 1) * (0.75 - 0.7 * ripe))
    ridge = np.clip(np.cos(5 * round_ + 0.6) - 0.85, 0, 1) * 4
    color = mix(color, color * 0.75, ridge * 0.5)
    color = mix(color, paint("#5a3312"), np.clip((freckles - 2.6 + 1.6 * ripe) / 0.35, 0, 1) * 0.85)
    color = mix(color, paint("#8a5a1c"), np.clip((bruise - 2.2 + 1.3 * ripe) / 0.8, 0, 0.5))
    color = mix(color, paint("#2c1d10"), np.clip((np.abs(along) - 0.975) / 0.015, 0, 1))
    end = path[-1]
    way = (path[-1] - path[-2]) / np.linalg.norm(path[-1] - path[-2])
    t = np.linspace(0, 1, 8)[:, None]
    stem = tube(
        end + way * t * 1.9 - way * 0.3,
        thick * (0.24 + 0.1 * t[:, 0] ** 3),
        10,
        mix(tone, paint("#8f8a3a"), np.array(0.6)),
        0.5,
    )
    stem = stem.painted(mix(stem.color, paint("#3a2614"), np.clip(((stem.points - end) @ way - 1.35) / 0.2, 0, 1)))
    return Body(fruit.points, fruit.faces, color, 0.34), stem


def banana(rng):
    """One to five bananas from green to freckled; sometimes with slices."""
    serving = Serving()
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.36, 0.22, 0.22, 0.13, 0.07]))
    ripe = float(rng.choice([rng.uniform(0, 0.3), rng.uniform(0.3, 0.85)], p=[0.65, 0.35]))
    tone = varied(rng, paint(str(rng.choice(["#f7c92c", "#f4bf1e", "#f8d04a", "#e6c83a"]))), 0.04)
    length, bow, thick = rng.uniform(15, 19), rng.uniform(0.5, 0.85), rng.uniform(1.6, 1.95)
    bunch = count > 1 and rng.random() < 0.7
    for k in range(count):
        fruit, stem = curved(
            rng,
            length * rng.uniform(0.93, 1.05),
            bow * rng.uniform(0.9, 1.1),
            tone * rng.uniform(0.94, 1.04),
            ripe,
            thick,
        )
        pair = []
        roll, swing, shift = rng.normal(0, 0.2), rng.normal(0, 0.18), rng.normal(0, 1)
        for body in (fruit, stem):
            if bunch:  # all stems meet at one point
                hinge = np.array([length * 0.5, -length * 0.22, 0])
                body = body.moved(*(-hinge)).turned((k - (count - 1) / 2) * 0.26, "z").turned(0.2 * k, "x")
            else:
                body = body.turned(roll, "x").turned(swing).moved(shift, (k - (count - 1) / 2) * thick * 2.3)
            pair.append(body)
        whole = serving.pile.drop(merged(pair), 0.06 if k else 0, add=False)
        lift = whole.points[:, 2].min() - merged(pair).points[:, 2].min()
        serving.add(pair[0].moved(z=lift), "banana")
        serving.add(pair[1].moved(z=lift), "banana", remember=False)
    if rng.random() < 0.22:
        face = lambda s, a: mix(
            mix(paint("#f6ebc2"), paint("#e2c98a"), np.clip(1 - s * 2.6, 0, 1) * (0.5 + 0.5 * np.cos(3 * a))),
            paint("#efe0b0"),
            np.clip((s - 0.9) * 9, 0, 1),
        )
        points = np.concatenate([b.points for b in serving.bodies])
        low, middle = points[:, 1].min(), points[:, 0].mean()
        for k in range(int(rng.integers(3, 8))):
            piece = disc(
                rng, thick * 0.88, rng.uniform(0.6, 1.0), paint("#f6ebc2"), paint("#f2e4b4"), pattern=face, rough=0.35
            )
            serving.drop(
                piece.turned(rng.normal(0, 0.1), "x").moved(
                    middle + (k - 2.5) * 2.0 + rng.normal(0, 0.4), low - 1.9 + rng.normal(0, 0.7)
                ),
                "banana",
                0.1,
            )
        serving.notes.append("slices")
    return serving
