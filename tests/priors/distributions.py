"""Every distribution of torch and Pyro, and what is expected of it in ``Latent.from_distributions``.

PRIORS holds what builds one, a posterior for it and, if that is refused, a part of the reason; POSTERIORS a prior for a
class, or a part of the reason. The tests are in ``test_every_distribution.py``.
"""

import functools
import inspect

import pyro.distributions as dist
import torch
import torch.distributions
from torch.distributions import Distribution

from priors import VonMises

PAIR, ZERO, ONE = torch.zeros(2), torch.tensor(0.0), torch.tensor(1.0)
Circle = VonMises.family
UNIT = dist.Normal(0.0, 1.0)
SHAPE, SUPPORT, LENGTHS = "does not fit dimension 2", "outside the prior's support", "a density of"
NO_GRADIENT, BUILD = "neither reparametrised", "make no factor of dimension 2"
PARAMETERS = "depends on other parameters"
TAIL, REFUSED, NO_DENSITY = "no finite (mean|variance)", "cannot be a prior or posterior", "is no density"
ABSTRACT = "must be a distribution class with fixed arg_constraints"
HIDDEN = dict.fromkeys(
    ("DiscreteHMM", "GammaGaussianHMM", "GaussianHMM", "GaussianMRF", "IndependentHMM", "LinearHMM"), BUILD
)


def plane_normal(family, **parameters):
    return lambda: family(loc=PAIR, **parameters)


PRIORS = {
    "AVFMultivariateNormal": (
        lambda: dist.AVFMultivariateNormal(PAIR, torch.eye(2), torch.zeros(2, 1, 2)),
        dist.Normal,
    ),
    "AffineBeta": (lambda: dist.AffineBeta(2.0, 2.0, -1.0, 3.0), dist.Beta),
    "AsymmetricLaplace": (lambda: dist.AsymmetricLaplace(0.0, 1.0, 1.5), dist.Normal),
    "Bernoulli": (lambda: dist.Bernoulli(0.5), dist.Beta, LENGTHS),
    "Beta": (lambda: dist.Beta(2.0, 3.0), dist.Beta),
    "BetaBinomial": (lambda: dist.BetaBinomial(1.0, 1.0, 3), dist.Normal, LENGTHS),
    "Binomial": (lambda: dist.Binomial(3, 0.5), dist.Normal, LENGTHS),
    "Categorical": (lambda: dist.Categorical(torch.ones(3)), dist.Normal, LENGTHS),
    "Cauchy": (lambda: dist.Cauchy(0.0, 1.0), dist.Cauchy),
    "Chi2": (lambda: dist.Chi2(3.0), dist.Gamma),
    "CoalescentTimes": (lambda: dist.CoalescentTimes(torch.zeros(3)), dist.Normal, BUILD),
    "ContinuousBernoulli": (lambda: dist.ContinuousBernoulli(0.3), dist.Beta),
    "Delta": (lambda: dist.Delta(ZERO), dist.Normal, "densities of 100%"),
    "Dirichlet": (lambda: dist.Dirichlet(torch.ones(2)), dist.Dirichlet),
    "DirichletMultinomial": (lambda: dist.DirichletMultinomial(torch.ones(2), 3), dist.Dirichlet, LENGTHS),
    "Empirical": (lambda: dist.Empirical(torch.randn(10), torch.zeros(10)), dist.Normal, BUILD),
    "ExpandedDistribution": (lambda: dist.torch_distribution.ExpandedDistribution(UNIT, (2,)), dist.Normal),
    "Exponential": (lambda: dist.Exponential(1.0), dist.Gamma),
    "ExtendedBetaBinomial": (lambda: dist.ExtendedBetaBinomial(1.0, 1.0, 3), dist.Normal, LENGTHS),
    "ExtendedBinomial": (lambda: dist.ExtendedBinomial(3, 0.5), dist.Normal, LENGTHS),
    "FisherSnedecor": (lambda: dist.FisherSnedecor(4.0, 6.0), dist.Gamma),
    "FoldedDistribution": (lambda: dist.FoldedDistribution(UNIT), dist.Gamma),
    "Gamma": (lambda: dist.Gamma(2.0, 1.0), dist.Gamma),
    "GammaPoisson": (lambda: dist.GammaPoisson(1.0, 1.0), dist.Gamma, LENGTHS),
    "GaussianScaleMixture": (
        lambda: dist.GaussianScaleMixture(torch.ones(2), torch.zeros(2), torch.ones(2)),
        dist.Normal,
        BUILD,
    ),
    "GeneralizedPareto": (lambda: dist.GeneralizedPareto(0.0, 1.0, 0.1), dist.Gamma, REFUSED),
    "Geometric": (lambda: dist.Geometric(0.5), dist.Gamma, LENGTHS),
    "Gumbel": (lambda: dist.Gumbel(0.0, 1.0), dist.Gumbel),
    "HalfCauchy": (lambda: dist.HalfCauchy(1.0), dist.HalfCauchy),
    "HalfNormal": (lambda: dist.HalfNormal(1.0), dist.HalfNormal),
    "ImproperUniform": (lambda: dist.ImproperUniform(dist.constraints.real, (), ()), dist.Normal, NO_DENSITY),
    "Independent": (lambda: UNIT.expand([2]).to_event(1), dist.Laplace),
    "InverseGamma": (lambda: dist.InverseGamma(3.0, 1.0), dist.InverseGamma),
    "Kumaraswamy": (lambda: dist.Kumaraswamy(2.0, 2.0), dist.Beta),
    "LKJ": (lambda: dist.LKJ(3, 1.0), dist.Normal, SHAPE),
    "LKJCholesky": (lambda: dist.LKJCholesky(2, 1.0), dist.Normal, SHAPE),
    "Laplace": (lambda: dist.Laplace(0.0, 1.0), dist.Laplace),
    "LogNormal": (lambda: dist.LogNormal(0.0, 1.0), dist.Gamma),
    "LogNormalNegativeBinomial": (lambda: dist.LogNormalNegativeBinomial(3, ZERO, ONE), dist.Gamma, LENGTHS),
    "Logistic": (lambda: dist.Logistic(0.0, 1.0), dist.Logistic),
    "LogisticNormal": (lambda: dist.LogisticNormal(torch.zeros(1), torch.ones(1)), dist.Dirichlet),
    "LowRankMultivariateNormal": (
        plane_normal(dist.LowRankMultivariateNormal, cov_factor=torch.ones(2, 1), cov_diag=torch.ones(2)),
        dist.MultivariateNormal,
    ),
    "MaskedDistribution": (lambda: UNIT.expand([2]).mask(torch.tensor([True, False])), dist.Normal, NO_DENSITY),
    "MaskedMixture": (
        lambda: dist.MaskedMixture(torch.tensor([True, False]), UNIT.expand([2]), dist.Laplace(PAIR, 1.0)),
        dist.Normal,
    ),
    "MixtureOfDiagNormals": (
        lambda: dist.MixtureOfDiagNormals(torch.eye(3, 2), torch.ones(3, 2), torch.zeros(3)),
        dist.Normal,
    ),
    "MixtureOfDiagNormalsSharedCovariance": (
        lambda: dist.MixtureOfDiagNormalsSharedCovariance(torch.eye(3, 2), torch.ones(2), torch.zeros(3)),
        dist.Normal,
    ),
    "MixtureSameFamily": (
        lambda: dist.MixtureSameFamily(dist.Categorical(torch.ones(3)), dist.Normal(torch.arange(3.0), 1.0)),
        dist.Normal,
    ),
    "Multinomial": (lambda: dist.Multinomial(3, torch.ones(2)), dist.Dirichlet, LENGTHS),
    "MultivariateNormal": (plane_normal(dist.MultivariateNormal, scale_tril=torch.eye(2)), dist.MultivariateNormal),
    "MultivariateStudentT": (lambda: dist.MultivariateStudentT(4 * ONE, PAIR, torch.eye(2)), dist.Normal),
    "NanMaskedMultivariateNormal": (lambda: dist.NanMaskedMultivariateNormal(PAIR, torch.eye(2)), dist.Normal),
    "NanMaskedNormal": (lambda: dist.NanMaskedNormal(0.0, 1.0), dist.Normal),
    "NegativeBinomial": (lambda: dist.NegativeBinomial(3, 0.5), dist.Gamma, LENGTHS),
    "Normal": (lambda: UNIT, dist.Normal),
    "OMTMultivariateNormal": (lambda: dist.OMTMultivariateNormal(PAIR, torch.eye(2)), dist.Normal),
    "OneHotCategorical": (lambda: dist.OneHotCategorical(torch.ones(2)), dist.OneHotCategorical),
    "OneHotCategoricalStraightThrough": (
        lambda: dist.OneHotCategoricalStraightThrough(torch.ones(2)),
        dist.OneHotCategorical,
    ),
    "OneOneMatching": (lambda: dist.OneOneMatching(torch.zeros(2, 2)), dist.Normal, REFUSED),
    "OneTwoMatching": (lambda: dist.OneTwoMatching(torch.zeros(4, 2)), dist.Normal, REFUSED),
    "OrderedLogistic": (lambda: dist.OrderedLogistic(ZERO, torch.tensor([0.0, 1.0])), dist.Normal, LENGTHS),
    "Pareto": (lambda: dist.Pareto(1.0, 2.0), functools.partial(dist.Pareto, scale=1.0)),
    "Poisson": (lambda: dist.Poisson(1.0), dist.Gamma, LENGTHS),
    "ProjectedNormal": (lambda: dist.ProjectedNormal(torch.tensor([1.0, 0.0])), dist.ProjectedNormal),
    "RelaxedBernoulli": (lambda: dist.RelaxedBernoulli(ONE, probs=ONE / 2), dist.Beta),
    "RelaxedBernoulliStraightThrough": (
        lambda: dist.RelaxedBernoulliStraightThrough(ONE, probs=ONE / 2),
        dist.Beta,
    ),
    "RelaxedOneHotCategorical": (lambda: dist.RelaxedOneHotCategorical(ONE, probs=torch.ones(2)), dist.Dirichlet),
    "RelaxedOneHotCategoricalStraightThrough": (
        lambda: dist.RelaxedOneHotCategoricalStraightThrough(ONE, probs=torch.ones(2)),
        dist.Dirichlet,
    ),
    "SineBivariateVonMises": (lambda: dist.SineBivariateVonMises(0.0, 0.0, 1.0, 1.0, correlation=0.5), Circle),
    "SineSkewed": (
        lambda: dist.SineSkewed(dist.VonMises(PAIR, torch.ones(2)).to_event(1), torch.tensor([0.1, 0.1])),
        Circle,
    ),
    "SkewLogistic": (lambda: dist.SkewLogistic(0.0, 1.0), dist.Normal),
    "SoftAsymmetricLaplace": (lambda: dist.SoftAsymmetricLaplace(0.0, 1.0), dist.Normal, BUILD),
    "SoftLaplace": (lambda: dist.SoftLaplace(0.0, 1.0), dist.SoftLaplace),
    "SpanningTree": (lambda: dist.SpanningTree(torch.zeros(3)), dist.Normal, REFUSED),
    "Stable": (lambda: dist.Stable(1.5, 0.0), dist.Normal, REFUSED),
    "StableWithLogProb": (lambda: dist.StableWithLogProb(1.5, 0.0), dist.Normal, REFUSED),
    "StudentT": (lambda: dist.StudentT(4.0), dist.StudentT),
    "TransformedDistribution": (
        lambda: dist.TransformedDistribution(UNIT, [torch.distributions.SigmoidTransform()]),
        dist.Beta,
    ),
    "TruncatedPolyaGamma": (lambda: dist.TruncatedPolyaGamma(ZERO), dist.Gamma, BUILD),
    "Uniform": (lambda: dist.Uniform(0.0, 1.0), dist.Beta),
    "Unit": (lambda: dist.Unit(ZERO), dist.Normal, NO_DENSITY),
    "VonMises": (lambda: dist.VonMises(0.0, 1.0), Circle),
    "VonMises3D": (lambda: dist.VonMises3D(torch.tensor([1.0, 0.0, 0.0])), dist.Normal, SHAPE),
    "Weibull": (lambda: dist.Weibull(1.0, 2.0), dist.Weibull),
    "Wishart": (lambda: torch.distributions.Wishart(3 * ONE, torch.eye(2)), dist.Normal, SHAPE),
    "ZeroInflatedDistribution": (
        lambda: dist.ZeroInflatedDistribution(dist.Poisson(1.0), gate=ONE / 2),
        dist.Gamma,
        LENGTHS,
    ),
    "ZeroInflatedNegativeBinomial": (
        lambda: dist.ZeroInflatedNegativeBinomial(3, gate=ONE / 2, probs=ONE / 2),
        dist.Gamma,
        LENGTHS,
    ),
    "ZeroInflatedPoisson": (lambda: dist.ZeroInflatedPoisson(1.0, gate=ONE / 2), dist.Gamma, LENGTHS),
}
NO_PRIOR = {
    *HIDDEN,
    *("CoalescentTimesWithRate", "Distribution", "ExponentialFamily", "GroupedNormalNormal", "LKJCorrCholesky"),
    *("Rejector", "TorchDistribution"),
}
"""Time series and what has no values of its own, or is a base class."""

POSTERIORS = HIDDEN | {
    "AVFMultivariateNormal": PARAMETERS,
    "AffineBeta": UNIT,
    "AsymmetricLaplace": UNIT,
    "Bernoulli": NO_GRADIENT,
    "Beta": UNIT,
    "BetaBinomial": PARAMETERS,
    "Binomial": PARAMETERS,
    "Categorical": NO_GRADIENT,
    "Cauchy": TAIL,
    "Chi2": UNIT,
    "CoalescentTimes": NO_GRADIENT,
    "CoalescentTimesWithRate": NO_GRADIENT,
    "ContinuousBernoulli": UNIT,
    "Delta": PARAMETERS,
    "Dirichlet": LENGTHS,
    "DirichletMultinomial": PARAMETERS,
    "Distribution": ABSTRACT,
    "Empirical": BUILD,
    "ExpandedDistribution": BUILD,
    "Exponential": UNIT,
    "ExponentialFamily": ABSTRACT,
    "ExtendedBetaBinomial": PARAMETERS,
    "ExtendedBinomial": PARAMETERS,
    "FisherSnedecor": TAIL,
    "FoldedDistribution": BUILD,
    "Gamma": UNIT,
    "GammaPoisson": NO_GRADIENT,
    "GaussianScaleMixture": BUILD,
    "GeneralizedPareto": REFUSED,
    "Geometric": NO_GRADIENT,
    "GroupedNormalNormal": BUILD,
    "Gumbel": UNIT,
    "HalfCauchy": TAIL,
    "HalfNormal": UNIT,
    "ImproperUniform": NO_DENSITY,
    "Independent": BUILD,
    "InverseGamma": TAIL,
    "Kumaraswamy": UNIT,
    "LKJ": BUILD,
    "LKJCholesky": BUILD,
    "LKJCorrCholesky": BUILD,
    "Laplace": UNIT,
    "LogNormal": dist.LogNormal(0.0, 1.0),
    "LogNormalNegativeBinomial": NO_GRADIENT,
    "Logistic": UNIT,
    "LogisticNormal": BUILD,
    "LowRankMultivariateNormal": dist.MultivariateNormal(PAIR, torch.eye(2)),
    "MaskedDistribution": BUILD,
    "MaskedMixture": BUILD,
    "MixtureOfDiagNormals": BUILD,
    "MixtureOfDiagNormalsSharedCovariance": BUILD,
    "MixtureSameFamily": BUILD,
    "Multinomial": NO_GRADIENT,
    "MultivariateNormal": UNIT,
    "MultivariateStudentT": TAIL,
    "NanMaskedMultivariateNormal": UNIT,
    "NanMaskedNormal": UNIT,
    "NegativeBinomial": NO_GRADIENT,
    "Normal": UNIT,
    "OMTMultivariateNormal": PARAMETERS,
    "OneHotCategorical": LENGTHS,
    "OneHotCategoricalStraightThrough": LENGTHS,
    "OneOneMatching": REFUSED,
    "OneTwoMatching": REFUSED,
    "OrderedLogistic": NO_GRADIENT,
    "Pareto": "densities of 95%",
    "Poisson": NO_GRADIENT,
    "ProjectedNormal": LENGTHS,
    "Rejector": BUILD,
    "RelaxedBernoulli": BUILD,
    "RelaxedBernoulliStraightThrough": BUILD,
    "RelaxedOneHotCategorical": BUILD,
    "RelaxedOneHotCategoricalStraightThrough": BUILD,
    "SineBivariateVonMises": NO_GRADIENT,
    "SineSkewed": BUILD,
    "SkewLogistic": BUILD,
    "SoftAsymmetricLaplace": UNIT,
    "SoftLaplace": UNIT,
    "SpanningTree": REFUSED,
    "Stable": REFUSED,
    "StableWithLogProb": REFUSED,
    "StudentT": TAIL,
    "TorchDistribution": ABSTRACT,
    "TransformedDistribution": BUILD,
    "TruncatedPolyaGamma": BUILD,
    "Uniform": ABSTRACT,
    "Unit": NO_DENSITY,
    "VonMises": NO_GRADIENT,
    "VonMises3D": BUILD,
    "Weibull": UNIT,
    "Wishart": ABSTRACT,
    "ZeroInflatedDistribution": BUILD,
    "ZeroInflatedNegativeBinomial": BUILD,
    "ZeroInflatedPoisson": BUILD,
}
"""Class -> a prior with which it works, or why it does not on a normal one."""


def classes():
    """Every distribution that torch and Pyro show, by name; Pyro's where both have it."""
    found = {}
    for module in (torch.distributions, dist):
        members = inspect.getmembers(module, inspect.isclass)
        found |= {name: cls for name, cls in members if issubclass(cls, Distribution)}
    return found
