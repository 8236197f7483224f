"""How fast the course's NumPy layers are, as ratios, side by side on this machine.

Run it by hand: ``python tests/benchmarks/bench_layers.py [--threads 2] [--repeats 30]``. It is no test: other work on the
machine can make any of the numbers worse. Read the ratios, and run it twice.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from introdl import layers
from introdl.figures.sgd import layer_times

#: (N, C, H, W), filters, kernel: LeNet's two convolutions on plates of 32 x 32, and the same with more pictures.
LAYERS = [((64, 3, 32, 32), 6, 5), ((64, 6, 14, 14), 16, 5), ((128, 3, 32, 32), 6, 5), ((128, 6, 14, 14), 16, 5)]


def whole_network(threads: int, repeats: int) -> tuple[float, float]:
    """One step's forward and backward of LeNet-5 on 64 plates of 32 x 32: ours and PyTorch's, seconds."""
    import torch
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, 64)
    network = layers.lenet((3, 32, 32), 10, rng)
    nn = torch.nn
    other = nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    tensor, labels = torch.from_numpy(x), torch.from_numpy(y)

    def ours():
        network.backward(layers.softmax_cross_entropy(network.forward(x), y)[1])

    def theirs():
        other.zero_grad()
        nn.functional.cross_entropy(other(tensor), labels).backward()

    torch.set_num_threads(threads)
    best = [np.inf, np.inf]
    with threadpool_limits(threads):
        for turn in range(repeats + 2):
            for which, work in enumerate((ours, theirs)):
                begun = time.perf_counter()
                work()
                if turn >= 2:
                    best[which] = min(best[which], time.perf_counter() - begun)
    return best[0], best[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    print(f"forward and backward, float32, {options.threads} threads, the shortest of {options.repeats} times")
    print(f"{'layer':<34} {'ours':>9} {'loops / ours':>13} {'ours / torch':>13}")
    for shape, filters, kernel in LAYERS:
        times = layer_times(shape, filters, kernel, options.repeats, threads=options.threads)
        ours = times["introdl.layers"]
        name = f"{shape} to {filters} filters of {kernel}"
        print(f"{name:<34} {ours * 1e3:>6.2f} ms {times['loops'] / ours:>13.0f} {ours / times['PyTorch']:>13.2f}")
    ours, theirs = whole_network(options.threads, options.repeats)
    print(f"{'LeNet-5 on (64, 3, 32, 32)':<34} {ours * 1e3:>6.2f} ms {'':>13} {ours / theirs:>13.2f}")


if __name__ == "__main__":
    main()
