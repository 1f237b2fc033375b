"""One training step as a function of tensors alone: images, objective, gradient, guard, Adam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.stateless import _reparametrize_module

from inference.objective import Controls, loss, mean_of_jets
from inference.recipe import TrainingConfig
from inference.share import ALONE, Share
from models import VAE

EPSILON = 1e-8
BETA = "likelihood.beta"
"""The buffer that holds the resolution beta; a control, not a state."""


class Layout:
    """Where the parameters of a model lie in the few vectors that a step works on, one for each type of number.

    Optimiser, clipping and guard are then a few operations on long vectors in place of a dozen for every tensor:
    a graph of half the size, to compile or to run as it is.

    Attributes
    ----------
    names
        Of the parameters, in the order of ``vae.named_parameters()``.
    shapes
        Of each.
    groups
        Names of the parameters in each vector, in the order in which they lie there.
    """

    def __init__(self, vae: VAE) -> None:
        named = dict(vae.named_parameters())
        self.names = list(named)
        self.shapes = {name: parameter.shape for name, parameter in named.items()}
        types = dict.fromkeys(parameter.dtype for parameter in named.values())
        self.groups = [[name for name in named if named[name].dtype == each] for each in types]

    def join(self, tensors: Mapping[str, Tensor]) -> list[Tensor]:
        """Return tensors, one for each parameter, as vectors ``(n,)``."""
        return [torch.cat([tensors[name].flatten() for name in group]) for group in self.groups]

    def split(self, vectors: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return the views of each parameter in vectors ``(n,)``, in the model's order."""
        found: dict[str, Tensor] = {}
        for group, vector in zip(self.groups, vectors, strict=True):
            parts = vector.split([self.shapes[name].numel() for name in group])
            found |= {name: part.view(self.shapes[name]) for name, part in zip(group, parts, strict=True)}
        return {name: found[name] for name in self.names}


@dataclass
class State:
    """Everything that a step changes, in place.

    Parameters and Adam's moments are vectors in a model's :class:`Layout`; buffers are in the order of
    ``buffer_names``. With R replicas each has a leading dimension R.
    """

    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    count: Tensor
    buffers: list[Tensor]

    @classmethod
    def of(cls, vae: VAE) -> State:
        """Return the state of one model before the first step; the model's parameters become views of it."""
        layout = Layout(vae)
        parameters = layout.join({name: parameter.detach() for name, parameter in vae.named_parameters()})
        first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
        count = torch.zeros((), dtype=torch.float32, device=parameters[0].device)  # as torch's fused Adam wants it
        buffers = [buffer for name, buffer in vae.named_buffers() if name != BETA]
        state = cls(parameters, first, second, count, buffers)
        state.share(vae)
        return state

    def share(self, vae: VAE) -> None:
        """Let the parameters and buffers of one model be views of this state, which has no replica dimension."""
        views = Layout(vae).split(self.parameters)
        for name, parameter in vae.named_parameters():
            parameter.data = views[name]
        names = [name for name, _ in vae.named_buffers() if name != BETA]
        for name, tensor in zip(names, self.buffers, strict=True):
            path, _, leaf = name.rpartition(".")
            vae.get_submodule(path)._buffers[leaf] = tensor

    @classmethod
    def stacked(cls, states: Sequence[State]) -> State:
        """Return the state of several replicas, with a leading replica dimension."""
        tensors = [torch.stack(each) for each in zip(*(s.flat for s in states), strict=True)]
        return cls.unflatten(tensors, len(states[0].parameters))

    @classmethod
    def unflatten(cls, flat: Sequence[Tensor], vectors: int) -> State:
        """Undo :attr:`flat`, of a state whose parameters are so many vectors."""
        n, rest = vectors, list(flat)
        return cls(rest[:n], rest[n : 2 * n], rest[2 * n : 3 * n], rest[3 * n], rest[3 * n + 1 :])

    @property
    def flat(self) -> list[Tensor]:
        """All tensors, one after the other."""
        return [*self.parameters, *self.first, *self.second, self.count, *self.buffers]

    def replica(self, index: int) -> State:
        """Return a view of one replica."""
        return State.unflatten([tensor[index] for tensor in self.flat], len(self.parameters))


def make_step(
    vae: VAE,
    make: Callable[[Tensor], Tensor],
    config: TrainingConfig,
    *,
    interpreted: bool = False,
    share: Share = ALONE,
) -> Callable[..., Tensor]:
    r"""Return the step ``(*state.flat, constituents, rows, controls) -> report``, which changes the state in place.

    Of jets with weights one more input follows, those of the batch ``(B,)``, of mean one over all training jets.

    ``make`` turns constituents ``(B, M, 3)`` into data ``(B, K)``; ``rows`` ``(B,)`` chooses jets; ``controls``
    ``(4,)`` are :class:`inference.objective.Controls`. The report ``(3 + terms,)`` is 1 if the step was taken
    else 0, the loss, the reconstruction, and the KL of each term [nat per jet]. A step whose loss or gradient is not
    finite changes nothing. A model for a range of resolutions draws that of each jet. Nothing is read back from the
    device. A step that will be neither compiled nor vectorised, ``interpreted``, has Adam as one operation.

    Of a batch that is shared among processes ``rows`` are those of this one, and the report is of all.
    """
    layout = Layout(vae)
    buffer_names = [name for name, _ in vae.named_buffers() if name != BETA]
    size = 3 * len(layout.groups) + 1 + len(buffer_names)
    on_cpu = all(parameter.device.type == "cpu" for parameter in vae.parameters())
    update = adam_in_one_pass if interpreted and on_cpu else adam

    def step(*tensors: Tensor) -> Tensor:
        flat, (constituents, rows, numbers, *weights) = tensors[:size], tensors[size:]
        weight = weights[0] if weights else None
        state, controls = State.unflatten(flat, len(layout.groups)), Controls(*numbers.unbind())
        x = make(constituents[rows])
        leaves = {name: view.detach().requires_grad_() for name, view in layout.split(state.parameters).items()}
        buffers = {name: buffer.clone() for name, buffer in zip(buffer_names, state.buffers, strict=True)}
        beta = controls.beta if vae.resolution is None else share.part(vae.resolution.stratified(share.of * len(x)))
        with _reparametrize_module(vae, leaves | buffers | {BETA: beta}), torch.enable_grad():
            value, bound = loss(vae, x, controls, config, weight)
            found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True, materialize_grads=True)
        gradients = layout.join(dict(zip(leaves, found, strict=True)))
        with torch.no_grad():
            kl = torch.cat([mean_of_jets(term, weight) for term in bound.kl.values()])
            reconstruction = mean_of_jets(bound.reconstruction, weight)
            terms = torch.cat([part.detach() for part in (value[None], reconstruction[None], kl)])
            *gradients, terms = share.means([*gradients, terms])
            value = terms[0]
            taken = torch.stack([value, *(g.sum() for g in gradients)]).isfinite().all()
            if config.clip:
                gradients = clipped(gradients, config.clip)
            update(state, gradients, controls.lr, config.adam_betas, taken)
            for old, new in zip(state.buffers, buffers.values(), strict=True):
                old.copy_(torch.where(taken, new, old))
            return torch.cat([taken.to(value.dtype)[None], terms])

    return step


def clipped(gradients: Sequence[Tensor], most: float) -> list[Tensor]:
    """Return the gradients, all shortened alike where their common norm exceeds ``most``."""
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    return [gradient * (most / norm.clamp(min=most)) for gradient in gradients]


def adam(state: State, gradients: Sequence[Tensor], lr: Tensor, betas: tuple[float, float], taken: Tensor) -> None:
    r"""Update parameters and moments in place where ``taken``.

    .. math::
        m \gets \beta_1 m + (1-\beta_1) g,\quad v \gets \beta_2 v + (1-\beta_2) g^2,\quad
        \theta \gets \theta - \eta\,\frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)} + 10^{-8}}

    Kingma & Ba 1412.6980, algorithm 1. Written out, for a compiler to fuse and for replicas of which one alone may skip
    a step; torch's own agrees to rounding.
    """
    state.count.add_(taken)
    count = state.count.clamp(min=1).to(lr.dtype)
    keep = [torch.where(taken, beta, 1.0) for beta in betas]  # of a skipped step: everything
    rate = torch.where(taken, lr / (1 - betas[0] ** count), 0.0)
    scale = (1 - betas[1] ** count).rsqrt()
    rate, scale, *keep = torch.stack([rate, scale, *keep]).unbind()  # else a compiler takes powers for each element
    for p, m, v, gradient in zip(state.parameters, state.first, state.second, gradients, strict=True):
        g = torch.where(taken, gradient, 0.0)
        m.copy_(torch.lerp(g, m, keep[0]))
        v.copy_(torch.lerp(g * g, v, keep[1]))
        p.sub_(rate * m / (v.sqrt() * scale + EPSILON))


def adam_in_one_pass(
    state: State, gradients: Sequence[Tensor], lr: Tensor, betas: tuple[float, float], taken: Tensor
) -> None:
    """Do what :func:`adam` does by torch's own kernel, which goes over contiguous tensors once, not twelve times."""
    state.count.add_(taken)
    torch._fused_adam_(
        state.parameters,
        [gradient.contiguous() for gradient in gradients],
        state.first,
        state.second,
        [],
        [state.count] * len(gradients),
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=0.0,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
        found_inf=1 - taken.float(),
    )
