"""A network of the standard library beside torchvision's: built, filled alike and compared.

Both are built without weights and filled with one set of random numbers of a size that keeps every
layer visible in the output; a difference of the outputs is relative to the largest of them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import cnnlang
from tests.zoo.torchvision_models import models

REFERENCE = Path(__file__).parent / "torchvision_reference.csv"
UNINITIALISED = ("googlenet", "inception_v3")
"""Networks that torchvision initialises slowly, and with a warning, unless it is told not to."""

SMALL, MIDDLE = (83, 118), (163, 190)
"""Heights and widths that every network takes in evaluation, and that leave rests when halved."""
COSTLY = 12_000_000_000
"""MACs from which on a network is compared at a middle size in place of the published one."""


@dataclass(frozen=True, slots=True)
class Published:
    """What torchvision's network was found to be."""

    name: str
    parameters: int
    size: int
    macs: int
    smallest: int


def reference() -> dict[str, Published]:
    """All networks of the reference file by torchvision's name."""
    with REFERENCE.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if "(" not in row["model"]]
    found = [
        Published(
            row["model"],
            int(row["params"]),
            int(row["eval_size"]),
            int(row["macs_at_eval_size"]),
            int(row["min_size"].strip("()").split(",")[0]),
        )
        for row in rows
    ]
    return {each.name: each for each in found}


# --- both networks -------------------------------------------------------------------------------


def theirs(name: str, device: str = "meta", **options: Any) -> nn.Module:
    """torchvision's network; the widths of RegNets are tensors that it reads, so never `meta`."""
    if name.startswith("regnet"):
        device = "cpu"
    if name in UNINITIALISED:
        options = {"init_weights": False, **options}
    with torch.device(device):
        module: nn.Module = models().get_model(name, weights=None, **options)
    return module


def ours(name: str, device: str = "meta") -> nn.Module:
    """The network of the standard library."""
    return cnnlang.load(f"zoo:{name}", device=device)


def pair(name: str, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, nn.Module]:
    """Ours and theirs with the same random weights, which they share."""
    first, second = ours(name).to(dtype), theirs(name).to(dtype)
    state = fill(first.state_dict())
    assert shapes(state) == shapes(second.state_dict())
    return given(first, state), given(second, state)


def given(module: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """The module with these weights, loaded under the versions that it writes itself."""
    own = module.state_dict()
    own.update(state)
    module.load_state_dict(own, strict=True, assign=True)
    return module


def apart(module: nn.Module) -> nn.Module:
    """The module with weights and statistics of its own, equal to those that it had."""
    return given(module, {key: value.clone() for key, value in module.state_dict().items()})


def shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shapes by key."""
    return {key: tuple(value.shape) for key, value in state.items()}


def fill(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Random numbers in place of tensors without storage."""
    torch.manual_seed(0)
    return {key: filled(key, torch.empty_like(value, device="cpu")) for key, value in state.items()}


def filled(key: str, value: Tensor) -> Tensor:
    """Random numbers for one tensor.

    Kernels keep the variance of what comes in; scales and variances are about 1, and shifts small.
    """
    if not value.is_floating_point():
        return value.zero_()
    if value.numel() > max(value.shape):
        bound = (6 / value[0].numel()) ** 0.5
        return value.uniform_(-bound, bound)
    if key.endswith(("bias", "running_mean")):
        return value.uniform_(-0.2, 0.2)
    return value.uniform_(0.5, 1.5)


# --- comparing -----------------------------------------------------------------------------------


def image(*size: int, batch: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random images of height and width `size`."""
    return torch.randn(batch, 3, *size, dtype=dtype, generator=torch.Generator().manual_seed(1))


def sizes(network: Published) -> tuple[tuple[int, int], tuple[int, int]]:
    """A small size, and the published one unless it takes too long."""
    return SMALL, (network.size, network.size) if network.macs <= COSTLY else MIDDLE


def tensors(value: Any) -> tuple[Tensor, ...]:
    """One output, or several."""
    return (value,) if isinstance(value, Tensor) else tuple(value)


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    assert a.shape == b.shape
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        return float("inf")
    return ((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item()


def largest(pairs: Iterable[tuple[Tensor, Tensor]]) -> float:
    """The largest of the differences of some pairs."""
    return max(difference(a, b) for a, b in pairs)


@torch.no_grad()
def in_evaluation(first: nn.Module, second: nn.Module, *size: int) -> float:
    """How far the outputs are apart in evaluation mode."""
    x = image(*size, dtype=next(first.parameters()).dtype)
    got, wanted = (tensors(module.eval()(x)) for module in (first, second))
    return largest(zip(got, wanted, strict=True))


def in_training(first: nn.Module, second: nn.Module, x: Tensor) -> float:
    """How far outputs, gradients and statistics are apart after one step in training mode.

    Dropout is seeded alike. The modules must not share their statistics (see `apart`).
    """
    got, wanted = (trained(module.train(), x) for module in (first, second))
    assert got.keys() == wanted.keys()
    return largest((got[key], wanted[key]) for key in wanted)


def trained(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """All that one step makes: outputs, gradients, and the statistics that it leaves."""
    torch.manual_seed(2)
    outputs = tensors(module(x))
    ramps = [torch.linspace(-1, 1, out.shape[1]) for out in outputs]
    torch.stack(
        [(out.movedim(1, -1) * ramp).sum() for out, ramp in zip(outputs, ramps, strict=True)]
    ).sum().backward()
    found = {f"output {i}": out.detach() for i, out in enumerate(outputs)}
    found |= {name: b for name, b in module.named_buffers() if b.is_floating_point()}
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        found[f"gradient of {name}"] = parameter.grad
    return found


def spread_apart(first: nn.Module, second: nn.Module) -> list[str]:
    """The weights that two fresh networks initialise in different ways.

    Constant in one and not the other, or standard deviations further apart than chance.
    """
    others = dict(second.named_parameters())
    return [name for name, p in first.named_parameters() if not alike(p, others[name])]


def alike(a: Tensor, b: Tensor) -> bool:
    """True if two tensors may come from one distribution, as far as their spread tells."""
    if a.numel() < 2 or not (a.std() and b.std()):
        return bool((a.min() == b.min()) and (a.max() == b.max()))
    return abs((a.std() / b.std()).log().item()) < 8 / a.numel() ** 0.5
