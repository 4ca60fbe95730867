"""Arguments and options that several subcommands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])

LARGEST = 2**31


def sources(incomplete: str) -> list[CompletionItem]:
    """`.cnn` files and folders that begin with what is written; any file if there are none."""
    folder = Path(incomplete).parent if not incomplete.endswith("/") else Path(incomplete)
    try:
        found = sorted(folder.iterdir())
    except (OSError, ValueError):
        return []
    names = [str(p) + "/" * p.is_dir() for p in found if p.is_dir() or p.suffix == ".cnn"]
    fitting = [CompletionItem(n) for n in names if n.startswith(incomplete)]
    return fitting or [CompletionItem(incomplete, type="file")]


def complete_file(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return sources(incomplete)


def complete_any(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def complete_network(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The networks of the file that is named before."""
    return networks(ctx.params.get("file"), incomplete)


def networks(file: str | None, incomplete: str) -> list[CompletionItem]:
    """The networks of a file that begin with what is written."""
    from cnnlang.sources import read
    from cnnlang.syntax import ast
    from cnnlang.syntax.parser import parse

    source = read(file)[0] if file and file != "-" else None
    if source is None:
        return []
    found = [d for d in parse(source)[0].definitions if isinstance(d, ast.Network | ast.Variant)]
    return [CompletionItem(d.name) for d in found if d.name.startswith(incomplete)]


file_argument = click.argument("file", shell_complete=complete_file)
files_argument = click.argument("files", nargs=-1, required=True, shell_complete=complete_file)
network_argument = click.argument("network", required=False, shell_complete=complete_network)


# --- --set ---------------------------------------------------------------------------------------


def settings(
    ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Any]:
    """`name=value` pairs, the values as the language writes them."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise click.BadParameter(f"'{text}' is not NAME=VALUE, as in classes=100")
        found[name.strip()] = literal(value.strip())
    return found


def literal(text: str) -> Any:
    """The value of an expression of the language; a name stands for itself."""
    from cnnlang.diagnostics.model import Source
    from cnnlang.elaborate.expressions import Reader, argument
    from cnnlang.elaborate.faults import Fault
    from cnnlang.elaborate.limits import Budget
    from cnnlang.elaborate.values import Names
    from cnnlang.syntax import ast
    from cnnlang.syntax.parser import parse

    file, errors = parse(Source("--set", f"let value = {text}\n"))
    only = file.definitions[0] if len(file.definitions) == 1 else None
    if errors or not isinstance(only, ast.Let):
        raise click.BadParameter(
            f"'{text}' is no value: write 100, 0.5, true, [3, 4], 3x3 or a name"
        )
    try:
        return argument(only.value, Reader(Names({}), Budget()))
    except Fault as fault:
        raise click.BadParameter(f"'{text}': {fault.diagnostics[0].message}") from None


set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=settings,
    help="Set a parameter of the network, as in --set classes=100. Repeatable.",
)


# --- --input -------------------------------------------------------------------------------------


def shapes(
    ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str | int, tuple[int, ...]]:
    """Shapes by the name of their input, or by position."""
    found: dict[str | int, tuple[int, ...]] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        key: str | int = name if equals else sum(isinstance(each, int) for each in found)
        found[key] = shape(value)
    return found


def shape(text: str) -> tuple[int, ...]:
    """`3x224x224` as sizes."""
    if not re.fullmatch(r"[0-9]{1,10}(x[0-9]{1,10})*", text):
        raise click.BadParameter(f"'{text}' is not a shape: write 3x224x224, or left=1x105x105")
    sizes = tuple(int(part) for part in text.split("x"))
    if not all(0 < size < LARGEST for size in sizes):
        raise click.BadParameter(f"'{text}': every size is above 0 and below 2^31")
    return sizes


input_option = click.option(
    "--input",
    "shapes",
    multiple=True,
    metavar="SHAPE",
    callback=shapes,
    help="The shape of an input without the batch: 3x224x224, or left=1x105x105. Repeatable.",
)


# --- lints ---------------------------------------------------------------------------------------


def listed(
    ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Codes and names of lints, after commas too; None if the option is not given."""
    from cnnlang.analysis.lints.selection import unknown

    words = tuple(word.strip() for text in texts for word in text.split(",") if word.strip())
    for word in words:
        if message := unknown(word):
            raise click.BadParameter(message)
    return words if texts else None


def lint_options(function: F) -> F:
    """`--select`, `--extend-select` and `--ignore`, each with codes, beginnings of codes, names."""
    helps = {
        "--ignore": "Leave these lints out.",
        "--extend-select": "Look for these lints too.",
        "--select": "Look for these lints only: L611, L6, gridding or ALL. Repeatable.",
    }
    for name, help in helps.items():
        option = click.option(name, multiple=True, metavar="LINTS", callback=listed, help=help)
        function = option(function)
    return function


# --- sizes of memory -----------------------------------------------------------------------------


def size(ctx: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """An amount of bytes as the language writes it: `24GiB`, `500M`."""
    if text is None:
        return None
    from cnnlang import amounts

    found = amounts.read(text)
    if found is None:
        raise click.BadParameter(f"'{text}' is no amount of memory: write 24GiB or 500MiB")
    return found


def output_option(help: str) -> Callable[[F], F]:
    return click.option("-o", "--output", metavar="FILE", shell_complete=complete_any, help=help)
