"""Experiments that take longer than a chapter may: each is a command, and what came of it is kept in `data/experiments`.

    python -m introdl.experiments.NAME

makes the runs that are missing from `data/experiments/NAME.json`. Delete the file to make all of them again. Chapters plot
what is recorded, beside what they run themselves.
"""
