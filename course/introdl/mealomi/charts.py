"""The app's pictures: the day, the week, the Nutri-Score and its points, a portion's nutrients. All are HTML or SVG."""

from __future__ import annotations

import html
from datetime import date

from introdl import pages
from introdl.figures import svg
from introdl.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from introdl.mealomi.diary import Entry, totals
from introdl.mealomi.nutriscore import NutriScore
from introdl.mealomi.nutrition import NUTRIENTS, REFERENCE_INTAKES
from introdl.wording import counted, spoken

#: The Nutri-Score logo's colors, from A to E.
LETTERS = {"A": "#038141", "B": "#85BB2F", "C": "#FECB02", "D": "#EE8100", "E": "#E63E11"}
_MEALS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
_SHOWN = ("fat_g", "saturated_fat_g", "carbohydrate_g", "sugars_g", "protein_g", "salt_g")


def on_letter(letter: str) -> str:
    """Return the ink that is readable on a letter's color."""
    return "#FFFFFF" if letter in "AE" else "#000000"


def day_words(day: date) -> str:
    """Write a day: ``Tuesday 24 November``."""
    return f"{day:%A} {day.day} {day:%B}"


def day_chart(entries: list[Entry], day: date) -> str:
    """Draw a day: its energy, meal by meal, and its nutrients as shares of the reference intake.

    Parameters
    ----------
    entries : list of Entry
        The day's meals.
    day : datetime.date
        Which day.

    Returns
    -------
    str
        SVG with its alt text.
    """
    sums = totals(entries)
    kcal, reference = sums["kcal"], REFERENCE_INTAKES["kcal"]
    title = f"{day_words(day)}: {kcal:,.0f} kcal of {reference:,.0f}" if entries else f"{day_words(day)}: nothing yet"
    width, left, right = 560, 112, 112
    full = width - left - right
    top, row = 46, 27
    most = max(1.25, kcal / reference * 1.02, *(sums[name] / REFERENCE_INTAKES[name] * 1.02 for name in _SHOWN))
    most = min(most, 4)

    def at(share: float) -> float:
        return left + full * min(share, most) / most

    parts = [svg.text(4, 20, title, 15, bold=True)]
    x: float = left
    parts += [svg.text(left - 8, top + 17, "energy", 13, svg.INK, "end"), svg.box(left, top, full, 24, "#F0F0F0")]
    for number, entry in enumerate(entries):
        wide = at(entry.nutrients["kcal"] / reference) - left
        wide = min(wide, left + full - x)
        parts.append(
            f"<g><title>{html.escape(spoken(entry.dish))}, {entry.nutrients['kcal']:.0f} kcal</title>"
            + svg.box(x, top, max(wide, 0.5), 24, _MEALS[number % len(_MEALS)], "#fff", 1)
            + "</g>"
        )
        name = spoken(entry.dish)
        if wide > 8.2 * len(name):
            ink = "#000" if _MEALS[number % len(_MEALS)] in (ORANGE, SKY, PURPLE) else "#fff"
            parts.append(svg.text(x + wide / 2, top + 16.5, name, 12, ink, "middle"))
        x += wide
    parts.append(svg.text(left + full + 8, top + 17, f"{100 * kcal / reference:.0f} %", 13, svg.INK, bold=True))
    for number, name in enumerate(_SHOWN):
        y = top + 36 + row * number
        share = sums[name] / REFERENCE_INTAKES[name]
        parts += [
            svg.text(left - 8, y + 13, NUTRIENTS[name][0], 13, svg.INK, "end"),
            svg.box(left, y, full, 17, "#F0F0F0"),
            svg.box(
                left, y, max(at(share) - left, 0), 17, VERMILION if share > 1 and name != "protein_g" else "#5B7A99"
            ),
            svg.text(left + full + 8, y + 13, f"{svg.short(sums[name], 1)} g, {100 * share:.0f} %", 12, svg.INK),
        ]
    bottom = top + 36 + row * len(_SHOWN)
    parts += [
        svg.line(at(1), top - 6, at(1), bottom, "#222", 1.4, "4 3"),
        svg.text(at(1), bottom + 15, "100 % = an adult's reference intake (EU)", 11.5, "#444", "middle"),
    ]
    meals = ", ".join(f"{spoken(one.dish)} {one.nutrients['kcal']:.0f} kcal" for one in entries) or "nothing"
    shares = ", ".join(f"{NUTRIENTS[name][0]} {100 * sums[name] / REFERENCE_INTAKES[name]:.0f} %" for name in _SHOWN)
    return svg.described(
        svg.canvas(width, bottom + 24, *parts),
        f"Bar chart of {day_words(day)}: {meals}; {kcal:.0f} kcal in all. Of the reference intake: {shares}.",
    )


def week_chart(week: dict[date, dict[str, float]]) -> str:
    """Draw the energy of seven days.

    Parameters
    ----------
    week : dict of datetime.date to dict
        As `introdl.mealomi.Diary.week` returns it.

    Returns
    -------
    str
        SVG with its alt text.
    """
    reference = REFERENCE_INTAKES["kcal"]
    values = {day: sums["kcal"] for day, sums in week.items()}
    eaten = [value for value in values.values() if value]
    width, height, left, top = 560, 226, 52, 46
    full, tall = width - left - 14, 136
    most = max(reference * 1.2, *(value * 1.1 for value in values.values()))
    step = full / len(values)
    title = "Seven days: no meal yet"
    if eaten:
        days = f"{counted(len(eaten), 'day')} with meals"
        title = f"Seven days: {sum(eaten) / len(eaten):,.0f} kcal a day, over {days}"
    parts = [svg.text(4, 20, title, 15, bold=True)]
    last = list(values)[-1]
    for number, (day, value) in enumerate(values.items()):
        x, tall_bar = left + step * number + step * 0.18, tall * value / most
        parts += [
            svg.box(x, top + tall - tall_bar, step * 0.64, tall_bar, BLUE if day == last else "#8DB9D8"),
            svg.text(x + step * 0.32, top + tall + 17, f"{day:%a} {day.day}", 12, svg.INK, "middle", day == last),
        ]
        if value:
            parts.append(
                svg.text(x + step * 0.32, top + tall - tall_bar - 5, f"{value:,.0f}", 12, svg.INK, "middle", halo=True)
            )
    y = top + tall - tall * reference / most
    parts += [
        svg.line(left, top + tall, left + full, top + tall, "#999"),
        svg.line(left, y, left + full, y, "#222", 1.4, "4 3"),
        svg.text(left - 5, y + 4, f"{reference:,.0f}", 12, "#333", "end"),
        svg.text(left - 5, top + tall + 4, "0", 12, "#333", "end"),
        svg.text(left - 5, top - 4, "kcal", 12, "#333", "end"),
        svg.text(width - 12, height - 6, "dashed: an adult's reference intake (EU)", 11.5, "#444", "end"),
    ]
    alt = "; ".join(f"{day:%A} {day.day}: {value:.0f} kcal" for day, value in values.items())
    return svg.described(svg.canvas(width, height, *parts), f"Bar chart of the energy of seven days. {alt}.")


def score_strip(score: NutriScore) -> str:
    """Draw the five letters of the Nutri-Score, the food's own one large."""
    parts, x = [], 3
    for letter, color in LETTERS.items():
        own = letter == score.letter
        wide, tall = (50, 58) if own else (36, 40)
        y = 32 - tall / 2
        parts += [
            svg.box(x, y, wide, tall, color, "#222" if own else "none", 2.5, 9 if own else 5, 1 if own else 0.42),
            svg.text(
                x + wide / 2, y + tall / 2 + (11 if own else 7), letter, 31 if own else 19,
                on_letter(letter) if own else "#333", "middle", True,
            ),
        ]  # fmt: skip
        x += wide + 3
    return svg.described(svg.canvas(x, 64, *parts), f"Nutri-Score {score.letter}, of the letters A (best) to E.")


def score_table(score: NutriScore) -> str:
    """Return the points item by item as an HTML table, with what comes of them."""
    kinds = []
    for kind, favourable, color in (("against it", False, "#A84300"), ("for it", True, "#00654A")):
        items = [
            (item, svg.short(item.value, 1 if item.unit in ("kJ", "%") else 2))
            for item in score.items
            if item.favourable == favourable
        ]
        total = score.favourable if favourable else score.unfavourable
        kinds.append((kind, favourable, color, items, total))
    minus = f"{score.unfavourable} − {score.favourable} = {svg.short(score.score)}"
    return pages.part(__file__, "tables", "points", kinds, minus, score.letter)


def nutrient_table(amounts: dict[str, float]) -> str:
    """Return a portion's energy and nutrients as an HTML table, each with its share of the reference intake."""
    rows = []
    for name in ("kcal", *_SHOWN[:4], "fibre_g", *_SHOWN[4:]):
        words, unit = NUTRIENTS[name]
        amount = f"{amounts[name]:,.0f}" if name == "kcal" else svg.short(amounts[name], 1)
        share = None
        if name in REFERENCE_INTAKES:
            part = amounts[name] / REFERENCE_INTAKES[name]
            share = 100 * part, VERMILION if part > 1 and name != "protein_g" else BLUE
        rows.append((words, name in ("saturated_fat_g", "sugars_g"), f"{amount} {unit}", share))
    return pages.part(__file__, "tables", "nutrients", rows)
