"""Bake one doughnut: a photo-like picture, made from nothing but numpy and a path tracer.

The scene is built procedurally (an irregular torus of dough, icing with a wavy edge, sprinkles, a porcelain
plate, a wooden table) and rendered with Mitsuba 3. Everything random comes from one seed. It needs its own
environment, apart from the course's: ``pip install mitsuba numpy pillow``. Then::

    python data/kitchen/doughnut.py --out data/pictures/doughnut.png --size 256 --samples 2048 --seed 7

It takes some four minutes on two cores; with ``--samples 512`` one, and the shadows show a little grain.

Lengths are in units of the doughnut's ring radius; z points up, and the plate's well lies at z = 0.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import mitsuba as mi
import numpy as np
from PIL import Image
from shapes import Waves, angle_grid, capsule, grid_faces, lathe, smooth_curve
from textures import wood

mi.set_variant("scalar_rgb")
mi.set_log_level(mi.LogLevel.Error)

RING, WIDTH, HEIGHT = 1.0, 0.58, 0.52  # ring radius, and the half-axes of the dough's oval cross-section
ICING_THICKNESS = 0.055
TABLE_Z = -0.14

PINK = (0.86, 0.23, 0.36)
SPRINKLE_COLORS = [
    (0.98, 0.96, 0.92),
    (0.98, 0.72, 0.05),
    (0.05, 0.42, 0.80),
    (0.14, 0.58, 0.18),
    (0.82, 0.04, 0.05),
    (0.42, 0.14, 0.60),
]


# --- Shapes ----------------------------------------------------------------------------------------------


class Doughnut:
    """The random shape of one doughnut: its bumps, its crust, and where its icing ends.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every irregularity.
    """

    def __init__(self, rng):
        self.swell = Waves(rng, 6, 3, 1)
        self.bumps = Waves(rng, 40, 16, 8)
        self.crust = Waves(rng, 160, 110, 60)
        self.icing_swell = Waves(rng, 24, 9, 4)
        self.outer_edge = Waves(rng, 5, 6, 0), Waves(rng, 5, 13, 0)
        self.inner_edge = Waves(rng, 4, 5, 0)

    def surface(self, theta, phi, lift=0.0):
        """Points of the dough, raised by ``lift`` along the outward direction.

        Parameters
        ----------
        theta, phi : ndarray
            Angle around the ring, and around the tube (0 outside, pi/2 on top, pi in the hole).
        lift : ndarray or float
            Height above the smooth dough.

        Returns
        -------
        ndarray, shape (..., 3)
        """
        across, up = np.cos(phi) / WIDTH, np.sin(phi) / HEIGHT
        norm = np.hypot(across, up)
        lift = lift + 0.022 * self.swell(theta, phi) + 0.005 * self.bumps(theta, phi)
        radius = RING + WIDTH * np.cos(phi) + lift * across / norm
        z = HEIGHT * np.sin(phi) + lift * up / norm
        floor = -0.86 * HEIGHT  # the dough rests on its flattened bottom
        z = 0.03 * np.logaddexp(0, (z - floor) / 0.03)
        return np.stack([radius * np.cos(theta), radius * np.sin(theta), z], axis=-1)

    def icing_edges(self, theta):
        """Tube angles at which the icing ends, outside and in the hole."""
        slow, quick = self.outer_edge
        outer = 0.27 + 0.15 * np.tanh(1.3 * slow(theta)) + 0.13 * np.tanh(1.5 * quick(theta))
        inner = np.pi - 0.10 + 0.12 * self.inner_edge(theta)
        return outer, inner

    def icing_lift(self, theta, phi):
        """Thickness of the icing: even on top, rounded and a little fuller near its edge."""
        outer, inner = self.icing_edges(theta)
        from_edge = 0.52 * np.minimum(phi - outer, inner - phi)
        rounded = np.clip(from_edge / 0.075, 0, 1)
        bead = 0.22 * np.exp(-(((from_edge - 0.09) / 0.07) ** 2))
        fullness = 1 + bead + 0.09 * self.icing_swell(theta, phi)
        return ICING_THICKNESS * fullness * np.sqrt(1 - (1 - rounded) ** 2) - 0.012 * (rounded == 0)

    def dough(self, columns=1000, rows=420):
        """Vertices, faces and vertex colors of the dough, paler where it floated in the fat."""
        theta, phi = angle_grid(columns, rows)
        crust = self.crust(theta, phi)
        points = self.surface(theta, phi, 0.0022 * crust)
        belt = np.exp(-(((np.sin(phi) + 0.08 + 0.05 * self.swell(theta, phi)) / 0.20) ** 2))
        belt = belt * (np.cos(phi) > 0) * np.clip(np.cos(phi) * 2, 0, 1)
        belt = np.clip(belt + 0.06 * self.bumps(theta, phi) + 0.05 * crust, 0, 1)[..., None]
        color = (1 - belt) * np.array([0.50, 0.195, 0.045]) + belt * np.array([0.86, 0.56, 0.24])
        return points.reshape(-1, 3), grid_faces(columns, rows), color.reshape(-1, 3)

    def icing(self, columns=1000, rows=300):
        """Vertices and faces of the icing, an open sheet that ends just inside the dough."""
        theta = angle_grid(columns, rows, phi_wraps=False)[0]
        outer, inner = self.icing_edges(theta)
        across = (1 - np.cos(np.linspace(0, np.pi, rows))) / 2  # finer rows near both edges
        phi = outer + across * (inner - outer)
        points = self.surface(theta, phi, self.icing_lift(theta, phi))
        return points.reshape(-1, 3), grid_faces(columns, rows, phi_wraps=False)


def plate():
    """Vertices, faces and vertex colors of a porcelain plate with a raised rim and a blue band."""
    knots = np.array([  # from the center of the well to the rim, around its lip, and back underneath
        [0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [1.44, 0.0], [1.57, 0.025], [1.67, 0.10], [1.78, 0.14],
        [1.96, 0.165], [2.15, 0.195], [2.25, 0.212], [2.275, 0.212], [2.287, 0.20], [2.28, 0.185],
        [2.26, 0.175], [1.95, 0.12], [1.65, 0.03], [1.45, -0.06], [1.33, -0.08], [1.31, TABLE_Z],
        [1.23, TABLE_Z], [1.21, -0.08],
    ])  # fmt: skip
    profile = smooth_curve(knots, 40)
    points, faces = lathe(profile)
    radius = np.hypot(points[:, 0], points[:, 1])
    band = np.clip(1 - np.abs(radius - 2.17) / 0.030, 0, 1) ** 0.4 * (points[:, 2] > 0.17)
    band += np.clip(1 - np.abs(radius - 1.74) / 0.014, 0, 1) ** 0.4 * (points[:, 2] > 0.11)
    band = band[:, None]
    color = (1 - band) * np.array([0.80, 0.785, 0.75]) + band * np.array([0.05, 0.13, 0.33])
    return points, faces, color


def sprinkles(doughnut, rng, count):
    """Sprinkles strewn over the icing, lying flat on it and apart from each other, and a few that fell.

    Parameters
    ----------
    doughnut : Doughnut
        What they lie on.
    rng : numpy.random.Generator
        Source of places, directions and colors.
    count : int
        Number of sprinkles on the icing.

    Returns
    -------
    list of (points, faces, color)
    """
    half, radius = 0.072, 0.026
    placed, rods = np.empty((0, 3)), []

    def on_icing(theta, phi):
        return doughnut.surface(theta, phi, doughnut.icing_lift(theta, phi) + 0.35 * radius)

    while len(rods) < count:
        theta, phi = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, np.pi - 0.45)
        outer, inner = doughnut.icing_edges(theta)
        crowded = rng.uniform() > (RING + WIDTH * np.cos(phi)) / (RING + WIDTH)
        if crowded or not outer + 0.3 < phi < inner - 0.3:
            continue  # fewer places near the hole, where there is less surface
        center = on_icing(theta, phi)
        if len(placed) and np.linalg.norm(placed - center, axis=1).min() < 0.18:
            continue
        step = 1e-3
        along = (on_icing(theta + step, phi) - on_icing(theta - step, phi)) / (2 * step)
        over = (on_icing(theta, phi + step) - on_icing(theta, phi - step)) / (2 * step)
        turn = rng.uniform(0, np.pi)
        direction = np.cos(turn) * along / np.linalg.norm(along) + np.sin(turn) * over / np.linalg.norm(over)
        direction *= half * rng.uniform(0.85, 1.1) / np.linalg.norm(direction)
        placed = np.vstack([placed, center])
        rods.append((center - direction, center + direction))
    for theta, distance in [(-1.10, 1.50), (-0.36, 1.52), (-2.45, 1.50)]:  # fallen on the plate
        turn = rng.uniform(0, np.pi)
        direction = half * np.array([np.cos(turn), np.sin(turn), 0])
        center = np.array([distance * np.cos(theta), distance * np.sin(theta), radius + 0.012])
        rods.append((center - direction, center + direction))
    order = rng.permutation(len(rods)) % len(SPRINKLE_COLORS)
    return [(*capsule(a, b, radius), SPRINKLE_COLORS[k]) for (a, b), k in zip(rods, order, strict=True)]


# --- Scene and picture -----------------------------------------------------------------------------------


def mesh(name, points, faces, material, color=None):
    """A smooth-shaded Mitsuba mesh, with vertex colors if any are given."""
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(material)
    result = mi.Mesh(name, len(points), len(faces), has_vertex_normals=True, props=properties)
    if color is not None:
        result.add_attribute("vertex_color", 3, np.ascontiguousarray(color, np.float32).ravel())
    params = mi.traverse(result)
    params["vertex_positions"] = np.ascontiguousarray(points, np.float32).ravel()
    params["faces"] = np.ascontiguousarray(faces, np.uint32).ravel()
    params.update()
    return result


def glossy(color, roughness, specular=0.5):
    """A material of one color or texture; the smaller ``roughness``, the sharper its highlights."""
    if isinstance(color, tuple):
        color = {"type": "rgb", "value": list(color)}
    body = {"type": "principled", "base_color": color, "roughness": roughness, "specular": specular}
    return {"type": "twosided", "bsdf": body}


def softbox(origin, target, width, height, radiance, share):
    """A rectangular lamp at ``origin`` that faces ``target``, given its share of the light rays."""
    place = mi.ScalarTransform4f().look_at(origin=origin, target=target, up=[0, 0, 1])
    return {
        "type": "rectangle",
        "to_world": place @ mi.ScalarTransform4f().scale([width / 2, height / 2, 1]),
        "emitter": {"type": "area", "radiance": {"type": "rgb", "value": radiance}, "sampling_weight": share},
    }


def scene(seed, size, samples):
    """The whole scene, ready to render at ``size`` pixels a side with ``samples`` rays a pixel."""
    rng = np.random.default_rng(seed)
    doughnut = Doughnut(rng)
    painted = {"type": "mesh_attribute", "name": "vertex_color"}
    at = mi.ScalarTransform4f()

    elevation, distance = np.radians(41), 11.0
    target = np.array([0.0, -0.06, 0.12])
    view = np.array([0, -np.cos(elevation), np.sin(elevation)])
    eye = target + distance * view
    focus = distance - 0.75  # on the front half of the icing

    planks = {
        "type": "bitmap", "bitmap": mi.Bitmap(wood(rng)), "raw": True, "wrap_mode": "mirror",
    }  # fmt: skip
    parts = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 9},
        "sensor": {
            "type": "thinlens", "fov": 24.8, "aperture_radius": 0.13, "focus_distance": float(focus),
            "to_world": at.look_at(origin=eye.tolist(), target=target.tolist(), up=[0, 0, 1]),
            "film": {"type": "hdrfilm", "width": size, "height": size, "rfilter": {"type": "box"}},
            "sampler": {"type": "multijitter", "sample_count": samples},
        },
        "key": softbox([-4.2, 3.4, 5.2], [0, 0, 0], 3.6, 3.0, [15.0, 13.8, 12.2], 0.6),
        "fill": softbox([5.5, -4.0, 4.5], [0, 0, 0], 5.0, 4.0, [1.3, 1.4, 1.6], 0.15),
        "room": {
            "type": "constant", "radiance": {"type": "rgb", "value": [0.21, 0.22, 0.24]},
            "sampling_weight": 0.25,
        },
        "table": {
            "type": "rectangle",
            "to_world": at.translate([0.3, 0.4, TABLE_Z]) @ at.rotate([0, 0, 1], 24) @ at.scale(7.0),
            "bsdf": glossy(planks, 0.45),
        },
        "icing": mesh("icing", *doughnut.icing(), glossy(PINK, 0.2)),
    }  # fmt: skip
    points, faces, color = plate()
    parts["plate"] = mesh("plate", points, faces, glossy(painted, 0.2), color)
    points, faces, color = doughnut.dough()
    parts["dough"] = mesh("dough", points, faces, glossy(painted, 0.6, 0.3), color)
    for k, (points, faces, color) in enumerate(sprinkles(doughnut, rng, 66)):
        parts[f"sprinkle{k}"] = mesh(f"sprinkle{k}", points, faces, glossy(color, 0.3))
    return mi.load_dict(parts)


def develop(light, exposure=1.15):
    """Turn linear light into 8-bit sRGB: a filmic curve (Narkowicz's fit of ACES), then sRGB's gamma."""
    x = np.clip(light, 0, None) * exposure
    x = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    x = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.round(255 * x).astype(np.uint8)


def photograph(seed, size, samples):
    """Render at twice the size, develop, and shrink to a crisp picture.

    Parameters
    ----------
    seed : int
        Decides the doughnut's shape and the render's noise.
    size : int
        Width and height of the picture, in pixels.
    samples : int
        Rays a pixel of the final picture, shared by the four that it is made from.

    Returns
    -------
    PIL.Image.Image
    """
    light = mi.render(scene(seed, 2 * size, max(1, samples // 4)), seed=seed)
    picture = Image.fromarray(develop(np.array(light)[..., :3]))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def save(picture, path):
    """Write a PNG next to its final place, then rename it: nobody ever sees half a file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(suffix=".png", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            picture.save(file, format="PNG", optimize=True)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main():
    """Read the command line, bake, and say how long it took."""
    parser = argparse.ArgumentParser(description="Render a doughnut.")
    parser.add_argument("--out", type=Path, default=Path("data/pictures/doughnut.png"))
    parser.add_argument("--size", type=int, default=256, help="width and height in pixels")
    parser.add_argument("--samples", type=int, default=2048, help="rays a pixel")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    start = time.perf_counter()
    save(photograph(arguments.seed, arguments.size, arguments.samples), arguments.out)
    kilobytes = arguments.out.stat().st_size / 1000
    print(f"{arguments.out}: {kilobytes:.0f} kB in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
