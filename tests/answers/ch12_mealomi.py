"""Right answers to chapter 12's exercises, written in as many ways as learners do."""

from __future__ import annotations

import bisect
import heapq
import math
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# --- 12.multi_task_loss -----------------------------------------------------------------------------------


def multi_task_loss_plain(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    food = dishes > 0
    loss = weights[0] * F.cross_entropy(dish_scores, dishes)
    if food.any():
        loss = loss + weights[1] * (log_grams[food] - grams[food].log()).abs().mean()
        loss = loss + weights[2] * (boxes[food] - true_boxes[food]).abs().mean()
    return loss


def multi_task_loss_where(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    """Masks by torch.where, with a harmless stand-in before the logarithm."""
    food = dishes > 0
    count = food.sum().clamp(min=1)
    target = torch.where(food, grams, torch.ones_like(grams)).log()
    mass = torch.where(food, (log_grams - target).abs(), torch.zeros_like(log_grams)).sum() / count
    box = ((boxes - true_boxes).abs().mean(dim=1) * food).sum() / count
    w_dish, w_mass, w_box = weights
    return w_dish * nn.CrossEntropyLoss()(dish_scores, dishes) + w_mass * mass + w_box * box


def multi_task_loss_loops(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    dish, mass, box = [], [], []
    for n in range(len(dishes)):
        dish.append(dish_scores[n].logsumexp(0) - dish_scores[n, dishes[n]])
        if dishes[n] != 0:
            mass.append(abs(log_grams[n] - math.log(grams[n])))
            box += [abs(boxes[n, i] - true_boxes[n, i]) for i in range(4)]
    total = weights[0] * sum(dish) / len(dish)
    if mass:
        total = total + weights[1] * sum(mass) / len(mass) + weights[2] * sum(box) / len(box)
    return total


def multi_task_loss_l1(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    chosen = dishes.nonzero().squeeze(1)
    parts = [-F.log_softmax(dish_scores, 1).gather(1, dishes[:, None]).mean()]
    if chosen.numel() == 0:
        return weights[0] * parts[0]
    parts.append(F.l1_loss(log_grams[chosen], torch.log(grams[chosen])))
    parts.append(nn.L1Loss(reduction="sum")(boxes[chosen], true_boxes[chosen]) / (4 * len(chosen)))
    return (torch.stack(parts) * torch.tensor(weights)).sum()


def multi_task_loss_nan_to_num(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    """The mean of nothing is nan; nan_to_num makes it 0, and its gradient too."""
    food = dishes.bool()
    mass = torch.nan_to_num((log_grams[food].double() - grams[food].double().log()).abs().mean())
    box = torch.nan_to_num(F.l1_loss(boxes[food].double(), true_boxes[food].double()))
    return weights[0] * F.cross_entropy(dish_scores.double(), dishes) + weights[1] * mass + weights[2] * box


def multi_task_loss_begun_with_zeros(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    """A loss with an axis of length 1."""
    total = torch.zeros(1)
    total = total + weights[0] * F.cross_entropy(dish_scores, dishes)
    food = dishes > 0
    if food.any():
        total = total + weights[1] * (log_grams[food] - grams[food].log()).abs().mean()
        total = total + weights[2] * (boxes[food] - true_boxes[food]).abs().mean()
    return total


# --- 12.non_maximum_suppression ---------------------------------------------------------------------------


def _overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def suppression_loops(boxes, scores, threshold):
    rest = sorted(range(len(boxes)), key=lambda i: scores[i], reverse=True)
    kept = []
    while rest:
        best = rest.pop(0)
        kept.append(best)
        rest = [i for i in rest if _overlap(boxes[best], boxes[i]) <= threshold]
    return np.array(kept, dtype=np.int64)


def suppression_shrinking_order(boxes, scores, threshold):
    """As in many detectors' source: the order shrinks by a mask."""
    x0, y0, x1, y1 = boxes.T
    areas = (x1 - x0) * (y1 - y0)
    order, kept = scores.argsort()[::-1], []
    while order.size > 0:
        i, others = order[0], order[1:]
        kept.append(int(i))
        w = np.maximum(0.0, np.minimum(x1[i], x1[others]) - np.maximum(x0[i], x0[others]))
        h = np.maximum(0.0, np.minimum(y1[i], y1[others]) - np.maximum(y0[i], y0[others]))
        order = others[w * h / (areas[i] + areas[others] - w * h) <= threshold]
    return np.asarray(kept)


def suppression_alive(boxes, scores, threshold):
    """A score of minus infinity for whatever is done with."""
    left, kept = scores.astype(float).copy(), []
    while left.max() > -np.inf:
        best = int(left.argmax())
        kept.append(best)
        for i in range(len(left)):
            if i == best or _overlap(boxes[i], boxes[best]) > threshold:
                left[i] = -np.inf
    return np.array(kept)


def suppression_recursive(boxes, scores, threshold):
    def rest_of(order):
        if len(order) == 0:
            return []
        first, *others = order
        return [first, *rest_of([i for i in others if not _overlap(boxes[first], boxes[i]) > threshold])]

    return np.array(rest_of(list(np.argsort(scores)[::-1])), dtype=int)


def suppression_torch(boxes, scores, threshold):
    b, order = torch.from_numpy(boxes), torch.from_numpy(scores).argsort(descending=True)
    keep = torch.ones(len(order), dtype=torch.bool)
    for n, i in enumerate(order):
        if keep[n]:
            later = b[order[n + 1 :]]
            both = (
                (torch.minimum(b[i, 2:], later[:, 2:]) - torch.maximum(b[i, :2], later[:, :2])).clamp(min=0).prod(dim=1)
            )
            union = (b[i, 2:] - b[i, :2]).prod() + (later[:, 2:] - later[:, :2]).prod(dim=1) - both
            keep[n + 1 :] &= both / union <= threshold
    return order[keep].numpy()


# --- 12.nutrients -----------------------------------------------------------------------------------------


def nutrients_comprehension(dish, grams, table):
    return {name: value * grams / 100 for name, value in table[dish].items()}


def nutrients_loop(dish, grams, table):
    portion = {}
    for name in table[dish]:
        portion[name] = table[dish][name] / 100 * grams
    return portion


def nutrients_copy(dish, grams, table):
    row = dict(table[dish])
    factor = grams / 100
    for name in row:
        row[name] *= factor
    return row


def nutrients_numpy(dish, grams, table):
    names, values = zip(*table[dish].items(), strict=True)
    return dict(zip(names, np.array(values) * (grams / 100), strict=True))


def nutrients_float32(dish, grams, table):
    return {name: np.float32(value) * np.float32(grams) / 100 for name, value in table[dish].items()}


# --- 12.energy_errors -------------------------------------------------------------------------------------


def energy_errors_vectorized(dishes, grams, true_dishes, true_grams, kcal_per_100g):
    truth = kcal_per_100g[true_dishes] * true_grams / 100
    both = kcal_per_100g[dishes] * grams / 100
    dish = kcal_per_100g[true_dishes] * grams / 100
    mass = kcal_per_100g[dishes] * true_grams / 100
    return np.abs(both - truth).mean(), np.abs(dish - truth).mean(), np.abs(mass - truth).mean()


def energy_errors_loops(dishes, grams, true_dishes, true_grams, kcal_per_100g):
    totals = [0.0, 0.0, 0.0]
    for d, g, td, tg in zip(dishes, grams, true_dishes, true_grams, strict=True):
        truth = kcal_per_100g[td] / 100 * tg
        totals[0] += abs(kcal_per_100g[d] / 100 * g - truth)
        totals[1] += abs(kcal_per_100g[td] / 100 * g - truth)
        totals[2] += abs(kcal_per_100g[d] / 100 * tg - truth)
    return tuple(total / len(dishes) for total in totals)


def energy_errors_factored(dishes, grams, true_dishes, true_grams, kcal_per_100g):
    """What is common to both is taken out of the difference."""
    per_gram = kcal_per_100g / 100
    dish = np.mean(per_gram[true_dishes] * np.abs(grams - true_grams))
    mass = np.mean(np.abs(per_gram[dishes] - per_gram[true_dishes]) * true_grams)
    return [np.mean(np.abs(per_gram[dishes] * grams - per_gram[true_dishes] * true_grams)), dish, mass]


def energy_errors_float32(dishes, grams, true_dishes, true_grams, kcal_per_100g):
    c, g, t = (each.astype(np.float32) for each in (kcal_per_100g, grams, true_grams))

    def error(which, mass):
        return np.sum(np.absolute(np.take(c, which) * mass - np.take(c, true_dishes) * t)) / len(t) / 100

    return error(dishes, g), error(true_dishes, g), error(dishes, t)


# --- 12.nutri_score ---------------------------------------------------------------------------------------

SUGARS = [3.4, 6.8, 10, 14, 17, 20, 24, 27, 31, 34, 37, 41, 44, 48, 51]
PROTEIN, FIBRE = [2.4, 4.8, 7.2, 9.6, 12, 14, 17], [3.0, 4.1, 5.2, 6.3, 7.4]


def nutri_score_lists(per_100g, red_meat=False):
    def points(value, thresholds):
        return sum(value > threshold for threshold in thresholds)

    salt = 2.5 * per_100g["sodium_mg"] / 1000
    bad = points(per_100g["kj"], [335 * n for n in range(1, 11)]) + points(per_100g["sugars_g"], SUGARS)
    bad += points(per_100g["saturated_fat_g"], range(1, 11)) + points(salt, [n / 5 for n in range(1, 21)])
    protein = points(per_100g["protein_g"], PROTEIN)
    if red_meat:
        protein = min(protein, 2)
    if bad >= 11:
        protein = 0
    fruit = [0, 1, 2, 5][points(per_100g["fruit_veg_share"], [0.4, 0.6, 0.8])]
    score = bad - protein - points(per_100g["fibre_g"], FIBRE) - fruit
    return score, "ABCDE"[points(score, [0, 2, 10, 18])]


def nutri_score_numpy(per_100g, red_meat=False):
    def points(value, thresholds):
        return np.sum(np.asarray(thresholds) < value)

    salt = per_100g["sodium_mg"] / 1000 * 2.5
    bad = (
        points(per_100g["kj"], np.arange(335, 3351, 335))
        + points(per_100g["sugars_g"], SUGARS)
        + points(per_100g["saturated_fat_g"], np.arange(1, 11))
        + points(salt, np.arange(0.2, 4.05, 0.2))
    )
    good = (
        points(per_100g["fibre_g"], FIBRE)
        + np.array([0, 1, 2, 5])[points(100 * per_100g["fruit_veg_share"], [40, 60, 80])]
    )
    if bad < 11:
        good = good + np.minimum(points(per_100g["protein_g"], PROTEIN), 2 if red_meat else 7)
    score = bad - good
    letters = np.array(list("ABCDE"))
    return score, letters[points(score, [0, 2, 10, 18])]


def nutri_score_bisect(per_100g, red_meat=False):
    """In milligrams and per cent; a list in place of a tuple."""
    get = per_100g.__getitem__
    n = bisect.bisect_left([335 * i for i in range(1, 11)], get("kj"))
    n += bisect.bisect_left(SUGARS, get("sugars_g"))
    n += bisect.bisect_left(list(range(1, 11)), get("saturated_fat_g"))
    n += bisect.bisect_left([80 * i for i in range(1, 21)], get("sodium_mg"))
    fibre = bisect.bisect_left(FIBRE, get("fibre_g"))
    share = get("fruit_veg_share") * 100
    fruit = 5 if share > 80 else 2 if share > 60 else 1 if share > 40 else 0
    protein = bisect.bisect_left(PROTEIN, get("protein_g"))
    if n >= 11:
        score = n - fibre - fruit
    else:
        score = n - (min(2, protein) if red_meat else protein) - fibre - fruit
    if score <= 0:
        return [score, "A"]
    if score <= 2:
        return [score, "B"]
    if score <= 10:
        return [score, "C"]
    return [score, "D" if score <= 18 else "E"]


def nutri_score_ceil(per_100g, red_meat=False):
    """Even steps by division; floats for points."""

    def steps(value, step, most):
        return float(min(max(math.ceil(round(value / step, 6)) - 1, 0), most))

    bad = steps(per_100g["kj"], 335, 10) + steps(per_100g["saturated_fat_g"], 1, 10)
    bad += steps(per_100g["sodium_mg"], 80, 20) + float(len([t for t in SUGARS if per_100g["sugars_g"] > t]))
    good = float(len([t for t in FIBRE if t < per_100g["fibre_g"]]))
    for threshold, extra in ((0.4, 1), (0.6, 1), (0.8, 3)):
        good += extra if per_100g["fruit_veg_share"] > threshold else 0
    protein = len([t for t in PROTEIN if t < per_100g["protein_g"]])
    good += 0 if bad > 10 else min(protein, 2) if red_meat else protein
    score = bad - good
    for letter, most in zip("ABCD", (0, 2, 10, 18), strict=True):
        if score <= most:
            return score, letter
    return score, "E"


# --- 12.expected_calibration_error ------------------------------------------------------------------------


def calibration_masks(labels, probabilities, bins):
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for b in range(bins):
        own = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if own.any():
            error += own.mean() * abs(right[own].mean() - confidence[own].mean())
    return error


def calibration_plain(labels, probabilities, bins):
    pictures = [[] for _ in range(bins)]
    for label, row in zip(labels.tolist(), probabilities.tolist(), strict=True):
        best = row.index(max(row))
        pictures[max(math.ceil(row[best] * bins) - 1, 0)].append((best == label, row[best]))
    error = 0
    for inside in pictures:
        if not inside:
            continue
        accuracy = sum(right for right, _ in inside) / len(inside)
        mean = sum(confidence for _, confidence in inside) / len(inside)
        error += len(inside) / len(labels) * abs(accuracy - mean)
    return error


def calibration_bincount(labels, probabilities, bins):
    """Share times gap is the absolute sum of a bin's differences over all pictures."""
    named = np.argmax(probabilities, axis=-1)
    confidence = np.take_along_axis(probabilities, named[:, None], axis=1)[:, 0]
    inside = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    return np.abs(np.bincount(inside, (named == labels) - confidence, bins)).sum() / labels.size


def calibration_sorted(labels, probabilities, bins):
    confidence = np.amax(probabilities, 1)
    order = np.argsort(confidence)
    difference = (np.argmax(probabilities, 1) == labels).astype(float)[order] - confidence[order]
    cuts = np.searchsorted(confidence[order], np.arange(1, bins) / bins, side="right")
    return sum(abs(part.sum()) for part in np.split(difference, cuts)) / len(labels)


def calibration_unique(labels, probabilities, bins):
    """Filled bins alone, by np.unique."""
    c = probabilities.max(1)
    right = labels == probabilities.argmax(1)
    which, inside, counts = np.unique(np.ceil(c * bins), return_inverse=True, return_counts=True)
    gaps = [np.abs(np.mean(right[inside == i]) - np.mean(c[inside == i])) for i in range(len(which))]
    return float(np.average(gaps, weights=counts))


def calibration_torch(labels, probabilities, bins):
    confidence, named = torch.from_numpy(probabilities).max(dim=1)
    right = (named == torch.from_numpy(labels)).double()
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    error = torch.zeros(())
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        own = confidence.gt(low) & confidence.le(high)
        if own.sum() > 0:
            error = error + own.double().mean() * (right[own].mean() - confidence[own].mean()).abs()
    return error.item()


# --- 12.confidence_threshold ------------------------------------------------------------------------------


def confidence_threshold_sorted(val_food, test_food, test_other, share):
    threshold = np.sort(val_food)[int(share * len(val_food))]
    return threshold, np.mean(test_food < threshold), np.mean(test_other >= threshold)


def confidence_threshold_search(val_food, test_food, test_other, share):
    best = min(val_food)
    for candidate in val_food:
        if sum(score < candidate for score in val_food) / len(val_food) <= share and candidate > best:
            best = candidate
    away = len([s for s in test_food if s < best]) / len(test_food)
    return best, away, len([s for s in test_other if not s < best]) / len(test_other)


def confidence_threshold_partition(val_food, test_food, test_other, share):
    k = math.floor(share * val_food.size)
    t = np.partition(val_food, k)[k]
    return [float(t), 1 - (test_food >= t).mean(), np.count_nonzero(test_other >= t) / test_other.size]


def confidence_threshold_float32(val_food, test_food, test_other, share):
    val, food, other = (each.astype(np.float32) for each in (val_food, test_food, test_other))
    below = (val[None, :] < val[:, None]).mean(axis=1)
    t = val[below <= share].max()
    return t, (food < t).mean(dtype=np.float32), (other >= t).mean(dtype=np.float32)


def confidence_threshold_heap(val_food, test_food, test_other, share):
    lowest = heapq.nsmallest(int(share * len(val_food)) + 1, val_food.tolist())
    t = lowest[-1]
    return t, np.searchsorted(np.sort(test_food), t) / len(test_food), 1 - np.mean(test_other < t)


def confidence_threshold_rest(val_food, test_food, test_other, share):
    """By the share that stays, from which 1 - x makes a number that is not quite the decimal one."""
    t = max(c for c in val_food if 1 - np.mean(val_food >= c) <= share)
    return t, 1 - np.mean(test_food >= t), np.mean(test_other >= t)


# --- 12.daily_totals --------------------------------------------------------------------------------------


def daily_totals_plain(diary, utc_offset):
    found = {}
    for entry in diary:
        day = (datetime.fromisoformat(entry["time"]) + timedelta(hours=utc_offset)).date()
        found[day] = found.get(day, 0.0) + entry["kcal"] * entry["eaten"]
    if not found:
        return {}
    day, totals = min(found), {}
    while day <= max(found):
        totals[day.isoformat()] = found.get(day, 0.0)
        day += timedelta(days=1)
    return totals


def daily_totals_zone(diary, utc_offset):
    zone = timezone(timedelta(minutes=round(60 * utc_offset)))
    eaten = [(datetime.fromisoformat(e["time"]).astimezone(zone).date(), e["kcal"] * e["eaten"]) for e in diary]
    if not eaten:
        return {}
    first, last = min(d for d, _ in eaten), max(d for d, _ in eaten)
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    return {str(day): sum((kcal for d, kcal in eaten if d == day), 0.0) for day in days}


def daily_totals_text(diary, utc_offset):
    """By string slicing and strptime, with whole minutes."""
    totals = defaultdict(float)
    ordinals = []
    for entry in sorted(diary, key=lambda e: e["time"]):
        clock = datetime.strptime(entry["time"][:19], "%Y-%m-%dT%H:%M:%S")
        clock += timedelta(minutes=utc_offset * 60)
        ordinals.append(clock.date().toordinal())
        totals[clock.strftime("%Y-%m-%d")] += entry["eaten"] * entry["kcal"]
    for number in range(min(ordinals, default=1), max(ordinals, default=0) + 1):
        totals[date.fromordinal(number).isoformat()] += 0
    return dict(totals)


def daily_totals_numpy(diary, utc_offset):
    if len(diary) == 0:
        return {}
    times = np.array([entry["time"][:19] for entry in diary], dtype="datetime64[s]")
    days = (times + np.timedelta64(int(utc_offset * 3600), "s")).astype("datetime64[D]")
    kcal = np.array([entry["kcal"] for entry in diary]) * np.array([entry["eaten"] for entry in diary])
    every = np.arange(days.min(), days.max() + 1)
    return {str(day): kcal[days == day].sum() for day in every}


def daily_totals_seconds(diary, utc_offset):
    numbers = [int((datetime.fromisoformat(e["time"]).timestamp() + 3600 * utc_offset) // 86400) for e in diary]
    if not numbers:
        return {}
    start = min(numbers)
    amounts = np.bincount([n - start for n in numbers], [e["kcal"] * e["eaten"] for e in diary])
    return {(date(1970, 1, 1) + timedelta(days=start + i)).isoformat(): float(a) for i, a in enumerate(amounts)}


def daily_totals_sqlite(diary, utc_offset):
    """In a table, with SQLite's own arithmetic of dates."""
    import sqlite3

    if not diary:
        return {}
    table = sqlite3.connect(":memory:")
    table.row_factory = sqlite3.Row
    table.execute("create table meals (time text, kcal real)")
    eaten = [(e["time"][:19].replace("T", " "), e["kcal"] * e["eaten"]) for e in diary]
    table.executemany("insert into meals values (?, ?)", eaten)
    days = "select date(time, ?) as day, sum(kcal) as total from meals group by day order by day"
    rows = table.execute(days, (f"{int(utc_offset * 60):+d} minutes",)).fetchall()
    totals = {row["day"]: row["total"] for row in rows}
    first, last = date.fromisoformat(rows[0]["day"]), date.fromisoformat(rows[-1]["day"])
    every = [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    return {day: totals.get(day, 0.0) for day in every}


def nutrients_decimal(dish, grams, table):
    return {name: float(Decimal(str(v)) * Decimal(str(grams)) / 100) for name, v in table[dish].items()}


ANSWERS = {
    "12.multi_task_loss": [
        multi_task_loss_plain,
        multi_task_loss_where,
        multi_task_loss_loops,
        multi_task_loss_l1,
        multi_task_loss_nan_to_num,
        multi_task_loss_begun_with_zeros,
    ],
    "12.non_maximum_suppression": [
        suppression_loops,
        suppression_shrinking_order,
        suppression_alive,
        suppression_recursive,
        suppression_torch,
    ],
    "12.nutrients": [
        nutrients_comprehension,
        nutrients_loop,
        nutrients_copy,
        nutrients_numpy,
        nutrients_float32,
        nutrients_decimal,
    ],
    "12.energy_errors": [
        energy_errors_vectorized,
        energy_errors_loops,
        energy_errors_factored,
        energy_errors_float32,
    ],
    "12.nutri_score": [nutri_score_lists, nutri_score_numpy, nutri_score_bisect, nutri_score_ceil],
    "12.expected_calibration_error": [
        calibration_masks,
        calibration_plain,
        calibration_bincount,
        calibration_sorted,
        calibration_unique,
        calibration_torch,
    ],
    "12.confidence_threshold": [
        confidence_threshold_sorted,
        confidence_threshold_search,
        confidence_threshold_partition,
        confidence_threshold_float32,
        confidence_threshold_heap,
        confidence_threshold_rest,
    ],
    "12.daily_totals": [
        daily_totals_plain,
        daily_totals_zone,
        daily_totals_text,
        daily_totals_numpy,
        daily_totals_seconds,
        daily_totals_sqlite,
    ],
    "12.quiz": [("c", "b", "a", "d", "b"), ("C", "B", "A", "D", "B"), ("c)", "b)", "a)", "d)", "b)")],
}
