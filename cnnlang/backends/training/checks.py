"""What is asked of a training step, checked: options, amounts, and the module itself."""

from __future__ import annotations

import torch
from torch import nn

from cnnlang import amounts
from cnnlang.analysis.memory import Setting, setting
from cnnlang.backends.types import NAMES, named, placed

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
"""Those of `torch.compile`.

Source: https://docs.pytorch.org/docs/stable/generated/torch.compile.html
"""


def need_limit(memory: str | int | None) -> int | None:
    """The bytes of an amount of memory."""
    if memory is None:
        return None
    if isinstance(memory, bool) or not isinstance(memory, (str, int)):
        kind = type(memory).__name__
        raise TypeError(f"memory= is an amount like '16GiB' or a number of bytes, not {kind}")
    found = amounts.read(memory) if isinstance(memory, str) else memory
    if found is None or found < 1:
        raise ValueError(f"memory={memory!r} is no amount of memory: write '16GiB' or '500MiB'")
    return found


def need_batch(batch: int | None) -> int | None:
    """The number of samples of a step."""
    if batch is None:
        return None
    if isinstance(batch, bool) or not isinstance(batch, int):
        raise TypeError(f"batch= is a number of samples, not {type(batch).__name__}")
    if batch < 1:
        raise ValueError(f"batch={batch} is no number of samples")
    return batch


def need_mode(compile: bool | str) -> str | None:
    """The mode in which a step is compiled; None if it is not."""
    if isinstance(compile, bool):
        return "default" if compile else None
    if not isinstance(compile, str):
        raise TypeError(f"compile= is True, False or a mode, not {type(compile).__name__}")
    if compile not in MODES:
        raise ValueError(f"compile={compile!r} is no mode: there are {', '.join(MODES)}")
    return compile


def chosen_setting(
    model: nn.Module,
    dtype: torch.dtype | str | None,
    optimizer: str,
    device: torch.device | str | None,
) -> Setting:
    """The setting in which a module is trained; raises `ValueError` for what cannot be."""
    weights, half = weight_type(model), named(dtype)
    kind = placed(device).type if device is not None else own_device(model)
    if kind not in ("cuda", "cpu"):
        raise ValueError(f"a training step is prepared for cuda or cpu, not for {kind}")
    return setting(NAMES[half] if half else weights, weights, optimizer, kind)


def weight_type(model: nn.Module) -> str:
    """The type of all parameters; float32 if there are none."""
    kinds = {each.dtype for each in model.parameters()} or {torch.float32}
    if len(kinds) > 1 or not kinds <= set(NAMES):
        told = ", ".join(sorted(map(str, kinds)))
        raise ValueError(f"the parameters have the types {told}: give them one with model.to(...)")
    return NAMES[kinds.pop()]


def own_device(model: nn.Module) -> str:
    """Where the weights are; weights without memory are meant for a GPU."""
    kind = next((each.device.type for each in model.parameters()), "cpu")
    return "cuda" if kind == "meta" else kind
