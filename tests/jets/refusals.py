"""What is said of a file that is refused, and changes to its bytes."""

from pathlib import Path

import pytest

import jets


def refused(path, match=None):
    """What is said of a file that is refused, in one printable line that names it."""
    with pytest.raises(jets.JetFileError, match=match) as caught:
        jets.load(path)
    text = str(caught.value)
    assert text.isprintable()
    assert Path(str(path)).name in text
    return text


def bytes_of(path, change):
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
