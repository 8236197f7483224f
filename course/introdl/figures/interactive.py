"""Interactive figures: ipywidgets where a kernel is live, the same picture standing still where none is."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable

from introdl.figures import svg

# In JupyterLab an arrow key on a drop-down list goes to the next cell, and letters are commands: "b" inserts a cell.
# It leaves alone what has this attribute. The picture cannot be loaded: it is there for what is done then, once a page.
_LISTS_KEEP_THEIR_KEYS = (
    '<img alt="" src="data:," onerror="if(!window.introdlLists){window.introdlLists=true;document.addEventListener('
    "'focusin',event=>{if(event.target.matches('.jp-OutputArea select'))"
    "event.target.setAttribute('data-lm-suppress-shortcuts','true')})}\">"
)


def explore(draw: Callable[..., str], controls: dict, alt: str, layout: Callable | None = None) -> None:
    """Show a figure that its reader can move.

    The picture at the controls' first values is shown twice: once as plain HTML that needs no kernel, once in
    the live figure. The live one carries a style that hides the plain one, so that a reader sees just one,
    in JupyterLab with a kernel or on a page without.

    Parameters
    ----------
    draw : callable
        Takes the controls' values by name and returns HTML or SVG (`introdl.figures.style.picture` makes it
        from a matplotlib figure). It should take under 100 ms.
    controls : dict of str to ipywidgets.Widget
        The widgets to move, by the name of `draw`'s argument.
    alt : str
        What the figure shows, in a sentence.
    layout : callable, optional
        Takes the controls and the picture (an `ipywidgets.HTML`) and returns the widget to show. By default
        the controls stand in rows above the picture.
    """
    import ipywidgets as widgets

    if not alt.strip():
        raise ValueError("An interactive figure needs an alt text: say in a sentence what it shows.")

    def render() -> str:
        values = {name: control.value for name, control in controls.items()}
        return svg.described(draw(**values), alt)

    first = render()
    view = widgets.HTML(first)

    def update(_change) -> None:
        view.value = render()

    for control in controls.values():
        control.observe(update, names="value")

    if layout is not None:
        body = layout(controls, view)
    else:
        row = widgets.Layout(display="flex", flex_flow="row wrap", align_items="center", grid_gap="4px 16px")
        body = widgets.VBox([widgets.Box(list(controls.values()), layout=row), view])
    show_live(body, first, alt)


def show_live(
    live, still: str, alt: str, note: str = "This figure moves when you run its cell.", kind: str = "figure"
) -> None:
    """Show widgets, and the picture that stands in for them where no kernel is live.

    Parameters
    ----------
    live : ipywidgets.Widget
        What a reader with a kernel sees.
    still : str
        HTML: what a reader without one sees.
    alt : str
        What it shows, in a sentence.
    note : str
        Stands below the still picture.
    kind : str
        What it is called where not even HTML is shown: an interactive what.
    """
    import ipywidgets as widgets
    from IPython.display import display

    mark = f"introdl-still-{uuid.uuid4().hex[:12]}"
    page = f'<div class="{mark}">{still}<p><em>{html.escape(note)}</em></p></div>'
    display({"text/html": page, "text/plain": f"[interactive {kind}: {alt}]"}, raw=True)
    display(widgets.VBox([hiding(mark), live]))


def hiding(mark: str):
    """Return a widget that is not seen.

    It hides what has the class `mark`, and gives drop-down lists their keys in JupyterLab.
    """
    import ipywidgets as widgets

    style = f"<style>.{mark}{{display:none}}</style>"
    return widgets.HTML(style + _LISTS_KEEP_THEIR_KEYS, layout=widgets.Layout(display="none"))


def stepper(
    places: Callable[[], int], step: int, what: str, restarted_by: tuple = (), interval: int = 900, first: int = 1
):
    """A play button and a slider that move together (in the browser).

    They run from `first` to ``places()``. When one of `restarted_by` changes, that is asked again, and they begin again.
    Make them before `explore` registers its own observers, so that the range is right when the picture is drawn.

    Parameters
    ----------
    places : callable
        Returns the last place: how many there are, where they are counted from 1.
    step : int
        Where they stand at first.
    what : str
        What is counted, for the slider's label.
    restarted_by : tuple of ipywidgets.Widget, optional
        Controls that change what is stepped through.
    interval : int, optional
        Milliseconds between two steps of the player.
    first : int, optional
        The first place: 0 where what is stepped through has a state before its first step.

    Returns
    -------
    ipywidgets.Play, ipywidgets.IntSlider
        The slider holds the value; arrow keys move it.
    """
    import ipywidgets as widgets

    total = places()
    step = min(step, total)
    play = widgets.Play(min=first, max=total, value=step, step=1, interval=interval, description="Play")
    slider = widgets.IntSlider(
        min=first, max=total, value=step, description=what, continuous_update=True, layout={"width": "340px"}
    )
    widgets.jslink((play, "value"), (slider, "value"))

    def restart(_change) -> None:
        slider.value = first
        slider.max = play.max = places()

    for control in restarted_by:
        control.observe(restart, names="value")
    return play, slider


def slider(name: str, low, high, value, step=1, width: int = 330, **more):
    """Return a slider with its name: of whole numbers where `step` is one, else of floats.

    Parameters
    ----------
    name : str
        Its label.
    low, high, value, step : int or float
        The ends, where it stands at first, and how far an arrow key moves it.
    width : int
        In pixels.
    **more
        Other traits of the widget.
    """
    import ipywidgets as widgets

    kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    layout = {"width": f"{width}px"}
    return kind(min=low, max=high, value=value, step=step, description=name, layout=layout, **more)


def stops(name: str, options, value, width: int = 420, **more):
    """Return a slider that stops at `options` only: values, or pairs of words and value."""
    import ipywidgets as widgets

    style, layout = {"description_width": "initial"}, {"width": f"{width}px"}
    return widgets.SelectionSlider(options=options, value=value, description=name, style=style, layout=layout, **more)


def buttons(name: str, options, value=None, width: str = "90px", **style):
    """Return a row of buttons, one of them pressed: the first, or the one of `value`."""
    import ipywidgets as widgets

    options = list(options)
    first = options[0][1] if isinstance(options[0], tuple) else options[0]
    style = {"button_width": width} | style
    return widgets.ToggleButtons(
        options=options, value=first if value is None else value, description=name, style=style
    )


def choice(name: str, options, value=None, width: int | None = None):
    """Return a drop-down list; it shows the first option, or the one of `value`."""
    import ipywidgets as widgets

    options = list(options)
    layout = {"width": f"{width}px"} if width else {}
    first = options[0][1] if isinstance(options[0], tuple) else options[0]
    return widgets.Dropdown(options=options, value=first if value is None else value, description=name, layout=layout)


def tick(words: str, value: bool = False, width: int | None = None):
    """Return a box to tick, with its words."""
    import ipywidgets as widgets

    layout = {"width": f"{width}px"} if width else {}
    return widgets.Checkbox(value=value, description=words, indent=False, layout=layout)


def rows_of(*rows):
    """Stack rows of widgets, each a sequence; a row wraps where the page is narrow."""
    import ipywidgets as widgets

    layout = {"display": "flex", "flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 14px"}
    return widgets.VBox([widgets.Box(list(row), layout=layout) for row in rows])
