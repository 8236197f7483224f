"""Shapes made of triangles: what everything in the kitchen is built from.

A shape is a :class:`Body`: vertices in centimeters (z up), triangles, and for each vertex a color and a surface.
The first functions make points and triangles; :class:`Body` moves, turns and weighs them; :class:`Pile` drops
bodies onto each other.
"""

from dataclasses import dataclass, replace

import numpy as np

# --- Random smooth functions, grids and curves -----------------------------------------------------------


class Waves:
    """Smooth random function on the torus: a sum of cosines, periodic in both angles.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random wave numbers and phases.
    count : int
        Number of waves.
    max_theta, max_phi : int
        Largest wave number around the ring and around the tube (0 makes the function constant there).
    """

    def __init__(self, rng, count, max_theta, max_phi):
        self.m = rng.integers(1, max_theta + 1, count)
        self.n = rng.integers(-max_phi, max_phi + 1, count)
        self.phase = rng.uniform(0, 2 * np.pi, count)

    def __call__(self, theta, phi=0.0):
        """Value at the given angles, with a standard deviation of about 1."""
        total = 0.0
        for m, n, phase in zip(self.m, self.n, self.phase, strict=True):
            total = total + np.cos(m * theta + n * phi + phase)
        return total * np.sqrt(2 / len(self.m))


def angle_grid(columns, rows, phi_wraps=True):
    """Angles theta and phi of a grid around the torus, each of shape (columns, rows)."""
    theta = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    phi = np.linspace(0, 2 * np.pi, rows, endpoint=not phi_wraps)
    return np.meshgrid(theta, phi, indexing="ij")


def grid_faces(columns, rows, phi_wraps=True):
    """Two triangles for each cell of a grid of vertices that wraps around in its first direction."""
    i, j = np.meshgrid(np.arange(columns), np.arange(rows if phi_wraps else rows - 1), indexing="ij")
    right, above = (i + 1) % columns, (j + 1) % rows
    a, b, c, d = i * rows + j, right * rows + j, right * rows + above, i * rows + above
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def lathe(profile, columns=360):
    """Turn a profile of (radius, z) pairs around the z axis; returns vertices and faces."""
    theta = np.linspace(0, 2 * np.pi, columns, endpoint=False)[:, None]
    radius, z = profile[:, 0], profile[:, 1] + 0 * theta
    points = np.stack([radius * np.cos(theta), radius * np.sin(theta), z], axis=-1)
    return points.reshape(-1, 3), grid_faces(columns, len(profile), phi_wraps=False)


def smooth_curve(knots, steps):
    """Catmull-Rom curve through the knots (centripetal steps keep it from overshooting)."""
    knots = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    t = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1) ** 0.5)])
    pieces = []
    for k in range(1, len(knots) - 2):
        x = np.linspace(t[k], t[k + 1], steps, endpoint=False)[:, None]
        p, s = knots[k - 1 : k + 3], t[k - 1 : k + 3]
        level = list(p)
        for depth in (1, 2):
            level = [
                ((s[i + depth] - x) * level[i] + (x - s[i]) * level[i + 1]) / (s[i + depth] - s[i])
                for i in range(len(level) - 1)
            ]
        pieces.append(((s[2] - x) * level[0] + (x - s[1]) * level[1]) / (s[2] - s[1]))
    return np.concatenate([*pieces, knots[-2:-1]])


def capsule(start, end, radius, columns=20, rows=16):
    """Vertices and faces of a rod with round ends."""
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, [0.3, 0.5, 0.8])
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(axis, side), axis])
    angle = np.linspace(-np.pi / 2, np.pi / 2, rows)
    points, faces = lathe(radius * np.stack([np.cos(angle), np.sin(angle)], -1), columns)
    points = points @ frame + np.where((points[:, 2] > 0)[:, None], end, start)
    return points, faces


# --- Bodies ----------------------------------------------------------------------------------------------


class Grain:
    """Smooth random function in space: a sum of cosines with random directions.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of directions, wavelengths and phases.
    wavelength : float or (float, float)
        Wavelength in centimeters, or its least and greatest.
    count : int
        Number of waves.
    """

    def __init__(self, rng, wavelength, count=18):
        low, high = np.broadcast_to(wavelength, 2)
        direction = rng.standard_normal((count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        self.k = 2 * np.pi * direction / rng.uniform(low, high, (count, 1))
        self.phase = rng.uniform(0, 2 * np.pi, count)

    def __call__(self, points):
        """Values at points of shape (..., 3) or (..., 2), with a standard deviation of about 1."""
        points = np.asarray(points, np.float32)
        k = self.k[:, : points.shape[-1]].astype(np.float32)
        angle = points @ k.T + self.phase.astype(np.float32)
        return np.cos(angle).sum(-1) * np.sqrt(2 / len(self.k))


@dataclass
class Body:
    """A surface of triangles, and how it looks.

    Attributes
    ----------
    points : ndarray, shape (n, 3)
        Vertices, in centimeters; z points up.
    faces : ndarray of int, shape (m, 3)
        Triangles, their front sides counter-clockwise.
    color : ndarray, shape (n, 3)
        Linear RGB at each vertex, from 0 to 1.
    rough : ndarray, shape (n,)
        Roughness at each vertex, from 0 (mirror) to 1 (chalk).
    metal : float
        1 for metal, otherwise 0.
    """

    points: np.ndarray
    faces: np.ndarray
    color: np.ndarray
    rough: np.ndarray | float = 0.5
    metal: float = 0.0

    def __post_init__(self):
        self.points = np.asarray(self.points, float).reshape(-1, 3)
        self.color = np.broadcast_to(np.asarray(self.color, float), self.points.shape)
        self.rough = np.broadcast_to(np.asarray(self.rough, float), len(self.points))

    def volume(self):
        """Volume inside a closed body, in cubic centimeters (divergence theorem)."""
        a, b, c = (self.points[self.faces[:, k]] for k in range(3))
        return abs(np.einsum("ij,ij->", a, np.cross(b, c))) / 6

    def area(self):
        """Area of the surface, in square centimeters."""
        a, b, c = (self.points[self.faces[:, k]] for k in range(3))
        return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2

    def moved(self, x=0.0, y=0.0, z=0.0):
        """A copy, moved by so many centimeters."""
        return replace(self, points=self.points + np.array([x, y, z]))

    def scaled(self, *factors):
        """A copy, stretched by one factor or by one for each axis."""
        return replace(self, points=self.points * np.array(factors))

    def turned(self, angle, axis="z", about=(0, 0, 0)):
        """A copy, turned by ``angle`` radians around an axis through ``about``."""
        return replace(self, points=(self.points - about) @ rotation(angle, axis).T + about)

    def laid(self, normal, spin=0.0):
        """A copy whose z axis points along ``normal``, after a turn of ``spin`` about it."""
        return replace(self, points=self.points @ rotation(spin, "z").T @ frame(normal))

    def painted(self, color, rough=None):
        """A copy in another color."""
        return replace(self, color=color, rough=self.rough if rough is None else rough)

    def onto(self, z=0.0):
        """A copy whose lowest point lies at ``z``."""
        return self.moved(z=z - self.points[:, 2].min())


def merged(bodies):
    """One body made of several (their ``metal`` is the first one's).

    Parameters
    ----------
    bodies : sequence of Body

    Returns
    -------
    Body
    """
    starts = np.cumsum([0] + [len(b.points) for b in bodies])
    return Body(
        np.concatenate([b.points for b in bodies]),
        np.concatenate([b.faces + s for b, s in zip(bodies, starts, strict=False)]),
        np.concatenate([b.color for b in bodies]),
        np.concatenate([b.rough for b in bodies]),
        bodies[0].metal,
    )


def rotation(angle, axis):
    """The 3 x 3 matrix that turns by ``angle`` radians around the axis "x", "y" or "z"."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array({
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }[axis])  # fmt: skip


def frame(normal):
    """Three perpendicular unit vectors as rows, the last along ``normal``."""
    axis = np.asarray(normal, float) / np.linalg.norm(normal)
    side = np.cross(axis, [0, 0, 1] if abs(axis[2]) < 0.9 else [1, 0, 0])
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(axis, side), axis])


def paint(code):
    """Linear RGB of a color written as on the web, like ``"#c8843c"``."""
    srgb = np.array([int(code[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def mix(a, b, share):
    """Colors between ``a`` and ``b``; ``share`` of shape (n,) or a number, clipped to 0 to 1."""
    share = np.clip(np.asarray(share, float), 0, 1)[..., None]
    return (1 - share) * np.asarray(a, float) + share * np.asarray(b, float)


def varied(rng, color, amount=0.08):
    """A color near ``color``: each channel changed by some ``amount`` of itself, and all together too."""
    return np.clip(color * (1 + amount * rng.standard_normal(3) * 0.6 + amount * rng.standard_normal()), 0.003, 0.95)


def revolve(knots, columns=72, steps=8, color=(0.5, 0.5, 0.5), rough=0.5):
    """Turn a smooth curve through (radius, z) knots around the z axis.

    Parameters
    ----------
    knots : array-like, shape (k, 2)
        From one end of the outline to the other, in centimeters.
    columns, steps : int
        Vertices around, and along between two knots.

    Returns
    -------
    Body
    """
    profile = smooth_curve(np.asarray(knots, float), steps)
    profile[:, 0] = np.clip(profile[:, 0], 1e-3, None)
    points, faces = lathe(profile, columns)
    return Body(points, faces, color, rough)


def ball(radius=1.0, columns=28, rows=16, color=(0.5, 0.5, 0.5), rough=0.5):
    """A sphere."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rows)
    profile = radius * np.stack([np.clip(np.cos(angle), 1e-3, None), np.sin(angle)], -1)
    return Body(*lathe(profile, columns), color, rough)


def tube(path, radius, sides=8, color=(0.5, 0.5, 0.5), rough=0.5, section=None):
    """A rod along a bent path, closed at both ends.

    Parameters
    ----------
    path : ndarray, shape (n, 3)
        Its center line.
    radius : float or ndarray, shape (n,)
        Half its width along the line.
    section : ndarray, shape (sides,), optional
        Its outline: the share of the radius in each direction (1 everywhere makes it round).

    Returns
    -------
    Body
    """
    path = np.asarray(path, float)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    up = np.array([0, 0, 1.0]) if np.abs(along[:, 2]).mean() < 0.8 else np.array([1.0, 0, 0])
    side = np.cross(along, up)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    over = np.cross(side, along)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    outline = np.ones(sides) if section is None else section
    radius = np.broadcast_to(radius, len(path))[:, None, None] * outline[None, :, None]
    rings = path[:, None] + radius * (np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * over[:, None])
    rings = np.concatenate([path[None, :1] + 0 * rings[:1], rings, path[None, -1:] + 0 * rings[:1]])
    points = np.swapaxes(rings, 0, 1).reshape(-1, 3)
    faces = grid_faces(sides, len(path) + 2, phi_wraps=False)[:, ::-1]
    return Body(points, faces, color, rough)


def sheet_faces(rows, columns):
    """Triangles of a grid of ``rows`` x ``columns`` vertices that wraps nowhere."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = i * columns + j
    return np.concatenate([
        np.stack([a, a + columns, a + columns + 1], -1).reshape(-1, 3),
        np.stack([a, a + columns + 1, a + 1], -1).reshape(-1, 3),
    ])  # fmt: skip


def slab(x, y, top, bottom, color=(0.5, 0.5, 0.5), rough=0.5, side=None, side_rows=6, bulge=0.0):
    """A closed body between two height fields over the same grid.

    Parameters
    ----------
    x, y, top, bottom : ndarray, shape (rows, columns)
        Places of the grid, and the heights of the upper and the lower face there.
    color : array-like, shape (3,) or (rows, columns, 3)
        Color of the upper face, and of the lower one.
    side : callable, optional
        Color of the walls, from their points of shape (n, 3) and their height share of shape (n,) (0 below, 1 above).
    bulge : float
        How far the walls swell out, in centimeters.

    Returns
    -------
    Body
    """
    rows, columns = x.shape
    shape = (rows, columns)
    top, bottom = np.broadcast_to(top, shape), np.broadcast_to(bottom, shape)
    face = sheet_faces(rows, columns)
    above, below = np.stack([x, y, top], -1).reshape(-1, 3), np.stack([x, y, bottom], -1).reshape(-1, 3)
    spin = np.cross(above[face[:, 1]] - above[face[:, 0]], above[face[:, 2]] - above[face[:, 0]])[:, 2].sum()
    if spin < 0:
        face = face[:, ::-1]
    colors = np.broadcast_to(np.asarray(color, float), (*shape, 3)).reshape(-1, 3)
    edge = np.concatenate([
        np.arange(columns), np.arange(1, rows) * columns + columns - 1,
        (rows - 1) * columns + np.arange(columns - 2, -1, -1), np.arange(rows - 2, 0, -1) * columns,
    ])  # fmt: skip
    ring = above[edge]
    clockwise = np.sum(ring[:, 0] * np.roll(ring[:, 1], -1) - np.roll(ring[:, 0], -1) * ring[:, 1]) < 0
    share = np.linspace(0, 1, side_rows)
    wall = below[edge][:, None] + share[None, :, None] * (above[edge] - below[edge])[:, None]
    if bulge:
        step = np.roll(above[edge], -1, 0) - np.roll(above[edge], 1, 0)
        out = np.stack([step[:, 1], -step[:, 0], 0 * step[:, 0]], -1)
        out *= (-1 if clockwise else 1) / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9)
        wall = wall + bulge * np.sin(np.pi * share)[None, :, None] * out[:, None]
    around = grid_faces(len(edge), side_rows, phi_wraps=False)
    if clockwise:
        around = around[:, ::-1]
    flat = wall.reshape(-1, 3)
    heights = np.tile(share, len(edge))
    paint_side = np.repeat(colors[edge], side_rows, axis=0) if side is None else side(flat, heights)
    n = len(above)
    return Body(
        np.concatenate([above, below, flat]),
        np.concatenate([face, face[:, ::-1] + n, around + 2 * n]),
        np.concatenate([colors, colors, np.broadcast_to(paint_side, flat.shape)]),
        rough,
    )


def disc_grid(radius, rings=14, columns=48, start=0.0, stop=2 * np.pi, inner=0.0):
    """A polar grid for :func:`slab`: x, y, and the share of the radius and the angle at each place.

    Parameters
    ----------
    radius : float or callable
        Radius in centimeters, or its function of the angle.
    """
    angle = np.linspace(start, stop, columns)
    share = inner + (1 - inner) * (1 - (1 - np.linspace(0, 1, rings)) ** 1.6)  # finer near the edge
    angle, share = np.meshgrid(angle, np.clip(share, 1e-3, 1), indexing="ij")
    reach = radius(angle) if callable(radius) else radius
    return reach * share * np.cos(angle), reach * share * np.sin(angle), share, angle


def box(width, depth, height, color=(0.5, 0.5, 0.5), rough=0.5, round_off=0.12, rows=5):
    """A block with softened edges, standing on z = 0 and centered in x and y."""
    across = np.linspace(-1, 1, rows)
    bent = np.sign(across) * (1 - (1 - np.abs(across)) ** 1.5)
    cube = []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = np.meshgrid(bent, bent, indexing="ij")
            face = np.empty((rows, rows, 3))
            face[..., axis], face[..., (axis + 1) % 3], face[..., (axis + 2) % 3] = sign, u, v
            cube.append((face.reshape(-1, 3), sheet_faces(rows, rows)[:, :: int(sign)]))
    points = np.concatenate([p for p, _ in cube])
    faces = np.concatenate([f + k * rows * rows for k, (_, f) in enumerate(cube)])
    power = 2 / max(round_off, 1e-3)
    points = points / (np.abs(points) ** power).sum(1, keepdims=True) ** (1 / power)
    points = points * np.array([width, depth, height]) / 2 + np.array([0, 0, height / 2])
    return Body(points, faces, color, rough)


def blob(rng, radius=1.0, lumps=0.08, wavelength=None, **look):
    """A lumpy ball."""
    body = ball(1.0, **look)
    swell = Grain(rng, wavelength or (0.8, 2.2), 10)(body.points)
    return replace(body, points=body.points * radius * (1 + lumps * swell)[:, None])


def somewhere(rng, reach, around=2 * np.pi):
    """A place x, y within ``reach`` centimeters of the middle, anywhere as likely; ``around``: the largest angle."""
    away, angle = reach * np.sqrt(rng.random()), rng.uniform(0, around)
    return away * np.cos(angle), away * np.sin(angle)


def filling(body, area):
    """Points strewn over a body's larger triangles: about one for each ``area`` square centimeters seen from above."""
    a, b, c = (body.points[body.faces[:, k]] for k in range(3))
    seen = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / 2
    count = np.minimum(seen / area, 3000).astype(int)
    which = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(which))
    u, v = (place * 0.7548776662466927) % 1, (place * 0.5698402909980532) % 1
    over = u + v > 1
    u, v = np.where(over, 1 - u, u)[:, None], np.where(over, 1 - v, v)[:, None]
    return a[which] + u * (b - a)[which] + v * (c - a)[which]


class Pile:
    """Drops bodies onto what lies there already, straight down, and remembers the heights.

    Parameters
    ----------
    reach : float
        Half the width of the square that it looks after, in centimeters.
    cell : float
        Width of a cell of its map of heights.
    """

    def __init__(self, reach=16.0, cell=0.2):
        self.reach, self.cell = reach, cell
        self.size = int(2 * reach / cell)
        self.height = np.zeros((self.size, self.size))

    def _cells(self, points):
        cell = np.clip(((points[:, :2] + self.reach) / self.cell).astype(int), 0, self.size - 1)
        return cell[:, 0], cell[:, 1]

    def drop(self, body, sink=0.0, add=True):
        """The body, let down until it touches (or until a share ``sink`` of its feet are below the surface)."""
        cells = self._cells(body.points)
        gap = self.height[cells] - body.points[:, 2]
        fallen = body.moved(z=gap.max() if sink == 0 else np.quantile(gap, 1 - sink))
        if add:
            self.remember(fallen)
        return fallen

    def remember(self, body):
        """Raise the map of heights to the body's upper side."""
        points = np.concatenate([body.points, filling(body, 0.4 * self.cell**2)])
        np.maximum.at(self.height, self._cells(points), points[:, 2])

    def begin_again(self, bodies):
        """Forget what lies there, and remember these bodies where they are now."""
        self.height[:] = 0
        for body in bodies:
            self.remember(body)

    def at(self, x, y):
        """Height of the surface at places in centimeters."""
        points = np.stack([np.ravel(x), np.ravel(y)], -1)
        return self.height[self._cells(points)].reshape(np.shape(x))

    def slope(self, x, y, step=0.4):
        """Upward unit normal of the surface at one place, estimated over ``step`` centimeters."""
        dx = (self.at(x + step, y) - self.at(x - step, y)) / (2 * step)
        dy = (self.at(x, y + step) - self.at(x, y - step)) / (2 * step)
        normal = np.array([-np.clip(dx, -1, 1), -np.clip(dy, -1, 1), 1.0])
        return normal / np.linalg.norm(normal)
