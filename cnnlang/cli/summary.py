"""`cnnlang summary`: layers, shapes, parameters and MACs."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from cnnlang.cli.files import compiled
from cnnlang.cli.options import file_argument, input_option, network_argument, set_option
from cnnlang.cli.terminal import colourful, room

EPILOG = """\b
Examples:
  cnnlang summary lenet5.cnn
  cnnlang summary resnet.cnn ResNet50 --depth 1 --input 3x224x224
  cnnlang summary resnet.cnn ResNet50 --set classes=10
  cnnlang summary siamese.cnn --input left=1x105x105 --input right=1x105x105
  cnnlang summary lenet5.cnn --json
"""


@click.command(epilog=EPILOG, short_help="Layers, shapes, receptive fields, parameters and MACs.")
@file_argument
@network_argument
@click.option("--depth", type=click.IntRange(min=1), help="Fold modules nested deeper than this.")
@input_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(
    file: str,
    network: str | None,
    depth: int | None,
    shapes: dict[str | int, tuple[int, ...]],
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    """Tell the layers of NETWORK in FILE: shapes, receptive fields, parameters and MACs.

    Field is the receptive field and its jump: a position of `35x35 /8` reads 35 x 35 positions of
    the input, its neighbour those 8 further on; borders are not regarded, `all` is the whole input.
    MACs are multiply-accumulates for one sample; while they depend on a free size of the input,
    give one with --input.
    """
    from cnnlang.backends.summary import summary, table

    found = summary(compiled(file, network, settings, shapes))
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        click.echo(table(found, depth, room(sys.stdout), colourful(sys.stdout)))
