"""`cnnlang check`: everything that is wrong with some files."""

from __future__ import annotations

from collections.abc import Callable

import click

from cnnlang.analysis.lints import Choice
from cnnlang.cli.options import files_argument, lint_options
from cnnlang.cli.terminal import Failure, report
from cnnlang.compilation import check_source, distinct
from cnnlang.configuration import lints
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.diagnostics.render import FORMATS
from cnnlang.sources import fetch, read
from cnnlang.syntax import ast

EPILOG = """\b
Examples:
  cnnlang check net.cnn
  cnnlang check *.cnn --quiet
  cnnlang check net.cnn --watch
  cnnlang check net.cnn --select ALL --ignore channels-not-8
  cnnlang check net.cnn --format sarif > cnnlang.sarif
  cat net.cnn | cnnlang check -

Exit codes: 0 without errors, 1 with errors, 2 for a wrong call or configuration. With --strict, 1
with warnings too.
"""


@click.command(epilog=EPILOG, short_help="Check files: syntax, names, shapes, budgets, lints.")
@files_argument
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="How to write what was found.",
)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes; ends on Ctrl-C.")
@lint_options
@click.option("--strict", is_flag=True, help="Fail for warnings too.")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but what is a reason to fail.")
def command(
    files: tuple[str, ...],
    format: str,
    watch: bool,
    select: tuple[str, ...] | None,
    extend_select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    strict: bool,
    quiet: bool,
) -> None:
    """Check FILES: syntax, names, arguments, shapes for every valid size, budgets, lints.

    `-` reads standard input. Notes and warnings are shown, and are no reason to fail. Lints can be
    chosen here, under [tool.cnnlang] in the nearest pyproject.toml, and for one line of a file by
    `# ignore: L611 because ...`.
    """
    names = list(dict.fromkeys(files))
    choice = Choice(select, extend_select or (), ignore or ())
    fatal = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    if watch:
        watched(names, choice, format, fatal if quiet else set(Severity))
        return
    found = examine(names, fetch, choice)
    show(found, len(names), format, fatal if quiet else set(Severity))
    if any(each.severity in fatal for each in found):
        raise click.exceptions.Exit(1)


def examine(
    names: list[str], using: Callable[[ast.Use], Source | str], choice: Choice
) -> list[Diagnostic]:
    """What is wrong with files; a mistake in a file that several use is told once.

    A mistake in the configuration of a file ends the command.
    """
    found: list[Diagnostic] = []
    for name in names:
        on, problems = lints(name, choice)
        if problems:
            report(problems)
            raise click.exceptions.Exit(2)
        source, problems = read(name)
        found += problems if source is None else check_source(source, using, on)
    return distinct(found)


def show(found: list[Diagnostic], files: int, format: str, kinds: set[Severity]) -> None:
    """Write what was found of some kinds, and the verdict if these are all."""
    kept = [each for each in found if each.severity in kinds]
    report(kept, format, err=False)
    if format == "text" and len(kinds) == len(Severity):
        click.echo(("\n" if kept else "") + verdict(found, files))


def verdict(found: list[Diagnostic], files: int) -> str:
    """The closing line: `2 files checked: 1 error, 3 notes`."""
    counts = {s: sum(each.severity is s for each in found) for s in Severity}
    words = [plural(n, s.value) for s, n in counts.items() if n]
    if not counts[Severity.ERROR]:
        words.insert(0, "no errors")
    return f"{plural(files, 'file')} checked: {', '.join(words)}"


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def watched(names: list[str], choice: Choice, format: str, kinds: set[Severity]) -> None:
    """Check again and again, whenever one of the files or what they use changes."""
    from cnnlang.cli.watch import Watch

    if "-" in names:
        raise Failure("standard input cannot be watched")
    watch = Watch(names)
    try:
        for _ in watch.changes():
            show(examine(names, watch.fetch, choice), len(names), format, kinds)
    except KeyboardInterrupt:
        click.echo(err=True)
