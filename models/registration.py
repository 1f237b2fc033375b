"""The parameters of a model in Pyro's parameter store, for those inferences that look for them there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import pyro
from pyro.params import param_with_module_name
from pyro.poutine.messenger import Messenger
from pyro.poutine.runtime import _PYRO_STACK
from torch import nn

NAME = "jetvae"
_names: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


class _Unregistered(Messenger):
    """Mark on Pyro's stack: whoever traces here takes the parameters from the module itself."""


@contextmanager
def unregistered() -> Iterator[None]:
    """Leave Pyro's parameter store alone within the block: no site of a parameter, at no cost."""
    with _Unregistered():
        yield


def register(module: nn.Module) -> None:
    """Show the parameters of a module to the Pyro inference that is running, if one is.

    The store holds the module's own tensors, ``jetvae$$$encoder.0.weight`` and so on, ``jetvae2$$$...`` for a second
    module: an optimiser that steps the one has stepped the other. What else the store may hold under these names, from
    a module that is gone, is dropped. Parameters that the caller registered by ``pyro.module`` keep the caller's names.
    """
    if not _PYRO_STACK or any(isinstance(handler, _Unregistered) for handler in _PYRO_STACK):
        return
    store, prefix = pyro.get_param_store(), store_name(module)
    for name, parameter in module.named_parameters():
        if not (parameter.requires_grad and isinstance(parameter, nn.Parameter)):
            continue
        if not parameter.is_contiguous():  # the store would keep a copy, and train that
            parameter.data = parameter.data.contiguous()
        held = store.param_name(parameter) or param_with_module_name(prefix, name)
        if held in store and store[held].unconstrained() is not parameter:  # type: ignore[attr-defined]
            del store[held]
        pyro.param(held, parameter)


def store_name(module: nn.Module) -> str:
    """Return the name of a module in the store: ``jetvae``, or ``jetvae2``, ... while another module has it.

    >>> one, two = nn.Linear(1, 1), nn.Linear(1, 1)
    >>> store_name(one) == store_name(one) != store_name(two)
    True
    """
    if module not in _names:
        taken = set(_names.values())
        names = itertools.chain([NAME], (f"{NAME}{n}" for n in itertools.count(2)))
        _names[module] = next(name for name in names if name not in taken)
    return _names[module]
