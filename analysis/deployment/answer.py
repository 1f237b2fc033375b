"""What a run says of jets as one module: from constituents, preprocessing included, to named tensors, without noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from analysis.evaluation.centred import centred_kl, centred_terms
from inference.lower_bound import kl_terms
from inference.recipe import Recipe
from jets.preprocess import pixelise, prepare
from models import VAE

ENCODER = ("parameters", "centres")
"""Outputs that need the encoder alone."""
PRIOR = ("kl_terms", "kl")
"""Outputs that also need the KL of posterior and prior."""
LIKELIHOOD = ("reconstruction",)
"""Outputs that also need decoder and likelihood."""
BOUND = ("elbo",)
"""Outputs that need all of it."""
OUTPUTS = (*ENCODER, *PRIOR, *LIKELIHOOD, *BOUND)
"""All outputs, in their order."""


class Column(NamedTuple):
    """One number of an output.

    Attributes
    ----------
    output
        Name of the output that it is part of.
    name
        Its own name, unique among all.
    unit
        ``nat``, ``rad``, or empty.
    """

    output: str
    name: str
    unit: str


class Answer(nn.Module):
    r"""From constituents to posterior, KL, reconstruction and score of each jet, at the centre of its posterior.

    .. math:: \mathrm{elbo} = -\ln p(x\,|\,\bar z) + KL(q(z|x)\,\|\,p(z))

    Input: constituents ``(B, M, 3)`` float32, pT [GeV], rapidity and azimuth [rad] relative to the jet axis, falling
    pT, padded with zeros, any M; of a model of vectors ``(B, K)``. Output, by name: ``parameters`` ``(B, P)`` of the
    posterior, ``centres`` ``(B, coordinates)`` of it as they are reported, ``kl_terms`` ``(B, terms)`` [nat],
    ``reconstruction``, ``kl``, ``elbo`` ``(B,)`` [nat]; of the last three, larger is more anomalous. See
    :func:`analysis.evaluation.centred.centred_terms`. A jet that cannot be described, one without pT (inside the
    image), is NaN.

    Parameters
    ----------
    vae
        The model, in evaluation mode, at the resolution that is wanted.
    recipe
        Its recipe: preprocessing and pixels.
    most
        Number of leading constituents that the model takes, where it is fixed: jets are padded or cut to it.
    outputs
        Those of :data:`OUTPUTS` that are wanted.
    """

    def __init__(self, vae: VAE, recipe: Recipe, most: int | None = None, outputs: Sequence[str] = OUTPUTS) -> None:
        super().__init__()
        self.vae, self.recipe, self.most = vae, recipe, most
        self.outputs = tuple(name for name in OUTPUTS if name in outputs)

    def forward(self, constituents: Tensor) -> dict[str, Tensor]:
        """Return output name -> tensor, of constituents ``(B, M, 3)`` or vectors ``(B, K)``."""
        x = self.described(constituents)
        found: dict[str, Tensor] = {}
        if set(self.outputs) & {*LIKELIHOOD, *BOUND}:
            bound, head = centred_terms(self.vae, x)
            found |= {"reconstruction": bound.reconstruction, "elbo": -bound.elbo}
            kl = bound.kl
        elif set(self.outputs) & set(PRIOR):
            kl, head = centred_kl(self.vae, x)
        else:
            kl, head = {}, self.vae.encode(x)
        found |= {"parameters": head, "centres": self.vae.latent.points(head)}
        if kl:
            terms = torch.cat([nats.expand(head.shape[0], nats.shape[-1]) for nats in kl.values()], -1)
            found |= {"kl_terms": terms, "kl": terms.sum(-1)}
        return {name: found[name] for name in self.outputs}

    def described(self, constituents: Tensor) -> Tensor:
        """Return what the model describes: images ``(B, pixels**2)``, clouds ``(B, M, 3)`` or vectors ``(B, K)``."""
        constituents = constituents.float()
        if constituents.dim() == 2:
            return constituents
        if self.most is not None:
            padding = constituents.new_zeros(constituents.shape[0], self.most, 3)
            constituents = torch.cat([constituents, padding], 1)[:, : self.most]
        image = self.recipe.image
        prepared = prepare(constituents, image.steps)
        if self.recipe.model.clouds:
            pt = prepared[..., :1]
            return torch.cat([pt / pt.sum(-2, keepdim=True), prepared[..., 1:]], -1)
        picture = pixelise(prepared, image.pixels, image.width).flatten(1)
        return picture + torch.where(picture.sum(-1, keepdim=True) > 0, 0.0, torch.nan)

    def columns(self) -> list[Column]:
        """Return name and unit of every number of the outputs, in their order."""
        space = self.vae.latent
        found = []
        if "parameters" in self.outputs:
            sizes = [(label, factor.outputs) for label, factor in space.items]
            found += [Column("parameters", f"{label}_parameter_{i}", "") for label, n in sizes for i in range(n)]
        if "centres" in self.outputs:
            units = zip(space.coordinate_names, space.coordinate_units, strict=True)
            found += [Column("centres", name, unit) for name, unit in units]
        if "kl_terms" in self.outputs:
            found += [Column("kl_terms", f"kl_{name}", "nat") for name in self.term_names()]
        return found + [Column(name, name, "nat") for name in self.outputs if name in ("kl", "reconstruction", "elbo")]

    @torch.no_grad()
    def term_names(self) -> list[str]:
        """Return the names of the terms of the KL."""
        config = self.recipe.model
        size = (self.most or 1, 3) if config.clouds else (config.inputs or self.recipe.image.pixels**2,)
        kl, _ = centred_kl(self.vae, torch.full((1, *size), 0.5))
        return [term.name for site, nats in kl.items() for term in kl_terms(self.vae.latent, site, nats.shape[-1])]
