"""Rows of a long benchmark in a file of JSON lines, which an interrupted one resumes."""

import json


def kept(path):
    """Return the rows that are there."""
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def keep(path, row):
    """Add a row; its folder is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
