"""MealoMi's parts: a loss of three heads with its gradients, and a score of food at every threshold (chapter 12)."""

from __future__ import annotations

from typing import Any

import numpy as np

from introdl.checking.packing import Other
from introdl.checking.probes.base import PROBES, Probe, Wrong

# --- a loss and its gradients -----------------------------------------------------------------------------------------

_HEADS = ("dish_scores", "log_grams", "boxes")


def _drive_loss_of_heads(objects: tuple, inputs: list) -> Any:
    """Call with heads that take gradients; give back the loss and its gradient for each head, or what was wrong, as data."""
    import torch

    heads = [torch.as_tensor(head).clone().requires_grad_() for head in inputs[: len(_HEADS)]]
    loss = objects[0](*heads, *inputs[len(_HEADS) :])
    if not isinstance(loss, torch.Tensor):
        return {"no tensor": loss}
    if loss.numel() == 1:  # begun as torch.zeros(1), it has an axis of length 1: that is one number too
        loss = loss.reshape(())
    if loss.shape != ():
        return {"shape": list(loss.shape)}
    if not loss.requires_grad:
        return {"no graph": float(loss)}
    loss.backward()
    found = {"loss": loss.detach().numpy()[()]}
    for name, head in zip(_HEADS, heads, strict=True):
        gradient = torch.zeros_like(head) if head.grad is None else head.grad
        found[f"gradient for {name}"] = gradient.numpy()
    return found


def _read_loss_of_heads(result: Any, inputs: list) -> Any:
    if not isinstance(result, dict):
        return result
    if "no tensor" in result:
        value = result["no tensor"]
        if value is None:
            return None
        name = value.type_name if isinstance(value, Other) else type(value).__name__
        return Wrong(
            f"The loss should be a torch tensor, so that loss.backward() can follow it back to the heads; yours is of type {name}."
        )
    if "shape" in result:
        return Wrong(f"The loss should be one number, a tensor of shape (); yours has shape {tuple(result['shape'])}.")
    if "no graph" in result:
        return Wrong("The loss has no graph behind it: loss.backward() would find nothing. Where was it cut off?")
    return result


PROBES["loss_of_heads"] = Probe(_drive_loss_of_heads, _read_loss_of_heads, needs=("torch",))


# --- a score, asked again and again while one nutrient moves ----------------------------------------------------------


def _drive_along_nutrient(objects: tuple, inputs: list) -> Any:
    """Call with a row of its own for each value; energy in kJ takes its kilocalories along, as a table has them: rounded."""
    per_100g, *red_meat, nutrient, values = inputs  # where nothing is said of red meat, the default is asked for
    found = []
    for value in values:
        row = dict(per_100g) | {nutrient: value} | ({"kcal": round(value / 4.184, 1)} if nutrient == "kj" else {})
        handed = dict(row)
        found.append(objects[0](handed, *red_meat))
        if handed != row:
            return {"changed": [str(name) for name in {**row, **handed} if row.get(name) != handed.get(name)]}
    return found


def _read_along_nutrient(result: Any, inputs: list) -> Any:
    """Points and letter by what the nutrient was: so that a difference names its place."""
    if isinstance(result, dict):
        return Wrong(
            f"The dict per_100g has been changed ({', '.join(result['changed'])}). Whoever calls it still needs it as it "
            "was: keep what you reckon in variables of your own, or work on a copy."
        )
    if not isinstance(result, list) or any(each is None for each in result):
        return None if isinstance(result, list) else result
    nutrient, values = inputs[-2:]
    found = {}
    for value, each in zip(values, result, strict=True):
        if not isinstance(each, (tuple, list)) or len(each) != 2:
            return Wrong("Return two things: the points, a whole number, and the letter, a text.")
        points, letter = each
        points = points[()] if isinstance(points, np.ndarray) and points.shape == () else points
        if isinstance(points, (bool, str)) or not isinstance(points, (int, float, np.number)):
            return Wrong("The first of the two things should be the points, a whole number.")
        if not isinstance(letter, (str, np.str_)):
            return Wrong("The second of the two things should be the letter, a text.")
        found[f"{nutrient} {value:g}"] = f"{points:g} points, {letter}"
    return found


PROBES["along_nutrient"] = Probe(_drive_along_nutrient, _read_along_nutrient)
