"""Render a few of the packed pictures again, and compare them with what is packed.

::

    python data/kitchen/again.py data/plates/plates.zip --count 5

Needs the kitchen's environment (see render.py). A picture is the same if its box, its weight and nearly all of its
pixels are; another processor may round a path's end another way, so a little is allowed for.
"""

import argparse
import csv
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import render
from PIL import Image

MOST_PIXELS = 1.5  # mean absolute difference in gray levels, of 255
MOST_BOX = 1  # pixels that an edge of the box may move
MOST_GRAMS = 0.11  # grams are kept with one digit


def differences(archive, count):
    """Render evenly spaced pictures of an archive again.

    Parameters
    ----------
    archive : path-like
        ``plates.zip``.
    count : int
        How many, at least 1.

    Yields
    ------
    (str, float, int, float)
        The picture's file, the mean absolute difference of its pixels in gray levels, the furthest that an edge of
        its box moved in pixels, and the difference of its weight in grams.
    """
    with zipfile.ZipFile(archive) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file.open("plates.csv"), encoding="utf-8")))
        for number in np.linspace(0, len(rows) - 1, count).astype(int):
            row = rows[number]
            picture, record = render.render(row["dish"], int(Path(row["file"]).stem))
            packed = np.asarray(Image.open(io.BytesIO(file.read(row["file"]))).convert("RGB")).astype(int)
            again = np.asarray(Image.open(io.BytesIO(render.jpeg(picture))).convert("RGB")).astype(int)
            box = [int(row[k]) for k in ("x0", "y0", "x1", "y1")]
            yield (
                row["file"],
                float(np.abs(again - packed).mean()),
                int(np.abs(np.subtract(record["box"], box)).max()),
                abs(record["grams"] - float(row["grams"])),
            )


def main():
    """Read the command line, compare, and fail where something differs."""
    parser = argparse.ArgumentParser(description="Render a few packed pictures again and compare.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--count", type=int, default=5, help="how many pictures (default: 5)")
    arguments = parser.parse_args()
    if arguments.count < 1:
        parser.error("--count should be 1 or more.")
    if not arguments.archive.is_file():
        parser.error(f"There is no archive {arguments.archive}. Make it: make plates")
    try:
        render.check_tools()
    except RuntimeError as problem:
        parser.error(str(problem))
    render.open_worker()
    differing = 0
    for name, pixels, box, grams in differences(arguments.archive, arguments.count):
        same = pixels < MOST_PIXELS and box <= MOST_BOX and grams < MOST_GRAMS
        differing += not same
        print(f"{name}: pixels {pixels:.3f}, box {box}, grams {grams:.2f}: {'the same' if same else 'DIFFERENT'}")
    if differing:
        sys.exit(f"{differing} of {arguments.count} pictures come out differently: a recipe or a version has changed.")


if __name__ == "__main__":
    main()
