"""The app on one notebook page: widgets, and a still picture where no kernel is live."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

import numpy as np

from introdl import pages
from introdl.figures import svg
from introdl.figures.guesses import guess_bars, in_words
from introdl.figures.interactive import show_live
from introdl.mealomi import charts, nutriscore, sharing
from introdl.mealomi.diary import Diary, DiaryError, Entry
from introdl.mealomi.nutrition import dishes, nutrients, serving
from introdl.mealomi.recognition import Meal, embeddings_of, load, names_alone, recognize
from introdl.mealomi.taste import recommend
from introdl.pixels import address, data_address
from introdl.wording import counted, spoken

#: How many plates are laid out to choose from.
PLATES = 8
#: How many of the last meals are "just eaten": none of their dishes is recommended.
JUST_EATEN = 3
#: How many plates of each dish recommendations are drawn from.
_PER_DISH = 6
#: Grams of a portion that nobody has estimated, of a dish without a usual serving.
_PORTION = 250.0
_LONGEST = 900
_ALT = (
    "The MealoMi app: a plate with the food's box, the network's five best guesses, energy and nutrients of the portion, its "
    "Nutri-Score, a diary with the day's and the week's charts, and recommendations."
)


def app(diary: Diary | str | Path | None = None, model=None, plates=None) -> None:
    """Show MealoMi: choose, upload or take a photo; correct what the network says; keep a diary.

    Pictures stay on this machine: the network runs in the notebook's kernel, and the diary keeps what you ate, never the
    photo.

    Parameters
    ----------
    diary : Diary or path, optional
        By default the learner's own: ``mealomi.sqlite`` in the course's folder for what is yours. It outlives the kernel.
    model : introdl.models.MealNet, or a network from `introdl.models.classifier`, optional
        By default the app's. One of your own names its own dishes and doubts by what was measured on your validation
        pictures; it estimates no grams, so that the usual serving is put in, and you correct it.
    plates : introdl.data.Dataset, optional
        Pictures to choose from, as ``photos.split("test")``; by default the course's test plates.

    Raises
    ------
    TypeError, ValueError
        Where the network has no card, or nothing was measured of it; the message says what to do.
    """
    board = Board(diary if isinstance(diary, Diary) else Diary(diary), model, plates)
    show_live(board.widget, board.still(), _ALT, "The app begins when you run its cell.", "app")


class Board:
    """The app's widgets; `widget` is what is shown.

    Parameters
    ----------
    diary : Diary
        Where meals are kept.
    model : introdl.models.MealNet, optional
        By default the app's.
    plates : introdl.data.Dataset, optional
        What to choose from; by default the course's test plates, which the network has not been trained on.
    now : callable, optional
        Returns the present time.
    seed : int
        Which plates are laid out first.
    """

    def __init__(
        self,
        diary: Diary,
        model=None,
        plates=None,
        now: Callable[[], datetime] = datetime.now,
        seed: int = 0,
    ):
        self.diary, self.model, self._now = diary, model or load(), now
        self.own = names_alone(self.model)
        self.plates = plates if plates is not None else _test_plates()
        self._rng = np.random.default_rng(seed)
        self._menu: tuple[np.ndarray, np.ndarray] | None = None
        self._mark = f"mm-{uuid.uuid4().hex[:8]}"
        self.picture: np.ndarray
        self.meal: Meal
        self.photo = ""
        self.editing: int | None = None
        self._quiet = False
        self._make_widgets()
        self._lay_out_plates()
        self._open(self.plates.images[self.shown[0]], str(self.plates.files[self.shown[0]]))
        self._show_diary()

    # --- widgets --------------------------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        import ipywidgets as widgets

        def html_box(**layout):
            return widgets.HTML(layout=widgets.Layout(margin="0", **layout))

        def button(words, tip="", style="", icon=""):
            return widgets.Button(
                description=words, tooltip=tip, button_style=style, icon=icon, layout=widgets.Layout(width="auto")
            )

        self._style = html_box(display="none")
        self._faces = html_box(display="none")
        self.tiles = [button("") for _ in range(min(PLATES, len(self.plates)))]
        for number, tile in enumerate(self.tiles):
            tile.add_class("mm-tile")
            tile.add_class(f"{self._mark}-{number}")
            tile.on_click(lambda _, number=number: self._choose(number))
        self.others = button("Other plates", "Lay out other plates", icon="refresh")
        self.upload = widgets.FileUpload(
            accept="image/*", multiple=False, description="Your photo", layout=widgets.Layout(width="auto")
        )
        self.view, self.bars, self.verdict = html_box(), html_box(), html_box()
        self.message, self.facts, self.score = html_box(), html_box(), html_box()
        label = {"description_width": "56px"}
        field = widgets.Layout(width="228px")
        self.dish = widgets.Dropdown(description="dish", style=label, layout=field, options=[("", "")])
        self.grams = widgets.FloatText(description="grams", style=label, layout=widgets.Layout(width="158px"), step=10)
        self.liked = widgets.Checkbox(description="I like it", indent=False, layout=widgets.Layout(width="90px"))
        self.day = widgets.DatePicker(description="day", style=label, layout=field, value=self._now().date())
        self.add = button("Add to the diary", "Write this meal down", "success", "plus")
        self.stop = button("Leave it as it was", "Do not change the entry")
        self.card = button("Card to share", "Make a picture of this meal", icon="image")
        self.card_view = html_box()
        self.entry = widgets.Dropdown(
            description="meal", style=label, layout=widgets.Layout(width="330px", max_width="100%")
        )
        self.correct = button("Correct", "Bring this meal up to change its dish or grams", icon="pencil")
        self.delete = button("Delete", "Take this meal out of the diary", "warning", "trash")
        self.day_view, self.week_view, self.advice, self.export = (html_box() for _ in range(4))

        self.others.on_click(lambda _: self._lay_out_plates())
        self.upload.observe(lambda change: self._uploaded(change["new"]), names="value")
        self.dish.observe(lambda _: self._show_portion(), names="value")
        self.grams.observe(lambda _: self._show_portion(), names="value")
        self.day.observe(lambda _: self._show_diary(), names="value")
        self.add.on_click(lambda _: self._write_down())
        self.stop.on_click(lambda _: self._end_editing())
        self.card.on_click(lambda _: self._make_card())
        self.correct.on_click(lambda _: self._begin_editing())
        self.delete.on_click(lambda _: self._take_out())

        def row(*children, gap="6px 12px"):
            layout = widgets.Layout(display="flex", flex_flow="row wrap", align_items="center", grid_gap=gap)
            return widgets.Box(children, layout=layout)

        def column(*children, basis="300px"):
            box = widgets.VBox(
                children, layout=widgets.Layout(flex=f"1 1 {basis}", min_width="min(270px, 100%)", grid_gap="6px")
            )
            box.add_class("mm-column")
            return box

        def section(number, words, *children):
            title = widgets.HTML(_part("heading", number, words))
            box = widgets.VBox([title, *children], layout=widgets.Layout(grid_gap="6px"))
            box.add_class("mm-section")
            return box

        # What is said stands where the hand has just been: one message, in one of three places.
        self._places = {name: widgets.VBox(layout=widgets.Layout(margin="0")) for name in ("photo", "portion", "diary")}
        wide = widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start", grid_gap="10px 26px")
        gallery = row(*self.tiles, gap="8px")
        self._style.value = pages.page(__file__, "style")
        self.widget = widgets.VBox(
            [
                self._style,
                self._faces,
                widgets.HTML(_part("head")),
                section(
                    1,
                    "Choose a plate, or take a photo of your own",
                    gallery,
                    row(self.others, self.upload, _hint(most_bytes())),
                ),
                self._places["photo"],
                section(
                    2,
                    "What MealoMi sees",
                    widgets.Box([column(self.view), column(self.verdict, self.bars, basis="380px")], layout=wide),
                ),
                section(
                    3,
                    "Your portion: put it right, then keep it",
                    row(self.dish, self.grams, self.liked),
                    row(self.add, self.stop, self.card),
                    self._places["portion"],
                    self.card_view,
                    widgets.Box([column(self.facts, basis="380px"), column(self.score, basis="380px")], layout=wide),
                ),
                section(
                    4,
                    "Your diary",
                    row(self.day),
                    row(self.entry, self.correct, self.delete),
                    self._places["diary"],
                    widgets.Box(
                        [column(self.day_view, basis="400px"), column(self.week_view, basis="400px")], layout=wide
                    ),
                    self.export,
                ),
                section(5, "What next? Like what you liked, healthier first", self.advice),
                widgets.HTML(_part("foot", len(self.model.card.classes), self.own)),
            ],
            layout=widgets.Layout(grid_gap="10px", width="100%", max_width="1180px"),
        )
        self.widget.add_class("mealomi")

    # --- a picture ------------------------------------------------------------------------------------------------

    def _lay_out_plates(self) -> None:
        """Lay out plates: of as many dishes as there is room for."""
        order = self._rng.permutation(len(self.plates))
        first = order[np.sort(np.unique(self.plates.labels[order], return_index=True)[1])]  # one plate of each dish
        self.shown = [int(i) for i in (*first, *(set(order) - set(first)))][: len(self.tiles)]
        faces = []
        for number, (tile, index) in enumerate(zip(self.tiles, self.shown, strict=True)):
            faces.append((f"{self._mark}-{number}", address(self.plates.images[index])))
            tile.description = f"plate {number + 1}"
            tile.tooltip = f"Look at plate {number + 1}"
        self._faces.value = _part("faces", faces)

    def _choose(self, number: int) -> None:
        index = self.shown[number]
        self._say("")
        self._open(self.plates.images[index], str(self.plates.files[index]))

    def _uploaded(self, files) -> None:
        """Take what was uploaded; whatever is wrong with it becomes a sentence, and the picture before it stays."""
        from introdl.data import photo

        if not files:
            return
        file = files[0]
        content = bytes(file["content"])
        # Empty again, so that the same file can be given once more.
        self.upload.value = ()
        try:
            picture = photo(content, longest=_LONGEST)
        except ValueError as error:
            self._say(str(error).replace("The picture", file["name"] or "The picture", 1), "bad")
            return
        self._say(f"This is {file['name']}.")
        self._open(picture, f"sha256:{hashlib.sha256(content).hexdigest()}")

    def _open(self, picture: np.ndarray, name: str) -> None:
        """Look at a picture, and show what the network says."""
        self.picture, self.photo = np.asarray(picture), name
        self.meal = recognize(self.picture, self.model)
        self.editing = None
        best = [dish for dish, _ in self.meal.guesses]
        rest = sorted(set(dishes()) - set(best))
        self._fill(best[0], self._estimated(), [(f"{spoken(d)}", d) for d in (*best, *rest)])
        self._show_picture()

    def _estimated(self) -> float:
        """The portion that is put in: the network's estimate, or the usual serving of the dish that it names."""
        if self.meal.grams is not None:
            return self._rounded(self.meal.grams)
        return serving(self.meal.dish) if self.meal.dish in dishes() else _PORTION

    @staticmethod
    def _rounded(grams: float) -> float:
        """A network's estimate in the digits that it is worth: 5 g under 100 g, 10 g above."""
        step = 5 if grams < 100 else 10
        return max(step, step * round(grams / step))

    def _fill(self, dish: str, grams: float, options=None, liked: bool = False) -> None:
        """Set the fields, all at once."""
        self._quiet = True
        if options is not None:
            self.dish.options = options
        self.dish.value, self.grams.value, self.liked.value = dish, grams, liked
        self._quiet = False
        self._show_portion()
        self.card_view.value = ""

    def _show_picture(self) -> None:
        meal = self.meal
        self.view.value = _boxed(self.picture, meal)
        self.verdict.value = _verdict(meal)
        names = self.model.card.classes
        alt = f"The five best guesses: {in_words(names, meal.probabilities)}."
        drawing = guess_bars(names, meal.probabilities, title="Five best guesses")
        self.bars.value = svg.described(drawing, alt)

    # --- the portion ----------------------------------------------------------------------------------------------

    def _show_portion(self) -> None:
        if self._quiet:
            return
        editing = self.editing is not None
        self.add.description = "Save the correction" if editing else "Add to the diary"
        self.add.icon = "check" if editing else "plus"
        self.stop.layout.display = "" if editing else "none"
        self.score.value = _scored(self.dish.value)
        try:
            self.facts.value = charts.nutrient_table(nutrients(self.dish.value, self.grams.value))
            self.add.disabled = self.card.disabled = False
        except ValueError as error:
            self.facts.value = _part("refused", str(error))
            self.add.disabled = self.card.disabled = True

    def _when(self) -> datetime:
        """The chosen day: now where it is today, else its noon."""
        now = self._now()
        day = self.day.value or now.date()
        return now if day == now.date() else datetime.combine(day, time(12))

    def _write_down(self) -> None:
        """Add the meal to the diary, or save the correction of one."""
        dish, grams = self.dish.value, self.grams.value
        try:
            if self.editing is not None:
                self.diary.correct(self.editing, dish=dish, grams=grams, liked=self.liked.value)
                said = "Corrected"
            else:
                self.diary.add(dish, grams, self._when(), self.liked.value, self.photo, self.meal.embedding)
                said = "In your diary"
        except (ValueError, DiaryError, KeyError) as error:
            self._say(_words(error), "bad", "portion")
            return
        self._say(
            f"{said}: {spoken(dish)}, {grams:,.0f} g, {nutrients(dish, grams)['kcal']:,.0f} kcal.", "good", "portion"
        )
        self._end_editing()
        self._show_diary()

    def _make_card(self) -> None:
        try:
            content = sharing.share_card(self.picture, self.dish.value, self.grams.value, self.meal.box)
        except ValueError as error:
            self._say(_words(error), "bad", "portion")
            return
        where = data_address(content)
        alt = f"A card: {spoken(self.dish.value)}, {self.grams.value:g} g"
        self.card_view.value = _part("card", self.dish.value, where, alt)

    # --- the diary ------------------------------------------------------------------------------------------------

    def _show_diary(self) -> None:
        day = self.day.value or self._now().date()
        try:
            entries, week = self.diary.entries(day, day), self.diary.week(day)
            table, past = self.diary.table(), self.diary.entries()
        except DiaryError as error:
            self._say(_words(error), "bad", "diary")
            for view in (self.day_view, self.week_view, self.export, self.advice):
                view.value = ""
            self.entry.options = [("the diary cannot be read", 0)]
            self.correct.disabled = self.delete.disabled = True
            return
        self.entry.options = [(_line(one), one.id) for one in entries] or [("no meal on this day", 0)]
        self.entry.value = self.entry.options[-1][1]
        self.correct.disabled = self.delete.disabled = not entries
        self.day_view.value, self.week_view.value = charts.day_chart(entries, day), charts.week_chart(week)
        file = data_address(table, "text/csv")
        self.export.value = _part("export", file, counted(len(past), "meal"), self.diary.path)
        self.advice.value = self._advice(past)

    def _chosen(self) -> Entry | None:
        try:
            return next((one for one in self.diary.entries() if one.id == self.entry.value), None)
        except DiaryError as error:
            self._say(_words(error), "bad", "diary")
            return None

    def _begin_editing(self) -> None:
        entry = self._chosen()
        if entry is None:
            return
        self.editing = entry.id
        self._fill(entry.dish, entry.grams, liked=entry.liked)
        self._say(
            f"You are changing {_line(entry)}. Put it right in part 3, then save the correction.", where="portion"
        )
        self.dish.focus()  # a number field takes no focus from here

    def _end_editing(self) -> None:
        if self.editing is not None:
            self.editing = None
            self._fill(self.meal.dish, self._estimated())
        self._show_portion()

    def _take_out(self) -> None:
        entry = self._chosen()
        if entry is None:
            return
        try:
            self.diary.delete(entry.id)
        except (DiaryError, KeyError) as error:
            self._say(_words(error), "bad", "diary")
            return
        self._say(f"Deleted: {_line(entry)}.", "good", "diary")
        if self.editing == entry.id:
            self._end_editing()
        self._show_diary()

    # --- what next ------------------------------------------------------------------------------------------------

    def _advice(self, past: list[Entry]) -> str:
        width = len(self.meal.embedding)
        known = [(one.dish, one.embedding) for one in past if one.liked and one.embedding is not None]
        liked = [(dish, embedding) for dish, embedding in known if len(embedding) == width]
        if not liked:
            return _part("note", "Tick “I like it” for a meal, and add it: then you see here what else to try.")
        chosen, embeddings = self._candidates()
        if not len(chosen):
            return _part("note", "None of these dishes is in the nutrition table, so there is nothing to recommend.")
        eaten = {one.photo for one in past}
        files = self.plates.files[chosen]
        found = recommend(
            np.stack([embedding for _, embedding in liked]),
            embeddings,
            [self.plates.classes[label] for label in self.plates.labels[chosen]],
            just_eaten={one.dish for one in past[-JUST_EATEN:]},
            seen=[place for place, file in enumerate(files.tolist()) if file in eaten],
        )
        cards = []
        for one in found:
            picture = address(self.plates.images[chosen[one.index]])
            color, ink = charts.LETTERS[one.letter], charts.on_letter(one.letter)
            cards.append((picture, spoken(one.dish), one.letter, color, ink, spoken(liked[one.because][0])))
        if not cards:
            return _part("note", "You have just eaten everything that I know. Come back after another meal.")
        return _part("advice", cards)

    def _candidates(self) -> tuple[np.ndarray, np.ndarray]:
        """Return some plates of each dish, and their embeddings; computed when they are first needed."""
        if self._menu is None:
            known = [k for k, dish in enumerate(self.plates.classes) if dish in dishes()]
            each = [np.flatnonzero(self.plates.labels == k)[:_PER_DISH] for k in known]
            chosen = np.concatenate([np.empty(0, np.int64), *each])
            empty = np.empty((0, len(self.meal.embedding)), np.float32)
            self._menu = chosen, embeddings_of(self.model, self.plates.images[chosen]) if len(chosen) else empty
        return self._menu

    # --- words ----------------------------------------------------------------------------------------------------

    def _say(self, words: str, kind: str = "plain", where: str = "photo") -> None:
        """Say a sentence where it belongs: below the photo, the portion's buttons or the diary's. A screen reader speaks it."""
        for name, place in self._places.items():
            place.children = [self.message] if name == where else []
        self.message.value = _part("said", words, kind)

    def still(self) -> str:
        """Return what stands in where no kernel is live: the first plate, and what the network says. No diary is in it."""
        dish, grams = self.meal.dish, self._estimated()
        drawing = guess_bars(self.model.card.classes, self.meal.probabilities, title="Five best guesses")
        table = charts.nutrient_table(nutrients(dish, grams)) if dish in dishes() else ""
        picture = _boxed(self.picture, self.meal)
        return _part("still", picture, drawing, spoken(dish), f"{grams:.0f}", table, _scored(dish))


def _part(macro: str, *shown) -> str:
    return pages.part(__file__, "app", macro, *shown)


def _test_plates():
    from introdl import data

    return data.plates().split("test")


def most_bytes() -> int:
    """Return how large a file may be that is uploaded into the notebook.

    A file goes through the notebook server's WebSocket, and tornado closes one that brings a message of more than 10 MiB. The
    file is lost then, without a word. `introdl lab` allows as much as `introdl.data.photo` reads, and says so to its kernels.
    """
    told = os.environ.get("INTRODL_MOST_UPLOAD", "")
    return int(told) if told.isdigit() else 10 * 2**20 - 2**17


def _hint(most: int):
    """Say how large a photo may be; the browser refuses a larger one before it is sent, with a sentence."""
    import ipywidgets as widgets

    size = f"{most / 1e6:.0f} MB"
    more = (
        "" if "INTRODL_MOST_UPLOAD" in os.environ else " (Start the course with introdl lab: then larger ones arrive.)"
    )
    refused = f"At most {size} can be uploaded here.{more} Open it in a picture program, make it 2000 pixels wide, and save it as JPEG."
    return widgets.HTML(_part("hint", size, more, refused, most))


def _line(entry: Entry) -> str:
    heart = " ♥" if entry.liked else ""
    return f"{entry.eaten_at:%H:%M} {spoken(entry.dish)}, {entry.grams:.0f} g{heart}"


def _words(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)


def _boxed(picture: np.ndarray, meal: Meal) -> str:
    """Draw a picture with the food's box; the box is dashed where the network does not know the like."""
    height, width = picture.shape[:2]
    scale = 340 / max(height, width)
    w, h = width * scale, height * scale
    x0, y0, x1, y1 = meal.box or (0, 0, 1, 1)
    corner = (x0 * w, y0 * h, (x1 - x0) * w, (y1 - y0) * h) if meal.box else ()
    tag = f"{spoken(meal.dish)}{_about(meal)}" if meal.known else "I do not know this"
    wide = 8.1 * len(tag) + 14
    left, top = min(max(x0 * w, 2), max(w - wide - 2, 2)), min(max(y0 * h - 26, 2), h - 26)
    drawing = _part("boxed", address(picture), w, h, corner, meal.known, tag, left, top, wide)
    box = ", with a box around what the network takes for the food" if meal.box else ""
    return svg.described(drawing, f"The picture{box}: {tag}.")


def _about(meal: Meal) -> str:
    return "" if meal.grams is None else f", about {Board._rounded(meal.grams):.0f} g"


def _verdict(meal: Meal) -> str:
    grams = "" if meal.grams is None else f"{Board._rounded(meal.grams):.0f}"
    return _part("verdict", meal, spoken(meal.dish), grams)


def _scored(dish: str) -> str:
    if dish not in dishes():
        return ""
    score = nutriscore.of_dish(dish)
    return _part("scored", charts.score_strip(score), score.letter, spoken(dish), charts.score_table(score))
