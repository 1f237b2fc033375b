"""A category trained in three ways ends at the optimum that is known: two normals that overlap."""

import numpy as np
import pytest
import torch

import inference
from inference.training import train_many

WIDTH, POINTS = 0.7, 4000
RECIPE = """
[data]
files = ["{file}"]
validation = 0.01
test = 0.01
[model]
latent = "{latent}"
encoder = [32]
decoder = []
decoder_bias = false
activation = "tanh"
likelihood = "normal"
beta = {width}
[training]
epochs = {epochs}
batch_size = 100
compile = false
[schedule]
lr = {{ shape = "cosine", start = 5e-3, stop = 1e-5 }}
"""
DRAWN = "C2(posterior=straight-through)"
RELAXED = "C2(posterior=relaxed,temperature=.5,.02,kl=discrete)"


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """Points of normals about -1 and 1, and where they are."""
    random = np.random.default_rng(0)
    x = (2.0 * random.integers(0, 2, POINTS) - 1 + WIDTH * random.normal(size=POINTS)).astype(np.float32)
    file = tmp_path_factory.mktemp("points") / "x.npy"
    np.save(file, x[:, None])
    return file


def optimum(x):
    """Mean KL(p(c | x) || 1/2) [nat] of the two normals that the points were drawn from."""
    log_p = np.stack([-((x - centre) ** 2) / (2 * WIDTH**2) for centre in (-1, 1)], -1).astype(float)
    q = np.exp(log_p - np.logaddexp.reduce(log_p, -1, keepdims=True))
    return float((q * np.log(2 * q.clip(1e-300))).sum(-1).mean())


@pytest.mark.parametrize(
    ("latent", "epochs", "seeds", "within"), [("C2", 30, 1, 0.01), (DRAWN, 30, 1, 0.01), (RELAXED, 60, 4, 0.02)]
)
def test_category_takes_up_the_information_that_there_is(latent, epochs, seeds, within, points, tmp_path):
    """KL between the categories on the training points; of the relaxed one, whose gradient is noisy, of four seeds."""
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE.format(file=points, latent=latent, epochs=epochs, width=WIDTH))
    folders = [tmp_path / str(seed) for seed in range(seeds)]
    train_many([inference.read(recipe, {"training.seed": seed}) for seed in range(seeds)], folders)
    found = []
    for run in map(inference.Run.open, folders):
        x = run.data[torch.from_numpy(run.split.train)]
        with torch.no_grad():
            kl = run.vae.latent.information(run.vae.encode(x))["C2"]
        found.append(float(kl.mean()) - optimum(x.numpy()[:, 0]))
    assert abs(np.mean(found)) < within, found
