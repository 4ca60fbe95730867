"""Whether a module is still the network that it was loaded as."""

from __future__ import annotations

import torch
from torch import nn

from cnnlang.backends.module import PREFIX, Unfilled

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where a module keeps what is called beside its forward and backward passes."""


def plain(cls: type[nn.Module]) -> type[nn.Module]:
    """The class that the source of the network defines."""
    return [each for each in cls.__mro__ if each.__module__.startswith(PREFIX)][-1]


def need_untouched(model: nn.Module) -> None:
    """Raises `ValueError` for a module whose layers are not those of its network any more."""
    with torch.device("meta"), Unfilled():
        wanted = plain(type(model))()
    pairs = [dict(each.named_modules()) for each in (wanted, model)]
    for name in dict.fromkeys((*pairs[0], *pairs[1])):
        if name:
            compare(name, *(told(each.get(name)) for each in pairs))
    shapes = [
        {name: tuple(each.shape) for name, each in module.state_dict().items()}
        for module in (wanted, model)
    ]
    for name in dict.fromkeys((*shapes[0], *shapes[1])):
        compare(name, *(str(each.get(name, "nothing")) for each in shapes))


def compare(name: str, wanted: str, found: str) -> None:
    """Raises `ValueError` if something is not what the network has."""
    if found != wanted:
        raise ValueError(
            f"{name} is {found} where the network has {wanted}: change the file, or the parameters "
            "of its network"
        )


def told(module: nn.Module | None) -> str:
    """A module without its children."""
    if module is None:
        return "nothing"
    return f"{type(module).__name__}({module.extra_repr()})"
