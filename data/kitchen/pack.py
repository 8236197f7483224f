"""Pack rendered pictures and their labels: the archive, its table, its description and a contact sheet.

::

    python data/kitchen/pack.py --pictures build/plates --out data/plates
"""

import argparse
import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from dishes import BASE, MENU
from PIL import Image
from render import write

VERSION = "1.0"
SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
COLUMNS = ["file", "dish", "split", "special", "grams", "kcal", "x0", "y0", "x1", "y1", "seed", "light", "camera"]


def energy(path):
    """Energy of each dish in kcal per 100 g, from the nutrition table.

    Parameters
    ----------
    path : path-like
        A CSV file with the columns ``dish`` and ``kcal``.

    Returns
    -------
    dict of str to float

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"There is no nutrition table at {path}. Give its place with --nutrition.")
    with open(path, newline="", encoding="utf-8") as file:
        return {row["dish"]: float(row["kcal"]) for row in csv.DictReader(file)}


def splits(records):
    """Which split each picture belongs to: of each dish the same shares, in the order of the pictures' seeds.

    A seed is a hash of the dish and the picture's number, so its order is as good as random, and a picture keeps
    its place among the others however the set was rendered.

    Parameters
    ----------
    records : list of dict
        Labels of one dish, as the renderer wrote them.

    Returns
    -------
    list of str
    """
    order = np.argsort(np.argsort([r["seed"] for r in records]))
    train, val = round(SHARES["train"] * len(records)), round((SHARES["train"] + SHARES["val"]) * len(records))
    return ["train" if k < train else "val" if k < val else "test" for k in order]


def table(pictures, kcal):
    """One row for each picture, with its labels.

    Parameters
    ----------
    pictures : path-like
        Folder that the renderer filled.
    kcal : dict of str to float
        Energy of each dish in kcal per 100 g.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If a dish has no pictures, or no energy, or a picture shows no food.
    """
    rows = []
    for dish in MENU:
        labels = sorted((Path(pictures) / "images" / dish).glob("*.json"))
        records = [json.loads(path.read_text()) for path in labels]
        if not records:
            raise ValueError(f"There are no pictures of {dish} in {pictures}. Render them first with render.py.")
        if dish not in kcal:
            raise ValueError(f"The nutrition table has no row for {dish}. Add one.")
        for record, split in zip(records, splits(records), strict=True):
            if record["box"] is None:
                raise ValueError(f"Picture {record['index']} of {dish} shows no food. Delete it and render it again.")
            rows.append({
                "file": f"images/{dish}/{record['index']:04d}.jpg", "dish": dish, "split": split,
                "special": int(record["special"]), "grams": record["grams"],
                "kcal": round(record["grams"] * kcal[dish] / 100, 1),
                **dict(zip(("x0", "y0", "x1", "y1"), record["box"], strict=True)), "seed": record["seed"],
                "light": json.dumps(record["light"], separators=(",", ":")),
                "camera": json.dumps(record["camera"], separators=(",", ":")),
            })  # fmt: skip
    return rows


def archive(pictures, rows):
    """The bytes of ``plates.zip``: the pictures and ``plates.csv``; the same for the same pictures."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        member = zipfile.ZipInfo("plates.csv", (2026, 1, 1, 0, 0, 0))
        file.writestr(member, text.getvalue(), zipfile.ZIP_DEFLATED)
        for row in rows:  # JPEG does not shrink further, and stored members can be read in place
            file.writestr(
                zipfile.ZipInfo(row["file"], (2026, 1, 1, 0, 0, 0)), (Path(pictures) / row["file"]).read_bytes()
            )
    return memory.getvalue()


def contact_sheet(pictures, rows, columns=16, side=96, gap=2):
    """A picture with one row for each dish, in the menu's order: the first of its training pictures, made smaller.

    Returns
    -------
    PIL.Image.Image
        With a palette of 256 colors, to keep the file small.
    """
    step = side + gap
    sheet = Image.new("RGB", (columns * step - gap, len(MENU) * step - gap), "white")
    for line, dish in enumerate(MENU):
        mine = [row for row in rows if row["dish"] == dish and row["split"] == "train"][:columns]
        for column, row in enumerate(mine):
            with Image.open(Path(pictures) / row["file"]) as picture:
                sheet.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (column * step, line * step))
    return sheet.quantize(256)


def pack(pictures, out, nutrition):
    """Write ``plates.zip``, ``plates.json`` and ``contact_sheet.png``.

    Parameters
    ----------
    pictures : path-like
        Folder that the renderer filled.
    out : path-like
        Folder to write to.
    nutrition : path-like
        The nutrition table.

    Returns
    -------
    dict
        What ``plates.json`` says.
    """
    rows = table(pictures, energy(nutrition))
    content = archive(pictures, rows)
    count = lambda key, value: sum(row[key] == value for row in rows)
    described = {
        "version": VERSION, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "size": [128, 128],
        "classes": MENU, "base": BASE, "specials": [dish for dish in MENU if dish not in BASE],
        "counts": {dish: count("dish", dish) for dish in MENU},
        "splits": {split: count("split", split) for split in SHARES}, "pictures": len(rows), "license": "CC BY 4.0",
    }  # fmt: skip
    out = Path(out)
    sheet = io.BytesIO()
    contact_sheet(pictures, rows).save(sheet, format="PNG", optimize=True)
    write(out / "plates.zip", content)
    write(out / "contact_sheet.png", sheet.getvalue())
    write(out / "plates.json", (json.dumps(described, indent=2) + "\n").encode())
    return described


def main():
    """Read the command line and pack."""
    data = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Pack rendered pictures into one archive.")
    parser.add_argument("--pictures", type=Path, default=Path("build/plates"), help="folder that render.py filled")
    parser.add_argument(
        "--out", type=Path, default=data / "plates", help="where the archive goes (default: data/plates)"
    )
    parser.add_argument("--nutrition", type=Path, default=data / "nutrition.csv", help="table with kcal per 100 g")
    arguments = parser.parse_args()
    described = pack(arguments.pictures, arguments.out, arguments.nutrition)
    print(f"{described['pictures']} pictures, {described['bytes'] / 1e6:.1f} MB, in {arguments.out / 'plates.zip'}.")


if __name__ == "__main__":
    main()
