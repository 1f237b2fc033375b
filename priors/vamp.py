"""``V2:50``: R^2 whose prior is the mean of the posteriors of 50 learned pseudo-inputs."""

from __future__ import annotations

from collections.abc import Callable

import pyro.distributions as dist
import torch
from torch import Tensor, nn

from priors.normal import Normal


class VampPrior(Normal):
    r"""R^d with :math:`p(z) = \frac1K \sum_k q(z|u_k)`, pseudo-inputs :math:`u_k` learned.

    Tomczak & Welling, "VAE with a VampPrior", 1705.07120, eq. 9.

    Until :meth:`connect` hands it the encoder, a pseudo-input is an encoder output: K learned posteriors.
    KL by Monte Carlo, one number.

    >>> prior = VampPrior(2, 50)
    >>> prior, prior.prior().event_shape
    (V2:50, torch.Size([2]))

    Parameters
    ----------
    dim
        d.
    components
        K, the number of pseudo-inputs.

    Raises
    ------
    ValueError
        ``components`` is not a whole number of at least 1.
    """

    symbol = "V"

    def __init__(self, dim: int, components: int = 50) -> None:
        super().__init__(dim)
        if not isinstance(components, int) or components < 1:
            raise ValueError(f"a VampPrior needs a whole number of pseudo-inputs >= 1, got {components!r}")
        self.components = components
        self.pseudo_inputs = nn.Parameter(torch.randn(components, self.outputs))
        self._encode: Callable[[Tensor], Tensor] | None = None

    def connect(self, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
        """Take the encoder, inputs ``(N, ...)`` to heads ``(N, 2 d)``, and start the pseudo-inputs at ``inputs``.

        Raises
        ------
        ValueError
            There are fewer inputs than pseudo-inputs.
        """
        if len(inputs) < self.components:
            raise ValueError(f"{self} needs at least {self.components} inputs to start from, got {len(inputs)}")
        self.pseudo_inputs = nn.Parameter(inputs[: self.components].detach().clone())
        self._encode = lambda x: encode(x)  # a closure: an encoder stored as a module would be counted twice

    def prior(self) -> dist.TorchDistribution:
        """Mixture of the pseudo-inputs' posteriors with equal weights, event shape ``(d,)``."""
        heads = self.pseudo_inputs if self._encode is None else self._encode(self.pseudo_inputs)
        equal = dist.Categorical(logits=heads.new_zeros(self.components))
        return dist.MixtureSameFamily(equal, self.posterior(heads))

    def __str__(self) -> str:
        return f"{self.label}:{self.components}"

    __repr__ = __str__
