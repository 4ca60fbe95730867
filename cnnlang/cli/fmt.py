"""`cnnlang fmt`: files in the one layout."""

from __future__ import annotations

import click

from cnnlang.amounts import plural
from cnnlang.cli.files import compared, write
from cnnlang.cli.options import files_argument
from cnnlang.cli.terminal import report
from cnnlang.diagnostics.model import Source
from cnnlang.sources import read
from cnnlang.syntax.format import format_source

EPILOG = """\b
Examples:
  cnnlang fmt net.cnn
  cnnlang fmt --check *.cnn
  cnnlang fmt --diff net.cnn
  cat net.cnn | cnnlang fmt -

Exit codes: 0 if all is well, 1 if a file cannot be read, has syntax errors or (with --check
or --diff) another layout, 2 for a wrong call.
"""


@click.command(epilog=EPILOG, short_help="Format files.")
@files_argument
@click.option("--check", is_flag=True, help="Change nothing; name the files that would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """Format FILES in place; `-` formats standard input to standard output."""
    counts = {"changed": 0, "kept": 0, "failed": 0}
    for name in dict.fromkeys(files):
        counts[one(name, check, diff)] += 1
    if tuple(files) != ("-",):
        click.echo(verdict(counts, check or diff), err=True)
    if counts["failed"] or ((check or diff) and counts["changed"]):
        raise click.exceptions.Exit(1)


def one(name: str, check: bool, diff: bool) -> str:
    """Format a file: `changed`, `kept` or `failed`."""
    source, problems = read(name)
    text = None
    if source is not None:
        text, problems = format_source(source)
    if source is None or text is None:
        report(problems)
        return "failed"
    if name == "-" and not (check or diff):
        click.echo(text, nl=False)
    elif text != source.text:
        tell(source, text, name, check, diff)
    return "kept" if text == source.text else "changed"


def tell(source: Source, text: str, name: str, check: bool, diff: bool) -> None:
    """A file has another layout: write it, or say so."""
    if check:
        click.echo(f"would reformat {source.name}")
    if diff:
        click.echo(compared(source, text), nl=False)
    if not (check or diff):
        write(name, text.encode("utf-8"))


def verdict(counts: dict[str, int], dry: bool) -> str:
    """The closing line: `2 files reformatted, 1 left unchanged`."""
    words = [f"{plural(counts['changed'], 'file')} {'would be ' * dry}reformatted"]
    words = words if counts["changed"] else []
    words += [f"{plural(counts['kept'], 'file')} left unchanged"] if counts["kept"] else []
    words += [f"{plural(counts['failed'], 'file')} with errors"] if counts["failed"] else []
    return ", ".join(words)
