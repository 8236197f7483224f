"""Mixed salads."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, ball, mix, paint, revolve, slab, somewhere, varied

from dishes.garnish import cubes, disc, flecks, ring, tomato_slice

GREENS = {
    "butterhead": ("#a9c95a", "#5f9a2c"), "romaine": ("#c3d98a", "#3f7a22"), "spinach": ("#4a7f34", "#2f5c22"),
    "lollo": ("#8ab04a", "#6a2436"), "rocket": ("#5f9440", "#3c6f28"), "frisee": ("#d3dd8f", "#7fae3a"),
    "radicchio": ("#f0e3e4", "#7a1f3f"),
}  # fmt: skip


def lettuce_leaf(rng, length, kind):
    """A crinkled leaf, lying along x."""
    inner, outer = (varied(rng, paint(c), 0.12) for c in GREENS[kind])
    frill = {"lollo": 0.16, "frisee": 0.18, "butterhead": 0.09, "romaine": 0.07}.get(kind, 0.05)
    s, t = np.meshgrid(np.linspace(0, 1, 26), np.linspace(-1, 1, 25), indexing="ij")
    half = 0.42 * length * np.sin(np.pi * np.clip(0.12 + 0.80 * s, 0, 1)) ** 0.7
    if kind in ("rocket", "frisee"):
        half = half * (0.62 + 0.38 * np.abs(np.sin(5 * np.pi * s)))
    x, y = length * (s - 0.5), t * half
    at = np.stack([x, y], -1)
    wave, fine = Grain(rng, (0.35 * length, 0.9 * length), 8)(at), Grain(rng, (0.12 * length, 0.3 * length), 14)(at)
    edge = np.maximum(np.abs(t), 2 * s - 1)
    z = length * (0.07 * wave + frill * fine * edge**2 + rng.uniform(0.05, 0.35) * (t**2 * 0.6 + (s - 0.4) ** 2))
    rib = np.exp(-((t / (0.10 * (1.3 - s))) ** 2)) * (1 - 0.7 * s)
    vein = np.exp(-((((np.abs(t) * 2.5 - 4 * s) % 1) - 0.5) ** 2) / 0.01) * 0.22
    color = mix(inner, outer, np.clip(0.75 * edge**1.5 + 0.2 * fine + 0.1 * wave, 0, 1))
    color = mix(color, paint("#e6ecc4"), np.clip(0.8 * rib + vein, 0, 0.9))
    body = slab(x, y, z, z - 0.05, color, 0.32, side_rows=2)
    return body


def wedge(rng, radius):
    """A quarter of a tomato or the half of a cherry tomato, cut face up."""
    small = ball(radius, 26, 16, varied(rng, paint("#cc2214"), 0.06), 0.1)
    p = small.points.copy()
    cut = p[:, 2] > 0
    p[:, 2] = np.minimum(p[:, 2], 0.0)
    reach, angle = np.hypot(p[:, 0], p[:, 1]) / radius, np.arctan2(p[:, 1], p[:, 0])
    gel = np.clip((np.abs(np.sin(1.5 * angle)) - 0.4) * 3, 0, 1) * ((reach > 0.25) & (reach < 0.8))
    face = mix(paint("#dd4a30"), paint("#eb8a52"), gel)
    return Body(p, small.faces, np.where(cut[:, None], face, small.color), 0.12).onto()


def cucumber(rng, radius):
    """A slice of cucumber."""

    def tone(share, angle):
        seeds = np.clip(np.cos(9 * angle) * np.sin(np.pi * np.clip(share / 0.62, 0, 1)) - 0.3, 0, 1)
        flesh = mix(mix(paint("#dbe8ad"), paint("#c4da8c"), np.clip((share - 0.5) * 3, 0, 1)), paint("#eef0c8"), seeds)
        return mix(flesh, paint("#2f5a20"), np.clip((share - 0.93) / 0.04, 0, 1))

    return disc(rng, radius, rng.uniform(0.25, 0.4), paint("#dbe8ad"), paint("#2f5a20"), pattern=tone, rough=0.18)


def egg_quarter(rng):
    """A slice of boiled egg."""
    tone = lambda s, a: mix(paint("#f3b52a"), paint("#fbf8f0"), np.clip((s - 0.55) / 0.06, 0, 1))
    body = disc(rng, 2.1, 0.7, paint("#fbf8f0"), paint("#fbf8f0"), pattern=tone)
    return body.scaled(1.2, 1, 1)


def salad(rng):
    """A salad of leaves with tomato, cucumber, onion, cheese, olives, croutons, egg, radish or maize."""
    serving = Serving()
    reach = rng.uniform(6.5, 9.0)
    kinds = [
        str(k)
        for k in rng.choice(
            list(GREENS), int(rng.integers(1, 4)), replace=False, p=[0.24, 0.24, 0.14, 0.12, 0.12, 0.09, 0.05]
        )
    ]
    if kinds == ["radicchio"]:
        kinds.append("romaine")
    for k in range(int(rng.integers(26, 44))):
        kind = kinds[rng.integers(len(kinds))]
        length = rng.uniform(4.5, 8.0) * (0.75 if kind in ("rocket", "spinach") else 1)
        body = lettuce_leaf(rng, length, kind)
        away, angle = reach * 0.78 * np.sqrt(rng.random()) * (1 - 0.3 * k / 44), rng.uniform(0, 2 * np.pi)
        body = body.turned(rng.normal(0, 0.35), "x").turned(rng.normal(0, 0.30), "y").turned(rng.uniform(0, 2 * np.pi))
        serving.drop(body.moved(away * np.cos(angle), away * np.sin(angle)), "leaf", 0.62)
    extras = [str(k) for k in rng.choice(
        ["tomato", "cucumber", "onion", "feta", "olive", "crouton", "egg", "radish", "maize", "slices", "carrot"],
        int(rng.integers(2, 6)), replace=False, p=[0.2, 0.17, 0.1, 0.11, 0.09, 0.09, 0.05, 0.07, 0.05, 0.03, 0.04],
    )]  # fmt: skip
    serving.notes = kinds + extras

    def strew(count, make, stuff, sink=0.25):
        for _ in range(int(count)):
            place = somewhere(rng, reach * 0.82)
            body = make().turned(rng.normal(0, 0.35), "x").turned(rng.uniform(0, 6.28))
            serving.drop(body.moved(*place), stuff, sink)

    olive = lambda: (
        revolve(
            [[0.25, 0], [0.8, 0.3], [0.85, 1.0], [0.55, 1.6], [0.2, 1.55], [0.18, 0.8]],
            24,
            5,
            varied(rng, paint(str(np.array(["#1f1a20", "#5a6a24"])[tone_])), 0.1),
            0.12,
        )
        .turned(1.2, "x")
        .onto()
    )
    tone_ = int(rng.random() < 0.4)
    makers = {
        "tomato": lambda: strew(rng.integers(5, 12), lambda: wedge(rng, rng.uniform(1.2, 1.6)), "tomato"),
        "slices": lambda: strew(rng.integers(3, 6), lambda: tomato_slice(rng, 2.6, 0.5), "tomato"),
        "cucumber": lambda: strew(rng.integers(6, 14), lambda: cucumber(rng, rng.uniform(1.7, 2.1)), "vegetable"),
        "onion": lambda: strew(rng.integers(5, 12), lambda: ring(rng, rng.uniform(1.2, 2.2), 0.14, paint(str(rng.choice(["#a85f8a", "#c489ad"]))), 0.2), "vegetable"),
        "feta": lambda: strew(rng.integers(10, 22), lambda: cubes(rng, 1, 1.2, [paint("#fbf8ef")], 0.6)[0], "cheese"),
        "olive": lambda: strew(rng.integers(5, 12), olive, "vegetable"),
        "crouton": lambda: strew(rng.integers(8, 20), lambda: cubes(rng, 1, 1.4, [paint("#d9a35a"), paint("#b9772f")], 0.7)[0], "crouton"),
        "egg": lambda: strew(rng.integers(3, 6), lambda: egg_quarter(rng), "egg white"),
        "radish": lambda: strew(rng.integers(6, 14), lambda: disc(rng, rng.uniform(1.0, 1.4), 0.2, paint("#fbf5f2"), paint("#c21f4e"), pattern=lambda s, a: mix(paint("#fbf6f2"), paint("#c21f4e"), np.clip((s - 0.88) / 0.06, 0, 1))), "vegetable"),
        "maize": lambda: strew(rng.integers(30, 60), lambda: ball(1, 9, 7).scaled(0.42, 0.36, 0.32).painted(varied(rng, paint("#f2c230"), 0.06), 0.15), "vegetable"),
        "carrot": lambda: strew(rng.integers(16, 34), lambda: cubes(rng, 1, 0.35, [paint("#ec7a1c")], 0.35)[0].scaled(6, 1, 1), "vegetable"),
    }  # fmt: skip
    for extra in extras:
        makers[extra]()
    if rng.random() < 0.25:
        flecks(rng, serving, 60, reach * 0.8, [paint("#f2e3b8"), paint("#3a2c20")], "seed", False, (0.08, 0.14), 0.5)
    return serving
