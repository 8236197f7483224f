"""The benchmark: what it measures, how it keeps it, and what it says where something is wrong."""

import json

import pytest
import torch

from introdl import benchmark
from introdl.benchmark import gpu
from introdl.benchmark.__main__ import main
from introdl.figures import cuda as figs


@pytest.fixture
def small_plan(monkeypatch):
    """Three quick measurements, one of them impossible."""

    def plan(device, quick):
        yield {"what": "matmul", "dtype": "float32", "size": 64, "flops": 2 * 64**3}, lambda: benchmark._product(device, torch.float32, 64)  # fmt: skip
        yield {"what": "copy within memory", "bytes": 2**23}, lambda: benchmark._copy(device)[0]

        def fails():
            raise RuntimeError("no such kernel\nand more")

        yield {"what": "impossible"}, lambda: fails

    monkeypatch.setattr(benchmark, "_plan", plan)


def test_a_record_is_written_whole_and_read_back(small_plan, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.paths, "home", lambda: tmp_path)
    monkeypatch.setattr(benchmark.paths, "data", lambda: tmp_path / "none")
    made = benchmark.record("cpu", note="a test")
    path = benchmark.write(made, tmp_path / "benchmarks")
    assert path.name.startswith("cpu-") and path.name.endswith(f"{made['date'][:10]}.json")
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    (read,) = benchmark.records()
    assert read == json.loads(json.dumps(made))
    row = benchmark.find(read, "matmul", dtype="float32")
    assert 0 < row["fastest"] <= row["median"] <= row["slowest"]
    assert benchmark.find(read, "impossible") is None
    assert [r for r in read["results"] if "failed" in r] == [{"what": "impossible", "failed": "no such kernel"}]


def test_a_file_that_is_no_record_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.paths, "home", lambda: tmp_path)
    monkeypatch.setattr(benchmark.paths, "data", lambda: tmp_path / "none")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/x.json").write_text('{"format": 99, "results": []}')
    with pytest.raises(ValueError, match=r"x\.json is no benchmark record \(format 99\)"):
        benchmark.records()


def test_every_record_of_the_course_can_be_read_and_drawn(capsys):
    recorded = benchmark.records()
    assert recorded, "data/benchmarks holds no record"
    for made in recorded:
        assert made["load"].keys() == {"before", "after"} and made["date"] and made["versions"]["torch"]
        assert benchmark.find(made, "copy within memory")
    figs.side_by_side(("here", 1e11, 1e10), recorded)


@pytest.mark.parametrize("device", ["nonsense", "meta:wrong"])
def test_a_device_that_is_none_has_its_sentence(device):
    with pytest.raises(ValueError, match="torch cannot use the device"):
        benchmark.record(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_the_command_says_that_there_is_no_cuda(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--device", "cuda", "--threads", "1", "--out", str(tmp_path)])
    assert stop.value.code == 1
    assert "torch cannot use the device 'cuda' here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_times_counts_its_calls_and_stops_in_time():
    calls = []
    assert len(benchmark.times(lambda: calls.append(1), warmup=2, repeats=5)) == 5
    assert len(calls) == 7
    assert len(benchmark.times(lambda: None, warmup=0, repeats=1000, seconds=0)) == 3


def test_threads_are_tried_in_turns_and_put_back():
    before = torch.get_num_threads()
    found = benchmark.threads([1, 2], n=32, seconds=0.01)
    assert torch.get_num_threads() == before
    assert list(found) == [1, 2] and all(len(taken) >= 9 for taken in found.values())


def test_the_smallest_number_of_threads_wins_a_near_tie():
    assert benchmark.best_threads({1: [1.03], 2: [1.0], 4: [1.2]}) == 1
    assert benchmark.best_threads({1: [2.0], 2: [1.0], 4: [0.99]}) == 2
    assert benchmark.best_threads({1: [2.0], 2: [9.0]}) == 1


def test_the_plan_runs_on_the_cpu():
    """Every measurement of the quick plan can be made and called."""
    for about, make in benchmark._plan("cpu", quick=True):
        if about.get("batch", 0) <= 8 and about.get("size", 0) <= 256:
            make()()


def test_counted_layers_agree_with_torchs_counter():
    from torch.utils.flop_counter import FlopCounterMode

    costs = figs.layer_costs(3, 5, 7)
    x = torch.empty(3, 5, 7, 7, device="meta")
    for name, side in (("conv 3x3", 3), ("conv 1x1", 1)):
        with FlopCounterMode(display=False) as counter:
            torch.nn.functional.conv2d(x, torch.empty(5, 5, side, side, device="meta"), padding=side // 2)
        assert costs[name][0] == counter.get_total_flops()
        assert costs[name][1] == 4 * (2 * x.numel() + 25 * side**2)


def test_the_queue_model_agrees_with_adding_up():
    handed, begun, naive, honest = figs.queue(10, 60, 4)
    assert (handed, begun, naive, honest) == ([10, 20, 30, 40], [10, 70, 130, 190], 10, 62.5)
    assert figs.queue(20, 5, 4)[3] == 21.25


def test_the_roof_is_near_what_one_product_and_one_copy_reach():
    peak, bandwidth = benchmark.roof("cpu", seconds=0.4)
    assert 1e9 < peak < 1e14 and 1e8 < bandwidth < 1e13
    fn, moved = benchmark._copy("cpu")
    assert moved == 2 * 4 * 2**20
    fn()


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("NVIDIA GeForce RTX 4090", "NVIDIA RTX 4090"),
        ("NVIDIA A100-SXM4-80GB", "NVIDIA A100 80 GB SXM"),
        ("Tesla T4", "NVIDIA T4"),
        ("NVIDIA H200", "NVIDIA H200 SXM"),
        ("NVIDIA GeForce RTX 3080", None),
        ("NVIDIA A10G", None),
    ],
)
def test_a_data_sheet_is_that_of_the_very_model(name, sheet):
    assert getattr(benchmark.sheet_of(name), "name", None) == sheet


# --- what the course says of GPUs -------------------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_without_a_gpu_the_gpu_record_is_refused_and_nothing_is_written(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--gpu", "--out", str(tmp_path)])
    assert stop.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("--gpu measures an NVIDIA GPU, and ") and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("built", "why"), [(None, "built without CUDA"), ("13.0", "finds no NVIDIA GPU, or no driver")]
)
def test_the_refusal_says_whether_pytorch_or_the_gpu_is_missing(built, why, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built)
    assert why in gpu.refusal()


SMALL = gpu.Size(
    side=32,
    batches=(4,),
    sides=(32,),
    resnet_batch=2,
    epoch_batch=8,
    plates=48,
    epochs=1,
    seeds=1,
    goal=0.0,
    seconds=0.05,
)


def test_each_gpu_measurement_can_be_made_and_is_written_as_one_record(tmp_path, monkeypatch):
    """On a CPU with small numbers; two processes and the compiler are not asked here."""
    monkeypatch.setattr(benchmark, "compiled", lambda fn, *inputs: (None, "no compiler"))
    monkeypatch.setattr(gpu, "_rate_of_processes", lambda kind, count, size: 100.0 * count)
    told = []
    made = gpu.made(torch.device("cpu"), SMALL, "a test", told.append)
    assert len(told) == len(gpu.PARTS)
    failed = [row for row in made["results"] if "failed" in row]
    assert [row["failed"] for row in failed] == ["no compiler"], failed
    assert {row["what"] for row in made["results"]} == set(gpu.PARTS)
    (resnet,) = [row for row in made["results"] if row["what"] == "train step of ResNet-18"]
    # Forward 2 * 1.8 G at 224 px, (32 / 224)^2 of it here; forward and backward are three times that, but for the first layer.
    assert resnet["flops"] == pytest.approx(3 * 2 * 3.63e9 * (32 / 224) ** 2, rel=0.1)
    rates = {row["way"]: row["rate"] for row in made["results"] if "way" in row and "rate" in row}
    assert set(rates) == {"introdl.training", "DataLoader and loss.item()"} and min(rates.values()) > 0
    (goal,) = [row for row in made["results"] if row["what"] == "seconds to an accuracy"]
    assert goal["epoch"] == 1 and goal["seconds"] > 0
    path = benchmark.write(made, tmp_path, "gpu")
    assert path.name.startswith("gpu-") and json.loads(path.read_text())["results"] == json.loads(
        json.dumps(made["results"])
    )


def test_a_gpu_measurement_that_fails_has_its_reason_in_the_record(monkeypatch):
    def fails(device, size):
        raise RuntimeError("no such kernel\nand more")

    monkeypatch.setattr(gpu, "PARTS", {"a thing": fails})
    assert gpu.made(torch.device("cpu"), SMALL, "", print)["results"] == [
        {"what": "a thing", "failed": "no such kernel"}
    ]


@pytest.mark.slow
def test_two_processes_are_measured_beside_one():
    rows = list(gpu.processes(torch.device("cpu"), SMALL))
    assert [row["processes"] for row in rows] == [1, 2] and min(row["rate"] for row in rows) > 0


def test_a_machine_without_a_compiler_is_told_by_what_torch_says(monkeypatch):
    def compile_later(fn):
        def call(*inputs):
            raise RuntimeError("\n  no C++ compiler was found\nmore")

        return call

    monkeypatch.setattr(torch, "compile", compile_later)
    assert benchmark.compiled(lambda x: x, 1) == (None, "RuntimeError: no C++ compiler was found")
    monkeypatch.setattr(torch, "compile", lambda fn: fn)
    made, why = benchmark.compiled(lambda x: x + 1, 1)
    assert (made(2), why) == (3, "")
