"""What the rooms of the analysis may import: a saved tree is measured and drawn without torch and our models."""

import subprocess
import sys
from pathlib import Path

import pytest

import analysis

ROOT = Path(__file__).parents[2]
LIGHT = ("measures", "figures")
"""Rooms that need trees alone."""
HEAVY = ("torch", "pyro", "models", "inference", "priors", "jets.emd", "jets.preprocess")


def light_modules():
    """Every module of the rooms that need trees alone."""
    found = [path.relative_to(ROOT) for room in LIGHT for path in (ROOT / "analysis" / room).glob("*.py")]
    names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in found]
    return ["analysis.store", "analysis.legacy", *sorted(names)]


def start(script, *words):
    """What a script prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


IMPORTS = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print(*sys.modules)
"""


def test_measures_and_figures_are_light():
    """Nothing heavy is imported, not even through others."""
    modules = light_modules()
    assert len(modules) > 30
    loaded = set(start(IMPORTS, *modules))
    assert set(modules) <= loaded
    assert loaded.isdisjoint(HEAVY)


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if any(name == heavy or name.startswith(heavy + ".") for heavy in HEAVY):
            raise ImportError(name + " is blocked")
HEAVY = sys.argv[2].split()
sys.meta_path.insert(0, Block())
import analysis
from analysis import store
from analysis.measures import information, trust
from analysis.figures import latents
tree = store.open(sys.argv[1])
analysis.summarise(tree), information.information(tree), trust.importance(tree), latents.kl_spectrum(tree)
"""


def test_a_saved_tree_needs_neither_torch_nor_our_models(tree, tmp_path):
    start(BLOCKED, str(analysis.save(tree, tmp_path / "analysis.nc")), " ".join(HEAVY))


@pytest.mark.parametrize("name", analysis.__all__)
def test_public_names(name):
    assert callable(getattr(analysis, name))
    with pytest.raises(AttributeError, match="no attribute"):
        getattr(analysis, f"{name}_of_nothing")
