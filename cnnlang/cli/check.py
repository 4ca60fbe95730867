"""`cnnlang check`: everything that is wrong with some files."""

from __future__ import annotations

import codecs
from pathlib import Path

import click

from cnnlang.analysis.lints import Choice
from cnnlang.cli.failure import Failure
from cnnlang.cli.files import compared, write
from cnnlang.cli.findings import Task, configured, examine, show
from cnnlang.cli.options import files_argument, input_option, lint_options
from cnnlang.compilation import Settings, check_source, distinct
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.diagnostics.render import FORMATS
from cnnlang.records import dataclass
from cnnlang.sources import fetch, read

EPILOG = """\b
Examples:
  cnnlang check net.cnn
  cnnlang check *.cnn --quiet
  cnnlang check resnet.cnn --network ResNet50 --input 3x224x224
  cnnlang check net.cnn --watch
  cnnlang check net.cnn --fix
  cnnlang check net.cnn --fix --unsafe-fixes --diff
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
@click.option("--network", metavar="NAME", help="Check this network alone.")
@input_option
@lint_options
@click.option("--strict", is_flag=True, help="Fail for warnings too.")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but what is a reason to fail.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without changing what is meant.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix: apply the other fixes too.")
@click.option("--diff", is_flag=True, help="With --fix: show the changes and write nothing.")
def command(
    files: tuple[str, ...],
    format: str,
    watch: bool,
    network: str | None,
    shapes: dict[str | int, tuple[int, ...]],
    select: tuple[str, ...] | None,
    extend_select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    strict: bool,
    quiet: bool,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
) -> None:
    """Check FILES: syntax, names, arguments, shapes for every valid size, budgets, lints.

    `-` reads standard input. Notes and warnings are shown, and are no reason to fail. Lints can be
    chosen here, under [tool.cnnlang] in the nearest pyproject.toml, and for one line of a file by
    `# ignore: L611 because ...`.

    With --network, every file must have such a network. The others are read and not judged: of
    them, mistakes of the syntax and of their heads are all that is told.

    With --input, every network is checked with this input in place of the one that it declares:
    budgets that depend on free sizes are judged at that size.

    With --fix, the files are changed where that mends something and harms nothing; of standard
    input, the fixed text goes to standard output. Files that are used but not named stay as they
    are.
    """
    misused(fix, unsafe_fixes or diff, watch, bool(shapes))
    if fix and network:
        raise click.UsageError("--fix does not go with --network: it mends all of a file")
    names = list(dict.fromkeys(files))
    task = Task(Choice(select, extend_select or (), ignore or ()), Settings(shapes=shapes), network)
    fatal = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    kinds = fatal if quiet else set(Severity)
    if watch:
        watched(names, task, format, kinds)
        return
    changed = False
    if fix:
        found, changed = mended(names, task, Wish(unsafe_fixes, diff), format, kinds)
    else:
        found = examine(names, fetch, task)
        show(found, len(names), format, kinds, only=network)
    if any(each.severity in fatal for each in found) or (diff and changed):
        raise click.exceptions.Exit(1)


def misused(fix: bool, more: bool, watch: bool, sized: bool) -> None:
    """Options that go with --fix, and those that do not."""
    if more and not fix:
        raise click.UsageError("--unsafe-fixes and --diff go with --fix")
    if fix and watch:
        raise click.UsageError("--fix does not go with --watch")
    if fix and sized:
        raise click.UsageError("--fix does not go with --input: what it mends holds for every size")


@dataclass(frozen=True, slots=True)
class Wish:
    """What --fix may do."""

    unsafe: bool
    diff: bool


def mended(
    names: list[str], task: Task, wish: Wish, format: str, kinds: set[Severity]
) -> tuple[list[Diagnostic], bool]:
    """Fix files and show what is left in them; true beside it if something was fixed."""
    from cnnlang.mend import mend

    found: list[Diagnostic] = []
    fixed = 0
    for name in names:
        on = configured(name, task.choice)
        source, problems = read(name)
        if source is None or name.startswith("zoo:"):
            found += problems if source is None else check_source(source, fetch, on)
            continue
        after = mend(source, fetch, unsafe=wish.unsafe, lints=on)
        put(name, source, after.source, wish.diff)
        fixed += after.fixed
        found += after.left
    piped = wish.diff or "-" in names
    found = distinct(found) if piped else examine(names, fetch, task)
    show(found, len(names), format, kinds, fixed, piped)
    return found, fixed > 0


def put(name: str, before: Source, after: Source, diff: bool) -> None:
    """Write a mended source where it came from; with `diff`, show what would change."""
    if diff:
        click.echo(compared(before, after.text), nl=False)
    elif name == "-":
        click.echo(after.text, nl=False)
    elif after.text != before.text:
        write(name, marked(name) + after.text.encode("utf-8"))


def marked(name: str) -> bytes:
    """The byte order mark with which a file begins, if it has one."""
    with Path(name).open("rb") as file:
        return codecs.BOM_UTF8 if file.read(3) == codecs.BOM_UTF8 else b""


def watched(names: list[str], task: Task, format: str, kinds: set[Severity]) -> None:
    """Check again and again, whenever one of the files or what they use changes."""
    from cnnlang.cli.watch import Watch
    from cnnlang.history import History

    if "-" in names:
        raise Failure("standard input cannot be watched")
    watch, history = Watch(names), History()
    try:
        for _ in watch.changes():
            found = examine(names, watch.fetch, task, history.begin)
            show(found, len(names), format, kinds, only=task.network)
    except KeyboardInterrupt:
        click.echo(err=True)
