"""Curves of a training run."""

from __future__ import annotations

from introdl.figures import style


def curves(history, title: str | None = None):
    """Draw loss and accuracy over the epochs.

    Parameters
    ----------
    history : introdl.training.History
        Without a finished epoch the axes stay empty, and the title says why.
    title : str, optional
        By default the best epoch and its accuracy.

    Returns
    -------
    matplotlib.figure.Figure
        Loss on the left, accuracy on the right; solid for training, dashed for validation, a dot at the epoch that was
        kept.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    style.use_style()
    figure, axes = plt.subplots(1, 2, figsize=(7.0, 3.0), layout="constrained")
    epochs = history.column("epoch")
    for axis, name, scale in ((axes[0], "loss", 1), (axes[1], "accuracy", 100)):
        for part, color, dashes in (("train", style.BLUE, "-"), ("val", style.VERMILION, "--")):
            if not history.rows or f"{part}_{name}" not in history.rows[0]:
                continue
            values = [scale * value for value in history.column(f"{part}_{name}")]
            label = "training" if part == "train" else "validation"
            axis.plot(epochs, values, dashes, color=color, label=label, marker="o" if len(epochs) == 1 else None)
            if part == "val" and history.best_epoch in epochs:
                axis.plot(history.best_epoch, values[epochs.index(history.best_epoch)], "o", color=color, markersize=7)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss" if name == "loss" else "accuracy")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes[1].yaxis.set_major_formatter(PercentFormatter(decimals=0))
    if history.rows:
        axes[0].legend()
    figure.suptitle(title or _headline(history), x=0.01, ha="left", fontweight="bold", fontsize=12)
    return figure


def show_curves(history, title: str | None = None) -> None:
    """Show the curves in a notebook, with their alt text."""
    style.show(curves(history, title), told(history))


def told(history) -> str:
    """Return the curves in a sentence, for readers who do not see them."""
    if not history.rows:
        return _headline(history) + "."
    first, last = history.rows[0], history.rows[-1]
    text = f"Over {len(history.rows)} epochs the training loss goes from {first['train_loss']:.2f} to {last['train_loss']:.2f}"
    if "val_loss" in first:
        text += (
            f", the validation loss from {first['val_loss']:.2f} to {last['val_loss']:.2f}, and the validation accuracy from "
            f"{first['val_accuracy']:.0%} to {last['val_accuracy']:.0%}; best in epoch {history.best_epoch}"
        )
    return text + "."


def _headline(history) -> str:
    if not history.rows:
        return "No epoch was finished, so there is nothing to draw"
    if "val_accuracy" not in history.best:
        return f"After {len(history.rows)} epochs"
    best = "Best so far" if len(history.rows) < history.settings.get("epochs", 0) else "Best"
    return f"{best}: epoch {history.best_epoch}, {history.best['val_accuracy']:.1%} of validation pictures right"
