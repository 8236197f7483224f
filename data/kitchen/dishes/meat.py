"""Steak."""

import numpy as np
from serving import Serving
from shapes import Grain, ball, box, merged, mix, paint, slab, tube, varied

from dishes.garnish import flecks, leaf


def cut_of_beef(rng, length, width, thick, doneness, grill, y0=-1.0, y1=1.0):
    """A steak, or the part of it between two places along its length (-1 to 1): brown outside, pink at its cuts."""
    seed = int(rng.integers(2**31))
    fixed = np.random.default_rng(seed)
    outline, dents, crust = Grain(fixed, (5, 12), 8), Grain(fixed, (1.2, 4), 18), Grain(fixed, (0.35, 1.2), 30)
    s, t = np.meshgrid(np.linspace(y0, y1, 90), np.linspace(-1, 1, 60), indexing="ij")
    half = width * np.clip(1 - np.abs(s) ** 2.6, 0, 1) ** 0.5 * (1 + 0.22 * np.sin(2.2 * s + 1)) + 0.02
    x, y = length * s, half * t
    at = np.stack([x, y], -1)
    y = y * (1 + 0.10 * outline(at)) + 0.5 * np.sin(1.4 * s) * width * 0.2
    x = x * (1 + 0.02 * outline(at))
    round_off = np.clip(1 - np.abs(t) ** 6, 0, 1) ** 0.4 * (
        np.clip(1 - np.abs(s) ** 14, 0, 1) ** 0.5 if y1 - y0 > 1.9 else 1
    )
    z = thick * (0.55 + 0.45 * round_off) + 0.03 * dents(at) + 0.03 * crust(at)
    brown = mix(paint("#8a5230"), paint("#4d2816"), np.clip(0.5 + 0.22 * dents(at) + 0.3 * crust(at), 0, 1))
    fat = np.clip((t - 0.80 - 0.05 * dents(at)) / 0.08, 0, 1)
    brown = mix(brown, paint("#d6a868"), 0.8 * fat)
    if grill:
        line = (x * 0.75 + y * 0.6) / 1.55
        bar = np.clip((0.20 - np.abs(line % 1 - 0.5)) / 0.08, 0, 1)
        brown = mix(brown, paint("#1a0d08"), 0.85 * bar * np.clip(0.8 + 0.3 * dents(at), 0, 1))
        z = z - 0.06 * bar

    def side(p, h):
        core = np.clip(1 - np.abs(h - 0.5) * 2.2, 0, 1) ** (0.35 + 1.3 * doneness)
        fibre = Grain(np.random.default_rng(seed), (0.25, 1.0), 24)(p * np.array([0.4, 1, 1]))
        rosy = mix(paint("#b8404a"), paint("#a9735c"), np.array(doneness))
        cut = mix(paint("#6f4029"), rosy * (1 + 0.1 * fibre)[:, None], core)
        place = p[:, 0] / length
        at_cut = ((np.abs(place - y0) < 0.035) & (y0 > -0.98)) | ((np.abs(place - y1) < 0.035) & (y1 < 0.98))
        outer = mix(paint("#5a2f1a"), paint("#8a5432"), np.clip(0.5 + 0.3 * fibre, 0, 1))
        return np.where(at_cut[:, None], cut, outer)

    return slab(x, y, z, 0 * z, np.clip(brown, 0.01, 0.9), 0.42, side=side, side_rows=16, bulge=0.10 * thick)


def rosemary(rng, length):
    """A sprig with needles."""
    s = np.linspace(0, 1, 12)
    bend = rng.normal(0, 0.12)
    path = np.stack([length * (s - 0.5), bend * length * (s - 0.5) ** 2, 0 * s + 0.12], -1)
    parts = [tube(path, 0.09, 6, paint("#6b5a3a"), 0.7)]
    for k in range(46):
        at = path[min(int(k / 46 * 12), 11)]
        needle = ball(1, 7, 5).scaled(0.62, 0.08, 0.06).moved(0.55).turned(rng.normal(-0.3, 0.3), "y")
        parts.append(
            needle.turned(rng.choice([-1, 1]) * rng.uniform(0.5, 1.1))
            .moved(*at)
            .painted(varied(rng, paint("#4c6a3a"), 0.12))
        )
    return merged(parts)


def steak(rng):
    """A grilled or fried steak, whole or sliced open and pink, with butter, herbs, or some vegetables."""
    serving = Serving()
    length, width, thick = rng.uniform(6.2, 8.2), rng.uniform(4.2, 5.6), rng.uniform(1.8, 2.8)
    doneness, grill = float(rng.random() ** 1.3) * 0.8, rng.random() < 0.72
    sliced = rng.random() < 0.6
    seed = int(rng.integers(2**31))
    if not sliced:
        serving.add(cut_of_beef(np.random.default_rng(seed), length, width, thick, doneness, grill), "beef")
    else:
        first = rng.uniform(-0.65, -0.2) if rng.random() < 0.7 else -1.0
        edges = (
            np.linspace(first, 1.0, int(rng.integers(5, 9)))
            if first > -1
            else np.linspace(-1, 1, int(rng.integers(7, 11)))
        )
        pieces = list(
            zip(
                np.concatenate([[-1.0], edges[:-1]]) if first > -1 else edges[:-1],
                edges if first > -1 else edges[1:],
                strict=True,
            )
        )
        spread = rng.uniform(0.22, 0.5)
        lean = rng.uniform(0.25, 0.7)
        for k, (a, b) in enumerate(pieces):
            body = cut_of_beef(np.random.default_rng(seed), length, width, thick, doneness, grill, a, b)
            if k and b - a < 1.0:
                middle = length * (a + b) / 2
                body = body.turned(lean * min(1.0, 0.35 * k), "y", (middle, 0, 0)).onto().turned(rng.normal(0, 0.03))
            serving.add(body.moved(spread * k * (1 + 0.3 * lean)), "beef")
    serving.notes = ["sliced" if sliced else "whole", "grilled" if grill else "fried"]
    if rng.random() < 0.35:
        pat = box(1.9, 1.7, 0.8, paint("#f3dc86"), 0.25, 0.6)
        pat = pat.painted(
            mix(pat.color, paint("#4c7a2c"), np.clip(Grain(rng, (0.25, 0.5), 24)(pat.points) - 0.9, 0, 1))
        )
        serving.drop(pat.moved(*rng.normal(0, 0.8, 2)), "butter", 0.25)
        serving.notes.append("butter")
    if rng.random() < 0.45:
        serving.drop(rosemary(rng, 7).turned(rng.uniform(0, 6)).moved(*rng.normal(0, 1.2, 2)), "herb", 0.25)
    if rng.random() < 0.4:
        flecks(
            rng,
            serving,
            60,
            width,
            [paint("#f6f3ea"), paint("#1d1815"), paint("#3f6a2a")],
            "herb",
            False,
            (0.06, 0.13),
            0.7,
        )
    side = str(
        rng.choice(
            ["none", "asparagus", "beans", "tomatoes", "leaves", "potatoes"], p=[0.42, 0.14, 0.12, 0.12, 0.08, 0.12]
        )
    )
    low = min(b.points[:, 1].min() for b in serving.bodies)
    middle = np.mean([b.points[:, 0].mean() for b in serving.bodies])
    if side in ("asparagus", "beans"):
        for _ in range(int(rng.integers(5, 9)) if side == "asparagus" else 16):
            s = np.linspace(-1, 1, 24)
            fat = (
                (0.55 if side == "asparagus" else 0.32)
                * np.where(s > 0.6, 1.0 + 0.35 * np.sin(np.pi * np.clip((s - 0.6) / 0.4, 0, 1)), 1)
                * np.clip((1.02 - s) / 0.12, 0.05, 1) ** 0.5
            )
            path = np.stack([s * rng.uniform(4.5, 6), rng.normal(0, 0.4) * s**2, 0 * s], -1)
            stick = tube(path, fat, 12, varied(rng, paint("#6f9a3c"), 0.1), 0.3)
            serving.drop(
                stick.turned(rng.normal(0, 0.12)).moved(middle + rng.normal(0, 0.5), low - 1.6 + rng.normal(0, 0.8)),
                "vegetable",
                0.2,
            )
    elif side == "tomatoes":
        for k in range(int(rng.integers(3, 6))):
            body = ball(1.35, 30, 20, varied(rng, paint("#c9200f"), 0.06), 0.12).onto()
            serving.drop(
                body.moved(middle + (k - 2) * 2.6 + rng.normal(0, 0.3), low - 1.7 + rng.normal(0, 0.3)), "tomato"
            )
    elif side == "potatoes":
        for k in range(int(rng.integers(4, 9))):
            body = ball(1.0, 30, 20, rough=0.4).scaled(1.9, 1.4, 1.3).turned(rng.uniform(0, 6))
            char = Grain(rng, (0.5, 2.5), 16)(body.points)
            body = body.painted(mix(paint("#e3b658"), paint("#a8672a"), np.clip(0.3 + 0.4 * char, 0, 1)))
            serving.drop(
                body.moved(
                    middle + (k % 4 - 1.5) * 3.0 + rng.normal(0, 0.3), low - 2.0 - 1.2 * (k // 4) + rng.normal(0, 0.3)
                ),
                "vegetable",
                0.05,
            )
    elif side == "leaves":
        for _ in range(10):
            serving.drop(
                leaf(rng, rng.uniform(3, 4.5), varied(rng, paint("#5f9440"), 0.15), 0.4, 0.5)
                .turned(rng.uniform(0, 6))
                .moved(middle + rng.normal(0, 2), low - 1.5 + rng.normal(0, 0.8)),
                "leaf",
                0.4,
            )
    serving.notes.append(side)
    return serving
