"""`cnnlang new`: a published network as a file to start from."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from cnnlang.cli.failure import Failure
from cnnlang.cli.files import write
from cnnlang.cli.options import output_option
from cnnlang.diagnostics.suggest import nearest
from cnnlang.sources import STANDARD, folded, library, published

EPILOG = """\b
Examples:
  cnnlang new --list
  cnnlang new resnet
  cnnlang new unet -o segmentation.cnn

Exit codes: 0 if all is well, 1 if the file is there already or cannot be written, 2 for a name that
there is not.
"""


def complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return [CompletionItem(n, help=about(n)) for n in library() if n.startswith(incomplete)]


def listing(ctx: click.Context, parameter: click.Parameter, asked: Any) -> None:
    """Show what there is, and end."""
    if not asked or ctx.resilient_parsing:
        return
    names = library()
    width = max(map(len, names), default=0)
    for name in names:
        click.echo(f"{name:<{width}}  {about(name)}".rstrip())
    ctx.exit()


@click.command(epilog=EPILOG, short_help="Start from a published network.")
@click.argument("name", shell_complete=complete)
@output_option("The file to write; NAME.cnn otherwise.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=listing,
    help="Show the names with a line each.",
)
def command(name: str, output: str | None, force: bool) -> None:
    """Write the network NAME from the standard library to a file of your own.

    NAME is a family (`resnet`) or one of its networks (`resnet50`).
    """
    path = output or f"{name}.cnn"
    text = starter(name)
    if not force and Path(path).exists():
        raise Failure(f"{path} exists already: --force replaces it, -o takes another name")
    write(path, text)
    click.echo(f"wrote {path}; next: cnnlang check {path}", err=True)


def starter(name: str) -> bytes:
    """The file of the standard library called so, or the one that has a network called so."""
    names, networks = library(), published()
    if name not in names and folded(name) in networks:
        name = networks[folded(name)][0]
    if name not in names:
        near = nearest(name, (*names, *networks))
        hint = f"did you mean '{near}'?" if near else f"there are {', '.join(names)}"
        raise click.BadParameter(f"there is no '{name}': {hint}", param_hint="NAME")
    return (STANDARD / f"{name}.cnn").read_bytes()


def about(name: str) -> str:
    """The first sentence of the comment that a file of the standard library begins with."""
    lines = (STANDARD / f"{name}.cnn").read_text(encoding="utf-8").splitlines()
    comment = takewhile(lambda line: line.startswith("#"), lines)
    words = " ".join(line.removeprefix("#").strip() for line in comment)
    return words.split(". ")[0].rstrip(".")
