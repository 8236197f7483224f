"""MealoMi's network, its page and its card: on small networks and pictures of plain colors."""

import base64
import io
from datetime import date, datetime

import numpy as np
import pytest
import torch
from PIL import Image

from introdl import mealomi, models, training
from introdl.data import Dataset
from introdl.mealomi import Diary, charts, novelty
from introdl.mealomi.app_view import Board
from introdl.mealomi.recognition import look
from introdl.models import MealNet, box_iou, meal_loss

CLASSES = ("apple", "salad", "soup")
NOON = datetime(2026, 11, 24, 12, 30)


def plates(n=120, size=64, seed=0):
    """Squares of three colors; the larger, the heavier."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(40, 90, (n, size, size, 3)).astype(np.uint8)
    sides = rng.integers(size // 4, size // 2, n)
    corners = np.stack([rng.integers(0, size - side, 2) for side in sides])
    for image, label, side, (x, y) in zip(images, labels, sides, corners, strict=True):
        image[y : y + side, x : x + side] = 30
        image[y : y + side, x : x + side, label] = 230
    return Dataset(
        "plates", images, labels.astype(np.int64), CLASSES,
        splits=np.repeat(["train", "val", "test"], [n // 2, n // 4, n - n // 2 - n // 4]),
        files=np.array([f"images/{k}.jpg" for k in range(n)]),
        grams=(20 * (sides * 64 / size) * (1 + labels)).astype(np.float32),
        kcal=np.ones(n, np.float32),
        boxes=np.concatenate([corners, corners + sides[:, None]], axis=1).astype(np.float32),
    )  # fmt: skip


PLATES = plates()


def card(size=64):
    return models.Card(
        "tiny",
        "Three colors.",
        CLASSES,
        size,
        (0.3,) * 3,
        (0.2,) * 3,
        "MealNet",
        {"num_classes": 3},
        {},
        {},
        {},
        "none",
    )


@pytest.fixture(scope="module")
def trained():
    """A small network that has learned the colors, the sizes and the places."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MealNet(3, size=64, widths=(8, 16, 16, 16), hidden=32)
    few = plates(360, seed=1)
    settings = training.Settings(
        epochs=16, batch_size=20, lr=1e-2, label_smoothing=0.0, precision="fp32", augment=training.Augment(rotate=0, cutout=0)
    )  # fmt: skip
    history = training.train(
        model, few.split("train"), few.split("val"), settings, device="cpu", quiet=True, task=training.Meals()
    )
    model.card = card()
    object.__setattr__(model.card, "mean", tuple(history.about["mean"]))
    object.__setattr__(model.card, "std", tuple(history.about["std"]))
    novelty.fit(model, few, *(history.about[name] for name in ("mean", "std")))
    yield model, history
    torch.set_num_threads(before)


# --- the network ----------------------------------------------------------------------------------------------------


def test_three_heads_with_their_shapes_and_units():
    heads = MealNet(20, size=96).eval()(torch.randn(3, 3, 96, 96))
    assert heads.scores.shape == (3, 20) and heads.log_grams.shape == heads.grams.shape == (3,)
    assert torch.allclose(heads.grams, heads.log_grams.exp())
    x0, y0, x1, y1 = heads.boxes.T
    assert (x0 < x1).all() and (y0 < y1).all() and heads.boxes.min() >= 0 and heads.boxes.max() <= 1


def test_a_picture_that_is_halved_to_nothing_is_a_sentence():
    with pytest.raises(ValueError, match="32 or more"):
        MealNet(3, size=16)


def test_iou_by_hand():
    a = torch.tensor([[0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 4, 4.0]])
    b = torch.tensor([[1, 1, 3, 3], [2, 2, 3, 3], [0, 0, 4, 4.0]])
    assert box_iou(a, b).tolist() == pytest.approx([1 / 7, 0, 1])


def test_the_loss_is_nothing_where_all_is_right_and_counts_each_task():
    boxes = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.3, 0.3, 0.5, 0.4]])
    labels, grams = torch.tensor([1, 0]), torch.tensor([100.0, 300])
    scores = torch.tensor([[-50, 50.0], [50, -50]])
    right = models.MealHeads(scores, grams.log(), boxes)
    total, parts = meal_loss(right, labels, grams, boxes)
    assert total.item() == pytest.approx(0, abs=1e-5) and parts.tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    total, parts = meal_loss(right._replace(log_grams=grams.log() + 1), labels, grams, boxes, 0.5, (1, 2, 3))
    assert parts[1].item() == pytest.approx(2 - 0.5) and total.item() == pytest.approx(2 * 1.5, abs=1e-5)
    moved = right._replace(boxes=boxes + 0.1)
    assert meal_loss(moved, labels, grams, boxes)[1][2] > 0.3


def test_boxes_move_with_their_pictures():
    """A bright square is where the moved box says, for 60 draws without turning."""
    generator = torch.Generator().manual_seed(0)
    how = training.Augment(rotate=0, shift=0.1, scale=0.2, color=0, cutout=0)
    size, n = 64, 60
    images = torch.zeros(n, size, size, 3, dtype=torch.uint8)
    boxes = torch.tensor([[20, 26, 44, 40.0]]).expand(n, 4) / size
    images[:, 26:40, 20:44] = 255
    drawn = training.draw(n, how, generator)
    seen = training.augment(images, drawn, how, (0, 0, 0), (1, 1, 1))[:, 0] > 0.5
    moved = training.move_boxes(boxes, drawn["affine"]) * size
    for one, box in zip(seen, moved, strict=True):
        rows, columns = (torch.nonzero(one.any(dim=d)).flatten() for d in (1, 0))
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert box.tolist() == pytest.approx([float(v) for v in found], abs=1.01)


def test_turned_the_box_is_that_of_the_turned_ellipse():
    angle = np.deg2rad(30)
    affine = torch.tensor(
        [[[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]]], dtype=torch.float32
    )
    box = torch.tensor([[0.3, 0.4, 0.7, 0.6]])
    t = np.linspace(0, 2 * np.pi, 2000)
    points = np.linalg.inv(affine[0, :, :2].numpy()) @ np.stack([0.4 * np.cos(t), 0.2 * np.sin(t)])
    expected = [(v + 1) / 2 for v in (*points.min(axis=1), *points.max(axis=1))]
    assert training.move_boxes(box, affine)[0].tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_food_that_runs_out_of_the_picture_goes_on_in_the_mirrored_edge(mirror):
    affine = torch.tensor([[[mirror, 0, 0.0], [0, 1, 0.4]]])  # upwards by a fifth of the picture
    moved = training.move_boxes(torch.tensor([[0, 0.5, 0.6, 1.0]]), affine)[0]
    assert moved.tolist() == pytest.approx([0, 0.3, 0.6, 1] if mirror > 0 else [0.4, 0.3, 1, 1], abs=1e-6)


def test_it_learns_dish_grams_and_box(trained):
    model, history = trained
    test = plates(90, seed=5)
    found = look(model, test.images)
    assert np.mean(found.probabilities.argmax(axis=1) == test.labels) > 0.9
    wrong = np.abs(np.log(found.grams / test.grams)).mean()
    naive = np.abs(np.log(test.grams) - np.log(test.grams).mean()).mean()
    assert wrong < 0.6 * naive
    iou = box_iou(torch.tensor(found.boxes), torch.tensor(test.boxes / 64)).mean()
    assert iou > 0.6
    assert len(history.rows) == 16 and history.best["val_loss"] == min(history.column("val_loss"))


def test_training_needs_grams_and_boxes():
    from dataclasses import replace

    with pytest.raises(training.TrainingError, match="needs grams"):
        training.train(MealNet(3, size=64), replace(PLATES, grams=None), PLATES, quiet=True, task=training.Meals())


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    settings = training.Settings(epochs=2, batch_size=20, precision="fp32")

    def run(checkpoint=None):
        torch.manual_seed(3)
        model = MealNet(3, size=64, widths=(4, 4, 4), hidden=8)
        history = training.train(
            model,
            PLATES.split("train"),
            PLATES.split("val"),
            settings,
            device="cpu",
            checkpoint=checkpoint,
            quiet=True,
            task=training.Meals(),
        )
        return model, history

    whole, _ = run()
    from introdl.training import loop

    epoch, calls = loop._epoch, []

    def cut(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epoch(*given)

    monkeypatch.setattr(loop, "_epoch", cut)
    _, stopped = run(tmp_path / "c.pt")
    assert "epoch 2" in stopped.stopped
    monkeypatch.setattr(loop, "_epoch", epoch)
    again, history = run(tmp_path / "c.pt")
    assert len(history.rows) == 2
    for (name, a), b in zip(whole.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_the_network_survives_its_file(trained, tmp_path):
    from dataclasses import replace

    model, _ = trained
    model.card = replace(model.card, arguments={"num_classes": 3, "size": 64, "widths": [8, 16, 16, 16], "hidden": 32})
    models.publish(model, model.card, tmp_path)
    again = models.pretrained("tiny", tmp_path)
    assert torch.allclose(again.limits, model.limits) and torch.allclose(again.centers, model.centers, atol=1e-2)
    first, second = (models.predict(each, PLATES.images[:9]) for each in (model, again))
    assert np.allclose(first, second, atol=0.02) and np.allclose(second.sum(axis=1), 1, atol=1e-5)


# --- recognize ------------------------------------------------------------------------------------------------------


def test_a_wide_photo_gets_its_box_where_the_food_is(trained):
    model, _ = trained
    square = PLATES.images[4]
    wide = np.full((64, 104, 3), 60, np.uint8)
    wide[:, 20:84] = square
    inner, outer = mealomi.recognize(square, model), mealomi.recognize(wide, model)
    assert outer.dish == inner.dish and outer.grams == pytest.approx(inner.grams)
    x0, y0, x1, y1 = inner.box
    assert outer.box == pytest.approx(((20 + 64 * x0) / 104, y0, (20 + 64 * x1) / 104, y1))


def test_a_meal_says_its_best_guesses_in_order(trained):
    meal = mealomi.recognize(PLATES.images[2], trained[0])
    assert meal.dish == meal.guesses[0][0] and [p for _, p in meal.guesses] == sorted(
        meal.probabilities.tolist(), reverse=True
    )
    assert meal.embedding.shape == (16,) and meal.known == (meal.unusual <= 1)


@pytest.mark.parametrize("wrong", [PLATES.images[:2], np.zeros((8, 8)), np.zeros((9, 9, 3))])
def test_what_is_no_picture_is_a_sentence(trained, wrong):
    with pytest.raises(ValueError, match="shape|uint8"):
        mealomi.recognize(wrong, trained[0])


def test_about_one_in_twenty_plates_is_called_unusual(trained):
    few = plates(360, seed=1)
    found = look(trained[0], few.split("val").images)
    assert np.mean(found.unusual > 1) == pytest.approx(0.05, abs=0.03)


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.fixture
def board(trained, tmp_path):
    return Board(Diary(tmp_path / "diary.sqlite"), trained[0], PLATES, now=lambda: NOON)


def upload(board, name, content):
    board.upload.value = (
        {"name": name, "type": "", "size": len(content), "content": memoryview(content), "last_modified": NOON},
    )


def jpeg(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_choose_correct_add_and_see_the_charts(board):
    board.tiles[1].click()
    assert board.photo == PLATES.files[board.shown[1]]
    board.dish.value, board.grams.value = "soup", 300
    assert "94 kcal" in board.facts.value and "Nutri-Score B" in board.score.value
    board.liked.value = True
    board.add.click()
    assert "In your diary: soup, 300 g, 94 kcal." in board.message.value
    (entry,) = board.diary.entries()
    assert (entry.dish, entry.grams, entry.liked, entry.photo, entry.eaten_at) == ("soup", 300, True, board.photo, NOON)
    assert "94 kcal" in board.day_view.value and "94 kcal" in board.week_view.value
    assert "as you liked soup" in board.advice.value and "<b>soup</b>" not in board.advice.value


def test_correct_and_delete_what_is_in_the_diary(board):
    board.grams.value = 100
    board.add.click()
    board.correct.click()
    assert board.add.description == "Save the correction"
    board.dish.value, board.grams.value = "salad", 250
    board.add.click()
    (entry,) = board.diary.entries()
    assert (entry.dish, entry.grams) == ("salad", 250) and board.add.description == "Add to the diary"
    board.delete.click()
    assert board.diary.entries() == [] and "Deleted" in board.message.value
    assert board.delete.disabled and "nothing yet" in board.day_view.value


def test_leaving_a_correction_changes_nothing(board):
    board.add.click()
    before = board.diary.entries()
    board.correct.click()
    board.grams.value = 999
    board.stop.click()
    assert board.diary.entries() == before and board.add.description == "Add to the diary"


def test_another_day_is_shown_and_written_to(board):
    board.day.value = date(2026, 11, 20)
    board.add.click()
    assert board.diary.entries()[0].eaten_at == datetime(2026, 11, 20, 12)
    assert "Friday 20 November" in board.day_view.value
    board.day.value = NOON.date()
    assert "nothing yet" in board.day_view.value and "Friday 20: 0 kcal" not in board.week_view.value


@pytest.mark.parametrize(("grams", "words"), [(0, "grams over 0"), (-5, "grams over 0"), (99999, "at most 5,000")])
def test_grams_that_cannot_be_are_a_sentence_and_cannot_be_added(board, grams, words):
    board.grams.value = grams
    assert words in board.facts.value and board.add.disabled and board.card.disabled
    board.add.click()
    board.grams.value = 120
    assert not board.add.disabled and "kcal" in board.facts.value


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("lunch.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "lunch.heic is a HEIC picture"),
        ("lunch.jpg", jpeg(PLATES.images[0])[:400], "lunch.jpg is cut off or damaged"),
        ("notes.txt", b"hello", "notes.txt is no picture"),
        ("none.jpg", b"", "none.jpg is empty"),
        ("dot.png", b"", "is empty"),
        ("<b>.jpg", b"hello", "&lt;b&gt;.jpg is no picture"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence_and_the_picture_stays(board, name, content, words):
    before = board.photo
    upload(board, name, content)
    assert words in board.message.value and board.photo == before and board.upload.value == ()


def test_a_picture_with_too_many_pixels_is_a_sentence(board):
    buffer = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(buffer, "PNG")
    upload(board, "huge.png", buffer.getvalue())
    assert "huge.png has" in board.message.value and "Make it smaller" in board.message.value


def test_an_upload_is_looked_at_and_known_by_its_checksum(board):
    upload(board, "lunch.jpg", jpeg(PLATES.images[1]))
    assert board.photo.startswith("sha256:") and board.meal.dish == "salad"
    board.add.click()
    assert board.diary.entries()[0].photo == board.photo


def test_what_is_unlike_all_plates_is_said(board):
    board.meal = None
    board._open(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8), "noise")
    board.meal = type(board.meal)(**{**board.meal.__dict__, "unusual": 1.4})
    board._show_picture()
    assert "does not look like a plate that I know" in board.verdict.value and "1.40" in board.verdict.value
    assert "I do not know this" in board.view.value


def test_other_plates_are_others_and_each_has_a_name_to_a_screen_reader(board):
    before = board.shown
    board.others.click()
    assert board.shown != before and len(set(board.shown)) == len(board.shown)
    assert all(tile.description and tile.tooltip for tile in board.tiles)


def test_a_broken_diary_is_a_sentence_on_the_page(board):
    board.diary.path.write_bytes(b"no diary" * 99)
    board.add.click()
    assert "Move it away" in board.message.value
    board._show_diary()
    assert "Move it away" in board.message.value and board.correct.disabled


def test_the_diary_can_be_saved_from_the_page(board):
    board.add.click()
    data = board.export.value.split("base64,")[1].split('"')[0]
    assert base64.b64decode(data) == board.diary.table() and "1 meal in" in board.export.value


def test_what_is_said_stands_beside_what_was_pressed(board):
    """On a page as long as this one, a sentence at its top is not seen from its middle."""

    def where():
        return [name for name, place in board._places.items() if board.message in place.children]

    board.tiles[1].click()
    assert where() == ["photo"]
    board.add.click()
    assert "In your diary" in board.message.value and where() == ["portion"]
    board.correct.click()
    assert where() == ["portion"]
    board.delete.click()
    assert "Deleted" in board.message.value and where() == ["diary"]
    upload(board, "empty.jpg", b"")
    assert where() == ["photo"]


def test_the_page_says_how_large_a_photo_may_be_and_refuses_a_larger_one_in_the_browser(trained, tmp_path, monkeypatch):
    def page():
        board = Board(Diary(tmp_path / "diary.sqlite"), trained[0], PLATES, now=lambda: NOON)
        found, todo = [], [board.widget]
        while todo:
            one = todo.pop()
            todo += getattr(one, "children", ())
            found += [one.value] if "mm-refused" in str(getattr(one, "value", "")) and "data-most" in one.value else []
        return found[0]

    monkeypatch.delenv("INTRODL_MOST_UPLOAD", raising=False)
    assert "up to 10 MB" in page() and "introdl lab" in page()
    assert int(page().split('data-most="')[1].split('"')[0]) < 10 * 2**20
    monkeypatch.setenv("INTRODL_MOST_UPLOAD", "200000000")
    assert "up to 200 MB" in page() and "introdl lab" not in page() and 'data-most="200000000"' in page()


def test_the_card_is_a_png_of_its_size_and_shows_the_picture(board):
    board.card.click()
    data = board.card_view.value.split("base64,")[1].split('"')[0]
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.format == "PNG" and picture.size == (1080, 1350)
    red = np.zeros((50, 80, 3), np.uint8)
    red[..., 0] = 200
    card = np.asarray(Image.open(io.BytesIO(mealomi.share_card(red, "chocolate_cake", 120))))
    assert card[540, 540].tolist() == [200, 0, 0]
    with pytest.raises(ValueError, match="over 0"):
        mealomi.share_card(red, "pizza", 0)


def test_the_still_picture_holds_no_diary_and_stands_in(board, capsys):
    board.add.click()
    still = board.still()
    assert "Five best guesses" in still and "Nutri-Score" in still
    assert str(board.diary.path) not in still and "12:30" not in still


def test_every_chart_has_its_alt_text(board):
    board.add.click()
    for view in (board.view, board.bars, board.day_view, board.week_view):
        assert 'role="img" aria-label="' in view.value
    assert "Bar chart of Tuesday 24 November" in board.day_view.value
    assert charts.on_letter("C") == "#000000"
