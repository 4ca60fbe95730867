"""A training step and inference, measured on the CPU as `analysis.memory` describes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from cnnlang.graph import Graph
from tests.memory.live import Live

TYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bf16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Bytes: what autograd saved of the forward pass, and the most that was live."""

    saved: int
    training: int
    inference: int


def measure(
    module: nn.Module,
    inputs: Sequence[Tensor],
    optimizer: str = "sgd",
    amp: str | None = None,
    foreach: bool | None = None,
    log: bool = False,
) -> Measured:
    """One step, and inference; an optimizer with a state has made one step before."""
    module.train()
    target = targets(module, inputs)
    chosen = made(optimizer, module, foreach)
    if optimizer != "sgd":
        step(module, inputs, target, chosen, amp)
    chosen.zero_grad()
    live = Live([*owned(module, chosen), *inputs, *target], log)
    start = live.now
    with live:
        total = forward(module, inputs, target, amp)
        saved = live.now - start - total.nbytes
        total.backward()
        del total
        chosen.step()
    chosen.zero_grad()
    return Measured(saved, live.peak, inference(module, inputs, amp, log))


def inference(
    module: nn.Module, inputs: Sequence[Tensor], amp: str | None = None, log: bool = False
) -> int:
    """The most bytes that are live in evaluation."""
    module.eval()
    live = Live([*module.parameters(), *module.buffers(), *inputs], log)
    with live, torch.no_grad(), precision(amp):
        module(*inputs)
    return live.peak


def on_cuda(module: nn.Module, inputs: Sequence[Tensor]) -> tuple[int, int]:
    """The most bytes that the allocator gave to tensors, in a second step and in inference."""
    module.train()
    target = [each.cuda() for each in targets(module, inputs)]
    chosen = made("sgd", module, None)
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats()
        step(module, inputs, target, chosen, None)
    training = torch.cuda.max_memory_allocated()
    chosen.zero_grad()
    module.eval()
    torch.cuda.reset_peak_memory_stats()
    with torch.no_grad():
        module(*inputs)
    return training, torch.cuda.max_memory_allocated()


def step(
    module: nn.Module,
    inputs: Sequence[Tensor],
    target: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    amp: str | None,
) -> None:
    optimizer.zero_grad()
    forward(module, inputs, target, amp).backward()
    optimizer.step()


def forward(
    module: nn.Module, inputs: Sequence[Tensor], target: Sequence[Tensor], amp: str | None
) -> Tensor:
    """The cross-entropy of every output, added up."""
    with precision(amp):
        outputs = several(module(*inputs))
        losses = [cross_entropy(each, target) for each in outputs]
        total = losses[0]
        for each in losses[1:]:
            total = total + each
        return total


def cross_entropy(output: Tensor, target: Sequence[Tensor]) -> Tensor:
    """Logits over the first axis after the batch, in float32 at least."""
    wide = output if output.dtype == torch.float64 else output.float()
    shape = output.shape[:1] + output.shape[2:]
    return F.cross_entropy(wide, next(each for each in target if each.shape == shape))


def precision(amp: str | None) -> torch.autocast:
    return torch.autocast("cpu", TYPES[amp or "bf16"], enabled=amp is not None)


def several(value: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (value,) if isinstance(value, Tensor) else tuple(value)


@torch.no_grad()
def targets(module: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """One target for every shape of an output."""
    shapes = {each.shape[:1] + each.shape[2:] for each in several(module(*inputs))}
    return [torch.zeros(shape, dtype=torch.long) for shape in shapes]


def made(name: str, module: nn.Module, foreach: bool | None) -> torch.optim.Optimizer:
    parameters = list(module.parameters()) or [nn.Parameter(torch.zeros(0))]
    if name in ("sgd", "momentum"):
        momentum = 0.9 if name == "momentum" else 0.0
        return torch.optim.SGD(parameters, 1e-3, momentum=momentum, foreach=foreach)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(parameters, 1e-4, foreach=foreach)


def owned(module: nn.Module, optimizer: torch.optim.Optimizer) -> Iterable[Tensor]:
    """Parameters, buffers and what the optimizer keeps."""
    yield from module.parameters()
    yield from module.buffers()
    for state in optimizer.state.values():
        yield from (each for each in state.values() if isinstance(each, Tensor))


def drawn(graph: Graph, batch: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Inputs of a network."""
    tensors = [graph.nodes[i].output for i in graph.inputs]
    return [
        torch.rand(batch, *each.shape).to(dtype)  # type: ignore[arg-type]
        if each.dtype == "float"
        else torch.zeros((batch, *each.shape), dtype=torch.long)  # type: ignore[arg-type]
        for each in tensors
    ]
