"""Figures of chapter 10: filters, maps, patches, covered plates, heat maps, dreams, neighbors, and what they prove."""

from __future__ import annotations

import html

import numpy as np

from introdl.figures import interactive, svg, tile
from introdl.figures.interactive import explore
from introdl.figures.style import BLACK, BLUE, GRAY, ORANGE, VERMILION, show
from introdl.wording import spoken

#: How many pixels of the picture one place of a stage's maps sees, and how far apart two places are.
FIELDS = {"stages.0": (4, 2), "stages.1": (10, 4), "stages.2": (22, 8), "stages.3": (46, 16), "stages.4": (94, 32)}


name_of = spoken  # as the chapter calls it


# --- pictures as HTML, which is quicker than a plot -------------------------------------------------------------------


def _colored(values: np.ndarray, top: float | None = None) -> np.ndarray:
    """Numbers from 0 to `top` as colors, from black over violet to yellow: bytes (H, W, 3)."""
    import matplotlib as mpl

    top = float(values.max()) if top is None else top
    share = np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)
    return (mpl.colormaps["inferno"](share)[..., :3] * 255).astype(np.uint8)


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay a map (H, W) over a picture (H, W, 3), bytes: the picture turns gray, and where the map is high it glows.

    Parameters
    ----------
    image : numpy.ndarray
        uint8.
    heat : numpy.ndarray
        Numbers; what is negative counts as 0.
    """
    heat = np.maximum(np.asarray(heat, float), 0)
    share = (heat / heat.max() if heat.max() > 0 else heat)[..., None]
    gray = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2) * 0.75
    glow = _colored(0.25 + 0.75 * share[..., 0], 1.0).astype(float)
    return (gray * (1 - 0.75 * share) + glow * 0.75 * share).clip(0, 255).astype(np.uint8)


# --- filters and maps -------------------------------------------------------------------------------------------------


def filters(weights, columns: int = 8) -> None:
    """Draw the filters of a first layer as small color pictures.

    Parameters
    ----------
    weights : torch.Tensor or numpy.ndarray
        (F, 3, height, width). Each filter is scaled by its own largest weight: gray is 0.
    columns : int
        How many side by side.
    """
    weights = np.asarray(weights.detach() if hasattr(weights, "detach") else weights)
    squares = [(0.5 + 0.5 * one / np.abs(one).max()).transpose(1, 2, 0) for one in weights]
    rows = tile.in_rows([(one, str(number)) for number, one in enumerate(squares)], columns)
    svg.show(
        tile.sheet("The first filters: nine colored pixels each", rows, side=72, gap=12),
        f"The {len(weights)} filters of the first layer, 3 x 3 pixels each, as color pictures: squares of nine colors each, "
        "few of which show a shape.",
    )


def strongest(maps: np.ndarray, count: int) -> np.ndarray:
    """Which channels of maps (C, h, w) have the largest values, the largest first."""
    return np.argsort(-maps.reshape(len(maps), -1).max(axis=1), kind="stable")[:count]


def by_layer(net, image: np.ndarray, layers, count: int = 7) -> None:
    """Draw the most active maps of several layers for one picture, a row for each layer.

    Parameters
    ----------
    net : torch.nn.Module
        Takes pictures in [0, 1].
    image : numpy.ndarray
        uint8, (H, W, 3).
    layers : sequence of str
        Their names, from low to high.
    count : int
        Maps in each row.
    """
    from introdl import inspection

    x, rows = inspection.as_pictures(image[None]), []
    for layer in layers:
        maps = inspection.feature_maps(net, layer, x)[0].numpy()
        found = [(_colored(np.maximum(maps[c], 0)), f"channel {c}") for c in strongest(maps, count)]
        rows.append((f"{layer}\n{maps.shape[1]} × {maps.shape[2]}", found))
    plate = [("the plate", [(image, "")])]
    svg.show(
        tile.sheet(
            "From fine outlines to a few places: later layers are coarser and more selective",
            plate + rows,
            side=96,
        ),
        "One plate and, row by row, the most active maps of each stage: fine outlines first, then textures, and finally a "
        "few bright cells where the food is.",
    )


def peaks(maps, channel: int, k: int) -> np.ndarray:
    """Where a channel of maps (N, C, h, w) is most active: (k, 3), picture, row and column, the strongest picture first."""
    own = np.asarray(maps)[:, channel]
    order = np.argsort(-own.max(axis=(1, 2)), kind="stable")[:k]
    return np.array([(n, *np.unravel_index(own[n].argmax(), own[n].shape)) for n in order])


def cosines(vectors: np.ndarray) -> np.ndarray:
    """The cosine of each row of vectors (N, D) with each other one, (N, N); with itself it counts as minus infinity."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = unit @ unit.T
    np.fill_diagonal(found, -np.inf)
    return found


def maps_explorer(net, images: np.ndarray, labels, layers) -> None:
    """Show the maps of a layer for a plate; both can be chosen.

    Parameters
    ----------
    net : torch.nn.Module
        Takes pictures in [0, 1].
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    labels : sequence of str
        What is on each.
    layers : sequence of str
        Names to choose from.
    """
    from introdl import inspection

    def draw(plate, layer):
        maps = inspection.feature_maps(net, layer, inspection.as_pictures(images[plate][None]))[0].numpy()
        chosen = strongest(maps, 15)
        top = float(maps.max())
        cells = [
            tile.captioned(
                tile.img(_colored(maps[c], top), f"The map of channel {c}", 104, sharp=True),
                f"channel {c}, up to {maps[c].max():.1f}",
                104,
            )
            for c in chosen
        ]
        quiet = float((maps.reshape(len(maps), -1).max(axis=1) <= 0).mean())
        words = (
            f"{layer}: {len(maps)} maps of {maps.shape[1]} × {maps.shape[2]}; {quiet:.0%} of them are dark everywhere"
        )
        plate_shown = tile.captioned(
            tile.img(images[plate], f"The plate: {labels[plate]}", 190), html.escape(labels[plate]), 190
        )
        grid = f'<div style="display:grid;grid-template-columns:repeat(5,104px);gap:8px">{"".join(cells)}</div>'
        return svg.frame(words, tile.row(plate_shown, grid))

    plates = [(f"{n + 1}: {label}", n) for n, label in enumerate(labels)]
    controls = {
        "plate": interactive.choice("plate", plates, 0),
        "layer": interactive.choice("layer", list(layers), layers[1]),
    }
    explore(
        draw,
        controls,
        "A plate and the fifteen most active maps of a layer, each a small picture that is bright where the channel is active.",
    )


def patch(image: np.ndarray, layer: str, row: int, column: int) -> np.ndarray:
    """Cut out of a picture what one place of a layer sees; outside of the picture it is white.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, (H, W, 3).
    layer : str
        One of `FIELDS`.
    row, column : int
        The place in the layer's maps.
    """
    field, stride = FIELDS[layer]
    padded = np.full((image.shape[0] + 2 * field, image.shape[1] + 2 * field, 3), 255, np.uint8)
    padded[field:-field, field:-field] = image
    top, left = (field + int((place + 0.5) * stride - field / 2) for place in (row, column))
    return padded[top : top + field, left : left + field]


def favorites(images: np.ndarray, found: dict) -> None:
    """Draw, for some channels, the patches of pictures that each responds to most.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    found : dict
        For each pair of layer and channel an array (k, 3): picture, row, column, the strongest first.
    """
    from PIL import Image

    def cut_out(layer, place):
        n, row, column = (int(number) for number in place)
        return Image.fromarray(patch(images[n], layer, row, column)).resize((82, 82), Image.Resampling.BILINEAR)

    rows = [
        (f"{layer}\nchannel {channel}", [cut_out(layer, place) for place in places])
        for (layer, channel), places in found.items()
    ]
    svg.show(
        tile.sheet(
            "What channels respond to most: edges and colors in early layers, parts such as a yolk in later ones",
            rows,
            side=82,
            sharp=False,
        ),
        "One row for each channel: the patches of plates that it responds to most, cut out to what the channel sees. In early "
        "layers the patches of a row share an edge or a color, in later ones some share a part of a dish, such as a yolk; "
        "rows of the last layer mix several dishes.",
    )


# --- covering ---------------------------------------------------------------------------------------------------------


def _bars(scores: np.ndarray, classes, chosen, before: np.ndarray | None = None) -> str:
    low, high = min(-4.0, float(scores.min())), max(14.0, float(scores.max()))
    rows = []
    for k in chosen:
        width = 230 * max(0.0, (float(scores[k]) - low) / (high - low))
        mark = ""
        if before is not None:
            at = 230 * (float(before[k]) - low) / (high - low)
            mark = f'<div style="position:absolute;left:{at:.0f}px;top:-2px;width:3px;height:20px;background:{BLACK}"></div>'
        rows.append(
            f'<div style="display:flex;align-items:center;gap:8px;margin:5px 0"><span style="width:112px;text-align:right">{html.escape(name_of(classes[k]))}</span>'
            f'<div style="position:relative;width:236px;height:16px;background:#EEE"><div style="width:{width:.0f}px;height:16px;background:{BLUE}"></div>{mark}</div>'
            f"<span>{svg.fixed(float(scores[k]), 1)}</span></div>"
        )
    return "".join(rows)


def occluder(net, images: np.ndarray, labels, classes) -> None:
    """Move a gray square over a plate and watch the scores; the sliders take arrow keys.

    Parameters
    ----------
    net : torch.nn.Module
        Takes pictures in [0, 1].
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    labels : sequence of str
        What is on each.
    classes : sequence of str
        Of the scores.
    """
    import torch

    from introdl import inspection

    def scores(picture):
        with torch.no_grad():
            return net(inspection.as_pictures(picture[None]))[0].numpy()

    whole = [scores(image) for image in images]

    def draw(plate, top, left, side):
        covered = images[plate].copy()
        covered[top : top + side, left : left + side] = 128
        now, before = scores(covered), whole[plate]
        first = int(before.argmax())
        words = f"{name_of(classes[first])}: {before[first]:.1f} without the square, {now[first]:.1f} with it"
        if int(now.argmax()) != first:
            words += f"; the network now says {name_of(classes[int(now.argmax())])}"
        bars = _bars(now, classes, np.argsort(-before)[:6], before)
        note = "<div>bars: scores with the square; black marks: without it</div>"
        return svg.frame(
            words,
            tile.row(
                tile.img(covered, "The plate with a gray square on it", 256), f"<div>{bars}{note}</div>", gap="24px"
            ),
        )

    size = images.shape[1]

    def slider(words, value, most, step=4, low=0):
        return interactive.slider(words, low, most, value, step, style={"description_width": "90px"})

    controls = {
        "plate": interactive.choice("plate", [(f"{n + 1}: {label}", n) for n, label in enumerate(labels)], 0),
        "top": slider("from the top", 40, size - 8),
        "left": slider("from the left", 40, size - 8),
        "side": slider("side", 40, 96, 8, 8),
    }
    explore(
        draw,
        controls,
        "A plate with a gray square over it, and bars for the six highest scores, with marks for the scores without the square.",
    )


def sheet(rows, title: str, alt: str, columns=None, side: float = 1.5) -> None:
    """Draw pictures in rows, each row with its name.

    Parameters
    ----------
    rows : sequence of (str, sequence of numpy.ndarray)
        Names and pictures, (H, W, 3).
    title, alt : str
        The message, and what the figure shows.
    columns : sequence of str, optional
        What stands above each column.
    side : float
        Of a picture, in inches.
    """
    svg.show(tile.sheet(title, rows, columns or (), round(96 * side), sharp=False), alt)


def cam_explorer(net, images: np.ndarray, labels, classes, layers) -> None:
    """Lay Grad-CAM over a plate; plate, layer and class can be chosen.

    Parameters
    ----------
    net : torch.nn.Module
        Takes pictures in [0, 1].
    images : sequence of numpy.ndarray
        uint8, (H, W, 3) each.
    labels : sequence of str
        What is on each.
    classes : sequence of str
        Of the scores.
    layers : sequence of str
        Names to choose from.
    """
    import torch

    from introdl import inspection

    inputs = [inspection.as_pictures(image[None]) for image in images]

    def draw(plate, layer, asked):
        with torch.no_grad():
            scores = net(inputs[plate])[0].numpy()
        heat = inspection.grad_cam(net, layer, inputs[plate], asked)[0].numpy()
        words = f"Grad-CAM at {layer} for {name_of(classes[asked])} (score {scores[asked]:.1f}), largest value {heat.max():.2f}"
        said = ", ".join(f"{name_of(classes[k])} {scores[k]:.1f}" for k in np.argsort(-scores)[:4])
        return svg.frame(
            words,
            tile.row(
                tile.captioned(
                    tile.img(images[plate], "The plate", 256), f"the four highest scores: {html.escape(said)}", 256
                ),
                tile.captioned(
                    tile.img(overlay(images[plate], heat), "The plate with the map over it", 256),
                    "each map is scaled to its own largest value",
                    256,
                ),
            ),
        )

    controls = {
        "plate": interactive.choice(
            "plate", [(f"{n + 1}: {label}", n) for n, label in enumerate(labels)], len(labels) - 1
        ),
        "layer": interactive.choice("layer", list(layers), layers[-1]),
        "asked": interactive.choice("class", [(name_of(c), k) for k, c in enumerate(classes)], 0),
    }
    explore(
        draw,
        controls,
        "A picture, and the same picture in gray with a glow where Grad-CAM finds evidence for the chosen class.",
    )


# --- what it proves ---------------------------------------------------------------------------------------------------

_MAPS = ("Grad-CAM stages.1", "Grad-CAM stages.2", "Grad-CAM stages.3", "Grad-CAM stages.4", "saliency")


def pointing(record: dict) -> None:
    """Draw what was measured with the true boxes: one plate, and four plates in one picture.

    Parameters
    ----------
    record : dict
        Of `introdl.experiments.pointing`.
    """
    import matplotlib.pyplot as plt

    runs = {run["weights"]: run["maps"] for run in record["runs"]}
    trained = runs["trained"]
    random = [maps for weights, maps in runs.items() if weights != "trained"]
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.7), sharey=True)
    panels = (
        ("hits", trained["the middle"]["hits"], "one plate: largest value in the box"),
        ("on the plate", 0.25, "four plates: share on the right plate"),
    )
    for axis, (what, baseline, title) in zip(axes, panels, strict=True):
        axis.axvline(100 * baseline, color=BLACK, linewidth=1.6, linestyle=(0, (4, 3)))
        for height, name in enumerate(reversed(_MAPS)):
            axis.plot(
                [100 * maps[name][what] for maps in random],
                [height] * len(random),
                "s",
                color=ORANGE,
                markersize=7,
                alpha=0.85,
            )
            axis.plot(100 * trained[name][what], height, "o", color=BLUE, markersize=10)
        axis.set_xlim(0, 106)
        axis.set_title(title, fontsize=11, fontweight="normal")
        axis.set_xlabel("percent")
        axis.set_ylim(-0.6, len(_MAPS) - 0.1)
    axes[0].set_yticks(range(len(_MAPS)), list(reversed(_MAPS)))
    axes[0].text(
        100 * trained["the middle"]["hits"] - 2, len(_MAPS) - 0.42, "the middle of the picture", ha="right", fontsize=10
    )
    axes[1].text(27, len(_MAPS) - 0.42, "a map that knows nothing", fontsize=10)
    axes[1].text(
        100 * trained[_MAPS[3]]["on the plate"],
        1.22,
        "trained",
        color=BLUE,
        ha="center",
        fontsize=10,
        fontweight="bold",
    )
    axes[1].text(29, 0.62, "random weights", color="#8A5F00", fontsize=10, fontweight="bold")
    figure.suptitle(
        "The middle of the picture wins the easy test; the hard one takes a trained network",
        x=0.02,
        ha="left",
        fontweight="bold",
        fontsize=12,
    )
    figure.tight_layout()
    show(
        figure,
        "Two panels. One plate: the middle of the picture hits the food's box more often than any map. Four plates: Grad-CAM at the last "
        f"stage has {trained[_MAPS[3]]['on the plate']:.0%} of its sum on the right plate, networks with random weights about a quarter.",
    )


def ranks(values: np.ndarray) -> np.ndarray:
    """The ranks of all numbers of an array, from 0 to 1, flattened."""
    order = np.argsort(values, axis=None, kind="stable")
    found = np.empty(order.size)
    found[order] = np.arange(order.size) / (order.size - 1)
    return found


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """How alike two maps are in their order (Spearman): 1 for the same order, 0 for none in common."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def similarity(found: dict[str, list[float]], steps) -> None:
    """Draw how much of a map stays when more and more layers are randomized, from the last one on.

    Parameters
    ----------
    found : dict of str to list of float
        Rank correlations with the trained network's map, for each instrument.
    steps : sequence of str
        What was randomized last.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.4, 3.5))
    for (name, values), color in zip(found.items(), (BLUE, VERMILION, GRAY), strict=False):
        axis.plot(range(len(values)), values, "o-", color=color)
        axis.text(len(values) - 0.85, values[-1], name, color=color, va="center", fontsize=11, fontweight="bold")
    axis.axhline(0, color=BLACK, linewidth=1)
    axis.set_xticks(range(len(steps)), steps, fontsize=10)
    axis.set_xlim(-0.3, len(steps) + 0.6)
    axis.set_ylim(-0.55, 1.08)
    axis.set_xlabel("randomized, from the last layer to here")
    axis.set_ylabel("rank correlation with the trained map")
    axis.set_title("A map that survives random weights does not show what was learned")
    figure.tight_layout()
    show(
        figure,
        "Rank correlation of maps before and after weights are randomized, step by step from the last layer to the first: "
        + "; ".join(f"{name} ends at {values[-1]:.2f}" for name, values in found.items())
        + ".",
    )


def edges(image: np.ndarray) -> np.ndarray:
    """How strongly a picture (H, W, 3) changes from pixel to pixel, (H, W): a map that no network has made."""
    down, right = np.gradient(image.mean(axis=2))
    return np.hypot(down, right)


def shaded(maps) -> list:
    """Turn maps into pictures that can stand in a `sheet`: the brighter, the larger, up to the 99th percentile."""
    return [_colored(np.clip(one, 0, np.quantile(one, 0.99))) for one in maps]
