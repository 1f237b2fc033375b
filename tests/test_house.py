"""The house: no file imports, directly or through others, a file that imports it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = [name for name in ("jets", "priors", "models", "inference", "analysis", "jetvae") if (ROOT / name).is_dir()]
RECURSIVE = {f"priors.{name}" for name in ("latent", "space", "superposition", "categorical", "generic")}
"""The one recursive type: a latent factor can be a superposition of spaces, which are products of factors."""


def modules() -> dict[str, Path]:
    """Dotted name -> file; a package goes by its own name."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def imported(name: str, path: Path) -> Iterator[str]:
    """Every dotted name that a file imports, inside functions too; ``from a import b`` gives ``a.b``."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def arrows() -> dict[str, set[str]]:
    """File -> files that it imports: of ``from a import b`` the module ``a.b`` where there is one, else ``a``."""
    files = modules()

    def file_of(target: str) -> str:
        return target if target in files else target.rpartition(".")[0]

    found = {name: {file_of(target) for target in imported(name, path)} for name, path in files.items()}
    return {name: (targets & files.keys()) - {name} for name, targets in found.items()}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Sets of more than one node in which each reaches every other."""

    def reached(start: str) -> set[str]:
        seen, waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    reach = {node: reached(node) for node in graph}
    together = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return [set(each) for each in together]


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
    assert circles(graph) == [{"b", "c"}]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circles(package):
    """Imports inside functions count: they hide a circle, they do not open it."""
    found = [each for each in circles(arrows()) if any(name.split(".")[0] == package for name in each)]
    assert [sorted(each) for each in found if not each <= RECURSIVE] == []


LONGEST = 300


@pytest.mark.parametrize("package", [*PACKAGES, "benchmarks", "tests"])
def test_no_file_is_long(package):
    lines = {path: len(path.read_text().splitlines()) for path in (ROOT / package).rglob("*.py")}
    assert {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > LONGEST} == {}


def test_messages_name_the_commands_of_today():
    """Composed by ``jets.command``, so that they can be pasted; the two doors that Python opens apart."""
    doors = {ROOT / "inference/svi.py", ROOT / "analysis/report/__main__.py"}
    files = set(modules().values()) - doors
    gone = re.compile(r"python -m (analysis|inference|jets)")
    assert [str(path.relative_to(ROOT)) for path in files if gone.search(path.read_text())] == []
