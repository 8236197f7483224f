"""The game in a notebook: widgets, and a still picture where no kernel is live."""

from __future__ import annotations

from introdl import pages
from introdl.figures import guesses as bars
from introdl.figures import svg, tile
from introdl.figures.grid import mix
from introdl.figures.interactive import show_live
from introdl.figures.style import BLUE, ORANGE
from introdl.game.decks import Deck
from introdl.game.decks import deck as course_deck
from introdl.game.rules import COURSES, GUESSES, Game, Memory, Round
from introdl.wording import spoken

_WIDTH = 288
_ALT = (
    "A game: a picture of a plate, a field for your guess, and the score, HUMAN against COMPUTER. "
    "You have five guesses for each picture, and so has the computer."
)


def play(deck: Deck | None = None, rounds: int = 7, seed: int = 0, name: str = "plates") -> None:
    """Show the game: you against the network, on pictures that it was not trained on.

    The game is kept in your own folder after every move. Run the cell again, today or next week, and it goes on where
    you left it.

    Parameters
    ----------
    deck : Deck, optional
        What to play with; by default the course's test plates and its network.
    rounds : int
        Pictures in a game.
    seed : int
        Which random draw the normal course takes.
    name : str
        Under which name the game is kept.
    """
    board = Board(deck or course_deck(), rounds, seed, Memory(name))
    show_live(board.widget, board.still(), _ALT, "The game begins when you run its cell.", "game")


class Board:
    """The widgets of a game; `widget` is what is shown.

    Parameters
    ----------
    deck : Deck
    rounds : int
        Pictures in a game.
    seed : int
        Which random draw the normal course takes.
    memory : Memory
        Where the game is kept.
    """

    def __init__(self, deck: Deck, rounds: int = 7, seed: int = 0, memory: Memory | None = None):
        import ipywidgets as widgets

        self.deck, self.rounds, self.seed, self.memory = deck, rounds, seed, memory or Memory()
        left, sums = self.memory.load(deck)
        self.sums = sums or {course: [0, 0, 0] for course in COURSES}
        self.game = left or Game.new(deck, "normal", 1, rounds, seed)
        self.said = "Welcome back. Your game goes on." if left and left.played and not left.over else ""

        names = sorted(spoken(name) for name in deck.classes)
        wide = widgets.Layout(width="auto")
        self.course = widgets.ToggleButtons(
            options=COURSES,
            value=self.game.course,
            description="course",
            style={"button_width": "80px", "description_width": "50px"},
            layout=widgets.Layout(width="240px"),
        )
        self.again = widgets.Button(description="New game", layout=wide, tooltip="Begin a new game on this course")
        self.entry = widgets.Combobox(
            options=names,
            placeholder="Type a dish, then Enter",
            # Not at every key: what is typed fast would still be on its way when Enter arrives.
            continuous_update=False,
            description="guess",
            style={"description_width": "44px"},
            layout=widgets.Layout(width="250px"),
        )
        self.try_it = widgets.Button(description="Guess", button_style="primary", layout=wide)
        self.answer = widgets.Button(description="Show the answer", layout=wide, tooltip="Ends this picture")
        self.onward = widgets.Button(description="Next picture", button_style="success", layout=wide)
        self.ask = widgets.ToggleButton(value=False, description="The computer's guesses", layout=wide)
        self.score, self.picture, self.tried, self.opponent = (widgets.HTML() for _ in range(4))
        # A live region: a screen reader speaks what changes in it.
        self.message = widgets.HTML()

        self.course.observe(self._choose_course, names="value")
        self.again.on_click(lambda _: self._new_game())
        self.entry.observe(lambda change: self._guess(change["new"]), names="value")
        self.try_it.on_click(lambda _: self.entry.focus())  # leaving the field has told the guess already
        self.answer.on_click(lambda _: self._give_up())
        self.onward.on_click(lambda _: self._go_on())
        self.ask.observe(lambda _: self._render(), names="value")

        row = widgets.Layout(display="flex", flex_flow="row wrap", align_items="center", grid_gap="4px 10px")
        moves = widgets.VBox(
            [
                widgets.Box([self.entry, self.try_it], layout=row),
                self.message,
                self.tried,
                widgets.Box([self.answer, self.ask, self.onward], layout=row),
                self.opponent,
            ],
            layout=widgets.Layout(flex="1 1 300px", min_width="280px"),
        )
        table = widgets.Box(
            [self.picture, moves],
            layout=widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start", grid_gap="6px 16px"),
        )
        self.widget = widgets.VBox([widgets.Box([self.course, self.again], layout=row), self.score, table])
        self._render()

    # --- moves --------------------------------------------------------------------------------------------------

    def _guess(self, text: str) -> None:
        """Take what was entered: with Enter, by a choice from the list, or by leaving the field."""
        if not text:
            return
        before = len(self.game.played)
        self.said = self.game.guess(text)
        self.entry.value = ""
        self._moved()
        (self.onward if len(self.game.played) > before else self.entry).focus()

    def _give_up(self) -> None:
        self.said = self.game.give_up()
        self._moved()
        self.onward.focus()

    def _go_on(self) -> None:
        self.game.go_on()
        self.said = ""
        with self.ask.hold_trait_notifications():
            self.ask.value = False
        if self.game.over and self.game.rounds:
            sums = self.sums[self.game.course]
            for place, value in enumerate((self.game.human, self.game.computer, len(self.game.rounds))):
                sums[place] += value
        self._moved()
        (self.again if self.game.over else self.entry).focus()

    def _choose_course(self, change) -> None:
        if change["new"] != self.game.course:
            self._begin(change["new"], 1)

    def _new_game(self) -> None:
        self._begin(self.game.course, self.game.number + 1)

    def _begin(self, course: str, number: int) -> None:
        self.game = Game.new(self.deck, course, number, self.rounds, self.seed)
        self.said = ""
        self.ask.value = False
        self._moved()
        self.entry.focus()

    def _moved(self) -> None:
        note = self.memory.save(self.game, self.sums) if self.game.rounds else ""
        self.said = f"{self.said} {note}".strip()
        self._render()

    # --- what is seen -------------------------------------------------------------------------------------------

    def _render(self) -> None:
        now = self.game.current
        done = now is None or now.over
        self.score.value = _score(self.game)
        self.message.value = _message(self.said or _prompt(self.game, self.deck), now)
        self.tried.value = _tried(now, self.deck)
        self.entry.disabled = self.try_it.disabled = self.answer.disabled = done
        self.onward.disabled = now is None or not now.over
        self.ask.disabled = now is None or not now.over
        last = self.game.position == len(self.game.rounds) - 1
        self.onward.description = "See the result" if last else "Next picture"
        self.opponent.value = _opponent(now, self.deck) if now is not None and now.over and self.ask.value else ""
        self.picture.value = _plate(now, self.deck) if now is not None else _result(self.game, self.deck, self.sums)

    def still(self) -> str:
        """Return the board as plain HTML, for readers without a kernel."""
        now = self.game.current
        face = _plate(now, self.deck) if now is not None else _result(self.game, self.deck, self.sums)
        return f"{_score(self.game)}{face}"


def _part(macro: str, *shown) -> str:
    return pages.part(__file__, "board", macro, *shown)


def _score(game: Game) -> str:
    count = len(game.rounds)
    where = f"all {count} pictures done" if game.over else f"picture {min(game.position + 1, count)} of {count}"
    return _part("score", game, where)


def _prompt(game: Game, deck: Deck) -> str:
    if not game.rounds:
        return "The network misses no picture here, so there is no hard course. Play the normal one."
    if game.over:
        return "The game is over. New game deals new pictures."
    return f"Which of the {len(deck.classes)} dishes is it? You have {GUESSES} guesses."


def _message(words: str, now: Round | None) -> str:
    color = "#00654A" if words.startswith("✓") else "#A84300" if words.startswith("✗") else ""
    more = ""
    if now is not None and now.over:
        found, missed = "had it with guess {}", f"missed it with all {len(now.computer)} guesses"
        more = f"The computer {found.format(now.computer_at) if now.computer_at else missed}."
    return _part("message", words, color, more)


def _tried(now: Round | None, deck: Deck) -> str:
    if now is None or not now.guesses:
        return ""
    return _part("tried", [(spoken(deck.classes[dish]), dish == now.correct) for dish in now.guesses])


def _image(deck: Deck, index: int, alt: str, width: int) -> str:
    return tile.img(deck.pictures.images[index], alt, width, look="border-radius:6px")


def _plate(now: Round, deck: Deck) -> str:
    if not now.over:
        return _image(deck, now.picture, "A plate of food. Which dish is it?", _WIDTH)
    name = spoken(deck.classes[now.correct])
    facts = [name]
    if deck.pictures.grams is not None and deck.pictures.kcal is not None:
        facts.append(f"{deck.pictures.grams[now.picture]:.0f} g, {deck.pictures.kcal[now.picture]:.0f} kcal")
    return _part("plate", _image(deck, now.picture, f"A plate of food: {name}", _WIDTH), ": ".join(facts))


def _opponent(now: Round, deck: Deck) -> str:
    said = deck.probabilities[now.picture]
    drawing = bars.guess_bars(deck.classes, said, now.correct, GUESSES, "What the computer says")
    return svg.described(drawing, f"The computer's guesses: {bars.in_words(deck.classes, said, GUESSES)}.")


def _result(game: Game, deck: Deck, sums: dict[str, list[int]]) -> str:
    if not game.rounds:
        return ""
    rows = []
    for one in game.rounds:
        dish = spoken(deck.classes[one.correct])
        found = [(place, _tint(place, color)) for place, color in ((one.human_at, ORANGE), (one.computer_at, BLUE))]
        rows.append((_image(deck, one.picture, f"A plate of {dish}", 44), dish, *found))
    verdict = "You win" if game.lead > 0 else "The computer wins" if game.lead < 0 else "A draw"
    longer = [(course, counts) for course, counts in sums.items() if counts[2] > len(game.rounds)]
    return _part("result", game, verdict, rows, GUESSES, longer)


def _tint(place: int, color: str) -> str:
    return mix(color, 0.5 if place == 1 else 0.22) if place else "#F3F3F3"
