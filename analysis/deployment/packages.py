"""The packages that an export needs beyond those of the project."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec

from jets.errors import UserError

ALL = ("onnx", "onnxscript", "onnxruntime")
"""Those of the extra ``export``."""


def assert_installed(*names: str) -> None:
    """Assert that packages are installed.

    Raises
    ------
    UserError
        One is not; the message has the command that installs it.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise UserError(f"export needs {' and '.join(missing)}; pip install 'jetvae[export]'")


def versions() -> dict[str, str]:
    """Return package -> version, of what made an export."""
    return {name: version(name) for name in ("jetvae", "torch", "pyro-ppl", "safetensors", *ALL)}
