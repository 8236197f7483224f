"""Run ``python -m introdl.benchmark``."""

from introdl.benchmark import gpu, main

if __name__ == "__main__":
    raise SystemExit(main(gpu=gpu.record))
