"""`cnnlang build`: PyTorch source for a network, or a compiled package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cnnlang.cli.failure import Failure
from cnnlang.cli.files import compiled, same, write
from cnnlang.cli.options import (
    file_argument,
    input_option,
    network_argument,
    output_option,
    set_option,
)
from cnnlang.cli.terminal import working

if TYPE_CHECKING:
    from cnnlang.graph import Graph

EPILOG = """\b
Examples:
  cnnlang build lenet5.cnn
  cnnlang build resnet.cnn ResNet50 -o resnet50.py
  cnnlang build resnet.cnn ResNet50 --set classes=10 -o resnet50.py
  cnnlang build resnet.cnn ResNet50 --for inference -o fast.py
  cnnlang build resnet.cnn ResNet50 --for inference --device cuda -o fast.py
  cnnlang build lenet5.cnn --aot --weights lenet5.pt --batch 8 -o lenet5.pt2

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
@click.option("--aot", is_flag=True, help="Compile with AOTInductor, and write a .pt2 package.")
@click.option("--weights", metavar="FILE", help="For --aot: the trained weights, .pt or .pth.")
@click.option("--batch", type=click.IntRange(min=1), help="For --aot: samples a call; 1.")
@input_option
def command(
    file: str,
    network: str | None,
    output: str | None,
    settings: dict[str, Any],
    shapes: dict[str | int, tuple[int, ...]],
    aot: bool,
    **choices: Any,
) -> None:
    """Write NETWORK in FILE as a Python module that needs nothing but PyTorch.

    For inference, its norms are folded into weights, and its forward is a flat list of operations
    of the device: `convert` in the module makes its weights from those of the network. With --aot,
    the network and its weights are compiled for a batch and a size, as `aoti_load_package` reads
    it; inputs of other shapes are refused only where AOTI_RUNTIME_CHECK_INPUTS=1 is set.
    """
    given = {name: value for name, value in choices.items() if value is not None}
    if complaint := misused(given, bool(shapes), aot, output):
        raise click.UsageError(complaint)
    if aot and output and same(output, given["weights"]):
        raise Failure(f"{output} is the file with the weights: choose another name for the output")
    graph = compiled(file, network, settings, shapes)
    data = packed(graph, given) if aot else source(graph, given)
    if output is None:
        text = data.decode()
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write(output, data, file)


def misused(given: dict[str, Any], shaped: bool, aot: bool, output: str | None) -> str:
    """What is wrong with a choice of options, nothing if all is well."""
    if aot:
        if "use" in given or given.get("device") == "any":
            return "--aot compiles for `cpu` or `cuda` by itself: leave --for out"
        missing = [
            word for word, has in (("--weights", "weights" in given), ("-o", output)) if not has
        ]
        return f"--aot needs {missing[0]} too" if missing else ""
    if "device" in given and "use" not in given:
        return "--device is about inference: give --for inference too"
    extra = [f"--{name}" for name in ("weights", "batch") if name in given]
    extra += ["--input"] * shaped
    return f"{extra[0]} is about a package: give --aot too" if extra else ""


def source(graph: Graph, given: dict[str, Any]) -> bytes:
    """The source, of the network itself or for a use."""
    from cnnlang.backends import inference
    from cnnlang.backends.source import generate

    if "use" in given:
        try:
            return inference.generate(graph, given.get("device", "cpu")).encode()
        except ValueError as error:
            raise Failure(str(error)) from None
    return generate(graph).encode()


def packed(graph: Graph, given: dict[str, Any]) -> bytes:
    """The compiled package."""
    from cnnlang.backends.aot import PackageError, package
    from cnnlang.backends.matching import WeightsError

    with working("compiling ..."):
        try:
            return package(
                graph, given["weights"], given.get("batch", 1), given.get("device", "cpu")
            )
        except (PackageError, WeightsError) as error:
            raise Failure(str(error)) from None
