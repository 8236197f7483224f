"""What stands on the table beside and under the food: plates, bowls, boards, cutlery, glasses, napkins.

Every dish is served on tableware drawn from the same distribution, scaled to the food, so that the picture's
background does not tell what is eaten.
"""

import numpy as np
from shapes import Body, Grain, disc_grid, merged, mix, paint, revolve, slab, tube, varied

GLAZES = [
    "#f4f2ec", "#f6f6f4", "#efe9dc", "#e6ddcb", "#d8d4cc", "#9aa3a5", "#4d5458", "#23262a", "#2f4b6e", "#7d9bb4",
    "#a9b8a0", "#556b57", "#b7664a", "#d9b8ac", "#e3c26f", "#6f4a3a",
]  # fmt: skip
PAPERS = ["#efe6d2", "#d9b88a", "#f5f3ee", "#c8c6c0", "#8a5a38", "#2b2b2d"]
DRINKS = ["#f2f1ee", "#e88b1c", "#3a1608", "#a0202c", "#b4581a", "#e8d9c4", "#7a9a3a"]


def glaze(rng):
    """A color for pottery; white and cream are the commonest."""
    color = paint(GLAZES[int(rng.integers(4) if rng.random() < 0.5 else rng.integers(len(GLAZES)))])
    return varied(rng, np.minimum(color, 0.82), 0.05)


def pottery(rng, knots, columns=120):
    """A turned piece of crockery with a glaze, maybe bands, speckles or another color inside."""
    body = revolve(knots, columns, steps=7)
    color = np.tile(glaze(rng), (len(body.points), 1))
    radius = np.hypot(body.points[:, 0], body.points[:, 1])
    reach, style = radius.max(), rng.random()
    if style < 0.25:  # painted bands
        other = glaze(rng)
        for place in rng.uniform(0.72, 1.0, rng.integers(1, 3)):
            band = np.clip(1.6 - np.abs(radius / reach - place) / rng.uniform(0.008, 0.03), 0, 1)
            color = blend(color, other, band)
    elif style < 0.45:  # speckled stoneware
        grains = Grain(rng, (0.03 * reach, 0.09 * reach), 30)(body.points)
        color = blend(color, color * 0.35, np.clip(grains - 1.5, 0, 1))
    elif style < 0.55:  # unglazed or dark rim
        color = blend(color, glaze(rng) * 0.6, np.clip((radius / reach - 0.97) / 0.02, 0, 1))
    return Body(body.points, body.faces, color, rng.choice([0.12, 0.2, 0.3, 0.5]))


def blend(a, b, share):
    """Rows of ``a`` moved towards ``b`` by a share for each row."""
    return a + np.clip(share, 0, 1)[:, None] * (b - a)


def plate(rng, foot):
    """A flat plate with a rim."""
    well = foot * rng.uniform(1.0, 1.3)
    rim, rise = well * rng.uniform(0.22, 0.5), well * rng.uniform(0.03, 0.10)
    outer, thick, base = well + rim, 0.035 * well, -0.07 * well
    knots = [
        [0, 0], [0.5 * well, 0], [0.95 * well, 0], [1.04 * well, 0.3 * rise], [1.12 * well, 0.7 * rise],
        [outer, rise + 0.1 * rim], [outer + thick, rise + 0.1 * rim - 0.4 * thick],
        [outer, rise + 0.1 * rim - thick], [1.1 * well, 0.3 * rise - thick], [0.9 * well, base * 0.7],
        [0.86 * well, base], [0.8 * well, base],
    ]  # fmt: skip
    return [pottery(rng, knots)], base, outer


def coupe(rng, foot):
    """A plate without a rim that curves up to its edge."""
    well = foot * rng.uniform(0.95, 1.15)
    outer, rise = well * rng.uniform(1.22, 1.5), well * rng.uniform(0.10, 0.28)
    thick, base = 0.04 * well, -0.07 * well
    knots = [
        [0, 0], [0.5 * well, 0], [well, 0.02 * rise], [(well + outer) / 2, 0.3 * rise], [outer * 0.97, 0.85 * rise],
        [outer, rise], [outer + 0.7 * thick, rise], [outer + 0.8 * thick, rise - thick],
        [(well + outer) / 2, 0.3 * rise - thick], [0.7 * well, base * 0.8], [0.66 * well, base], [0.6 * well, base],
    ]  # fmt: skip
    return [pottery(rng, knots)], base, outer


def bowl(rng, well):
    """A bowl or a soup plate whose inside follows ``well``, (radius, z) knots from the center up; it goes on above."""
    well = np.asarray(well, float)
    radius, depth = well[-1]
    rim_wide = rng.random() < 0.55
    lip = rng.uniform(0.05, 0.14) * radius
    inside = [*well.tolist(), [radius * 1.05, depth + lip]]
    thick, base = 0.045 * radius, -0.06 * radius
    if rim_wide:
        outer = radius * rng.uniform(1.25, 1.5)
        top = depth + lip + (outer - radius) * 0.12
        edge = [
            [radius * 1.12, depth + 1.3 * lip],
            [outer, top],
            [outer + thick, top - 0.3 * thick],
            [outer, top - thick],
        ]
    else:
        outer = radius * 1.08
        top = depth + lip * rng.uniform(1.2, 2.0)
        edge = [[outer, top], [outer + 0.5 * thick, top + 0.2 * thick], [outer + thick, top - 0.3 * thick]]
    below = [
        [radius * 1.02 + thick, depth * 0.7],
        [0.75 * radius, base * 0.3],
        [0.55 * radius, base],
        [0.5 * radius, base],
    ]
    return [pottery(rng, inside + edge + below)], base, outer + thick


def dish_bowl(rng, foot):
    """A low bowl around food whose foot has the radius ``foot``."""
    depth = foot * rng.uniform(0.18, 0.42)
    return bowl(rng, [[0, 0], [0.45 * foot, 0], [0.9 * foot, 0], [1.12 * foot, 0.3 * depth], [1.22 * foot, depth]])


def board(rng, foot):
    """A wooden or slate board, round or square."""
    half, thick = foot * rng.uniform(1.1, 1.5), foot * rng.uniform(0.06, 0.16)
    slate = rng.random() < 0.3
    tone = (
        paint("#3a3d40") if slate else paint(str(rng.choice(["#c79a63", "#a8733f", "#6e4527", "#dcb988", "#54331e"])))
    )
    if rng.random() < 0.4:
        x, y, *_ = disc_grid(half, 40, 120)
    else:
        aspect = rng.uniform(0.75, 1.35)
        x, y = np.meshgrid(np.linspace(-half * aspect, half * aspect, 90), np.linspace(-half, half, 90), indexing="ij")
    turn = rng.uniform(0, np.pi)
    squeeze = np.array([0.05, 1.0, 1.0]) if not slate else np.ones(3)
    places = np.stack([x, y, 0 * x], -1)
    grain = Grain(rng, (0.06 * half, 0.5 * half), 24)(places * squeeze)
    color = tone * (1 + (0.05 if slate else 0.13) * grain)[..., None]
    body = slab(x, y, 0.0 * x, 0 * x - thick, np.clip(color, 0.01, 0.9), 0.55, side_rows=3).turned(turn)
    return [body], -thick, half


def paper(rng, foot):
    """A sheet of baking paper or card, with slightly curled edges."""
    half = foot * rng.uniform(1.1, 1.5)
    x, y = np.meshgrid(
        np.linspace(-half, half, 40), np.linspace(-half, half, 40) * rng.uniform(0.75, 1.2), indexing="ij"
    )
    share = np.maximum(np.abs(x), np.abs(y)) / half
    lift = (
        0.06
        * half
        * np.clip(share - 0.75, 0, 1)
        * (1 + 0.7 * Grain(rng, (0.7 * half, 2 * half), 8)(np.stack([x, y], -1)))
    )
    z = np.clip(lift, 0, None)
    tone = varied(rng, paint(str(rng.choice(PAPERS))), 0.05)
    body = slab(x, y, z, z - 0.012 * half, np.minimum(tone, 0.8), 0.7, side_rows=2).turned(rng.uniform(0, np.pi))
    return [body], -0.013 * half, half


KINDS = {"plate": plate, "coupe": coupe, "bowl": dish_bowl, "board": board, "paper": paper}
SHARES = [0.28, 0.18, 0.36, 0.12, 0.06]


def serve(rng, foot, well=None):
    """Tableware for food whose foot has a given radius.

    Parameters
    ----------
    rng : numpy.random.Generator
    foot : float
        Radius in centimeters.
    well : array-like, optional
        Inside of the bowl that the food needs.

    Returns
    -------
    (list of Body, float, float, str)
        The tableware, the height of the table below z = 0, its outer radius, and its kind.
    """
    kind = str(rng.choice(list(KINDS), p=SHARES))
    if well is None:
        return *KINDS[kind](rng, foot), kind
    bodies, low, outer = bowl(rng, well)
    if kind in ("board", "paper"):  # the bowl stands on it
        under, lower, _ = KINDS[kind](rng, outer * 0.85)
        bodies += [b.moved(z=low) for b in under]
        low += lower
    return bodies, low, outer, "bowl"


# --- Beside the plate ------------------------------------------------------------------------------------


def strip(length, half_width, lift, thick=0.02, steps=40):
    """A flat piece along x: half its width and its height above the table as functions of the share of its length."""
    s = np.linspace(0, 1, steps)
    width, z = half_width(s), lift(s)
    across = np.linspace(-1, 1, 7)
    x = np.repeat(s[:, None] * length, 7, axis=1)
    hollow = (across**2 - 1)[None, :] * 0.0
    return slab(x, width[:, None] * across, z[:, None] + hollow + thick * length, z[:, None] + hollow, side_rows=2)


def cutlery(rng, length):
    """A fork, a knife or a spoon lying along x, of steel, brass, black metal or wood."""
    handle = lambda s: 0.030 * length * (1 - 0.55 * np.clip(s / 0.6, 0, 1) ** 0.8)
    lift = lambda s: 0.03 * length * np.exp(-(((s - 0.7) / 0.13) ** 2)) + 0.004 * length
    kind = str(rng.choice(["fork", "knife", "spoon"]))
    if kind == "knife":
        edge = lambda s: np.where(s < 0.5, 0.026 * length, 0.034 * length * np.clip((1 - s) / 0.12, 0, 1) ** 0.5)
        parts = [strip(length, edge, lambda s: 0 * s + 0.004 * length, 0.012)]
    elif kind == "spoon":
        head = lambda s: np.sqrt(np.clip(1 - ((s - 0.85) / 0.15) ** 2, 0, 1)) * 0.085 * length * (s > 0.7)
        parts = [strip(length, lambda s: np.maximum(handle(s) * (s < 0.9), head(s)) + 1e-3, lift, 0.01, 60)]
    else:
        neck = lambda s: np.where(
            s < 0.72, handle(s / 0.72 * 0.9), 0.016 * length + 0.05 * length * np.clip((s - 0.72) / 0.12, 0, 1) ** 0.6
        )
        parts = [strip(0.83 * length, lambda s: neck(s * 0.83), lambda s: lift(s * 0.83), 0.01)]
        for k in (-1.5, -0.5, 0.5, 1.5):
            tine = strip(0.2 * length, lambda s: 0.008 * length * (1 - 0.5 * s), lambda s: lift(0.8 + 0.2 * s), 0.04)
            parts.append(tine.moved(0.8 * length, k * 0.032 * length))
    material = rng.random()
    if material < 0.7:
        color, metal, rough = np.array([0.66, 0.65, 0.63]), 1.0, 0.18
    elif material < 0.82:
        color, metal, rough = np.array([0.78, 0.57, 0.26]), 1.0, 0.25
    elif material < 0.92:
        color, metal, rough = np.array([0.03, 0.03, 0.03]), 0.0, 0.35
    else:
        color, metal, rough = paint("#a9733f"), 0.0, 0.6
    whole = merged(parts)
    return Body(whole.points, whole.faces, color, rough, metal)


def napkin(rng, half):
    """A folded cloth."""
    x, y = np.meshgrid(
        np.linspace(-half, half, 60), np.linspace(-1.3 * half, 1.3 * half, 60) * rng.uniform(0.6, 1), indexing="ij"
    )
    places = np.stack([x, y], -1)
    z = 0.05 * half * (2.0 + 0.6 * Grain(rng, (0.7 * half, 2.5 * half), 8)(places)) + 0.05 * half * (x > 0.1 * half)
    tone, other = varied(rng, paint(str(rng.choice(GLAZES))), 0.1), paint(str(rng.choice(GLAZES)))
    period = half * rng.uniform(0.15, 0.6)
    line = ((x / period) % 1 < 0.3) * (rng.random() < 0.4) + ((y / period) % 1 < 0.3) * (rng.random() < 0.3)
    weave = 1 + 0.05 * Grain(rng, (0.02 * half, 0.06 * half), 24)(places)
    color = np.clip(mix(tone, other, np.clip(line, 0, 1)) * weave[..., None], 0.01, 0.85)
    return slab(x, y, np.clip(z, 0.02 * half, None), 0 * z, color, 0.9, side_rows=2)


def glass(rng, height):
    """A tumbler: its walls, to be made of glass, and its drink."""
    r = height * rng.uniform(0.3, 0.42)
    wall = revolve([[0, 0.01 * height], [r * 0.8, 0.01 * height], [r * 0.86, 0.06 * height], [r, height]], 64, 5)
    level = height * rng.uniform(0.4, 0.85)
    at = r * (0.84 + 0.14 * level / height)
    drink = revolve(
        [[0, 0.05 * height], [r * 0.8, 0.05 * height], [r * 0.84, 0.1 * height], [at, level], [at * 0.97, level], [0, level]],
        64, 5, paint(str(rng.choice(DRINKS))), 0.08,
    )  # fmt: skip
    return wall, drink


def cup(rng, height):
    """A cup with a drink."""
    r = height * rng.uniform(0.5, 0.65)
    knots = [
        [0, 0.06 * height], [0.7 * r, 0.08 * height], [0.93 * r, 0.5 * height], [0.95 * r, height], [r, height],
        [r, 0.5 * height], [0.75 * r, 0], [0.6 * r, 0],
    ]  # fmt: skip
    angle = np.linspace(-1.9, 1.9, 24)
    path = np.stack(
        [0.95 * r + 0.45 * r * np.cos(angle) * 1.1 + 0.1 * r, 0 * angle, 0.52 * height + 0.3 * height * np.sin(angle)],
        -1,
    )
    body = pottery(rng, knots, 64)
    handle = tube(path, 0.07 * height, 10, body.color[0], body.rough[0])
    x, y, *_ = disc_grid(0.94 * r, 8, 48)
    drink = slab(x, y, 0 * x + 0.85 * height, 0 * x + 0.8 * height, paint(str(rng.choice(DRINKS))), 0.1, side_rows=2)
    return [body, handle.turned(rng.uniform(0, 2 * np.pi)), drink]


def beside(rng, outer, size):
    """Things on the table around the plate: each dish has them as often as any other.

    Parameters
    ----------
    rng : numpy.random.Generator
    outer : float
        Radius of the plate, in centimeters.
    size : float
        Radius of the food, which sets the things' scale together with their own.

    Returns
    -------
    (list of Body, list of Body, list of str)
        Opaque bodies standing on z = 0, bodies of glass, and their names.
    """
    scale = size * (0.6 + 0.4 * 9 / max(size, 1))  # nearly to scale with the food: its true size stays a secret
    opaque, clear, names = [], [], []
    if rng.random() < 0.15 and outer > 0:
        half = outer * rng.uniform(0.5, 0.9)
        piece, angle = napkin(rng, half).turned(rng.uniform(0, np.pi)), rng.uniform(0, 2 * np.pi)
        away = outer * 1.05 + half * rng.uniform(1.0, 1.5)
        opaque.append(piece.moved(away * np.cos(angle), away * np.sin(angle)))
        names.append("napkin")
    if rng.random() < 0.38:
        for side in rng.permutation([-1, 1])[: rng.integers(1, 3)]:
            length = 2.1 * scale * rng.uniform(0.85, 1.15)
            piece = cutlery(rng, length).moved(-length / 2).turned(np.pi / 2 + rng.normal(0, 0.25))
            opaque.append(
                piece.moved(side * (outer + scale * rng.uniform(0.12, 0.35)), rng.normal(0, 0.2 * scale), 0.05)
            )
        names.append("cutlery")
    kinds = rng.choice(["glass", "cup", "nothing"], p=[0.16, 0.12, 0.72])
    if kinds != "nothing":
        angle = rng.uniform(0.1 * np.pi, 0.9 * np.pi)  # behind the food, seen from the camera
        height = scale * rng.uniform(0.75, 1.1)
        away = outer + 0.65 * height + rng.uniform(0, 0.4) * scale
        x, y = away * np.cos(angle), away * np.sin(angle)
        names.append(str(kinds))
        if kinds == "glass":
            wall, drink = glass(rng, height)
            clear.append(wall.moved(x, y))
            opaque.append(drink.moved(x, y))
        else:
            opaque += [b.moved(x, y) for b in cup(rng, height * 0.6)]
    return opaque, clear, names
