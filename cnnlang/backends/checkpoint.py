"""Trained weights: read from a file, matched with a network, and copied into it or not at all."""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Mapping
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from cnnlang.backends.matching import (
    Matching,
    Shapes,
    WeightsError,
    by_name,
    by_order,
    differences,
)
from cnnlang.sources import reason

State = Mapping[str, Tensor]
Weights = str | os.PathLike[str] | State
Match = str | Mapping[str, str]

DAMAGED = (
    *(RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError),
    *(AssertionError, UnpicklingError, struct.error, OverflowError, MemoryError),
)
"""What unpickling a damaged file may raise."""
GLOBAL = re.compile(r"Unsupported global: GLOBAL ([\w.]+)")


def fill(module: nn.Module, weights: Weights, match: Match = "name", strict: bool = True) -> None:
    """Copy weights into a module; raises `WeightsError` and changes nothing if they do not fit."""
    state = in_order(weights) if match == "order" else state_of(weights)
    try:
        matching = matched(module, state, match)
        if not matching.pairs or (strict and not matching.complete):
            raise WeightsError(explain(matching, match))
        found = chosen(module, state, matching)
    except WeightsError as error:
        kind = type(module).__name__
        raise WeightsError(f"{title(weights)} do not fit {kind}: {error}") from None
    if not matching.complete:
        warnings.warn(f"{title(weights)} fit in part: {differences(matching)}", stacklevel=3)
    module.load_state_dict(found, strict=False)


def pairs(module: nn.Module, weights: Weights, match: Match) -> dict[str, str]:
    """The weights of a module with the checkpoint's key that each of them takes."""
    state = in_order(weights) if match == "order" else state_of(weights)
    return dict(matched(module, state, match).pairs)


def in_order(weights: Weights) -> State:
    """A state dictionary in the order in which the modules were made."""
    if not isinstance(weights, Mapping) and os.fspath(weights).endswith(".safetensors"):
        raise WeightsError(
            f"{title(weights)} have lost their order, for safetensors sorts tensors: "
            "match them by name, or give a map of names"
        )
    return state_of(weights)


def title(weights: Weights) -> str:
    """What messages call the weights."""
    return (
        "these weights" if isinstance(weights, Mapping) else f"the weights of {os.fspath(weights)}"
    )


def matched(module: nn.Module, state: State, match: Match) -> Matching:
    """What each weight of a module takes from a state dictionary."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"`module` is a module of PyTorch, not of type {type(module).__name__}")
    here, there = shapes(module.state_dict()), shapes(state)
    if isinstance(match, Mapping):
        return by_name(here, there, match)
    if match == "name":
        return by_name(here, there)
    if match == "order":
        return by_order(here, there)
    raise ValueError(f"match is 'name', 'order' or a mapping of names, not {match!r}")


def shapes(state: State) -> Shapes:
    return {key: tuple(value.shape) for key, value in state.items()}


def explain(matching: Matching, match: Match) -> str:
    """What does not fit, and what would load it."""
    return "\n".join([differences(matching), *mends(matching, match)])


def mends(matching: Matching, match: Match) -> list[str]:
    """Ways that do load the weights, each tried."""
    if match == "name" and (matching.missing or matching.unexpected) and ordered(matching):
        return ["", 'order and shapes agree: match="order" loads them']
    if matching.pairs:
        rest = len(matching.pairs)
        return ["", f"strict=False loads the {rest} that fit and leaves the others as they are"]
    return []


def ordered(matching: Matching) -> bool:
    """True if all the weights fit by order and shape."""
    try:
        return by_order(matching.network, matching.checkpoint).complete
    except WeightsError:
        return False


def chosen(module: nn.Module, state: State, matching: Matching) -> dict[str, Tensor]:
    """The tensors under the module's own names."""
    own = module.state_dict()
    found = {name: state[key] for name, key in matching.pairs.items()}
    for name, value in found.items():
        if own[name].is_meta:
            raise WeightsError(f"`{name}` has no storage: load weights on another device than meta")
        if value.is_floating_point() != own[name].is_floating_point():
            raise WeightsError(
                f"`{matching.pairs[name]}` holds {value.dtype}, not {own[name].dtype}"
            )
    return found


# --- reading -------------------------------------------------------------------------------------


def state_of(weights: Weights) -> State:
    """The state dictionary that is given, or that a file holds."""
    return only(weights if isinstance(weights, Mapping) else read(os.fspath(weights)), weights)


def read(name: str) -> Any:
    """What a file holds: tensors, numbers, texts and containers of them, never code."""
    try:
        if name.endswith(".safetensors"):
            return safetensors(name)
        return torch.load(name, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"cannot read {name}: {reason(error)}") from None
    except DAMAGED as error:
        raise WeightsError(f"cannot read {name}: {unsafe(error)}") from None


def unsafe(error: Exception) -> str:
    """Why a file is no checkpoint, or none that can be read without running code of its own."""
    text = str(error).strip() or type(error).__name__
    if found := GLOBAL.search(text):
        return f"it holds more than weights ({found[1]}); save the state_dict alone"
    return f"it is no checkpoint of PyTorch ({text.splitlines()[0]})"


def safetensors(name: str) -> State:
    """The tensors of a `.safetensors` file."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise WeightsError(
            f"{name} needs the package safetensors: pip install 'cnnlang[safetensors]'"
        ) from None
    try:
        state: State = load_file(name)
    except SafetensorError as error:
        raise WeightsError(f"cannot read {name}: it is no safetensors file ({error})") from None
    return state


def only(found: Any, weights: Weights) -> State:
    """The state dictionary in what was read: the thing itself, or the only one in it."""
    if is_state(found):
        return found  # type: ignore[no-any-return]
    inside = found if isinstance(found, Mapping) else {}
    states = {key: value for key, value in inside.items() if is_state(value)}
    if len(states) == 1:
        return next(iter(states.values()))
    if states:
        names = ", ".join(map(str, states))
        raise WeightsError(
            f"{title(weights)} are several sets: {names}; give the state_dict of one"
        )
    raise WeightsError(f"{title(weights)} are no state_dict, which is names with tensors")


def is_state(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )
