"""Words to avoid, in pages, docstrings and messages: ``python -m tests.english`` names each place and what to write.

A word of another meaning than the field's makes a reader stop. Code is left out, in pages and in packages.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTEAD = {
    r"go(es|ing)? on( with)?\b": "resume, continue",
    r"gone on": "resumed, continued",
    r"(goes|go|going) with": "is correlated with, belongs to, can be used with",
    r"hangs? together": "is correlated with",
    r"in hand": "trained by, in progress",
    r"told": "distinguished, given, printed; supervised",
    r"tells?": "say, separate, distinguish, inform",
    r"knows": "has, uses, depends on, is correlated with",
    r"looks": "seems, searches, is drawn",
    r"as far as": "where, whatever",
    r"in view": "used to choose",
    r"the way that suits": "the orientation chosen with labels: max(AUC, 1 - AUC)",
    r"leverage[sd]?|utili[sz]e[sd]?|cutting-edge|state-of-the-art|seamless(ly)?|delve": "say what it does",
}
"""What not to write -> what to write instead."""
FENCED = re.compile(r"^```.*?^```|^\s*>>>.*?$|`+[^`\n]+`+|\]\([^)]*\)", flags=re.DOTALL | re.MULTILINE)
PACKAGES = ("jetvae", "jets", "priors", "models", "inference", "analysis", "benchmarks")


def pages() -> Iterator[Path]:
    """Yield the pages."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").glob("*.md"))
    yield from sorted((ROOT / "docs/tutorials").glob("*.md"))
    yield ROOT / "benchmarks/RESULTS.md"


def blanked(found: re.Match[str]) -> str:
    """Return code with its letters blanked, so that lines stay where they are."""
    return re.sub(r"[^\n]", " ", found[0])


def texts() -> Iterator[tuple[Path, int, str]]:
    """Yield file, first line and text of everything that a reader reads."""
    for page in pages():
        yield page, 1, FENCED.sub(blanked, page.read_text())
    for source in sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield source, node.lineno, FENCED.sub(blanked, node.value)


def found() -> Iterator[str]:
    """Yield a line for each place."""
    for path, first, text in texts():
        for word, instead in INSTEAD.items():
            for match in re.finditer(rf"\b({word})", text, flags=re.IGNORECASE):
                line = first + text.count("\n", 0, match.start())
                yield f"{path.relative_to(ROOT)}:{line}: {match[0]!r}: write {instead}"


if __name__ == "__main__":
    places = list(found())
    print("\n".join(places) or "English: no word of the list")
    sys.exit(bool(places))
