"""A network as an ONNX file: the same outputs where it can be written and run, and one sentence where not."""

import importlib.util
import time
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from introdl import models
from introdl.models import export

ABSENT = export.missing()


@pytest.fixture
def network():
    torch.manual_seed(3)
    made = models.MealNet(5, size=32, widths=(4, 6, 8), hidden=7)
    for part in made.modules():
        if isinstance(part, nn.BatchNorm2d):  # statistics that are not 0 and 1, as after training
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return made


@pytest.mark.skipif(bool(ABSENT), reason=ABSENT or "-")
def test_the_file_computes_what_the_network_does_for_batches_of_any_length(network, tmp_path):
    network.train()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = export.to_onnx(network, tmp_path / "small.onnx", 32)
    assert network.training and [one.name for one in tmp_path.iterdir()] == ["small.onnx"]
    run = export.runner(file)
    network.eval()
    for n in (1, 2, 5):
        pictures = torch.randn(n, 3, 32, 32)
        with torch.inference_mode():
            wanted = network(pictures)
        found = run(pictures.numpy())
        assert [one.shape for one in found] == [(n, 5), (n,), (n, 4)]
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("absent", "words"),
    [
        (("onnxruntime",), "onnxruntime is not installed here"),
        (("onnx", "onnxscript"), "onnx and onnxscript are not installed here"),
        (export.PACKAGES, "onnx, onnxscript and onnxruntime are not installed here"),
    ],
)
def test_what_is_missing_is_a_sentence(absent, words, network, tmp_path, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(export, "find_spec", lambda name: None if name in absent else there("json"))
    told = export.missing()
    assert told.startswith(words) and told.endswith(f"pip install {' '.join(absent)}")
    with pytest.raises(ModuleNotFoundError, match=words):
        export.to_onnx(network, tmp_path / "none.onnx", 32)
    assert not list(tmp_path.iterdir())
    if "onnxruntime" in absent:
        with pytest.raises(ModuleNotFoundError, match="pip install onnxruntime"):
            export.runner(tmp_path / "none.onnx")


def test_where_all_is_there_nothing_is_said(monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: object())
    assert export.missing() == ""


def test_latency_is_a_median_and_the_first_calls_do_not_count(monkeypatch):
    clock = {"now": 0.0, "calls": 0}

    def call():
        clock["calls"] += 1
        clock["now"] += 9.0 if clock["calls"] <= 3 else 0.5 if clock["calls"] == 4 else 0.002

    monkeypatch.setattr(time, "perf_counter", lambda: clock["now"])
    assert export.latency(call, repeats=5) == pytest.approx(2.0) and clock["calls"] == 8
