"""One training step as a function of tensors alone: images, objective, gradient, guard, Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.stateless import _reparametrize_module

from inference.objective import Controls, loss, mean_of_jets
from inference.recipe import TrainingConfig
from models import VAE

EPSILON = 1e-8
BETA = "likelihood.beta"
"""The buffer that holds the resolution beta; a control, not a state."""


@dataclass
class State:
    """Everything that a step changes, in place.

    Lists of tensors in the order of ``parameter_names`` and ``buffer_names``; with R replicas each has a leading
    dimension R.
    """

    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    count: Tensor
    buffers: list[Tensor]

    @classmethod
    def of(cls, vae: VAE) -> State:
        """Return the state of one model, sharing its memory, before the first step."""
        parameters = [parameter.detach() for parameter in vae.parameters()]
        first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
        count = torch.zeros((), dtype=torch.float32, device=parameters[0].device)  # as torch's fused Adam wants it
        buffers = [buffer for name, buffer in vae.named_buffers() if name != BETA]
        return cls(parameters, first, second, count, buffers)

    @classmethod
    def stacked(cls, states: Sequence[State]) -> State:
        """Return the state of several replicas, with a leading replica dimension."""
        return cls.unflatten(
            [torch.stack(tensors) for tensors in zip(*(s.flat for s in states), strict=True)], states[0]
        )

    @classmethod
    def unflatten(cls, flat: Sequence[Tensor], like: State) -> State:
        """Undo :attr:`flat`."""
        n, rest = len(like.parameters), list(flat)
        return cls(rest[:n], rest[n : 2 * n], rest[2 * n : 3 * n], rest[3 * n], rest[3 * n + 1 :])

    @property
    def flat(self) -> list[Tensor]:
        """All tensors, one after the other."""
        return [*self.parameters, *self.first, *self.second, self.count, *self.buffers]

    def replica(self, index: int) -> State:
        """Return a view of one replica."""
        return State.unflatten([tensor[index] for tensor in self.flat], self)


def make_step(
    vae: VAE, make: Callable[[Tensor], Tensor], config: TrainingConfig, *, interpreted: bool = False
) -> Callable[..., Tensor]:
    r"""Return the step ``(*state.flat, constituents, rows, controls) -> report``, which changes the state in place.

    Of jets with weights one more input follows, those of the batch ``(B,)``, of mean one over all training jets.

    ``make`` turns constituents ``(B, M, 3)`` into data ``(B, K)``; ``rows`` ``(B,)`` chooses jets; ``controls``
    ``(4,)`` are :class:`inference.objective.Controls`. The report ``(3 + terms,)`` is 1 if the step was taken
    else 0, the loss, the reconstruction, and the KL of each term [nat per jet]. A step whose loss or gradient is not
    finite changes nothing. A model for a range of resolutions draws that of each jet. Nothing is read back from the
    device. A step that will be neither compiled nor vectorised, ``interpreted``, has Adam as one operation.
    """
    parameter_names = [name for name, _ in vae.named_parameters()]
    buffer_names = [name for name, _ in vae.named_buffers() if name != BETA]
    template = State.of(vae)
    size = len(template.flat)
    one_pass = interpreted and all(t.device.type == "cpu" and t.is_contiguous() for t in template.parameters)
    update = adam_in_one_pass if one_pass else adam

    def step(*tensors: Tensor) -> Tensor:
        flat, (constituents, rows, numbers, *weights) = tensors[:size], tensors[size:]
        weight = weights[0] if weights else None
        state, controls = State.unflatten(flat, template), Controls(*numbers.unbind())
        x = make(constituents[rows])
        parameters = [parameter.detach().requires_grad_() for parameter in state.parameters]
        buffers = [buffer.clone() for buffer in state.buffers]
        beta = controls.beta if vae.resolution is None else vae.resolution.stratified(len(x))
        swapped = dict(zip(parameter_names + buffer_names, parameters + buffers, strict=True)) | {BETA: beta}
        with _reparametrize_module(vae, swapped), torch.enable_grad():
            value, bound = loss(vae, x, controls, config, weight)
            gradient = torch.autograd.grad(value, parameters, allow_unused=True)
        gradients = [torch.zeros_like(p) if g is None else g for g, p in zip(gradient, parameters, strict=True)]
        with torch.no_grad():
            taken = torch.stack([value, *(g.sum() for g in gradients)]).isfinite().all()
            if config.clip:
                gradients = clipped(gradients, config.clip)
            update(state, gradients, controls.lr, config.adam_betas, taken)
            for old, new in zip(state.buffers, buffers, strict=True):
                old.copy_(torch.where(taken, new, old))
            kl = torch.cat([mean_of_jets(term, weight) for term in bound.kl.values()])
            reconstruction = mean_of_jets(bound.reconstruction, weight)
            parts = [taken.to(value.dtype)[None], value[None], reconstruction[None], kl]
            return torch.cat([part.detach() for part in parts])

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
