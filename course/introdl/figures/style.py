"""How every figure of the course looks, and how it is shown with its alt text."""

from __future__ import annotations

import contextlib
import html
import io

from introdl.pixels import data_address

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/): told apart by color-blind readers too.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GRAY = "#767676"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, BLACK)

#: Negative is orange, zero is white, positive is blue: for weights and differences.
DIVERGING = "introdl_diverging"


def use_style() -> None:
    """Set matplotlib's defaults to the course's: palette, font sizes, quiet axes.

    A chapter calls it once, in its first cell.
    """
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap

    if DIVERGING not in mpl.colormaps:
        mpl.colormaps.register(
            LinearSegmentedColormap.from_list(DIVERGING, [VERMILION, "#F6C9A8", "#FFFFFF", "#A9D0EA", BLUE])
        )
    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 11,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.8,
            "font.family": "DejaVu Sans",
            "font.size": 11,
            "figure.figsize": (7.0, 3.8),
            "figure.dpi": 100,
            "savefig.dpi": 144,
            "legend.frameon": False,
            "lines.linewidth": 2.2,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
        }
    )


#: A drawing with more colors than these holds photographs or maps, and is written as JPEG.
PHOTOGRAPHIC = 6000

_drawing = True


@contextlib.contextmanager
def undrawn():
    """Within this, `picture` and `show` give a figure's alt text alone, which is quicker.

    For cells that stand as they were handed out when a class is graded: everybody knows their figures.
    """
    global _drawing
    _drawing = False
    try:
        yield
    finally:
        _drawing = True


def picture(figure, alt: str, width: int | None = None) -> str:
    """Turn a matplotlib figure into an HTML ``<img>`` that carries its alt text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; it is closed.
    alt : str
        What the figure shows, in a sentence, for readers who do not see it.
    width : int, optional
        Width on the page in CSS pixels; by default the figure's own.

    Returns
    -------
    str
        HTML with the picture in it: a JPEG where it holds photographs, else a PNG of at most 256 colors.
    """
    import matplotlib.pyplot as plt

    if not alt.strip():
        raise ValueError("A figure needs an alt text: say in a sentence what it shows.")
    if not _drawing:
        plt.close(figure)
        return f"<p>[figure, as handed out: {html.escape(alt)}]</p>"
    address = _rendered(figure)
    if width is None:
        width = round(figure.get_figwidth() * 100)
    plt.close(figure)
    return (
        f'<img src="{address}" alt="{html.escape(alt, quote=True)}" style="width:{width}px;max-width:100%;height:auto">'
    )


def _rendered(figure) -> str:
    """Draw a matplotlib figure and return it as a data address, as small as it can be without looking worse."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight", facecolor="white", pil_kwargs={"compress_level": 1})
    image, file = Image.open(drawn).convert("RGB"), io.BytesIO()
    if image.getcolors(PHOTOGRAPHIC) is None:
        image.save(file, "JPEG", quality=85, subsampling=0)  # full color resolution: words stay sharp
        return data_address(file.getvalue(), "image/jpeg")
    image.quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return data_address(file.getvalue())


def show(figure, alt: str, width: int | None = None) -> None:
    """Show a matplotlib figure with its alt text; see `picture` for the parameters."""
    from IPython.display import display

    display({"text/html": picture(figure, alt, width), "text/plain": f"[figure: {alt}]"}, raw=True)
