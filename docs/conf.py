"""How the site is built: ``make docs``."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path
from types import GenericAlias
from typing import Any

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

project = "jetvae"
author = "The jetvae developers"
copyright = f"2026, {author}"
version = release = version_of("jetvae")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "_templates", ".jupyter_cache"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parent / ".jupyter_cache")
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {"Array": "Array", "Values": "Values"}
autodoc_mock_imports = ["triton"]
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

ALONE = ("start", "howto", "latent-spaces", "slides", "benchmarks", "changelog", "security", "contributing")
"""Pages without neighbours, which need no sidebar."""
html_theme = "pydata_sphinx_theme"
html_title = "jetvae"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_sidebars = {page: [] for page in ALONE}
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "jetvae"},
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_with_keys": True,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "tango",
}

suppress_warnings = [
    "ref.python",  # two modules each have a NamedTuple of one name, and an annotation names one of them
    "ref.citation",  # a module lists its references, and its functions cite them
]

OUTSIDE = {
    "benchmarks/RESULTS.md": "benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""File of the repository that a page links to -> the page that shows it."""


def within(text: str) -> str:
    """Return a page with links to files of the repository led to the pages that show them.

    >>> within("[table](../benchmarks/RESULTS.md#on-a-gpu)")
    '[table](benchmarks.md#on-a-gpu)'
    """
    for file, page in OUTSIDE.items():
        text = re.sub(rf"\]\((?:\.\./)?{re.escape(file)}", f"]({page}", text)
    return re.sub(r"\]\((?:\.\./)?docs/", "](", text)


def formula(text: str, display: str) -> str:
    """Return LaTeX as MathML, which browsers draw by themselves: the site needs no network.

    >>> formula("x", "inline")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>x</mi></mrow></math>'
    """
    lines = [line.strip() for line in re.split(r"\n\s*\n|\\\\\s*\n", text.strip()) if line.strip()]
    return "<br>".join(convert(line.replace("\n", " "), display=display) for line in lines)


def inline_formula(writer: Any, node: Any) -> None:
    """Write a formula within a line."""
    writer.body.append(f'<span class="math">{formula(node.astext(), "inline")}</span>')
    raise SkipNode


def displayed_formula(writer: Any, node: Any) -> None:
    """Write a formula that stands alone."""
    writer.body.append(f'<div class="math">{formula(node.astext(), "block")}</div>')
    raise SkipNode


def left_out(_app: object, _what: str, _name: str, found: object, skip: bool, _options: object) -> bool:
    """Leave out names of types such as ``tuple[str, str]``, of which there is nothing to say."""
    return skip or isinstance(found, GenericAlias)


def forget_modules(app: Any) -> None:
    """Remove what an earlier build generated for modules that are no more."""
    for page in Path(app.srcdir, "api/generated").glob("*.rst"):
        place = Path(app.srcdir).parent.joinpath(*page.stem.split("."))
        if not (place.is_dir() or place.with_suffix(".py").exists()):
            page.unlink()


def setup(app: Any) -> None:
    """Lead links within the site when a page or a file that it includes is read."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    app.connect("builder-inited", forget_modules, priority=0)
    app.connect("autodoc-skip-member", left_out)
    app.connect("source-read", lambda _app, _name, content: content.__setitem__(0, within(content[0])))
    app.connect("include-read", lambda _app, _path, _name, content: content.__setitem__(0, within(content[0])))
