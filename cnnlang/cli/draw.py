"""`cnnlang draw`: the figure of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cnnlang.backends.diagram import CHANGING, DIRECTIONS, FORMATS, STYLES, THEMES
from cnnlang.cli.files import compiled, write
from cnnlang.cli.options import (
    file_argument,
    input_option,
    network_argument,
    output_option,
    set_option,
)
from cnnlang.cli.terminal import Failure, working

EPILOG = """\b
Examples:
  cnnlang draw lenet5.cnn --direction LR
  cnnlang draw alexnet.cnn --style volumes -o alexnet.pdf
  cnnlang draw resnet.cnn ResNet50 --input 3x224x224 -o resnet50.pdf
  cnnlang draw unet.cnn UNet --theme dark -o unet.png
  cnnlang draw unet.cnn UNet -o unet.html
  cnnlang draw lenet5.cnn -o lenet5.dot
"""


@click.command(epilog=EPILOG, short_help="Draw a network as SVG, PNG, PDF, DOT or HTML.")
@file_argument
@network_argument
@output_option("A .svg, .png, .pdf, .dot or .html file; NETWORK.svg otherwise.")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    help="Every operation (graph), a card for each block (blocks: the default for large networks), "
    "or the feature maps to scale (volumes: a paper's figure).",
)
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS, case_sensitive=False),
    help="For the style graph: downwards (the default), or to the right.",
)
@click.option(
    "--theme",
    type=click.Choice(THEMES),
    help="light unless given; auto: an SVG or page that turns dark where its surroundings are. "
    "A .html page does so by itself.",
)
@input_option
@set_option
def command(
    file: str,
    network: str | None,
    output: str | None,
    style: str | None,
    direction: str | None,
    theme: str | None,
    shapes: dict[str | int, tuple[int, ...]],
    settings: dict[str, Any],
) -> None:
    """Draw NETWORK in FILE: its layers and blocks, and the shapes between them.

    Needs no Graphviz and no fonts on the machine: both come along. A .html file is a page for the
    browser that needs no network: all styles, to zoom, search and fold, with the table of
    `cnnlang summary` and the source beside them; press ? in it for its keys.
    """
    from cnnlang.backends import diagram
    from cnnlang.backends.rendering import RenderError

    if direction and style not in (None, "graph"):
        raise click.BadParameter(f"the style {style} has none", param_hint="'--direction'")
    format = suffix(output) if output else "svg"
    if theme == "auto" and format not in CHANGING:
        raise click.BadParameter(
            f"auto is for .svg and .html, not for .{format}", param_hint="'--theme'"
        )
    graph = compiled(file, network, settings, shapes)
    try:
        with working(f"drawing {graph.name}"):
            data = diagram.draw(graph, format, style=style, theme=theme, direction=direction)
    except RenderError as error:
        raise Failure(str(error)) from None
    path = output or f"{graph.name}.svg"
    write(path, data, file)
    click.echo(f"wrote {path}", err=True)


def suffix(output: str) -> str:
    """The format that the name of a file asks for."""
    found = Path(output).suffix.lower().lstrip(".")
    if found not in FORMATS:
        raise click.BadParameter(
            f"'{output}' ends in none of {', '.join('.' + f for f in FORMATS)}", param_hint="'-o'"
        )
    return found
