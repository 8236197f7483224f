"""Doughnuts and bagels."""

import numpy as np
from serving import Serving
from shapes import Body, Grain, Waves, angle_grid, capsule, grid_faces, mix, paint, varied

from dishes.buns import lettuce, seeds
from dishes.garnish import sauce_line

ICINGS = ["#e8799c", "#4a2414", "#f4efe6", "#e9a3bd", "#7a4a26", "#b98ad0", "#8fc7d8", "#f2d98a", "#e8799c", "#4a2414"]
SPRINKLES = [paint(c) for c in ("#fdfbf5", "#f9d423", "#2f8fe0", "#4bb04f", "#e0332c", "#a05ac0", "#ff8ab5")]


class Ring:
    """A ring of dough: its bumps, and its surface by the angles around the ring and around the tube."""

    def __init__(self, rng, ring, width, height, lumps=0.03):
        self.ring, self.width, self.height, self.lumps = ring, width, height, lumps
        self.swell, self.bumps = Waves(rng, 6, 3, 1), Waves(rng, 30, 12, 6)

    def surface(self, theta, phi, lift=0.0):
        """Points at the angles, raised by ``lift`` centimeters."""
        across, up = np.cos(phi) / self.width, np.sin(phi) / self.height
        norm = np.hypot(across, up)
        lift = lift + self.lumps * (self.ring * self.swell(theta, phi) + 0.25 * self.ring * self.bumps(theta, phi))
        radius = np.maximum(self.ring + self.width * np.cos(phi) + lift * across / norm, 0.05)
        z = self.height * np.sin(phi) + lift * up / norm
        floor, soft = -0.82 * self.height, 0.06 * self.height
        z = soft * np.logaddexp(0, (z - floor) / soft)
        return np.stack([radius * np.cos(theta), radius * np.sin(theta), z], axis=-1)

    def body(self, color, rough, columns=140, rows=56):
        """The whole ring; ``color`` is a function of theta, phi and the points."""
        theta, phi = angle_grid(columns, rows)
        points = self.surface(theta, phi)
        tone = color(theta, phi, points)
        return Body(points.reshape(-1, 3), grid_faces(columns, rows), np.reshape(tone, (-1, 3)), rough)

    def coat(self, rng, thick, color, rough, low=0.2, columns=140, rows=40):
        """An icing with a wavy edge, an open sheet over the ring's top; returns it and its edges."""
        slow, quick, inside = Waves(rng, 5, 6, 0), Waves(rng, 5, 13, 0), Waves(rng, 4, 5, 0)
        theta = angle_grid(columns, rows, phi_wraps=False)[0]
        outer = low + 0.16 * np.tanh(1.3 * slow(theta)) + 0.12 * np.tanh(1.5 * quick(theta))
        inner = np.pi - 0.12 + 0.12 * inside(theta)
        across = (1 - np.cos(np.linspace(0, np.pi, rows))) / 2
        phi = outer + across * (inner - outer)
        from_edge = self.width * np.minimum(phi - outer, inner - phi)
        rounded = np.clip(from_edge / (1.5 * thick), 0, 1)
        lift = thick * np.sqrt(1 - (1 - rounded) ** 2) - 0.12 * thick * (rounded == 0)
        points = self.surface(theta, phi, lift).reshape(-1, 3)
        return Body(points, grid_faces(columns, rows, phi_wraps=False), color, rough)


def laid_out(rng, serving, pieces, radius):
    """Put one to three pieces, each a list of (body, stuff, volume), beside or on top of each other."""
    count = len(pieces)
    spin = rng.uniform(0, 2 * np.pi)
    stacked = count > 1 and rng.random() < 0.35
    for k, piece in enumerate(pieces):
        if count == 1:
            x = y = lift = tilt = 0.0
        elif stacked:
            x, y = rng.normal(0, 0.16 * radius, 2)
            lift, tilt = serving.pile.height.max() * 0.97 if k else 0.0, rng.normal(0, 0.06)
        else:
            away = radius * (1.06 if count == 2 else 1.22)
            angle = spin + k * 2 * np.pi / count
            x, y, lift, tilt = away * np.cos(angle), away * np.sin(angle), 0.0, 0.0
        turn = rng.uniform(0, 2 * np.pi)
        for body, stuff, volume in piece:
            serving.add(body.turned(turn).turned(tilt, "x").moved(x, y, lift), stuff, volume=volume)


def doughnut(rng):
    """Ring doughnuts with icing, sprinkles, threads of icing or sugar; one to three of them."""
    serving = Serving()
    count = int(rng.choice([1, 2, 3], p=[0.62, 0.22, 0.16]))
    ring = rng.uniform(2.5, 3.1)
    pieces, pale = [], paint("#ecd09a")
    for _ in range(count):
        width, height = ring * rng.uniform(0.52, 0.68), ring * rng.uniform(0.42, 0.56)
        dough = Ring(rng, ring, width, height, 0.018)
        fried = varied(rng, paint(str(rng.choice(["#b87333", "#a9632a", "#c98845"]))), 0.08)
        style = rng.choice(["iced", "sprinkled", "threads", "sugared"], p=[0.09, 0.55, 0.26, 0.10])
        belt_height = rng.uniform(-0.1, 0.2)

        def tone(theta, phi, points, dough=dough, fried=fried, belt_height=belt_height):
            belt = np.exp(-(((np.sin(phi) + 0.06 - belt_height + 0.06 * dough.swell(theta, phi)) / 0.2) ** 2)) * (
                np.cos(phi) > 0
            )
            return mix(fried * (1 + 0.10 * dough.bumps(theta, phi))[..., None], pale, 0.85 * belt)

        def sugared(theta, phi, points, tone=tone):
            grains = Grain(rng, (0.12, 0.4), 40)(points)
            return mix(tone(theta, phi, points), paint("#fdfaf2"), np.clip(0.45 + 0.5 * grains, 0, 1))

        base = dough.body(sugared if style == "sugared" else tone, 0.55, 160, 60)
        piece = [(base, "doughnut crumb", None)]
        if style not in ("sugared",):
            thick = 0.09 * ring * rng.uniform(0.7, 1.2)
            color = varied(rng, paint(ICINGS[rng.integers(len(ICINGS))]), 0.08)
            coat = dough.coat(rng, thick, color, rng.uniform(0.1, 0.3), rng.uniform(-0.05, 0.45))
            piece.append((coat, "icing", coat.area() * thick * 0.8))
            low, high = 0.75, np.pi - 0.6
            if style == "sprinkled":
                tones = SPRINKLES if rng.random() < 0.6 else [SPRINKLES[rng.integers(7)], SPRINKLES[rng.integers(7)]]
                if rng.random() < 0.15:
                    tones = [paint("#2a130a"), paint("#6b3b1e")]
                size, fat = ring * rng.uniform(0.05, 0.09), ring * rng.uniform(0.022, 0.036)
                for _ in range(int(rng.integers(50, 120))):
                    theta, phi = rng.uniform(0, 2 * np.pi), rng.uniform(low, high)
                    center = dough.surface(theta, phi, thick + 0.3 * fat)
                    along = dough.surface(theta + 1e-3, phi, thick) - dough.surface(theta - 1e-3, phi, thick)
                    over = dough.surface(theta, phi + 1e-3, thick) - dough.surface(theta, phi - 1e-3, thick)
                    turn = rng.uniform(0, np.pi)
                    way = np.cos(turn) * along / np.linalg.norm(along) + np.sin(turn) * over / np.linalg.norm(over)
                    points, faces = capsule(center - size * way, center + size * way, fat, 8, 8)
                    piece.append((Body(points, faces, tones[rng.integers(len(tones))], 0.3), "sugar", None))
            elif style == "threads":
                color = varied(rng, paint(str(rng.choice(["#f6f1e8", "#3a1a0e", "#e8799c", "#e0b04a"]))), 0.05)
                turns = int(rng.integers(9, 18))
                t = np.linspace(0, 2 * np.pi, 40 * turns)
                phi = np.pi / 2 + 0.75 * np.sin(turns * t)
                path = dough.surface(t, phi, thick * 1.15)
                piece.append((sauce_line(path, 0.032 * ring, color, 0.2), "icing", None))
        pieces.append(piece)
        serving.notes.append(str(style))
    laid_out(rng, serving, pieces, ring * 1.62)
    return serving


def bagel(rng):
    """Bagels: a shiny brown crust and a small hole, with seeds, sometimes cut and filled."""
    serving = Serving()
    count = int(rng.choice([1, 2, 3], p=[0.62, 0.24, 0.14]))
    ring = rng.uniform(2.9, 3.4)
    topping = str(rng.choice(["sesame", "poppy", "everything"], p=[0.45, 0.23, 0.32]))
    filled = rng.random() < 0.35
    crust = varied(rng, paint(str(rng.choice(["#b87a3a", "#a5652b", "#c48c48", "#8f5524"]))), 0.07)
    pieces = []
    for _ in range(count):
        width, height = ring * rng.uniform(0.66, 0.78), ring * rng.uniform(0.5, 0.62)
        dough = Ring(rng, ring, width, height, 0.026)
        spots = Grain(rng, (0.25, 1.4), 24)

        def tone(theta, phi, points, dough=dough, spots=spots, height=height):
            brown = np.clip(np.sin(phi) * 0.8 + 0.35 + 0.12 * dough.swell(theta, phi), 0, 1)
            blister = np.clip(spots(points) - 1.3, 0, 1) * 0.5
            return mix(mix(paint("#e0b878"), crust, brown), paint("#e9cf9c"), blister)

        base = dough.body(tone, 0.33, 160, 60)
        piece = [(base, "bagel crumb", None)]
        top = Serving()
        tones = {
            "sesame": ["#f2e3b8"],
            "poppy": ["#23242b"],
            "everything": ["#f2e3b8", "#23242b", "#f2e3b8", "#c9a26a"],
        }[topping]
        many = int(rng.integers(110, 260))
        seeds(
            rng,
            top,
            base,
            many,
            [paint(c) for c in tones],
            ring,
            size=0.19 if topping != "poppy" else 0.12,
            low=0.6,
        )
        piece += [(b, "seed", None) for b in top.bodies]
        if filled:  # cut through the middle: the upper half is lifted, the filling shows between
            cut, gap = base.points[:, 2].max() * 0.5, rng.uniform(0.35, 0.8)
            lifted = []
            for body, stuff, volume in piece:
                share = np.clip((body.points[:, 2:] - cut + 0.02) / 0.04, 0, 1)
                lifted.append(
                    (Body(body.points + share * [0, 0, gap], body.faces, body.color, body.rough), stuff, volume)
                )
            spread = Ring(rng, ring, width * 1.04, gap * 0.75, 0.035)
            cheese = rng.random() < 0.7
            color = paint("#f7f3e8") if cheese else paint("#e8813f")
            layer = spread.body(lambda t, p, x, c=color: np.broadcast_to(c, x.shape), 0.35, 120, 24).onto(cut - 0.1)
            lifted.append((layer, "cheese" if cheese else "fish", layer.volume() * 0.5))
            if rng.random() < 0.6:
                green = lettuce(rng, ring + width * 1.15, 0.45).moved(z=cut + gap * 0.8)
                lifted.append((green, "leaf", green.volume() * 0.5))
            piece = lifted
        pieces.append(piece)
    serving.notes = [topping, "filled" if filled else "whole"]
    laid_out(rng, serving, pieces, ring * 1.8)
    return serving
