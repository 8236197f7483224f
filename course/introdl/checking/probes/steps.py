"""Training steps and evaluations of small torch networks (chapter 08)."""

from __future__ import annotations

from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe, Wrong


def small_network(weights: dict, dtype: str = "float64"):
    """Two layers with the weights of a case, batch normalization between them where there are statistics."""
    import torch

    kind = getattr(torch, dtype)
    W1, b1, W2, b2 = (torch.tensor(weights[name], dtype=kind) for name in ("W1", "b1", "W2", "b2"))
    first, last = (torch.nn.Linear(W.shape[1], W.shape[0], dtype=kind) for W in (W1, W2))
    layers = [first, torch.nn.ReLU(), last]
    if "mean" in weights:
        norm: Any = torch.nn.BatchNorm1d(len(b1), dtype=kind)
        norm.running_mean.copy_(torch.tensor(weights["mean"]))
        norm.running_var.copy_(torch.tensor(weights["variance"]))
        layers.insert(1, norm)
    with torch.no_grad():
        for layer, W, b in ((first, W1, b1), (last, W2, b2)):
            layer.weight.copy_(W)
            layer.bias.copy_(b)
    return torch.nn.Sequential(*layers)


def small_optimizer(model, settings: dict):
    """The optimizer of a case; where it says so, gradients of an earlier step are still there."""
    import torch

    rest = {name: value for name, value in settings.items() if name not in ("optimizer", "mode", "stale", "gpu")}
    for parameter in model.parameters():
        if settings["stale"]:
            parameter.grad = torch.full_like(parameter, settings["stale"])
    model.train(settings["mode"] == "train")
    return getattr(torch.optim, settings["optimizer"])(model.parameters(), **rest)


def _as_number(value: Any) -> tuple[Any, str]:
    """A number as data, and whether it drags its graph along."""
    import torch

    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float(value.detach()), "a graph" if value.requires_grad else ""
    if isinstance(value, np.ndarray) and value.shape == ():
        return float(value), ""
    return value, ""


def all_numbers(tensors) -> np.ndarray:
    """Everything in some tensors, one after the other, in float64."""
    return np.concatenate([tensor.detach().double().numpy().ravel() for tensor in tensors])


def _train(objects: tuple, inputs: list, dtype: str = "float64") -> Any:
    """Take one step with each batch and note the losses, what became of the weights, and in which order it went."""
    import torch

    from introdl.checking import simulated_machine

    batches, weights, settings = inputs
    model = small_network(weights, dtype)
    pretended, device = simulated_machine.devices(), torch.device("cpu")
    if gpu := settings.get("gpu", False):
        model = simulated_machine.on_a_gpu(model)
        pretended, device = (
            simulated_machine.devices(gpus=1, built=True) + simulated_machine.gpu_autocast(),
            torch.device("cuda"),
        )
    optimizer = small_optimizer(model, settings)
    before = all_numbers(model.parameters())
    order: list[str] = []
    inside: list[str] = []

    def noting(what, call):
        def noted(*args, **kwargs):
            order.append(what)
            return call(*args, **kwargs)

        return noted

    def forward(_layer, _given, scores):
        inside.append(str(scores.dtype).removeprefix("torch."))
        if scores.requires_grad:
            scores.register_hook(lambda gradient: order.append("backward"))

    optimizer.zero_grad = noting("zero", optimizer.zero_grad)
    model.zero_grad = noting("zero", model.zero_grad)
    optimizer.register_step_post_hook(lambda *args: order.append("step"))
    model[-1].register_forward_hook(forward)
    losses, graphs = [], []
    with simulated_machine.one_thread(), simulated_machine.replaced(objects, pretended, device):
        for x, y in batches:
            order.append("call")
            batch = torch.from_numpy(x).to(getattr(torch, dtype)), torch.from_numpy(y)
            batch = tuple(map(simulated_machine.on_a_gpu, batch)) if gpu else batch
            loss, graph = _as_number(objects[0](model, batch, optimizer))
            losses.append(loss)
            graphs.append(graph)
    return {
        "losses": losses,
        "weights": all_numbers(model.parameters()),
        "moved": all_numbers(model.parameters()) - before,
        "statistics": all_numbers(b.double() for b in model.buffers()) if "mean" in weights else None,
        "mode": "training mode" if model.training else "evaluation mode",
        "graph": any(graphs),
        "order": " ".join(order),
        "inside": inside[0] if inside else "",
        "kept in": str(model[-1].weight.dtype).removeprefix("torch."),
    }


def _out_of_order(name: str, result: Any) -> Wrong | None:
    """Say what no training step may be: a loss with its graph, or steps in an order that cannot work."""
    if any(loss is None for loss in result["losses"]):
        return Wrong(f"{name} returned None. Return the loss, a number.")
    if result["graph"]:
        return Wrong(
            f"{name} returned a loss that still holds its graph. Who keeps it keeps every layer's activations in memory."
        )
    for call in result["order"].split("call")[1:]:
        steps = call.split()
        if "step" in steps:
            until = steps[: steps.index("step")]
            if "backward" in steps and "backward" not in until:
                return Wrong("The step is taken before the backward pass: this batch's gradients are not there yet.")
            if "backward" in until and "zero" in until[until.index("backward") :]:
                return Wrong("Between the backward pass and the step the gradients are set to zero.")
    if any(isinstance(loss, bool) or not isinstance(loss, (int, float, np.generic)) for loss in result["losses"]):
        return Wrong(f"{name} should return the loss as one number.")
    return None


def _read_train_step(result: Any, inputs: list) -> Any:
    wrong = _out_of_order("train_step", result)
    if wrong is not None:
        return wrong
    read = {"losses": np.array(result["losses"], float), "weights": result["weights"]}
    read["the model is left in"] = result["mode"]
    if result["statistics"] is not None:
        read["running statistics"] = result["statistics"]
    return read


PROBES["train_step"] = Probe(_train, _read_train_step, needs=("torch",))


def _read_train_step_amp(result: Any, inputs: list) -> Any:
    wrong = _out_of_order("train_step_amp", result)
    if wrong is not None:
        return wrong
    losses = np.array(result["losses"], np.float32)
    short = (losses.view(np.uint32) & 0xFFFF == 0).all()  # bfloat16 is the upper half of a float32
    return {
        "layers compute in": result["inside"],
        "weights are kept in": result["kept in"],
        "the loss is computed in": "16 bits" if short else "float32",
        "losses": losses.astype(float),
        "change of the weights": result["moved"],
    }


PROBES["train_step_amp"] = Probe(
    lambda objects, inputs: _train(objects, inputs, "float32"), _read_train_step_amp, needs=("torch",)
)


def _evaluate(objects: tuple, inputs: list) -> Any:
    import torch

    from introdl.checking import simulated_machine

    batches, weights = inputs[:2]
    model = small_network(weights).train()
    tracked: list[bool] = []
    model[-1].register_forward_hook(lambda layer, given, scores: tracked.append(scores.requires_grad))
    given = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]
    with (
        simulated_machine.one_thread(),
        simulated_machine.replaced(objects, simulated_machine.devices(), torch.device("cpu")),
    ):
        recording = torch.is_grad_enabled()
        try:
            result = objects[0](model, given)
            off = recording and not torch.is_grad_enabled()
        finally:
            torch.set_grad_enabled(recording)
    tensors = isinstance(result, (tuple, list)) and any(isinstance(value, torch.Tensor) for value in result)
    if isinstance(result, (tuple, list)):
        result = [_as_number(value)[0] for value in result]
    return {
        "result": result,
        "tensors": tensors,
        "tracked": any(tracked),
        "frozen": not all(p.requires_grad for p in model.parameters()),
        "off": off,
    }


def _read_evaluate(result: Any, inputs: list) -> Any:
    given = result["result"]
    if given is None:
        return Wrong("evaluate returned None. Return two numbers: the mean loss and the accuracy.")
    if isinstance(given, np.ndarray) and given.shape == (2,):
        given = given.tolist()
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        return Wrong("evaluate should return two numbers: the mean loss and the accuracy.")
    if result["tracked"]:
        return Wrong(
            "evaluate records every step for a backward pass that never comes. Switch gradients off around it."
        )
    if result["frozen"]:
        return Wrong("After evaluate the model's weights no longer require gradients, so it cannot be trained on.")
    if result["off"]:
        return Wrong("After evaluate gradients are still switched off, so nothing can be trained any more.")
    if result["tensors"] and inputs[2:]:  # one case is about this: whose numbers are right earns what is left
        return Wrong("The numbers are not looked at here, only what they are: tensors, where two floats are asked for.")
    return {"mean loss": given[0], "accuracy": given[1]}


PROBES["evaluate"] = Probe(_evaluate, _read_evaluate, needs=("torch",))
