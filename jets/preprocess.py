r"""Constituents to images, on any torch device: centre, rotate, flip, pixelise.

Every function takes constituents ``(..., M, 3)`` = (pT, eta, phi), zero padded (pT = 0), and returns them in the
same shape. The steps are those of Dillon et al., "Better latent spaces for better autoencoders" (2104.08291, sec. 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from jets.errors import UserError

WIDTH = (0.029, 0.035)
"""Pixel size of the authors' 40 x 40 grid in (eta, phi)."""


def centre(constituents: Tensor) -> Tensor:
    r"""Move the pT-weighted centroid to the origin: :math:`\eta_i \to \eta_i - \sum p_T\eta / \sum p_T`, same for phi.

    >>> jets = torch.tensor([[[3.0, 0.4, 0.0], [1.0, 0.0, 0.4], [0.0, 0.0, 0.0]]])
    >>> centre(jets)[0, :2, 1:]
    tensor([[ 0.1000, -0.1000],
            [-0.3000,  0.3000]])
    """
    pt, position = constituents[..., :1], constituents[..., 1:]
    centroid = (pt * position).sum(-2, keepdim=True) / pt.sum(-2, keepdim=True)
    return torch.cat([pt, torch.where(pt > 0, position - centroid, 0.0)], -1)


def rotate(constituents: Tensor) -> Tensor:
    """Turn the jet about the origin until its principal axis is vertical (along phi).

    >>> line = torch.tensor([[[1.0, 0.3, 0.3], [1.0, -0.3, -0.3]]])
    >>> rotate(line)[0, :, 1].abs().max() < 1e-6
    tensor(True)
    """
    return turned(constituents, torch.pi / 2 - axis(constituents))


def axis(constituents: Tensor) -> Tensor:
    r"""Return the angle of the principal axis to the eta axis, -pi/2 to pi/2, ``(...)`` [rad].

    Of the leading eigenvector of :math:`\sum p_T\,(\eta, \phi)^T(\eta, \phi)`:
    :math:`\frac12\mathrm{atan2}(2 M_{\eta\phi}, M_{\eta\eta} - M_{\phi\phi})`.
    """
    pt, eta, phi = constituents.unbind(-1)
    m_ee, m_pp, m_ep = (pt * eta * eta).sum(-1), (pt * phi * phi).sum(-1), (pt * eta * phi).sum(-1)
    return torch.atan2(2 * m_ep, m_ee - m_pp) / 2


def direction(constituents: Tensor) -> Tensor:
    """Return the angle to the eta axis of that end of the principal axis where more of the pT lies, ``(...)`` [rad].

    It turns with the jet. For a jet about its centroid it points at the harder of two prongs.

    >>> jet = torch.tensor([[3.0, 0.1, 0.1], [1.0, -0.3, -0.3]])
    >>> torch.rad2deg(torch.stack([direction(jet), direction(turned(jet, torch.tensor(torch.pi)))])).round()
    tensor([  45., -135.])
    """
    angle = axis(constituents)
    pt, along, _ = turned(constituents, -angle).unbind(-1)
    return torch.where((pt * along.sign()).sum(-1) < 0, torch.atan2(-angle.sin(), -angle.cos()), angle)


def aligned(constituents: Tensor) -> tuple[Tensor, Tensor]:
    """Return constituents turned so that their :func:`direction` is the eta axis, and that direction [rad]."""
    angle = direction(constituents)
    return turned(constituents, -angle), angle


def turned(constituents: Tensor, angle: Tensor) -> Tensor:
    """Return constituents turned about the origin by ``angle`` ``(...)`` [rad]."""
    pt, eta, phi = constituents.unbind(-1)
    cos, sin = angle.cos().unsqueeze(-1), angle.sin().unsqueeze(-1)
    return torch.stack([pt, cos * eta - sin * phi, sin * eta + cos * phi], -1)


def flip(constituents: Tensor) -> Tensor:
    """Reflect in eta and in phi so that the larger half of the pT lies at positive eta and at positive phi.

    >>> flip(torch.tensor([[[3.0, -0.4, 0.1], [1.0, 0.2, -0.4]]]))[0, :, 1:]
    tensor([[ 0.4000,  0.1000],
            [-0.2000, -0.4000]])
    """
    pt, position = constituents[..., :1], constituents[..., 1:]
    balance = (pt * position.sign()).sum(-2, keepdim=True)
    return torch.cat([pt, torch.where(balance < 0, -position, position)], -1)


def pixelise(constituents: Tensor, pixels: int = 40, width: Sequence[float] = WIDTH) -> Tensor:
    r"""Sum the pT of the constituents in each pixel and normalise: :math:`x_k \ge 0`, :math:`\sum_k x_k = 1`.

    Constituents ``(..., M, 3)`` give images ``(..., pixels, pixels)`` indexed (eta, phi), of ``width`` (eta, phi) a
    pixel, centred on the origin. Constituents outside are dropped; a jet with none inside gives an empty image.

    >>> image = pixelise(torch.tensor([[[3.0, 0.01, 0.01], [1.0, 0.02, 0.01], [4.0, -0.01, 0.01]]]))
    >>> image.shape, image[0, 20, 20], image[0, 19, 20]
    (torch.Size([1, 40, 40]), tensor(0.5000), tensor(0.5000))
    """
    pt, eta, phi = constituents.unbind(-1)
    row = torch.floor(eta / width[0] + pixels / 2)
    column = torch.floor(phi / width[1] + pixels / 2)
    inside = (row >= 0) & (row < pixels) & (column >= 0) & (column < pixels)
    index = torch.where(inside, row * pixels + column, 0).long()
    weight = torch.where(inside, pt, 0.0)
    weight = weight / weight.sum(-1, keepdim=True).clamp(min=torch.finfo(pt.dtype).tiny)
    if weight.is_cuda:
        image = summed_in_steps(weight, index, pixels * pixels)
    else:
        image = weight.new_zeros(*pt.shape[:-1], pixels * pixels).scatter_add_(-1, index, weight)
    return image.unflatten(-1, (pixels, pixels))


FINE = 2.0**52
"""Steps into which :func:`summed_in_steps` divides one."""


def summed_in_steps(weight: Tensor, index: Tensor, places: int) -> Tensor:
    """Return ``(..., places)``: weights ``(..., M)`` of sum 1, added at ``index`` ``(..., M)`` in steps of 2^-52.

    On CUDA additions happen in the order in which threads come. Floats would have other last bits after each call, and
    a training could not be repeated; whole numbers have the same sum in any order. A weight that is not finite makes
    all places NaN.

    >>> summed_in_steps(torch.tensor([0.25, 0.5, 0.25]), torch.tensor([0, 2, 0]), 3)
    tensor([0.5000, 0.0000, 0.5000])
    """
    nothing = weight.new_zeros(*weight.shape[:-1], places)
    steps = nothing.long().scatter_add_(-1, index, (weight.double() * FINE).round().long())
    return (steps.double() / FINE).to(weight.dtype) + 0 * weight.sum(-1, keepdim=True)


def outside(constituents: Tensor, pixels: int = 40, width: Sequence[float] = WIDTH) -> Tensor:
    """Return which jets ``(..., M, 3)`` have no pT inside the image of :func:`pixelise`, ``(...)``.

    >>> outside(torch.tensor([[[3.0, 0.1, 0.0]], [[3.0, 2.0, 0.0]]]))
    tensor([False,  True])
    """
    half = torch.tensor(width, dtype=constituents.dtype, device=constituents.device) * pixels / 2
    pt, position = constituents[..., 0], constituents[..., 1:]
    return ((pt == 0) | ((position < -half) | (position >= half)).any(-1)).all(-1)


def turn(constituents: Tensor) -> Tensor:
    """Turn each jet about the origin by a random angle, and mirror it or not: other jets that are as likely.

    Without polarisation nothing singles out a direction about a jet's axis but the detector. Constituents
    ``(B, M, 3)``; the draws are torch's.

    >>> _ = torch.manual_seed(0)
    >>> jet = torch.tensor([[[1.0, 0.3, 0.4], [1.0, 0.0, 0.0]]])
    >>> round(float(turn(jet)[0, 0, 1:].norm()), 6)
    0.5
    """
    pt, eta, phi = constituents.unbind(-1)
    angle, side = torch.rand(2, len(pt), 1, dtype=pt.dtype, device=pt.device).unbind()
    mirrored = torch.stack([pt, eta, torch.where(side < 0.5, -phi, phi)], -1)
    return turned(mirrored, 2 * torch.pi * angle.squeeze(-1))


STEPS = {"centre": centre, "rotate": rotate, "flip": flip}
"""The optional steps, in the order in which they are applied."""


def prepare(constituents: Tensor, steps: Sequence[str] = tuple(STEPS)) -> Tensor:
    """Apply ``steps``, in the order of :data:`STEPS`, to constituents ``(..., M, 3)``.

    Raises
    ------
    UserError
        A step that does not exist.
    """
    unknown = set(steps) - set(STEPS)
    if unknown:
        raise UserError(f"unknown preprocessing steps {sorted(unknown)}; known: {', '.join(STEPS)}")
    for name in STEPS:
        if name in steps:
            constituents = STEPS[name](constituents)
    return constituents
