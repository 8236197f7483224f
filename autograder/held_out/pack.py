"""Pack pictures that the kitchen rendered into the archive of held-out plates.

python -m autograder.held_out.pack --pictures build/held_out
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import zipfile
from pathlib import Path

from autograder.held_out import ARCHIVE
from introdl import paths

COLUMNS = ("file", "dish", "seed")


def known_seeds() -> set[int]:
    """Return the seeds of all plates that learners have."""
    with zipfile.ZipFile(paths.data() / "plates" / "plates.zip") as opened:
        return {int(row["seed"]) for row in csv.DictReader(io.StringIO(opened.read("plates.csv").decode()))}


def pack(pictures: Path, archive: Path, known: set[int]) -> int:
    """Write the archive; the same pictures give the same bytes.

    Parameters
    ----------
    pictures : pathlib.Path
        The folder that ``data/kitchen/render.py`` filled.
    archive : pathlib.Path
        Where to write.
    known : set of int
        Seeds of pictures that learners have.

    Returns
    -------
    int
        How many pictures.

    Raises
    ------
    ValueError
        Where there are none, or one of them is known to learners.
    """
    labels = [json.loads(path.read_text()) for path in sorted(pictures.glob("images/*/*.json"))]
    if not labels:
        raise ValueError(f"There are no pictures in {pictures}. Render some first; README.md says how.")
    rows = [
        {"file": f"images/{each['dish']}/{each['index']:04d}.jpg", "dish": each["dish"], "seed": each["seed"]}
        for each in labels
    ]
    if both := [row["file"] for row in rows if row["seed"] in known]:
        raise ValueError(
            f"{len(both)} pictures, {both[0]} among them, are in data/plates too. Render with another --seed."
        )
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as opened:
        for name, content in [("plates.csv", table.getvalue().encode())] + [
            (row["file"], (pictures / row["file"]).read_bytes()) for row in rows
        ]:
            opened.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    paths.write_atomically(archive, memory.getvalue())
    return len(rows)


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m autograder.held_out.pack``."""
    parser = argparse.ArgumentParser(prog="python -m autograder.held_out.pack", description="Pack held-out plates.")
    parser.add_argument("--pictures", type=Path, required=True, help="the folder that data/kitchen/render.py filled")
    parser.add_argument("--out", type=Path, default=ARCHIVE, help=f"default: {ARCHIVE.name} beside this module")
    given = parser.parse_args(arguments)
    try:
        count = pack(given.pictures, given.out, known_seeds())
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} pictures in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
