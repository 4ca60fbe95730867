"""`cnnlang summary`: layers, shapes, parameters, MACs and memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cnnlang.cli.failure import Failure
from cnnlang.cli.files import compiled
from cnnlang.cli.options import file_argument, input_option, network_argument, set_option, size
from cnnlang.cli.terminal import colourful, report, room

if TYPE_CHECKING:
    from cnnlang.backends.usage import Usage
    from cnnlang.graph import Graph

EPILOG = """\b
Examples:
  cnnlang summary lenet5.cnn
  cnnlang summary resnet.cnn ResNet50 --depth 1 --input 3x224x224
  cnnlang summary resnet.cnn ResNet50 --set classes=10
  cnnlang summary siamese.cnn --input left=1x105x105 --input right=1x105x105
  cnnlang summary resnet.cnn ResNet50 --input 3x224x224 --batch 64 --dtype bf16 --optimizer adamw
  cnnlang summary resnet.cnn ResNet50 --input 3x224x224 --fits 24GiB
  cnnlang summary lenet5.cnn --json

Exit codes: 0 if all is well, 1 if the file has errors or the memory cannot be told, 2 for a wrong
call.
"""
DTYPES = click.Choice(["float32", "float64", "bf16", "float16"])


@click.command(epilog=EPILOG, short_help="Tell layers, shapes, receptive fields, MACs, memory.")
@file_argument
@network_argument
@click.option("--depth", type=click.IntRange(min=1), help="Fold modules nested deeper than this.")
@input_option
@click.option("--batch", type=click.IntRange(min=1), help="Tell the memory for so many samples.")
@click.option("--fits", metavar="SIZE", callback=size, help="Find the largest batch for 24GiB.")
@click.option("--dtype", type=DTYPES, help="For memory; bf16 and float16 run under autocast.")
@click.option("--weights", type=DTYPES, help="For memory; float32 under autocast unless given.")
@click.option(
    "--optimizer",
    type=click.Choice(["sgd", "momentum", "adam", "adamw"]),
    help="For memory; `momentum` is SGD with momentum.",
)
@click.option(
    "--device", type=click.Choice(["cuda", "cpu"]), help="For memory; where PyTorch's rules differ."
)
@set_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(
    file: str,
    network: str | None,
    depth: int | None,
    shapes: dict[str | int, tuple[int, ...]],
    batch: int | None,
    fits: int | None,
    settings: dict[str, Any],
    as_json: bool,
    **choices: str | None,
) -> None:
    """Tell the layers of NETWORK in FILE: shapes, receptive fields, parameters and MACs.

    Field is the receptive field and its jump: a position of `35x35 /8` reads 35 x 35 positions of
    the input, its neighbour those 8 further on; borders are not regarded, `all` is the whole input.
    MACs are multiply-accumulates for one sample; while they depend on a free size of the input,
    give one with --input. With --batch or --fits, also the memory of a training step and of
    inference, predicted from the file alone: bytes of tensors that are live at once.
    """
    from cnnlang.backends.summary import summary, table
    from cnnlang.diagnostics.jsonout import dump

    given = {name: value for name, value in choices.items() if value is not None}
    if given and batch is None and fits is None:
        raise click.UsageError(f"--{next(iter(given))} is about memory: give --batch or --fits too")
    graph = compiled(file, network, settings, shapes)
    usage = None if batch is None and fits is None else predicted(graph, batch, fits, given)
    found = summary(graph, usage)
    if as_json:
        click.echo(dump(found.as_dict()))
    else:
        click.echo(table(found, depth, room(sys.stdout), colourful(sys.stdout)))


def predicted(graph: Graph, batch: int | None, limit: int | None, choices: dict[str, str]) -> Usage:
    """The memory of a network; the batch is the largest that can be trained unless it is given."""
    from cnnlang.analysis.memory import Unpredictable, memory, setting
    from cnnlang.analysis.ordinary import suggestion, usual_shapes
    from cnnlang.backends.usage import Usage

    try:
        asked = setting(**choices)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    if graph.free:
        where = f"{', '.join(graph.free)}: give {suggestion(usual_shapes(graph).values())}"
        raise Failure(f"the memory of {graph.name} depends on {where}")
    try:
        found = memory(graph, asked)
    except Unpredictable as problem:
        report([problem.diagnostic])
        raise click.exceptions.Exit(1) from None
    most = found.largest(limit) if limit is not None else 1
    return Usage(found, asked, batch or most or 1, limit)
