"""French fries."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, box, mix, paint, revolve, varied

from dishes.garnish import flecks


def fry(rng, length, width, tone, dark):
    """One stick of potato, lying along x, a little bent, browner at its ends and edges."""
    body = box(1, 1, 1, tone, 0.4, 0.14, 7).moved(z=-0.5)
    points = body.points * [length, width, width * rng.uniform(0.85, 1.1)]
    share = points[:, 0] / length * 2
    bend, way = rng.normal(0, 0.05) * length, rng.uniform(0, 2 * np.pi)
    points = points + (share**2)[:, None] * bend * np.array([0, np.cos(way), np.sin(way)])
    edge = np.abs(body.points[:, 1] * 2) ** 4 * np.abs(body.points[:, 2] * 2) ** 4
    burn = np.clip(0.9 * np.abs(share) ** 6 + 0.35 * edge + 0.18 * Grain(rng, (0.6, 3), 8)(points), 0, 1)
    return Body(points, body.faces, mix(tone, dark, burn), 0.38)


def french_fries(rng):
    """A heap of fries, thin or thick, with salt, sometimes a pot or a spoonful of sauce."""
    serving = Serving()
    width = rng.uniform(0.65, 1.25)
    gold = varied(rng, paint(str(rng.choice(["#f0c860", "#ecbb50", "#f4d888", "#e6ae48"]))), 0.05)
    dark = varied(rng, paint("#a8631c"), 0.1)
    spread = rng.uniform(4.2, 6.2)
    aligned = rng.random() < 0.3
    way = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(38, 85) / width**0.7)):
        length = rng.uniform(5, 9.5) * (1 if rng.random() < 0.85 else 0.5)
        stick = fry(rng, length, width, varied(rng, gold, 0.07), dark)
        turn = way + rng.normal(0, 0.35) if aligned else rng.uniform(0, np.pi)
        away, angle = spread * np.sqrt(rng.random()) * 0.9, rng.uniform(0, 2 * np.pi)
        x, y = away * np.cos(angle), away * np.sin(angle)
        stick = stick.turned(rng.uniform(0, np.pi / 2), "x").turned(rng.normal(0, 0.10), "y").turned(turn).moved(x, y)
        serving.drop(stick, "fries", 0.55)
    reach = spread + 3
    if rng.random() < 0.3:
        red = rng.random() < 0.65
        tone = paint("#a5120b") if red else paint("#f3e7c0")
        r = rng.uniform(2.0, 2.8)
        angle = rng.uniform(0, 2 * np.pi)
        x, y = (reach + 0.4) * np.cos(angle), (reach + 0.4) * np.sin(angle)
        knots = [[0, 1.1], [0.5 * r, 1.0], [0.9 * r, 0.6], [r, 0.15], [0.95 * r, 0], [0, 0]]
        dollop = revolve(knots, 48, 6, tone, 0.12)
        lumps = 1 + 0.05 * Grain(rng, (1, 4), 8)(dollop.points)
        serving.add(Body(dollop.points * lumps[:, None], dollop.faces, tone, 0.12).moved(x, y), "sauce")
        serving.notes.append("ketchup" if red else "mayonnaise")
    if rng.random() < 0.6:
        flecks(rng, serving, int(rng.integers(40, 120)), spread, [paint("#ffffff")], "sugar", False, (0.04, 0.08), 0.8)
    if rng.random() < 0.25:
        flecks(rng, serving, int(rng.integers(20, 50)), spread, [paint("#4b7a2a")], "herb", False, (0.08, 0.16), 0.4)
    return serving
