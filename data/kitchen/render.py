"""Cook every dish and photograph it: the whole set, or a part of it.

The kitchen has an environment of its own: ``pip install mitsuba==3.9.1 numpy pillow``, and LLVM 16 or newer
(Debian: ``apt install libllvm19``). Then::

    python data/kitchen/render.py --out build/plates --workers 2
    python data/kitchen/render.py --out build/tryout --only pizza --only soup --count 8
    python data/kitchen/pack.py --pictures build/plates --out data/plates

Each picture has its own seed, made of the master seed, the dish and the picture's number, so it comes out the same
whatever else is rendered. Pictures that are there are skipped: the command may be stopped and started again.
"""

import argparse
import importlib.util
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from dishes import BASE, MENU, SPECIALS, cook

MASTER_SEED = 2026
COUNTS = {**dict.fromkeys(BASE, 320), **dict.fromkeys(SPECIALS, 240)}
JPEG_QUALITY = 90
FRESH = 400  # pictures that a process renders before it is replaced


def picture_seed(master, dish, index):
    """The seed of one picture: 32 bits from the master seed, the dish's name and the picture's number."""
    return int(np.random.SeedSequence([master, zlib.crc32(dish.encode()), index]).generate_state(1)[0])


def find_llvm():
    """Tell Dr.Jit where a new enough LLVM is, unless ``DRJIT_LIBLLVM_PATH`` says so already.

    Without this an older LLVM on the same machine may be taken, which cannot compile Mitsuba 3.9's kernels.
    """
    if "DRJIT_LIBLLVM_PATH" in os.environ:
        return
    for version in range(22, 15, -1):
        for folder in (
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            f"/usr/lib/llvm-{version}/lib",
        ):
            for name in (f"libLLVM.so.{version}.1", f"libLLVM-{version}.so", f"libLLVM-{version}.so.1"):
                if (Path(folder) / name).exists():
                    os.environ["DRJIT_LIBLLVM_PATH"] = str(Path(folder) / name)
                    return


def write(path, content):
    """Write bytes next to their final place, then rename: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(suffix=path.suffix, prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def rounded(value):
    """Floats with 5 significant digits, for records that are short to read."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def render(dish, index, master=MASTER_SEED, samples=20):
    """Cook and photograph one serving.

    Parameters
    ----------
    dish : str
        A name on the menu.
    index : int
        Number of the picture within its dish.
    master : int
        Seed of the whole set.
    samples : int
        Rays a pixel.

    Returns
    -------
    picture : ndarray of uint8, shape (128, 128, 3)
    record : dict
        Its labels: ``dish``, ``index``, ``seed``, ``special``, ``grams``, ``box`` (x0, y0, x1, y1; half-open, in
        pixels, x to the right and y down), ``notes``, ``light``, ``camera`` and ``ware``.
    """
    import studio

    seed = picture_seed(master, dish, index)
    serving = cook(dish, np.random.default_rng([seed, 1]))
    picture, mask, taken = studio.photograph(serving, [seed, 2], samples)
    record = {
        "dish": dish, "index": index, "seed": seed, "special": dish in SPECIALS, "grams": round(serving.grams, 1),
        "box": taken["box"], "covered": float(mask.mean()), "notes": serving.notes, "light": taken["light"],
        "camera": taken["camera"], "ware": taken["ware"],
    }  # fmt: skip
    return picture, rounded(record)


def jpeg(picture):
    """The bytes of a JPEG file."""
    from PIL import Image

    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, format="JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return memory.getvalue()


def places(out, dish, index):
    """Where a picture and its record are kept."""
    stem = Path(out) / "images" / dish / f"{index:04d}"
    return stem.with_suffix(".jpg"), stem.with_suffix(".json")


def job(task):
    """Render one picture in a worker and put it in its place; the record last, as a sign that all is there."""
    out, dish, index, master, samples = task
    picture, record = render(dish, index, master, samples)
    image, label = places(out, dish, index)
    write(image, jpeg(picture))
    write(label, json.dumps(record).encode() + b"\n")
    return dish, index


def check_tools():
    """Stop with a sentence where Mitsuba or its compiler is missing.

    Raises
    ------
    RuntimeError
        If the environment lacks Mitsuba, or the machine (with Linux) a new enough LLVM.
    """
    if importlib.util.find_spec("mitsuba") is None:
        raise RuntimeError("Mitsuba is not installed here. Run: pip install -r data/kitchen/requirements.txt")
    find_llvm()
    if sys.platform == "linux" and "DRJIT_LIBLLVM_PATH" not in os.environ:
        raise RuntimeError(
            "No LLVM 16 or newer was found. Install one (on Debian: sudo apt install libllvm19), or set "
            "DRJIT_LIBLLVM_PATH to the path of its libLLVM."
        )


def open_worker():
    """Set a worker process up."""
    find_llvm()
    import studio

    studio.open_studio(threads=1)


def bar(done, total, started, width=32):
    """One line that shows how far it is and how long it may take."""
    elapsed = time.perf_counter() - started
    left = elapsed / max(done, 1) * (total - done)
    filled = "#" * (width * done // max(total, 1))
    return f"\r[{filled:<{width}}] {done}/{total}  {elapsed / max(done, 1):.2f} s each, {left / 60:.0f} min left "


def render_all(out, dishes, count=None, workers=2, master=MASTER_SEED, samples=20):
    """Render what is missing of the given dishes.

    Parameters
    ----------
    out : path-like
        Folder to fill: ``images/<dish>/<number>.jpg``, and a JSON record beside each.
    dishes : sequence of str
        Names on the menu.
    count : int, optional
        Pictures of each; the full set's counts if left out.
    workers : int
        Processes, of one thread each.
    master, samples : int
        See :func:`render`.

    Returns
    -------
    int
        Pictures made now.
    """
    tasks = [
        (str(out), dish, index, master, samples)
        for index in range(max(count or COUNTS[d] for d in dishes))
        for dish in dishes
        if index < (count or COUNTS[dish]) and not all(p.exists() for p in places(out, dish, index))
    ]
    started = time.perf_counter()
    if not tasks:
        return 0
    context, done = multiprocessing.get_context("spawn"), 0
    for first in range(0, len(tasks), FRESH * workers):
        # Fresh processes now and then, since kernels pile up in one. (The pool's own `max_tasks_per_child` can stall for
        # ever where all workers end at once: CPython issue 115634.)
        with ProcessPoolExecutor(workers, context, open_worker) as pool:
            futures = [pool.submit(job, task) for task in tasks[first : first + FRESH * workers]]
            try:
                for future in as_completed(futures):
                    future.result()
                    done += 1
                    if sys.stderr.isatty() or done % 50 == 0 or done == len(tasks):
                        print(bar(done, len(tasks), started), end="", file=sys.stderr, flush=True)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    print(file=sys.stderr)
    return len(tasks)


def main():
    """Read the command line and render."""
    parser = argparse.ArgumentParser(description="Render photographs of dishes, with their labels.")
    parser.add_argument("--out", type=Path, default=Path("build/plates"), help="folder to fill (default: build/plates)")
    parser.add_argument("--only", action="append", choices=MENU, metavar="DISH", help="only this dish; may be repeated")
    parser.add_argument(
        "--count", type=int, help="pictures of each dish (default: 320 of a base dish, 240 of a special)"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one for each core)"
    )
    parser.add_argument("--samples", type=int, default=20, help="rays a pixel (default: 20)")
    parser.add_argument("--seed", type=int, default=MASTER_SEED, help=f"master seed (default: {MASTER_SEED})")
    arguments = parser.parse_args()
    try:
        check_tools()
    except RuntimeError as problem:
        parser.error(str(problem))
    started = time.perf_counter()
    try:
        made = render_all(
            arguments.out, arguments.only or MENU, arguments.count, arguments.workers, arguments.seed, arguments.samples
        )
    except KeyboardInterrupt:
        sys.exit("\nStopped. The pictures made so far are kept; run the same command again to go on.")
    print(f"{made} pictures in {time.perf_counter() - started:.0f} s; they are in {arguments.out}.")


if __name__ == "__main__":
    main()
