"""The studio: table, light and camera, and the picture taken with them.

Light, camera and table are drawn in the same way for every dish, in units of the food's own size. Mitsuba 3 traces
the paths; its variant ``llvm_ad_rgb`` needs LLVM 16 or newer on the machine (Debian: ``apt install libllvm19``).
"""

import drjit
import mitsuba as mi
import numpy as np
import textures
from shapes import merged, paint, rotation, varied
from tableware import GLAZES, beside, serve

VARIANT = "llvm_ad_rgb"
SIZE = 128
TABLES = ["wood", "planks", "linen", "marble", "stone", "paint"]
TONES = {
    "wood": ["#d9b58a", "#b07b47", "#7d4f2b", "#4a2d1a", "#e8d3b4", "#9b8873"],
    "planks": ["#d9b58a", "#a8753f", "#7d4f2b", "#4a2d1a", "#d8d2c8", "#7c8a92"],
    "linen": GLAZES,
    "marble": ["#f2f0ec", "#f2f0ec", "#5a5d60", "#d8cfc4", "#8fa08c"],
    "stone": ["#c9c5be", "#7d7c7a", "#4b4d50", "#d8c7ae", "#8a6f5c"],
    "paint": ["#f0efec", "#2c3e50", "#6d8a96", "#b8c4a8", "#c47f5e", "#e2cf9f", "#3b3b3d", "#8c2f2f", "#d7a8a0"],
}
KELVIN = np.array([2500, 3000, 4000, 5000, 6500, 8000])
LAMP = np.array([
    [1, 0.48, 0.14], [1, 0.60, 0.24], [1, 0.77, 0.50], [1, 0.89, 0.75], [1, 1, 1], [0.84, 0.92, 1.16],
])  # fmt: skip


def open_studio(threads=1):
    """Choose Mitsuba's variant and how many threads it may use; call once in each process."""
    mi.set_variant(VARIANT)
    mi.set_log_level(mi.LogLevel.Error)
    drjit.set_thread_count(threads)


def lamp_color(kelvin):
    """Linear RGB of a black body, green and blue relative to red (interpolated from a short table)."""
    return np.array([np.interp(kelvin, KELVIN, LAMP[:, k]) for k in range(3)])


def light(rng):
    """A room with a window or a lamp, as a panorama.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    (ndarray, shape (96, 192, 3), dict)
        Radiance from each direction (rows from the zenith down, columns clockwise from the side opposite the
        camera), and the record of what was drawn.
    """
    rows, columns = 96, 192
    polar = (np.arange(rows) + 0.5)[:, None] * np.pi / rows
    turn = (np.arange(columns) + 0.5)[None, :] * 2 * np.pi / columns
    toward = np.stack([
        np.sin(polar) * np.sin(turn), np.sin(polar) * np.cos(turn), np.cos(polar) + 0 * turn,
    ], -1)  # fmt: skip
    ceiling, wall = (
        varied(rng, paint("#d8d4cc"), 0.12),
        varied(rng, paint(str(rng.choice(["#c8c2b8", "#8d8a86", "#b7a58c", "#93a0a8"]))), 0.15),
    )
    up = np.clip(toward[..., 2:] * 1.5 + 0.3, 0, 1)
    room = wall * (1 - up) + ceiling * up
    swell = textures.filtered_noise(rng, (rows, columns), 14, 10)
    room = room * np.clip(1 + 0.35 * swell, 0.3, 2)[..., None]

    kelvin = float(
        rng.choice([rng.uniform(2700, 3800), rng.uniform(4200, 6000), rng.uniform(5500, 7500)], p=[0.25, 0.35, 0.4])
    )
    azimuth, elevation = float(rng.uniform(-150, 150)), float(rng.uniform(22, 68))
    width, height = float(rng.uniform(9, 34)), float(rng.uniform(9, 26))
    contrast = float(np.exp(rng.uniform(np.log(0.9), np.log(5))))

    def patch(azimuth, elevation, width, height, soft):
        away = (np.degrees(turn) - azimuth + 180) % 360 - 180
        rise = 90 - np.degrees(polar) - elevation
        across = away * np.cos(np.radians(elevation))
        if height > 0.8 * width and soft > 3:  # a round lamp
            return np.clip((1 - np.hypot(across / width, rise / width)) * width / soft, 0, 1)
        return np.clip((width - np.abs(across)) / soft, 0, 1) * np.clip((height - np.abs(rise)) / soft, 0, 1)

    key = patch(azimuth, elevation, width, height, float(rng.choice([1.5, 6.0])))
    if rng.random() < 0.35:  # the window's bars
        away = (np.degrees(turn) - azimuth + 180) % 360 - 180
        key = key * (np.abs(away) > 2) * (np.abs(90 - np.degrees(polar) - elevation) > 1.5)
    room = room * np.clip((toward[..., 2:] + 0.12) / 0.12, 0.02, 1)  # below the horizon there is only the table
    weight = np.sin(polar) * np.clip(toward[..., 2], 0, 1)
    ambient = (room.mean(-1) * weight).sum()
    strength = contrast * ambient / max((key * weight).sum(), 1e-6)
    lamp = lamp_color(kelvin)
    lamp = lamp / lamp.mean()
    picture = room + (strength * key)[..., None] * lamp
    fill = float(rng.uniform(0, 0.35))
    other = patch(azimuth + rng.uniform(120, 240), rng.uniform(20, 60), 35, 25, 8.0)
    picture += (fill * strength * (key * weight).sum() / max((other * weight).sum(), 1e-6) * other)[..., None] * (
        0.6 + 0.4 * lamp
    )
    mean = (picture * weight[..., None]).sum((0, 1))
    picture = picture / (mean / mean.mean()) ** rng.uniform(0.45, 0.95)  # the camera's white balance, never perfect
    record = {
        "azimuth_deg": azimuth, "elevation_deg": elevation, "kelvin": kelvin, "width_deg": 2 * width,
        "height_deg": 2 * height, "key_to_room": contrast, "fill": fill,
    }  # fmt: skip
    return picture / mean.mean(), record


def camera(rng, size, height):
    """Where the camera stands and how it looks, in units of the food.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : float
        Radius of a ball around the food, in centimeters.
    height : float
        Height of the food, in centimeters.

    Returns
    -------
    dict
        ``eye`` and ``target`` (cm), ``fov_deg``, ``focus_cm``, ``aperture_cm``, ``elevation_deg``, ``roll_deg``.
    """
    elevation = rng.uniform(26, 58) if rng.random() < 0.8 else rng.uniform(58, 86)
    fov = rng.uniform(16, 40)
    room = rng.uniform(0.78, 1.3)
    distance = room * size / np.sin(np.radians(fov / 2)) + 0.3 * size
    jitter = 0.22 if rng.random() < 0.82 else 0.6
    target = np.array([*rng.normal(0, jitter * 0.6 * size, 2).clip(-0.8 * size, 0.8 * size), 0.4 * height])
    tilt = np.radians(elevation)
    eye = target + distance * np.array([0, -np.cos(tilt), np.sin(tilt)])
    return {
        "eye": eye.tolist(), "target": target.tolist(), "fov_deg": float(fov), "elevation_deg": float(elevation),
        "focus_cm": float(np.linalg.norm(eye - [0, 0, 0.4 * height]) - rng.uniform(-0.2, 0.7) * size),
        "aperture_cm": float(size * rng.uniform(0.02, 0.17)), "roll_deg": float(rng.normal(0, 4)),
    }  # fmt: skip


def table(rng, size):
    """The table's picture, tinted, and how far one copy of it reaches: returns (rgb, width, roughness, kind)."""
    kind = str(rng.choice(TABLES))
    level = textures.gray(kind, int(rng.integers(6)))[..., None]
    tone = varied(rng, paint(str(rng.choice(TONES[kind]))), 0.12)
    rgb = tone * level / level.mean()
    if kind == "linen" and rng.random() < 0.45 or kind in ("paint", "stone") and rng.random() < 0.15:
        mask = textures.gray("stripes", int(rng.integers(12)))[..., None]
        rgb = rgb * (1 - mask) + mask * varied(rng, paint(str(rng.choice(GLAZES))), 0.1) * level / level.mean()
    rough = {"linen": 0.95, "marble": 0.15}.get(kind, rng.uniform(0.25, 0.7))
    return np.clip(rgb, 0.005, 0.85).astype(np.float32), size * rng.uniform(3.0, 5.0), float(rough), kind


def mesh(name, bodies):
    """One smooth-shaded Mitsuba mesh of several bodies, colored at its vertices."""
    attribute = lambda key: {"type": "mesh_attribute", "name": key}
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict({
        "type": "twosided",
        "bsdf": {
            "type": "principled", "base_color": attribute("vertex_color"), "roughness": attribute("vertex_rough"),
            "metallic": attribute("vertex_metal"), "specular": 0.5,
        },
    })  # fmt: skip
    body = merged(bodies)
    metal = np.concatenate([np.full(len(b.points), b.metal) for b in bodies])
    return filled_mesh(name, body, properties, vertex_color=body.color, vertex_rough=body.rough, vertex_metal=metal)


def filled_mesh(name, body, properties, **attributes):
    """A Mitsuba mesh from a body's points and faces."""
    result = mi.Mesh(name, len(body.points), len(body.faces), has_vertex_normals=True, props=properties)
    for key, values in attributes.items():
        width = 1 if np.ndim(values) == 1 else 3
        result.add_attribute(key, width, np.ascontiguousarray(values, np.float32).ravel())
    params = mi.traverse(result)
    params["vertex_positions"] = np.ascontiguousarray(body.points, np.float32).ravel()
    params["faces"] = np.ascontiguousarray(body.faces, np.uint32).ravel()
    params.update()
    return result


def top_mesh(picture, rough, uv, corners):
    """The table: a square that shows a picture, mirrored over and over."""
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict({
        "type": "principled", "roughness": rough, "specular": 0.4,
        "base_color": {"type": "bitmap", "bitmap": mi.Bitmap(picture), "raw": True, "wrap_mode": "mirror"},
    })  # fmt: skip
    result = mi.Mesh("table", 4, 2, has_vertex_normals=False, has_vertex_texcoords=True, props=properties)
    params = mi.traverse(result)
    params["vertex_positions"] = np.ascontiguousarray(corners, np.float32).ravel()
    params["vertex_texcoords"] = np.ascontiguousarray(uv[:, :2], np.float32).ravel()
    params["faces"] = np.array([0, 1, 2, 0, 2, 3], np.uint32)
    params.update()
    return result


def smoothed(raw):
    """Take the grain out of a picture: an average over neighbors that are alike in color, slope and brightness.

    Parameters
    ----------
    raw : ndarray, shape (h, w, 9)
        Radiance, albedo and normal of each pixel.

    Returns
    -------
    ndarray, shape (h, w, 3)
        Radiance. The albedo is divided out first, so that no texture is lost.
    """
    lost = ~np.isfinite(raw).all(-1)  # a ray that met an edge without a direction: take a neighbor's light
    if lost.any():
        known = np.where(lost[..., None], 0, raw)
        near = [(known, lost)] + [(np.roll(known, s, a), np.roll(lost, s, a)) for s in (-1, 1) for a in (0, 1)]
        heard = sum((~gone).astype(float) for _, gone in near)[..., None]
        raw = np.where(lost[..., None], sum(k for k, _ in near) / np.maximum(heard, 1), raw)
    radiance, albedo, normal = raw[..., :3], np.clip(raw[..., 3:6], 0, 1) + 0.06, raw[..., 6:9]
    light = radiance / albedo
    level = light.mean(-1)
    reach, (rows, columns) = 2, level.shape
    shifts = [(i, j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]

    def shifted(array):
        padded = np.pad(array, [(reach, reach), (reach, reach)] + [(0, 0)] * (array.ndim - 2), mode="edge")
        return [padded[reach + i : reach + i + rows, reach + j : reach + j + columns] for i, j in shifts]

    near = np.stack(
        [v for v, (i, j) in zip(shifted(level), shifts, strict=True) if (i, j) != (0, 0) and max(abs(i), abs(j)) < 2]
    )
    ceiling = np.sort(near, axis=0)[-2] * 1.25  # a pixel far brighter than all around it is a stray ray
    light = light * np.minimum(1, ceiling / (level + 1e-6))[..., None]
    level = light.mean(-1)
    total, weights = 0.0, 0.0
    rough = [light, albedo, normal, level]
    for (i, j), other, a, n, b in zip(shifts, *(shifted(array) for array in rough), strict=True):
        weight = np.exp(
            -(i * i + j * j) / 4.5 - ((a - albedo) ** 2).sum(-1) / 0.02 - ((n - normal) ** 2).sum(-1) / 0.06
        )
        weight = weight * np.exp(-(((b - level) / (0.22 * (b + level) + 1e-3)) ** 2))
        total, weights = total + weight[..., None] * other, weights + weight
    return total / weights[..., None] * albedo


def develop(radiance, exposure):
    """Turn linear light into sRGB from 0 to 1: a filmic curve (Narkowicz's fit of ACES), then sRGB's gamma."""
    x = np.clip(radiance, 0, None) * exposure
    x = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def sensor(view, samples):
    """Mitsuba's camera for a view: with a lens where ``samples`` are given, otherwise a pinhole."""
    at = mi.ScalarTransform4f()
    place = at.look_at(
        origin=view["eye"], target=view["target"], up=[0, 0, 1] if view["elevation_deg"] < 85 else [0, 1, 0]
    )
    place = place @ at.rotate([0, 0, 1], view["roll_deg"])
    lens = {"type": "thinlens", "aperture_radius": view["aperture_cm"], "focus_distance": view["focus_cm"]}
    grid = SIZE if samples else 2 * SIZE
    return {
        **(lens if samples else {"type": "perspective"}), "fov": view["fov_deg"], "to_world": place,
        "film": {
            "type": "hdrfilm", "width": grid, "height": grid, "pixel_format": "rgb",
            "rfilter": {"type": "gaussian", "stddev": 0.45} if samples else {"type": "box"},
        },
        "sampler": {"type": "multijitter", "sample_count": samples or 1},
    }  # fmt: skip


def visible(scene, view, shape):
    """Which points of a grid of 256 x 256 over the picture show a shape, seen through a pinhole."""
    camera_ = mi.load_dict(sensor(view, 0))
    grid = 2 * SIZE
    places = (np.stack(np.meshgrid(np.arange(grid), np.arange(grid)), -1).reshape(-1, 2) + 0.5) / grid
    rays, _ = camera_.sample_ray(0, 0.5, mi.Point2f(places.T.astype(np.float32)), mi.Point2f(0.5))
    hit = scene.ray_intersect_preliminary(rays, coherent=True)
    return np.array(hit.shape == mi.ShapePtr(shape)).reshape(grid, grid)


def bounding_box(mask):
    """Half-open box (x0, y0, x1, y1) in picture pixels around a mask on the doubled grid, or None where it is empty."""
    across, down = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if not len(across):
        return None
    return [int(across[0] // 2), int(down[0] // 2), int(across[-1] // 2 + 1), int(down[-1] // 2 + 1)]


def photograph(serving, seed, samples=20):
    """Lay the table, put the food on it, and take its picture.

    Parameters
    ----------
    serving : Serving
        The food.
    seed : sequence of int
        Decides table, tableware, light, camera and grain.
    samples : int
        Rays a pixel.

    Returns
    -------
    picture : ndarray of uint8, shape (128, 128, 3)
    mask : ndarray of bool, shape (256, 256)
        Where the food is seen, on a grid twice as fine.
    record : dict
        ``light``, ``camera``, ``box`` and ``ware``.
    """
    rng = np.random.default_rng(seed)
    foot, reach, height = serving.extent()
    size = float(np.hypot(reach, height / 2) * 0.92)
    ware, low, outer, kind = serve(rng, min(foot, reach) if serving.well is None else reach, serving.well)
    opaque, clear, names = beside(rng, outer, size)
    ware = ware + [b.moved(z=low) for b in opaque]
    panorama, lit = light(rng)
    picture, spread, rough, top = table(rng, size)
    at = mi.ScalarTransform4f()
    half = 14 * size
    repeat = half / spread
    spin = rotation(rng.uniform(0, 2 * np.pi), "z")
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    shift = np.array([*rng.normal(0, size, 2), low])
    glass = mi.Properties()
    glass["bsdf"] = mi.load_dict({"type": "thindielectric"})
    pane = merged(clear) if clear else serving.bodies[0].scaled(1e-3).moved(z=low - 5.0)  # hidden under the table
    food = mesh("food", serving.bodies)
    parts = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 6, "rr_depth": 4},
        "room": {
            "type": "envmap", "bitmap": mi.Bitmap(panorama.astype(np.float32)), "to_world": at.rotate([1, 0, 0], 90),
        },
        "table": top_mesh(picture, rough, corners @ spin.T * repeat, corners * half + shift),
        "ware": mesh("ware", ware),
        "glass": filled_mesh("glass", pane, glass),
        "food": food,
    }  # fmt: skip
    scene = mi.load_dict(parts)
    for _ in range(8):  # until enough of the food is in the picture
        view = camera(rng, size, height)
        mask = visible(scene, view, food)
        if mask.mean() > 0.10 and mask[16:-16, 16:-16].sum() > 0.45 * mask.sum():
            break
    lens = mi.load_dict(sensor(view, samples))
    params = mi.traverse(lens)  # as variables, not constants: otherwise each picture compiles a kernel of its own
    params["aperture_radius"] = drjit.opaque(mi.Float, view["aperture_cm"])
    params["focus_distance"] = drjit.opaque(mi.Float, view["focus_cm"])
    params.update()
    grain = int(rng.integers(2**31))
    raw = np.array(mi.render(scene, sensor=lens, seed=grain, spp=samples))
    guide = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"})
    guides = np.array(mi.render(scene, sensor=lens, integrator=guide, seed=grain, spp=10))
    raw = smoothed(np.concatenate([raw[..., :3], guides[..., -6:]], -1))
    luminance = raw.mean(-1)
    level = np.exp(np.log(luminance + 1e-3).mean()) * 0.5 + 0.5 * luminance[32:96, 32:96].mean()
    exposure = min(0.80 / level, 4.0 / np.quantile(luminance, 0.97)) * np.exp(rng.normal(0.0, 0.16))
    shown = develop(raw, exposure)
    shown = shown + rng.normal(0, rng.uniform(0.0, 0.012), shown.shape)
    picture = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
    record = {
        "light": lit,
        "camera": view,
        "box": bounding_box(mask),
        "ware": {"kind": kind, "table": top, "beside": names},
    }
    return picture, mask, record
