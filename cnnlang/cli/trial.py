"""Running a network on random input: inference and training, timed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import torch
from torch import nn

from cnnlang.amounts import plural
from cnnlang.backends.module import instantiate
from cnnlang.cli.terminal import is_terminal
from cnnlang.graph import Graph
from cnnlang.records import dataclass

FEW = 2
"""Integers are drawn below this where no embedding says how many there are."""


class TrialError(Exception):
    """The network cannot run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run."""

    device: str
    batch: int
    steps: int
    half: bool
    compiling: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """Seconds a step, and the most memory in bytes (None where the system does not tell)."""

    name: str
    seconds: float
    peak: int | None


def trial(graph: Graph, shapes: list[tuple[int, ...]], plan: Plan) -> tuple[str, list[Measure]]:
    """Where it ran, and how fast inference and training were."""
    device = select(plan.device)
    try:
        return describe(device), measured(graph, shapes, plan, device)
    except torch.OutOfMemoryError:
        raise TrialError(f"a batch of {plan.batch} needs more memory than {device} has") from None
    except (RuntimeError, ValueError, ImportError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TrialError(f"{graph.name} does not run here: {first}") from None


def select(name: str) -> torch.device:
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise TrialError("there is no CUDA device here: use --device cpu")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def describe(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"cpu ({plural(threads, 'thread')})"


def measured(
    graph: Graph, shapes: list[tuple[int, ...]], plan: Plan, device: torch.device
) -> list[Measure]:
    """Inference, then training."""
    model = instantiate(graph, device=device)
    inputs = drawn(graph, shapes, plan.batch, device)
    runner: Callable[..., Any] = torch.compile(model) if plan.compiling else model
    phases = {"inference": inference, "training": training}
    return [
        timed(name, plan, device, phase(model, runner, inputs, plan, device))
        for name, phase in phases.items()
    ]


def drawn(
    graph: Graph, shapes: list[tuple[int, ...]], batch: int, device: torch.device
) -> list[torch.Tensor]:
    """Random tensors for the inputs; integers stay below the count of every embedding."""
    counts = [vars(n.layer)["count"] for n in graph.layers if n.kind == "embedding"]
    found = []
    for index, shape in zip(graph.inputs, shapes, strict=True):
        size = (batch, *shape)
        if graph.nodes[index].output.dtype == "int":
            found.append(torch.randint(min(counts, default=FEW), size, device=device))
        else:
            found.append(torch.randn(size, device=device))
    return found


Step = Callable[[], None]


def inference(
    model: nn.Module,
    runner: Callable[..., Any],
    inputs: list[torch.Tensor],
    plan: Plan,
    device: torch.device,
) -> Step:
    """One forward pass in evaluation mode."""
    model.eval()

    def step() -> None:
        with torch.inference_mode(), precision(plan, device):
            runner(*inputs)

    return step


def training(
    model: nn.Module,
    runner: Callable[..., Any],
    inputs: list[torch.Tensor],
    plan: Plan,
    device: torch.device,
) -> Step:
    """Forward, backward and a step of SGD on the mean square of all outputs."""
    model.train()
    parameters = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=1e-4) if parameters else None

    def step() -> None:
        with precision(plan, device):
            result = runner(*inputs)
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        loss = torch.stack([each.float().square().mean() for each in outputs]).sum()
        if optimizer is not None and loss.requires_grad:
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return step


def precision(plan: Plan, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=plan.half)


def timed(name: str, plan: Plan, device: torch.device, step: Step) -> Measure:
    """The mean time of a step, after one that is not counted."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    step()
    wait(device)
    start = time.perf_counter()
    with progress(name, plan.steps) as rounds:
        for _ in rounds:
            step()
    wait(device)
    return Measure(name, (time.perf_counter() - start) / plan.steps, peak(device))


@contextmanager
def progress(name: str, steps: int) -> Iterator[Any]:
    """The rounds, with a bar on a terminal."""
    if not is_terminal(sys.stderr):
        yield range(steps)
        return
    with click.progressbar(range(steps), label=f"{name:<9}", file=sys.stderr) as bar:
        yield bar


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak(device: torch.device) -> int | None:
    """The most memory so far: allocated on a GPU, resident of this process elsewhere."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
