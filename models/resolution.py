"""One model for a whole range of resolutions: networks that depend on ln beta, and the loss that balances the range."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

BINS = 16
"""Bins of ln beta in which the running mean of the loss is kept."""
MEMORY = 0.95
"""Part of the running mean that one step keeps."""
FLOOR = 0.3
"""Loss [nat] below which a resolution counts less and less."""
BEYOND = 0.05
"""Part of the range, in ln beta, that training goes beyond each end, but no more than the distance of two bumps.

A slope at the end of what was trained is that of nothing: networks are free to bend there.
"""


class Resolution(nn.Module):
    r"""The range of beta that one model covers, and the code of beta that its networks take.

    .. math::
        c(\beta) = \bigl(t, t^2, e^{-(t_1 - t)^2/2w^2}, \ldots\bigr), \qquad t \propto \ln\beta \in [-1, 1]

    with bumps every ``step`` in ln beta, so that a linear function of the code is any function that is smooth over it.

    >>> Resolution(0.01, 1.0)(torch.tensor([0.01, 0.1, 1.0]))[:, :2]
    tensor([[-1.,  1.],
            [ 0.,  0.],
            [ 1.,  1.]])

    Parameters
    ----------
    low, high
        Ends of the range, in the unit of beta.
    step
        Distance between two bumps, in ln beta.
    """

    centres: Tensor
    mean_loss: Tensor

    def __init__(self, low: float, high: float, step: float = 0.75) -> None:
        super().__init__()
        if not 0 < low < high:
            raise ValueError(f"a range of resolutions is LOW:HIGH with 0 < LOW < HIGH, got {low:g}:{high:g}")
        self.low, self.high = low, high
        self.beyond = min(step, BEYOND * math.log(high / low))
        bumps = math.ceil(math.log(high / low) / step) + 1
        self.register_buffer("centres", torch.linspace(-1, 1, bumps), persistent=False)
        self.register_buffer("mean_loss", torch.zeros(BINS))
        self.codes = bumps + 2
        self.total: Callable[[Tensor], Tensor] | None = None  # sums over the processes that share a batch

    def place(self, beta: Tensor) -> Tensor:
        """Return where beta lies in the range: -1 and 1 at its ends, linear in ln beta; shape of beta."""
        return 2 * (beta / self.low).log() / math.log(self.high / self.low) - 1

    def forward(self, beta: Tensor) -> Tensor:
        """Return the code of beta ``(...)``, shape ``(..., codes)``."""
        t = self.place(beta).unsqueeze(-1)
        width = 2 / (len(self.centres) - 1)
        return torch.cat([t, t * t, torch.exp(-(((t - self.centres) / width) ** 2) / 2)], -1)

    def stratified(self, count: int) -> Tensor:
        """Draw resolutions ``(count,)``, rising: ln beta uniform over the range and a little beyond, in equal strata.

        One in each of ``count`` strata; by ``beyond`` past both ends.
        """
        device = self.centres.device
        part = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        length = math.log(self.high / self.low)
        return self.low * torch.exp((length + 2 * self.beyond) * part - self.beyond)

    def narrowness(self, beta: Tensor) -> Tensor:
        r"""Return the width of a posterior before training, :math:`\beta/\sqrt{\beta^2 + (\beta_{max}/2)^2}`.

        A coordinate of the size of the data is known to about beta: without this, draws of width one would drown what
        small beta asks for, and latents would die.
        """
        return beta / (beta**2 + (self.high / 2) ** 2).sqrt()

    def balanced(self, loss: Tensor, beta: Tensor) -> Tensor:
        r"""Return the mean of ``loss`` ``(B,)`` [nat], divided by 0.3 + its running mean at about the jet's beta.

        Losses differ by orders of magnitude between the ends of the range; divided, each resolution is heard. In
        training mode the running mean moves on.
        """
        bins = ((self.place(beta) + 1) / 2 * BINS).clamp(0, BINS - 1).long()
        member = (bins.unsqueeze(-1) == torch.arange(BINS, device=bins.device)).to(loss.dtype)
        if self.training:
            sums = torch.stack([loss.detach() @ member, member.sum(0)])
            sum_of_losses, count = sums if self.total is None else self.total(sums)
            now = (sum_of_losses / count.clamp(min=1)).clamp(min=0)
            moved = torch.where(self.mean_loss > 0, torch.lerp(now, self.mean_loss, MEMORY), now)
            self.mean_loss.copy_(torch.where(count > 0, moved, self.mean_loss))
        return (loss / (FLOOR + member @ self.mean_loss)).mean()


class Film(nn.Module):
    r"""Feature-wise linear modulation :math:`h \mapsto (1 + a(c))\,h + b(c)`, a and b linear in the code c.

    Starts as the identity. Perez et al. 1709.07871, eq. 2.
    """

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(codes, 2 * width)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, h: Tensor, code: Tensor) -> Tensor:
        """Modulate features ``(..., width)`` by the code ``(..., codes)``, whose leading dimensions broadcast."""
        scale, shift = self.linear(code).chunk(2, -1)
        return (1 + scale) * h + shift


class Layers(nn.Sequential):
    """Layers in a row, of which those that are :class:`Film` also see the code."""

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """Return the last layer's output; ``code`` is needed where there is a Film."""
        for layer in self:
            x = layer(x, code) if isinstance(layer, Film) else layer(x)
        return x
