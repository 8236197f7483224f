"""Run ``python -m introdl.benchmark``."""

from __future__ import annotations

import argparse
from pathlib import Path

from introdl import benchmark
from introdl.benchmark import gpu


def main(words: list[str] | None = None) -> int:
    """Run ``python -m introdl.benchmark``."""
    parser = argparse.ArgumentParser(prog="python -m introdl.benchmark", description="Measure this machine and keep the figures.")  # fmt: skip
    parser.add_argument("--device", help="cuda, mps or cpu; by default the first of them that there is")
    parser.add_argument("--threads", type=int, help="threads on the CPU; by default the number that is fastest here")
    parser.add_argument("--gpu", action="store_true", help="measure what the course says of GPUs; needs an NVIDIA GPU")
    parser.add_argument("--quick", action="store_true", help="fewer sizes, under a minute")
    parser.add_argument("--note", default="", help="what a reader should know of the machine")
    parser.add_argument("--out", type=Path, help="the folder to write to")
    given = parser.parse_args(words)
    import torch

    if given.threads is not None and given.threads < 1:
        parser.error(f"--threads is {given.threads}; it should be 1 or more.")
    if given.gpu:
        try:
            made = gpu.record(given.note, tell=print)
        except ValueError as error:
            parser.exit(1, f"{error}\n")
        print(f"Written: {benchmark.write(made, given.out, 'gpu')}")
        return 0
    before = torch.get_num_threads()
    torch.set_num_threads(given.threads or benchmark.best_threads(benchmark.threads(n=1024)))
    try:
        made = benchmark.record(given.device, given.quick, given.note, tell=print)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    finally:
        torch.set_num_threads(before)
    print(f"Written: {benchmark.write(made, given.out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
