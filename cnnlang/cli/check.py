"""`cnnlang check`: everything that is wrong with some files."""

from __future__ import annotations

from collections.abc import Callable

import click

from cnnlang.cli.options import files_argument
from cnnlang.cli.terminal import Failure, report
from cnnlang.compilation import check_source, distinct
from cnnlang.diagnostics.model import Diagnostic, Severity, Source, has_errors
from cnnlang.diagnostics.render import FORMATS
from cnnlang.sources import fetch, read
from cnnlang.syntax import ast

EPILOG = """\b
Examples:
  cnnlang check net.cnn
  cnnlang check *.cnn --quiet
  cnnlang check net.cnn --watch
  cnnlang check net.cnn --format sarif > cnnlang.sarif
  cat net.cnn | cnnlang check -

Exit codes: 0 without errors, 1 with errors, 2 for a wrong call.
"""


@click.command(epilog=EPILOG, short_help="Check files: syntax, names, shapes, budgets.")
@files_argument
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="How to write what was found.",
)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes; ends on Ctrl-C.")
@click.option("-q", "--quiet", is_flag=True, help="Show errors only.")
def command(files: tuple[str, ...], format: str, watch: bool, quiet: bool) -> None:
    """Check FILES: syntax, names, arguments, shapes for every valid size, budgets.

    `-` reads standard input. Notes and warnings are shown, and are no reason to fail.
    """
    names = list(dict.fromkeys(files))
    if watch:
        watched(names, format, quiet)
        return
    if show(examine(names, fetch), len(names), format, quiet):
        raise click.exceptions.Exit(1)


def examine(names: list[str], using: Callable[[ast.Use], Source | str]) -> list[Diagnostic]:
    """What is wrong with files; a mistake in a file that several use is told once."""
    found: list[Diagnostic] = []
    for name in names:
        source, problems = read(name)
        found += problems if source is None else check_source(source, using)
    return distinct(found)


def show(found: list[Diagnostic], files: int, format: str, quiet: bool) -> bool:
    """Write what was found; true if there are errors."""
    kept = [each for each in found if not quiet or each.severity is Severity.ERROR]
    report(kept, format, err=False)
    if format == "text" and not quiet:
        click.echo(("\n" if kept else "") + verdict(found, files))
    return has_errors(found)


def verdict(found: list[Diagnostic], files: int) -> str:
    """The closing line: `2 files checked: 1 error, 3 notes`."""
    counts = {s: sum(each.severity is s for each in found) for s in Severity}
    words = [plural(n, s.value) for s, n in counts.items() if n]
    if not counts[Severity.ERROR]:
        words.insert(0, "no errors")
    return f"{plural(files, 'file')} checked: {', '.join(words)}"


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def watched(names: list[str], format: str, quiet: bool) -> None:
    """Check again and again, whenever one of the files or what they use changes."""
    from cnnlang.cli.watch import Watch

    if "-" in names:
        raise Failure("standard input cannot be watched")
    watch = Watch(names)
    try:
        for _ in watch.changes():
            show(examine(names, watch.fetch), len(names), format, quiet)
    except KeyboardInterrupt:
        click.echo(err=True)
