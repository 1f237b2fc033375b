"""HDF5 files that point to other files: of a target with known bytes none comes back, whatever layout is dressed up."""

import h5py
import numpy as np
import pytest

import jets
from analysis import store
from jets.convert import convert
from jets.inspection import inspect
from tests.jets.formats import makers, tables

SECRET = np.float32(1234.5)
"""What the target is full of: as a pT of GeV it would be a jet's."""
LAYOUTS = {
    "own": lambda path, t: own(path),
    "jetnet": makers.jetnet,
    "omnilearned": makers.omnilearned,
    "mod": tables.mod,
    "lhc_olympics": makers.lhc_olympics,
    "top_reference": makers.top_reference,
}


def own(path):
    sample = jets.load("sample:qcd", "sample:top")[9997:10003]
    jets.save(path, sample.with_(weights=np.ones(6), events=np.arange(6)))


def target(folder):
    """A file of the secret, as raw bytes and as HDF5 whose every dataset holds it."""
    np.full(200_000, SECRET).tofile(folder / "secret.bin")
    with h5py.File(folder / "secret.h5", "w") as file:
        file["x"] = np.full(200_000, SECRET)
    return folder / "secret.bin", folder / "secret.h5"


def external_link(group, name, data, folder):
    group[name] = h5py.ExternalLink("secret.h5", "/x")


def soft_loop(group, name, data, folder):
    group[name] = h5py.SoftLink(f"{group.name.rstrip('/')}/{name}")


def dangling(group, name, data, folder):
    group[name] = h5py.SoftLink("/nothing")


def raw(group, name, data, folder):
    size = int(np.prod(data.shape)) * data.dtype.itemsize
    group.create_dataset(name, data.shape, data.dtype, external=[(str(folder / "secret.bin"), 0, size)])


def virtual(group, name, data, folder):
    layout = h5py.VirtualLayout(data.shape, data.dtype)
    layout[...] = h5py.VirtualSource(str(folder / "secret.h5"), "x", data.shape)
    group.create_virtual_dataset(name, layout)


WAYS = (external_link, soft_loop, dangling, raw, virtual)


def datasets(path):
    """Names of all datasets and groups of a file."""
    found = []
    with h5py.File(path) as file:
        file.visit(found.append)
    return found


def dress_up(source, path, name, way, folder):
    """Copy a file, with one of its datasets or groups elsewhere; its attributes stay."""
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "a") as file:
        group, data = file[name].parent, file[name]
        last = name.rpartition("/")[2]
        if not isinstance(data, h5py.Dataset) and way in (raw, virtual):
            return False
        if isinstance(data, h5py.Dataset) and way in (raw, virtual) and data.dtype.kind not in "fiu":
            return False
        attributes = dict(data.attrs)
        shape = data if not isinstance(data, h5py.Dataset) else np.empty(data.shape, data.dtype)
        del group[last]
        way(group, last, shape, folder)
        if way in (raw, virtual):
            for key, value in attributes.items():
                if key not in ("DIMENSION_LIST", "REFERENCE_LIST"):
                    group[last].attrs[key] = value
    return True


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_comes_from_another_file(layout, tmp_path, capsys):
    target(tmp_path)
    source, path, tried = tmp_path / "a.h5", tmp_path / "b.h5", 0
    LAYOUTS[layout](source, makers.truth(n=4, massive=False))
    assert len(jets.load(source))
    for name in datasets(source):
        for way in WAYS:
            path.unlink(missing_ok=True)
            if not dress_up(source, path, name, way, tmp_path):
                continue
            more = (inspect, lambda file: convert([str(file)], tmp_path / "out.h5")) if way is raw else ()
            for read in (jets.load, *more):
                with pytest.raises(jets.JetFileError, match=r"b\.h5: ") as caught:
                    read(path)
                assert str(caught.value).isprintable()
            tried += 1
    assert tried >= 10
    assert not (tmp_path / "out.h5").exists()
    assert "1234" not in capsys.readouterr().err


def test_results_of_a_run_come_from_no_other_file(tmp_path):
    import xarray as xr

    target(tmp_path)
    store.save(xr.Dataset({"score": ("jet", np.arange(4.0))}), tmp_path / "a.nc")
    for way in WAYS:
        (tmp_path / "b.nc").unlink(missing_ok=True)
        assert dress_up(tmp_path / "a.nc", tmp_path / "b.nc", "score", way, tmp_path)
        with pytest.raises(jets.JetFileError, match=r"b\.nc: "):
            store.open(tmp_path / "b.nc")


def test_links_within_a_file_are_followed(tmp_path):
    own(tmp_path / "a.h5")
    before = jets.load(tmp_path / "a.h5").fingerprint
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.move("constituents", "elsewhere")
        file["constituents"] = h5py.SoftLink("/elsewhere")
    assert jets.load(tmp_path / "a.h5").fingerprint == before
