"""`cnnlang build`: PyTorch source for a network."""

from __future__ import annotations

from typing import Any

import click

from cnnlang.cli.files import compiled, write
from cnnlang.cli.options import file_argument, network_argument, output_option, set_option

EPILOG = """\b
Examples:
  cnnlang build lenet5.cnn
  cnnlang build resnet.cnn ResNet50 -o resnet50.py
  cnnlang build resnet.cnn ResNet50 --set classes=10 -o resnet50.py

Exit codes: 0 if all is well, 1 if the file has errors or the output cannot be written, 2 for a
wrong call.
"""


@click.command(epilog=EPILOG, short_help="Write PyTorch source.")
@file_argument
@network_argument
@output_option("Where to write; standard output otherwise.")
@set_option
def command(file: str, network: str | None, output: str | None, settings: dict[str, Any]) -> None:
    """Write NETWORK in FILE as a Python module that needs nothing but PyTorch."""
    from cnnlang.backends.source import generate

    text = generate(compiled(file, network, settings, {}))
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write(output, text.encode("utf-8"), file)
