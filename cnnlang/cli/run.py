"""`cnnlang run`: the proof that a network runs on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cnnlang import amounts
from cnnlang.cli.failure import Failure
from cnnlang.cli.files import compiled
from cnnlang.cli.options import file_argument, input_option, network_argument, set_option

if TYPE_CHECKING:
    from cnnlang.cli.trial import Measure
    from cnnlang.graph import Graph

EPILOG = """\b
Examples:
  cnnlang run lenet5.cnn
  cnnlang run resnet.cnn ResNet50 --device cuda --batch 64 --dtype bf16 --compile
  cnnlang run unet.cnn UNet --input 3x256x256 --batch 1 --steps 3

Exit codes: 0 if it ran, 1 if it cannot be compiled or cannot run here, 2 for a wrong call.
"""


@click.command(epilog=EPILOG, short_help="Time a network on this machine.")
@file_argument
@network_argument
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to run; `auto` takes a GPU if there is one.",
)
@click.option(
    "--batch", type=click.IntRange(min=1), default=8, show_default=True, help="Samples of a step."
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Steps to time, after one that is not counted.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bf16"]),
    default="float32",
    show_default=True,
    help="bf16 runs under autocast.",
)
@click.option("--compile", "compiling", is_flag=True, help="Run it through torch.compile.")
@input_option
@set_option
def command(
    file: str,
    network: str | None,
    device: str,
    batch: int,
    steps: int,
    dtype: str,
    compiling: bool,
    shapes: dict[str | int, tuple[int, ...]],
    settings: dict[str, Any],
) -> None:
    """Build NETWORK in FILE and time inference and training on random input.

    Free sizes of the input are 224, or the next size that is valid, unless --input gives them.
    """
    graph = compiled(file, network, settings, shapes)
    sizes = chosen(graph)
    from cnnlang.cli.trial import Plan, TrialError, trial
    from cnnlang.layers.tensor import show as written

    plan = Plan(device, batch, steps, dtype == "bf16", compiling)
    try:
        where, found = trial(graph, sizes, plan)
    except TrialError as problem:
        raise Failure(str(problem)) from None
    inputs = ", ".join(written((batch, *shape)) for shape in sizes)
    click.echo(f"{graph.name} on {where}, {dtype}, input {inputs}")
    show(found, batch)


def chosen(graph: Graph) -> list[tuple[int, ...]]:
    """The input shapes; sizes that the file leaves open are told when they are chosen here."""
    from cnnlang.analysis.ordinary import usual_shapes
    from cnnlang.analysis.validity import solve
    from cnnlang.layers.tensor import show as written

    shapes = usual_shapes(graph)
    if graph.free:
        given = ", ".join(f"{name}={written(shape)}" for name, shape in shapes.items())
        valid = "; ".join(map(str, solve(graph).sets.values()))
        click.echo(f"input {given} (valid: {valid}; --input takes another)", err=True)
    return list(shapes.values())


def show(found: list[Measure], batch: int) -> None:
    """A line for inference and one for training."""
    click.echo(f"{'':<9}  {'time/step':>10}  {'samples/s':>10}  {'peak memory':>11}")
    for each in found:
        time, rate = duration(each.seconds), f"{batch / each.seconds:,.1f}"
        click.echo(f"{each.name:<9}  {time:>10}  {rate:>10}  {memory(each.peak):>11}")
    sys.stdout.flush()


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"


def memory(amount: int | None) -> str:
    return "unknown" if amount is None else amounts.memory(amount)
