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
  cnnlang build resnet.cnn ResNet50 --for inference -o fast.py
  cnnlang build resnet.cnn ResNet50 --for inference --device cuda -o fast.py

Exit codes: 0 if all is well, 1 if the file has errors or the output cannot be written, 2 for a
wrong call.
"""


@click.command(epilog=EPILOG, short_help="Write PyTorch source.")
@file_argument
@network_argument
@output_option("Where to write; standard output otherwise.")
@set_option
@click.option(
    "--for", "use", type=click.Choice(["inference"]), help="Write it for this use alone, faster."
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "any"]),
    help="For inference: `cpu` (oneDNN) unless given, `cuda` (cuDNN), or `any`.",
)
def command(
    file: str,
    network: str | None,
    output: str | None,
    settings: dict[str, Any],
    use: str | None,
    device: str | None,
) -> None:
    """Write NETWORK in FILE as a Python module that needs nothing but PyTorch.

    For inference, its norms are folded into weights, and its forward is a flat list of operations
    of the device: `convert` in the module makes its weights from those of the network.
    """
    from cnnlang.backends import inference, source

    if device and not use:
        raise click.UsageError("--device is about inference: give --for inference too")
    graph = compiled(file, network, settings, {})
    text = inference.generate(graph, device or "cpu") if use else source.generate(graph)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write(output, text.encode("utf-8"), file)
