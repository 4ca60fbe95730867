"""`cnnlang sizes`: for which input sizes a network is valid."""

from __future__ import annotations

from typing import Any

import click

from cnnlang.cli.failure import Failure
from cnnlang.cli.files import answered
from cnnlang.cli.options import file_argument, input_option, network_argument, set_option
from cnnlang.cli.terminal import report

EPILOG = """\b
Examples:
  cnnlang sizes unet.cnn UNet
  cnnlang sizes unet.cnn UNet --size 451
  cnnlang sizes unet.cnn UNet --input 3x451x640
  cnnlang sizes zoo:densenet121 --format json

Exit codes: 0 if the size is valid or none is asked for, 1 if it is not or the file has errors, 2
for a wrong call.
"""


@click.command(epilog=EPILOG, short_help="Tell for which input sizes a network is valid.")
@file_argument
@network_argument
@click.option("--size", type=click.IntRange(min=1), help="Judge one size for all free axes.")
@input_option
@set_option
@click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to write the sizes.",
)
def command(
    file: str,
    network: str | None,
    size: int | None,
    shapes: dict[str | int, tuple[int, ...]],
    settings: dict[str, Any],
    format: str,
) -> None:
    """Tell for which sizes NETWORK in FILE is valid: all of them, and what sets them.

    Sizes that the file fixes are taken as free where the network allows it. For a size that is
    not valid, the nearest ones are told, and how much to crop or pad.
    """
    from cnnlang.backends.sizes import as_dict, asked, fixed, text, valid
    from cnnlang.diagnostics.jsonout import dump
    from cnnlang.graphs import open_file

    if size is not None and shapes:
        raise click.UsageError("--size and --input cannot go together")
    graph, remarks = answered(lambda: open_file(file, network, settings))
    report([each for each in remarks if each.code != "V401"])
    if size is not None and not graph.free:
        raise Failure(f"{graph.name} takes {', '.join(fixed(graph))} alone: no size is free")
    try:
        given = dict.fromkeys(graph.free, size) if size is not None else asked(graph, shapes)
    except ValueError as error:
        raise Failure(str(error)) from None
    found = valid(graph, {name: number for name, number in given.items() if number})
    if format == "json":
        click.echo(dump(as_dict(graph, found)))
    else:
        click.echo(text(graph, found))
    if any(each.valid is False for each in found):
        raise click.exceptions.Exit(1)
