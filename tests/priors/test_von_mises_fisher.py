"""The von Mises-Fisher distribution against Bessel functions of many digits, and where it ends."""

import mpmath
import pytest
import torch
from torch.distributions import kl_divergence

from priors import LatentStringError, parse
from priors.sphere import SphereUniform
from priors.von_mises_fisher import VonMisesFisherDistribution


def kl_to_uniform(m, kappa):
    r""":math:`\kappa I_{\nu+1}/I_\nu + \ln C_m(\kappa) + \ln|S^{m-1}|`, :math:`\nu = m/2 - 1`, in nats."""
    with mpmath.workdps(40):
        half, kappa = mpmath.mpf(m) / 2, mpmath.mpf(kappa)
        bessel, next_bessel = (mpmath.besseli(half - 1 + i, kappa) for i in (0, 1))
        log_density = (half - 1) * mpmath.log(kappa) - half * mpmath.log(2 * mpmath.pi) - mpmath.log(bessel)
        log_area = mpmath.log(2) + half * mpmath.log(mpmath.pi) - mpmath.loggamma(half)
        return float(kappa * next_bessel / bessel + log_density + log_area)


@pytest.mark.parametrize("kappa", [1.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("m", [2, 3, 5, 8, 13])
def test_kl_is_that_of_bessel_functions(m, kappa):
    """To 1 per mille in float32, denormals flushed as in a training."""
    q = VonMisesFisherDistribution(torch.eye(m)[0], torch.tensor(kappa))
    assert float(kl_divergence(q, SphereUniform(torch.zeros(m)))) == pytest.approx(kl_to_uniform(m, kappa), rel=1e-3)
    assert q.rsample((100,)).isfinite().all()


@pytest.mark.parametrize("dim", [13, 50])
def test_spheres_on_which_it_underflows_are_refused(dim):
    with pytest.raises(LatentStringError, match=f"underflows; it reaches S12, .* any sphere: S{dim}"):
        parse(f"S{dim}(posterior=vmf)")
    with pytest.raises(ValueError, match="underflows"):
        VonMisesFisherDistribution(torch.eye(dim + 1)[0], torch.tensor(1.0))
