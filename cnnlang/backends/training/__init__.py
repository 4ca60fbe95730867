"""A network prepared for training: the same layers and weights, a faster or smaller step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from cnnlang.amounts import memory as amount
from cnnlang.analysis.costs import macs
from cnnlang.analysis.memory import Setting, Unpredictable
from cnnlang.analysis.memory import memory as predicted
from cnnlang.analysis.ordinary import usual_sizes
from cnnlang.analysis.recomputation.inplace import inplace
from cnnlang.analysis.recomputation.plan import Plan
from cnnlang.analysis.recomputation.search import Found, Nothing, fit, plain
from cnnlang.analysis.sized import sized
from cnnlang.backends import sizes as given
from cnnlang.backends.changes import need_untouched
from cnnlang.backends.module import graph_of
from cnnlang.backends.source.layout import attribute
from cnnlang.backends.training.checks import (
    chosen_setting,
    need_batch,
    need_limit,
    need_mode,
)
from cnnlang.backends.training.report import Peak, Report, advised
from cnnlang.backends.training.running import running
from cnnlang.backends.training.source import generate
from cnnlang.backends.types import TYPES
from cnnlang.graph import Graph, Node
from cnnlang.layers.storage import known
from cnnlang.records import dataclass

Shape = tuple[int, ...] | list[int]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a training step."""

    setting: Setting
    limit: int | None
    batch: int | None
    inplace: bool


def prepare(
    model: nn.Module,
    *,
    memory: str | int | None = None,
    batch: int | None = None,
    shapes: Mapping[str | int, Shape] | None = None,
    dtype: torch.dtype | str | None = None,
    optimizer: str = "sgd",
    device: torch.device | str | None = None,
    compile: bool | str = False,
    channels_last: bool = True,
    inplace: bool = True,
) -> nn.Module:
    """A module for training with the layers of `model`, which it shares: same weights, same names.

    Outputs, gradients and running statistics are those of `model`: to the bit with
    `channels_last=False`, but for rounding otherwise. In evaluation it runs as `model` does. In
    training, tensors are let go as early as can be, activations and sums are written over what
    nobody needs any more (unless `inplace=False`), and 2-D networks keep their weights with
    channels last (which changes `model` too, unless `channels_last=False`).
    `dtype=torch.bfloat16` runs training under autocast and gives outputs in float32.

    With `memory` (`"16GiB"`, or bytes) and `batch`, the step takes at most so much: parameters,
    gradients, what `optimizer` (`sgd`, `momentum`, `adam` or `adamw`) keeps, and activations. What
    autograd saves of some parts of the network is made again in the backward pass instead of kept
    (`torch.utils.checkpoint`), of as few as need be, chosen by an exact prediction. `shapes` gives
    inputs with free dimensions their sizes, by name or position and without the batch axis.
    `device` is that of the weights unless it is told.

    `compile=True` compiles the module in place, which on a CPU does not pay; with the name of a
    mode of `torch.compile` in that: `"reduce-overhead"` replays CUDA graphs, for small batches.

    The attribute `cnnlang_training` of the module tells what was decided, and what else pays:
    `print(module.cnnlang_training)`; its `optimizer` are keywords for the optimizer.

    Between a forward pass and its backward pass the module must stay in training: recomputed parts
    run as they did. What `torch.func` and tracing compute, they compute of `model`.

    Raises `TypeError` for a module that `cnnlang.load` did not make; `ValueError` for one whose
    layers were replaced, for wrong options, and if the network does not fit into `memory`: the
    message tells the least memory and the largest batch that would do.
    """
    graph = graph_of(model)
    need_untouched(model)
    limit, batch = need_limit(memory), need_batch(batch)
    if limit is not None and batch is None:
        raise ValueError("memory= needs batch=: how much fits depends on it")
    if limit is not None and compile:
        raise ValueError("memory= is predicted without compile=, which chooses what it keeps")
    request = Request(chosen_setting(model, dtype, optimizer, device), limit, batch, inplace)
    found = planned(graph, request, shapes or {})
    return built(model, graph, request, found, need_mode(compile), channels_last)


def planned(
    graph: Graph, request: Request, shapes: Mapping[str | int, Shape]
) -> tuple[Plan, Peak | None, tuple[str, ...]]:
    """The plan of a step, with its memory if a batch is given, and what could not be done."""
    if request.batch is None:
        places, notes = anywhere(graph) if request.inplace else (frozenset[int](), ())
        return Plan(inplace=places), None, notes
    wanted = given.asked(graph, {key: tuple(shape) for key, shape in shapes.items()})
    fixed = sized(graph, wanted)
    try:
        found = fitted(fixed, request)
    except Unpredictable as problem:
        if request.limit is not None:
            raise ValueError(f"the memory of {graph.name} cannot be told: {problem}") from None
        return Plan(), None, (f"nothing runs in place, and no memory is told: {problem}",)
    return found.plan, summed(fixed, request, found), ()


def anywhere(graph: Graph) -> tuple[frozenset[int], tuple[str, ...]]:
    """The nodes that may run in place whatever the sizes are; none where that cannot be told."""
    try:
        return inplace(sized(graph, usual_sizes(graph))), ()
    except Unpredictable as problem:
        return frozenset(), (f"nothing runs in place: {problem}",)


def fitted(graph: Graph, request: Request) -> Found:
    """The plan that fits, or an error that tells what would."""
    assert request.batch is not None
    if request.limit is None:
        return plain(graph, request.setting, request.inplace)
    found = fit(graph, request.setting, request.batch, request.limit, request.inplace)
    if isinstance(found, Nothing):
        most = f"at most a batch of {found.largest:,} fits" if found.largest else "no batch fits"
        raise ValueError(
            f"{graph.name} with a batch of {request.batch:,} needs {amount(found.least)} at least "
            f"({found.least} bytes); in {amount(request.limit)} {most}"
        )
    return found


def summed(graph: Graph, request: Request, found: Found) -> Peak:
    """The memory of a plan beside that of the network as it is written."""
    assert request.batch is not None
    total = sum(sum(known((macs(graph, node),))) for node in graph.layers)
    before = predicted(graph, request.setting).peak(request.batch)
    after = found.memory.peak(request.batch)
    again = found.macs / total if total else 0.0
    return Peak(request.batch, before, after, request.limit, len(found.plan.parts), again)


def built(
    model: nn.Module,
    graph: Graph,
    request: Request,
    found: tuple[Plan, Peak | None, tuple[str, ...]],
    compile: str | None,
    channels_last: bool,
) -> nn.Module:
    """The module that runs by a plan."""
    plan, peak, notes = found
    planar = channels_last and any(isinstance(each, nn.Conv2d) for each in model.modules())
    if planar:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    advice = (*notes, *advised(request.setting, not graph.free, compile is not None))
    count, flags = len(plan.overwriting(graph)), {"fused": True}
    report = Report(request.setting, planar, compile, count, flags, advice, peak)
    half = TYPES[request.setting.dtype] if request.setting.autocast else None
    source = generate(graph, plan, lambda node: reach(model, node))
    attributes: dict[str, Any] = {"cnnlang_training": report, "cnnlang_autocast": half}
    made = running(model, source, **attributes)
    if compile:
        made.compile(mode=compile, dynamic=False if not graph.free else None)
    return made


def numbered(owner: Any) -> bool:
    """True for a sequence whose children are called as they are counted."""
    counted = [str(number) for number in range(len(getattr(owner, "_modules", ())))]
    return isinstance(owner, nn.Sequential) and list(owner._modules) == counted


def reach(model: nn.Module, node: Node) -> str:
    """How a layer is found from the network: `self.layer1[0].conv1`."""
    found, owner = "self", model
    for name in node.path:
        found = f"{found}[{name}]" if numbered(owner) else attribute(name).replace("self", found, 1)
        owner = getattr(owner, name)
    return found


__all__ = ["Peak", "Report", "prepare"]
