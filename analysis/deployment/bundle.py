"""A run in one file to share: recipe, weights, history, provenance, card, checksums; nothing executable."""

from __future__ import annotations

import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

from analysis.deployment.card import bundle_card
from analysis.deployment.documents import ORIENTATION, write_documents
from analysis.deployment.whole import whole_folder
from analysis.evaluation.odd_of_run import KEPT as ODD
from inference.folder import TEXTS, WEIGHTS
from inference.run import Run
from jets.disk import writing
from jets.errors import UserError, one_line
from jets.files import replacing
from jets.sums import SUMS, digest, write

CARD = "card.md"
NEEDED = (*TEXTS, WEIGHTS, CARD, SUMS)
"""Members of every bundle."""
LARGEST = {WEIGHTS: 4 << 30} | dict.fromkeys((*TEXTS, CARD, SUMS, ORIENTATION, ODD), 64 << 20)
"""Member -> bytes that it holds at most; there are no others."""
SPARE, TIGHTEST = 64 << 20, 100
"""Bytes that a member may have whatever it is packed into; how many times more than that a larger one may have."""
DAMAGED = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error,
    EOFError, LookupError, OSError, RuntimeError, ValueError,
)  # fmt: skip
"""What a damaged archive makes the library say."""
TIME = (1980, 1, 1, 0, 0, 0)
"""Of all members, so that equal runs are equal bundles."""
_opened: list[tempfile.TemporaryDirectory[str]] = []


class BundleError(UserError):
    """A bundle cannot be used; the message names the file and the member."""


def write_bundle(run: Run, path: Path) -> Path:
    """Write a complete run as one zip file of :data:`NEEDED`, and what is kept of its scores' orientation and ``odd``.

    Raises
    ------
    UserError
        The training is not finished, or the file is there already.
    """
    if path.exists():
        raise UserError(f"{path}: already exists; choose another file, or remove it")
    with tempfile.TemporaryDirectory() as name, writing(Path(name)):
        folder = Path(name)
        write_documents(run, folder)
        (folder / CARD).write_text(bundle_card(run), encoding="utf-8")
        write(folder, [member.name for member in folder.iterdir()])
        with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in sorted(folder.iterdir()):
                info = zipfile.ZipInfo(member.name, TIME)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                with member.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    return path


def unpack_bundle(path: Path, folder: Path) -> Path:
    """Unpack a bundle into a new run folder, once every member has been checked; return the folder.

    Raises
    ------
    BundleError
        It is no bundle: a member that is missing, not expected, a link, encrypted, too large, or damaged.
    RunError
        The folder is there already.
    """
    found = assert_bundle(path)
    with zipfile.ZipFile(path) as archive, whole_folder(folder) as temporary:
        for info in found:
            with archive.open(info) as source, (temporary / info.filename).open("xb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        assert_sums(path, temporary)
    return folder


def opened(path: Path) -> Path:
    """Unpack a bundle into a temporary folder that is removed when Python ends; return the folder."""
    home = tempfile.TemporaryDirectory(prefix="jetvae-")
    _opened.append(home)
    return unpack_bundle(path, Path(home.name) / path.stem)


def assert_bundle(path: Path) -> list[zipfile.ZipInfo]:
    """Assert that a file is a bundle whose members are whole; return them.

    Raises
    ------
    BundleError
        It is not.
    """
    if not path.is_file():
        raise BundleError(f"{path}: no such file; a bundle is what jetvae export RUN --bundle writes")
    try:
        with zipfile.ZipFile(path) as archive:
            found = members(path, archive)
            if (torn := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f"{torn} is damaged")
    except UserError:
        raise
    except DAMAGED as error:
        raise BundleError(f"{path}: not a bundle, or torn ({one_line(error)}); get it again") from error
    return found


def members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members of a bundle, all of them those of a run and none of them twice.

    Raises
    ------
    BundleError
        They are not.
    """
    found = archive.infolist()
    names = [info.filename for info in found]
    for info in found:
        if info.filename not in LARGEST or names.count(info.filename) > 1:
            raise BundleError(f"{path}: member {info.filename!r} is none of a run's, or there twice; it is not opened")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.flag_bits & 1:
            raise BundleError(f"{path}: member {info.filename!r} is a link, a device or encrypted; it is not opened")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{path}: {info.filename} is packed by method {info.compress_type}; pack it as zip does")
        if info.file_size > min(LARGEST[info.filename], max(SPARE, TIGHTEST * info.compress_size)):
            raise BundleError(f"{path}: {info.filename} is larger than {LARGEST[info.filename]:,} bytes, or a zip bomb")
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise BundleError(f"{path}: has no {missing[0]}; a bundle is what jetvae export RUN --bundle writes")
    return found


def assert_sums(path: Path, folder: Path) -> None:
    """Assert that the checksums are those of all files.

    Raises
    ------
    BundleError
        One is not, or a file has none.
    """
    text = (folder / SUMS).read_text(encoding="utf-8", errors="replace")
    stated = {name: value for value, _, name in (line.partition("  ") for line in text.splitlines())}
    for file in sorted(folder.iterdir()):
        if file.name != SUMS and stated.pop(file.name, None) != digest(file):
            raise BundleError(f"{path}: {file.name} is not what its checksum says; get it again")
    if stated:
        raise BundleError(f"{path}: {next(iter(stated))!r} has a checksum and is not there; get it again")
