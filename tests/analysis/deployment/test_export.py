"""Every recipe as ONNX, TorchScript and torch.export: the same numbers as the run, or the operator that forbids it."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import special

import inference
import jets
import jetvae
from analysis.deployment import agreement
from analysis.deployment.answer import ENCODER, OUTPUTS, PRIOR, Answer
from analysis.deployment.export import export
from analysis.deployment.written import Made, Refused, as_far_as_possible, exported_program, onnx_program, script
from jets.errors import UserError
from jetvae.__main__ import main
from models import Beta, ModelConfig, build
from recipes import names
from tests.analysis.deployment.runs import distinct, untrained

FILES = ("model.pt2", "model.pt", "encoder.onnx")


def test_all_recipes_are_tried():
    assert sorted(name for alike in distinct() for name in alike) == sorted(names())


@pytest.mark.slow
@pytest.mark.parametrize("alike", distinct(), ids=lambda alike: alike[0])
def test_recipe_exports(alike, tmp_path):
    run = untrained(tmp_path / "run", alike[0])
    exported = export(run, tmp_path / "out")
    clouds = run.recipe.model.clouds
    assert tuple(exported.files) == FILES
    for file, outputs in exported.files.items():
        assert outputs == ((*ENCODER, *PRIOR) if clouds else OUTPUTS)
        left_out = exported.left_out[file]
        assert set(left_out) == set(OUTPUTS) - set(outputs)
        assert all("jetvae.emd" in why for why in left_out.values())
    assert all(max(each.differences.values()) <= 1e-5 for each in exported.agreements)
    sums = dict(line.split("  ")[::-1] for line in (tmp_path / "out/SHA256SUMS").read_text().splitlines())
    present = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "out").iterdir()}
    assert sums == {name: value for name, value in present.items() if name != "SHA256SUMS"}
    card = (tmp_path / "out/card.md").read_text()
    assert all(
        words in card for words in ("opset 20", run.provenance["data_fingerprint"], *map(str, exported.agreements))
    )
    assert ("left out: `elbo`, operator jetvae.emd" in card) is clouds


@pytest.fixture(scope="module")
def images(trained, tmp_path_factory):
    """The exported run of images."""
    folder = tmp_path_factory.mktemp("export") / "out"
    export(trained, folder)
    return folder


def test_programs_run_without_this_package(images, sample):
    """Another process, in which none of our packages can be imported; onnxruntime and torch alone."""
    code = f"""
import sys
for name in ("jetvae", "jets", "priors", "models", "inference", "analysis", "pyro"):
    sys.modules[name] = None
import numpy, onnxruntime, torch
jets = numpy.load({str(images / "jets.npy")!r})
folder = {str(images)!r}
module = torch.jit.load(folder + "/model.pt")
table = module(torch.from_numpy(jets)).numpy()
program = torch.export.load(folder + "/model.pt2").module()(torch.from_numpy(jets))
session = onnxruntime.InferenceSession(folder + "/encoder.onnx")
onnx = dict(zip([each.name for each in session.get_outputs()], session.run(None, {{"constituents": jets}})))
score = table[:, module.columns.index("elbo")]
print(abs(score - program["elbo"].numpy()).max() + abs(score - onnx["elbo"]).max(), len(module.columns), table.shape[1])
"""
    np.save(images / "jets.npy", sample.constituents[:20])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, cwd=images
    )
    apart, columns, width = done.stdout.split()
    assert float(apart) < 1e-3
    assert columns == width == "11"


def test_numbers_of_the_onnx_file_against_numpy(images, trained, sample):
    """The score from the image by the formulas of 2104.08291, in float64, with the run's weights."""
    chosen = sample[~agreement.decided_by_rounding(sample, trained.recipe)][:50]
    said = agreement.said_by_onnx(images / "encoder.onnx", chosen.constituents)
    x = np.concatenate([part.numpy() for part in trained.data.batches(np.arange(len(sample)), 500)]).astype(float)
    x = x[~agreement.decided_by_rounding(sample, trained.recipe)][:50]
    weights = {name: value.double().numpy() for name, value in trained.vae.state_dict().items()}
    h = x @ weights["encoder.0.weight"].T + weights["encoder.0.bias"]
    h = 1.0507009873554805 * np.where(h > 0, h, 1.6732632423543772 * np.expm1(h))
    h = (h - weights["encoder.2.running_mean"]) / np.sqrt(weights["encoder.2.running_var"] + 1e-5)
    h = h * weights["encoder.2.weight"] + weights["encoder.2.bias"]
    mu, log_variance = np.split(h @ weights["encoder.3.weight"].T + weights["encoder.3.bias"], 2, axis=1)
    prior = 1 / 0.9 * (1 - 2 / 2) + 2 / 0.9 / 4
    kl = 0.5 * ((mu**2 + np.exp(log_variance)) / prior - 1 - log_variance + np.log(prior))
    logits = special.softmax(mu, axis=1) @ weights["decoder.0.weight"].T
    distance = (special.xlogy(x, x) - x * special.log_softmax(logits, axis=1)).sum(1)
    np.testing.assert_allclose(said["centres"], special.softmax(mu, axis=1), atol=2e-6)
    np.testing.assert_allclose(said["kl_terms"], kl, atol=5e-6)
    np.testing.assert_allclose(said["reconstruction"], 10 * distance, rtol=5e-6)
    np.testing.assert_allclose(said["elbo"], 10 * distance + kl.sum(1), rtol=5e-6)


def test_the_same_as_a_run_without_draws(images, trained, sample):
    chosen = sample[~agreement.decided_by_rounding(sample, trained.recipe)][:50]
    said = agreement.said_by_onnx(images / "encoder.onnx", chosen.constituents)
    score = jetvae.open(trained.path, sample).encode(chosen, draws=0)["score"]
    for name in ("reconstruction", "kl", "elbo"):
        np.testing.assert_allclose(said[name], score.sel(name=name), rtol=1e-5, atol=1e-5)


def test_padding_order_and_company_do_not_matter_and_no_jet_is_nan(images, sample):
    constituents = sample.constituents[:8]
    longer = np.concatenate([constituents, np.zeros((8, 30, 3), np.float32)], 1)
    shuffled = constituents[:, np.random.default_rng(0).permutation(constituents.shape[1])]
    own = agreement.said_by_onnx(images / "encoder.onnx", constituents)["elbo"]
    for other in (longer, shuffled):
        np.testing.assert_allclose(agreement.said_by_onnx(images / "encoder.onnx", other)["elbo"], own, rtol=1e-5)
    broken = constituents[:4].copy()
    broken[0], broken[1, 0, 0], broken[2, :, 1] = 0, np.nan, 0.1
    for module in (torch.jit.load(images / "model.pt"), None):
        said = (
            module(torch.from_numpy(broken)).numpy()[:, -1]
            if module
            else agreement.said_by_onnx(images / "encoder.onnx", broken)["elbo"]
        )
        assert np.isnan(said[:2]).all()
        assert np.isfinite(said[2:]).all()
        np.testing.assert_allclose(said[3], own[3], rtol=1e-5)


def test_a_jet_on_an_edge_is_found(sample, trained):
    jet = np.zeros((3, 4, 3), np.float32)
    jet[:, :, 0] = [[40, 30, 20, 10]]
    jet[:, :, 1:] = [[0.103, 0.11], [-0.05, 0.26], [0.21, -0.151], [-0.3, -0.09]]
    jet[1, 2:, 0] = 0  # two prongs: turned, both lie on an axis
    jet[2] = 0
    jet[2, 0] = [50, 0, 0]  # one lies on both
    found = agreement.decided_by_rounding(jets.Jets(jet, np.zeros(3, int), ("a",)), trained.recipe)
    assert found.tolist() == [False, True, True]
    vectors = jets.load("toy:gaussian(spectrum=4,1, n=50)")
    assert not agreement.decided_by_rounding(vectors, trained.recipe).any()
    assert agreement.decided_by_rounding(sample, trained.recipe).mean() < 0.05


def test_example_may_be_a_part_of_a_larger_array(trained, sample):
    part = torch.from_numpy(sample.constituents[::7])[:3]
    assert not part.is_contiguous()
    program = exported_program(Answer(trained.vae, trained.recipe, None, ENCODER), part)
    assert program.module()(torch.from_numpy(sample.constituents[:9, :4].copy()))["centres"].shape == (9, 2)


def refuse(*_):
    raise Refused("no operator X")


def test_what_one_format_refuses_another_can_hold(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.deployment.written.exported_program", refuse)
    exported = export(trained, tmp_path / "out")
    assert exported.files == {"model.pt": OUTPUTS}
    assert exported.left_out["encoder.onnx"] == dict.fromkeys(OUTPUTS, "no operator X")
    assert "`encoder.onnx`: left out" in (tmp_path / "out/card.md").read_text()
    assert all(weight.requires_grad for weight in trained.vae.parameters())
    monkeypatch.setattr("analysis.deployment.written.script", refuse)
    with pytest.raises(UserError, match="cannot be exported: no operator X"):
        export(trained, tmp_path / "none")


def test_disagreement_is_refused_and_nothing_is_written(tmp_path, monkeypatch, capsys, trained):
    own = agreement.own_outputs
    monkeypatch.setattr(agreement, "own_outputs", lambda *a: {name: value + 3e-4 for name, value in own(*a).items()})
    monkeypatch.setattr("analysis.deployment.written.exported_program", refuse)
    monkeypatch.setattr("jetvae.options.best_run", lambda _: trained)
    assert main(["export", str(trained.path), "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "differs from the run's by 3.0e-04" in error
    assert "nothing is written" in error
    assert list(tmp_path.iterdir()) == []


def test_comparison():
    none, one = np.zeros(2, bool), np.array([1.0, 200.0])
    said = {"elbo": one + np.array([9e-6, 1e-3])}
    found = agreement.compared("f", said, {"elbo": one}, none)
    assert found.differences["elbo"] == pytest.approx(9e-6, rel=1e-3)
    for wrong in (one + np.array([2e-5, 0]), one * np.nan, one[:1]):
        with pytest.raises(agreement.DisagreementError, match="elbo differs"):
            agreement.compared("f", {"elbo": wrong}, {"elbo": one}, none)
    agreement.compared("f", {"elbo": one + np.array([1.0, 0])}, {"elbo": one}, np.array([True, False]))
    with pytest.raises(agreement.DisagreementError, match="of every jet rounding decides"):
        agreement.compared("f", said, {"elbo": one}, ~none)


def test_what_no_operator_allows_is_left_out_with_the_reason():
    def make(outputs):
        for name, why in (("kl", "lgamma"), ("reconstruction", "emd")):
            if name in outputs:
                raise Refused(why)
        return outputs

    assert as_far_as_possible(make) == Made(
        ENCODER, ENCODER, {"kl_terms": "lgamma", "kl": "lgamma", "reconstruction": "emd", "elbo": "lgamma"}
    )

    def none(outputs):
        raise Refused("encoder")

    assert as_far_as_possible(none) == Made(None, (), dict.fromkeys(OUTPUTS, "encoder"))


class Special(torch.nn.Module):
    def forward(self, x):
        return torch.lgamma(x), torch.digamma(x), torch.hypot(x, x + 1), torch.asinh(x - 0.5)


def session_of(content):
    import onnxruntime

    return onnxruntime.InferenceSession(content)


def test_operators_that_onnx_lacks_against_scipy():
    x = np.geomspace(1e-3, 3e4, 1000).astype(np.float32)
    program = torch.export.export(Special(), (torch.from_numpy(x),))
    content = onnx_program(program, ["lgamma", "digamma", "hypot", "asinh"]).model_proto.SerializeToString()
    lgamma, digamma, hypot, asinh = session_of(content).run(None, {"constituents": x})
    wide = x.astype(float)
    np.testing.assert_allclose(lgamma, special.gammaln(wide), rtol=2e-7, atol=1e-8)
    np.testing.assert_allclose(digamma, special.digamma(wide), rtol=2e-7, atol=1e-8)
    np.testing.assert_allclose(hypot, np.hypot(wide, wide + 1), rtol=3e-7)
    np.testing.assert_allclose(asinh, np.arcsinh(x - np.float32(0.5)), rtol=2e-6)


@pytest.mark.parametrize("latent", ["D3(alpha=1,.25,.1)", "S2 x H2", "S3(posterior=vmf)", "R1 | R2 x S1", "C3 x G2:3"])
def test_other_latents(latent):
    """All outputs, for batches of another size than the one that was traced."""
    torch.manual_seed(1)
    config = ModelConfig(latent=latent, encoder=(8,), decoder=(8,), likelihood="normal", beta=Beta(0.5), inputs=5)
    answer = Answer(build(config).eval(), inference.read("vae-gaussian").model_copy(update={"model": config}))
    x = 3 * torch.randn(200, 5)
    with torch.no_grad():
        own, module = answer(x), script(answer, x[:3])
        table = module(x)
    if "H2" in latent:  # whose logarithms are finite by the addition of 1e-14
        content = onnx_program(exported_program(answer, x[:3]), OUTPUTS).model_proto.SerializeToString()
        for name, said in zip(OUTPUTS, session_of(content).run(None, {"constituents": x.numpy()}), strict=True):
            assert agreement.difference(said, own[name].numpy()) < 1e-5, name
    assert table.shape[1] == len(module.columns) == len(set(module.columns))
    for name in OUTPUTS:
        at = [i for i, column in enumerate(answer.columns()) if column.output == name]
        torch.testing.assert_close(table[:, at], own[name].reshape(200, -1), rtol=1e-6, atol=1e-6)


def test_refusals(tmp_path, trained, monkeypatch, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    with pytest.raises(UserError, match=r"full: already exists; choose another -o"):
        export(trained, tmp_path / "full")
    half = untrained(tmp_path / "half", "image-dvae", {"training.epochs": 3})
    with pytest.raises(UserError, match="train on: jetvae resume"):
        export(half, tmp_path / "out")
    with pytest.raises(UserError, match="are vectors of 2"):
        export(trained, tmp_path / "out", ["toy:gaussian(spectrum=4,1, n=50)"])
    assert main(["export", str(trained.path)]) == 2
    assert main(["export", str(trained.path), "--bundle", "b.zip", "--beta", "1"]) == 2
    assert "leave --data and --beta out" in capsys.readouterr().err
    monkeypatch.setattr("analysis.deployment.packages.find_spec", lambda name: None if "onnx" in name else True)
    with pytest.raises(UserError, match=r"needs onnx and onnxscript and onnxruntime; pip install 'jetvae\[export\]'"):
        export(trained, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "half"]
