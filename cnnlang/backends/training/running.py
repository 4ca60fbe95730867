"""A network whose forward pass in training is another one: same weights, same names of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from cnnlang.backends import module as modules
from cnnlang.backends.changes import HOOKS, plain
from cnnlang.backends.training.report import Report

CLASSES: dict[tuple[type[nn.Module], str], type[nn.Module]] = {}
"""The class of every network and source of a training step."""


class Running(nn.Module):
    """Runs `cnnlang_step` in training, the network's own `forward` in evaluation.

    `cnnlang_blocks` are the modules that it goes around: hooks on them would not be called.
    """

    cnnlang_training: Report
    cnnlang_blocks: tuple[nn.Module, ...]
    cnnlang_autocast: torch.dtype | None

    def forward(self, *inputs: Any, **named: Any) -> Any:
        if not self.training:
            return super().forward(*inputs, **named)
        if not torch.compiler.is_compiling():
            self.cnnlang_refuse_hooks()
        if self.cnnlang_autocast is None:
            return self.cnnlang_step(*inputs, **named)
        device = next(each for each in (*inputs, *named.values())).device.type
        with torch.autocast(device, self.cnnlang_autocast):
            found = self.cnnlang_step(*inputs, **named)
        return tuple(map(widened, found)) if isinstance(found, tuple) else widened(found)

    if TYPE_CHECKING:

        def cnnlang_step(self, *inputs: Any, **named: Any) -> Any:
            """The forward pass in training, of the source."""

    def cnnlang_refuse_hooks(self) -> None:
        """Raises `RuntimeError` for hooks that would not be called."""
        for each in self.cnnlang_blocks:
            if any(getattr(each, hooks) for hooks in HOOKS):
                raise RuntimeError(
                    f"{type(each).__name__} has hooks, and the training step goes around it: "
                    "put hooks on layers with weights, or train the network itself"
                )


def widened(output: torch.Tensor) -> torch.Tensor:
    """An output for the loss: in float32 at least."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output


def running(model: nn.Module, source: str, **attributes: Any) -> nn.Module:
    """A module with the step of `source` that shares its layers and weights with `model`."""
    cls = derived(plain(type(model)), source)
    made: nn.Module = cls.__new__(cls)
    for name, value in vars(model).items():
        made.__dict__[name] = value.copy() if isinstance(value, dict) else value
    made.__dict__.pop("_compiled_call_impl", None)
    blocks = [each for each in model.modules() if each is not model and passed(each)]
    made.__dict__ |= {"cnnlang_blocks": tuple(blocks), **attributes}
    return made


def passed(module: nn.Module) -> bool:
    """True for a module that the step goes around."""
    return bool(module._modules) or isinstance(module, (nn.ReLU, nn.ReLU6))


def derived(cls: type[nn.Module], source: str) -> type[nn.Module]:
    """The class of a network with a training step; the same one for the same source."""
    if (cls, source) not in CLASSES:
        step = getattr(modules.execute(source), modules.class_name(source))
        own = {"__reduce_ex__": reduce, "__module__": cls.__module__, "cnnlang_source": source}
        CLASSES[cls, source] = made = type(cls.__name__, (step, cls), own)
        if cls in modules.GRAPHS:
            modules.GRAPHS[made] = modules.GRAPHS[cls]
    return CLASSES[cls, source]


def reduce(self: Any, protocol: Any) -> Any:
    """The pickle carries the sources of the network and of its training step."""
    cls = plain(type(self))
    reduced: Any = cls.__new__(cls).__reduce_ex__(protocol)
    return restore, (reduced[1], type(self).cnnlang_source), self.__getstate__()


def restore(network: tuple[str, str], source: str) -> nn.Module:
    """An empty module, for `pickle` and `copy` to fill."""
    cls = derived(type(modules.restore(*network)), source)
    made: nn.Module = cls.__new__(cls)
    return made
