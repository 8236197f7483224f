"""How fast the training engine is: against the textbook loop, and on a GPU against what the GPU can do.

    python tests/benchmarks/bench_training.py                 # on the CPU, some minutes
    python tests/benchmarks/bench_training.py --device cuda   # on a GPU as well

The textbook loop is the one that tutorials show: JPEG files on the disk, a `Dataset` that opens one and changes it with PIL,
a `DataLoader` with two workers, float32, channels first, Adam. Ours has the same network, the same pictures, the same kinds
of changes. The loops take turns, so that a busy machine slows both. What is compared is pictures per second, and, because
that depends on who else wants the cores, pictures per second of CPU time (with the workers' time).

Results are written as JSON, with the device, the day and the versions.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
import os
import platform
import random
import resource
import statistics
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from introdl import __version__, data, models, paths, training
from introdl.training import Augment, Settings

HOW = Augment()
#: Dense bf16 peak in TFLOP/s without sparsity, from NVIDIA's data sheets, by a part of the device's name.
PEAKS = {"H200": 989.4, "H100 PCIe": 756.0, "H100": 989.4, "A100": 311.8, "L4": 121.0, "A10": 125.0, "RTX 4090": 165.2}


class JpegFiles(TorchDataset):
    """Pictures as files: opened, reduced, changed and normalized one at a time."""

    def __init__(self, paths: list[Path], labels: list[int], size: int, mean, std):
        self.paths, self.labels, self.size = paths, labels, size
        self.mean, self.std = (torch.tensor(each).view(3, 1, 1) for each in (mean, std))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int):
        size = self.size
        picture = Image.open(self.paths[index]).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        angle = np.deg2rad(random.uniform(-HOW.rotate, HOW.rotate))
        zoom = random.uniform(1 - HOW.scale, 1 + HOW.scale)
        cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
        middle, shift = size / 2, [random.uniform(-HOW.shift, HOW.shift) * size for _ in range(2)]
        affine = (
            cos, -sin, middle - cos * middle + sin * middle + shift[0],
            sin, cos, middle - sin * middle - cos * middle + shift[1],
        )  # fmt: skip
        picture = picture.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Color):
            picture = enhance(picture).enhance(random.uniform(1 - HOW.color, 1 + HOW.color))
        x = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        x = (x - self.mean) / self.std
        side = round(HOW.cutout * size)
        top, left = (random.randint(-side // 2, size - side // 2) for _ in range(2))
        x[:, max(top, 0) : top + side, max(left, 0) : left + side] = 0
        return x, self.labels[index]


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def timed(job) -> dict:
    """Run a job that returns how many pictures it went through; return pictures per second and per CPU second."""
    begun, cpu = time.perf_counter(), cpu_seconds()
    count = job()
    return {"per_second": count / (time.perf_counter() - begun), "per_cpu_second": count / (cpu_seconds() - cpu)}


def textbook(files: JpegFiles, batch_size: int, workers: int, threads: int):
    """Return a job: one epoch of the textbook loop."""

    def job() -> int:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        model = models.PlainCNN(20)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        loss_function, count = nn.CrossEntropyLoss(label_smoothing=0.1), 0
        model.train()
        for x, y in DataLoader(files, batch_size=batch_size, shuffle=True, num_workers=workers, drop_last=True):
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
            loss.item()
            count += len(y)
        return count

    return job


def ours(pictures, batch_size: int, threads: int, **changed):
    """Return a job: one epoch of `introdl.training`."""

    def job() -> int:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        settings = Settings(epochs=1, batch_size=batch_size, augment=HOW, **changed)
        history = training.train(models.PlainCNN(20), pictures, None, settings, device="cpu", quiet=True)
        return history.about["pictures"] // batch_size * batch_size

    return job


def on_cpu(count: int, size: int, rounds: int, workers: int = 2, batch_size: int = 64) -> dict:
    """Let the loops take turns, and return the medians."""
    plates = data.plates(size=size)
    chosen = plates.subset(np.flatnonzero(plates.splits == "train")[:count])
    mean, std = training.channel_statistics(chosen.images)
    default = torch.get_num_threads()
    quick = training.quickest_threads()
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(paths.data() / "plates" / "plates.zip") as archive:
            pictures = [Path(archive.extract(str(name), folder)) for name in chosen.files]
        files = JpegFiles(pictures, chosen.labels.tolist(), size, mean, std)
        jobs = {
            "textbook": textbook(files, batch_size, workers, default),
            "textbook with the quickest number of threads": textbook(files, batch_size, workers, quick),
            "ours": ours(chosen, batch_size, quick),
            "ours in fp32": ours(chosen, batch_size, quick, precision="fp32"),
            "ours with torch's own number of threads": ours(chosen, batch_size, default),
        }
        ours(chosen.subset(slice(0, 2 * batch_size)), batch_size, quick)()  # what the first run sets up is not counted
        found = {name: [] for name in jobs}
        for turn in range(rounds):
            for name, job in jobs.items():
                found[name].append(timed(job))
                print(
                    f"round {turn + 1}, {name}: {found[name][-1]['per_second']:.0f} pictures/s",
                    file=sys.stderr,
                    flush=True,
                )
    medians = {
        name: {unit: statistics.median(each[unit] for each in runs) for unit in ("per_second", "per_cpu_second")}
        for name, runs in found.items()
    }
    return {
        "pictures": len(chosen),
        "size": size,
        "batch_size": batch_size,
        "rounds": rounds,
        "workers": workers,
        "threads": {"torch's own": default, "quickest": quick},
        "load": os.getloadavg(),
        "pictures_per": medians,
        "ratio": {
            f"{unit} over {name}": medians["ours"][unit] / medians[name][unit]
            for name in jobs
            if name.startswith("textbook")
            for unit in ("per_second", "per_cpu_second")
        },
        "ratios_by_round": [
            a["per_second"] / b["per_second"] for a, b in zip(found["ours"], found["textbook"], strict=True)
        ],
        "all": found,
    }


def flops_per_picture(size: int) -> int:
    """Count the floating-point operations (multiplications and additions) of ResNet-18, forward and backward."""
    from torch.utils.flop_counter import FlopCounterMode

    model, counter = models.ResNet18(20), FlopCounterMode(display=False)
    with counter:
        model(torch.zeros(1, 3, size, size)).sum().backward()
    return counter.get_total_flops()


def on_cuda(size: int, batch_size: int, compiled: bool) -> dict:
    """Train ResNet-18 on noise; return pictures per second and the share of the GPU's bf16 peak."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16 * batch_size, size, size, 3), dtype=np.uint8)
    labels = rng.integers(0, 20, len(images))
    settings = Settings(epochs=5, batch_size=batch_size, compile=compiled)
    history = training.train(models.ResNet18(20), (images, labels), None, settings, device="cuda", quiet=True)
    speed = statistics.median(history.column("images_per_second")[1:])
    name = torch.cuda.get_device_name()
    peak = next((value for part, value in PEAKS.items() if part in name), None)
    teraflops = speed * flops_per_picture(size) / 1e12
    return {
        "network": "ResNet18",
        "size": size,
        "batch_size": batch_size,
        "compiled": compiled,
        "pictures_per_second": speed,
        "teraflops": teraflops,
        "bf16_peak_teraflops": peak,
        "share_of_peak": teraflops / peak if peak else None,
        "memory_bytes": torch.cuda.max_memory_allocated(),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--pictures", type=int, default=768)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks/training.json"))
    given = parser.parse_args()
    result = {
        "day": datetime.date.today().isoformat(),
        "versions": {"introdl": __version__, "torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "cpu": {"name": cpu_name(), "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()},
    }  # fmt: skip
    if given.device == "cuda":
        training.choose_device("cuda")
        result["gpu"] = torch.cuda.get_device_name()
        result["cuda"] = [
            on_cuda(size, batch, compiled) for size, batch in ((128, 512), (224, 256)) for compiled in (False, True)
        ]
    result["textbook"] = on_cpu(given.pictures, given.size, given.rounds)
    text = json.dumps(result, indent=1)
    paths.write_atomically(given.out, (text + "\n").encode())
    shown = io.StringIO()
    for name, medians in result["textbook"]["pictures_per"].items():
        shown.write(f"{name}: {medians['per_second']:.0f} pictures/s, {medians['per_cpu_second']:.0f} per CPU second\n")
    for unit, ratio in result["textbook"]["ratio"].items():
        shown.write(f"ours {unit.replace('_', ' ')}: {ratio:.1f} times\n")
    for row in result.get("cuda", ()):
        share = f", {row['share_of_peak']:.0%} of the bf16 peak" if row["share_of_peak"] else ""
        shown.write(
            f"ResNet-18, {row['size']} px, compiled {row['compiled']}: {row['pictures_per_second']:,.0f} pictures/s{share}\n"
        )
    print(shown.getvalue() + str(given.out))


def cpu_name() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
