"""The training board: it learns, it pauses in a live kernel, it keeps what it learned, and it says what stopped it."""

import time

import numpy as np
import pytest

from introdl.figures.training_board import TrainingBoard, tiles
from introdl.layers import lenet


def stripes(n, seed=0):
    """Two classes that anyone can tell apart: stripes across and stripes along."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    across = np.tile(np.array([[1.0], [0.0]] * 4), (1, 8))
    pictures = np.where(labels[:, None, None] == 0, across, across.T) + 0.1 * rng.standard_normal((n, 8, 8))
    return pictures[:, None].astype(np.float32), labels


def board(**changes):
    options = {"epochs": 2, "size": 16, "seed": 1} | changes
    return TrainingBoard(lambda rng: lenet((1, 8, 8), 2, rng), stripes(96), stripes(40, 1), **options)


def test_it_learns_to_the_end_and_says_so():
    one = board()
    one.finish()
    assert one.finished and not one.message
    assert len(one.losses) == one.total == 12
    assert one.scores[-1] == (12, 1.0)
    assert "100.0% of the validation pictures are right" in one.words()
    assert one.picture().startswith("<svg") and "wrong now: 0 of 40" in one.picture()


def test_a_pause_changes_nothing_of_what_is_learned():
    straight, broken = board(), board()
    straight.finish()
    while not broken.finished:
        broken.work(0.001)  # a step at a time
        broken.pause()
    assert broken.losses == straight.losses


def test_starting_again_gives_the_same_and_an_interrupt_keeps_what_was_learned(monkeypatch):
    one = board()
    one.finish()
    first = list(one.losses)
    one.restart()
    assert one.losses == [] and not one.finished

    def interrupted(seconds):
        next(one._steps)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(one, "work", interrupted)
        one.finish()
    assert "Interrupted" in one.message and len(one.losses) == 1 and not one.finished
    one.finish()
    assert one.losses == first


def test_a_step_of_your_own_may_be_missing_wrong_or_right():
    def missing(w, grad, state, lr):
        raise NotImplementedError

    def wrong(w, grad, state, lr):
        return w[0], state, None

    def explodes(w, grad, state, lr):
        return w + 1e30 * grad, state

    for step, sentence in (
        (missing, "your adam_step is not written yet"),
        (wrong, "stopped with ValueError"),
        (explodes, "The loss is no longer a number"),
    ):
        one = board(yours=step)
        one.optimizer = "your adam_step"
        one.restart()
        one.finish()
        assert sentence in one.message and one.finished
        assert sentence.split()[0] in one.picture()


def test_what_does_not_fit_has_its_sentence():
    with pytest.raises(ValueError, match="one label for each picture"):
        TrainingBoard(lambda rng: lenet((1, 8, 8), 2, rng), (np.zeros((3, 1, 8, 8)), np.zeros(2, int)), stripes(4))
    with pytest.raises(ValueError, match="both should be 1 or more"):
        board(epochs=0)


def test_tiles_draw_what_is_all_zero():
    assert tiles(np.zeros((2, 3, 3)), 0, 0, 10, 2, 1, signed=True).count("<image") == 2


def test_in_a_live_kernel_it_trains_between_cells_and_the_button_pauses_it():
    """A real kernel, and the messages that a click sends."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")

    def ask(expression):
        reply = client.execute("", user_expressions={"x": expression}, reply=True, timeout=120)
        return eval(reply["content"]["user_expressions"]["x"]["data"]["text/plain"])

    def wait(expression, seconds=60):
        until = time.monotonic() + seconds
        while not ask(expression):
            assert time.monotonic() < until, expression
            time.sleep(0.2)

    def click():
        message = client.session.msg(
            "comm_msg",
            {"comm_id": button, "data": {"method": "custom", "content": {"event": "click"}}},
        )
        client.shell_channel.send(message)

    try:
        made = "from tests.test_training_board import board, TrainingBoard\nb = board(epochs=100_000)\nb.show()"
        reply = client.execute(made, reply=True, timeout=120)
        assert reply["content"]["status"] == "ok", reply["content"]
        wait("len(b.losses) > 3")  # it trains while no cell runs
        button = ask("b._button.comm.comm_id")
        click()
        wait("not b.playing")
        steps = ask("len(b.losses)")
        time.sleep(0.5)
        assert ask("len(b.losses)") == steps and ask("b._button.description") == "Resume"
        click()
        wait(f"len(b.losses) > {steps}")
        assert ask("b._button.description") == "Pause"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
