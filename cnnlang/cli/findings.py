"""What `cnnlang check` finds in files, and how it shows it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence

from cnnlang.amounts import plural
from cnnlang.analysis.lints import Choice
from cnnlang.cli.terminal import report, say
from cnnlang.compilation import Begin, Settings, afresh, check_source, distinct
from cnnlang.configuration import lints
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.records import dataclass
from cnnlang.sources import fetch, meant, read
from cnnlang.syntax import ast

MOST = 1_000
"""How many diagnostics are shown with their place in the text; nobody reads more."""


def check(files: Sequence[str]) -> int:
    """Check files as `cnnlang check` does without options; its exit code."""
    names = list(dict.fromkeys(files))
    found = examine(names, fetch, Task(Choice(), Settings()))
    show(found, len(names), "text", set(Severity))
    return int(any(each.severity is Severity.ERROR for each in found))


@dataclass(frozen=True, slots=True)
class Task:
    """How files are checked: the lints that are chosen, what is set from outside, which network."""

    choice: Choice
    settings: Settings
    network: str | None = None


def examine(
    names: list[str],
    using: Callable[[ast.Use], Source | str],
    task: Task,
    begin: Begin = afresh,
) -> list[Diagnostic]:
    """What is wrong with files; a mistake in a file that several use is told once.

    A mistake in the configuration of a file ends the command.
    """
    found: list[Diagnostic] = []
    for name in names:
        on = configured(name, task.choice)
        source, problems = read(name)
        if source is not None:
            only = meant(name) if task.network is None else task.network
            problems = check_source(source, using, on, task.settings, only, begin)
        found += problems
    return distinct(found)


def configured(name: str, choice: Choice) -> frozenset[str]:
    """The lints that are on for a file."""
    on, problems = lints(name, choice)
    if problems:
        report(problems)
        sys.exit(2)
    return on


def show(
    found: list[Diagnostic],
    files: int,
    format: str,
    kinds: set[Severity],
    fixed: int | None = None,
    err: bool = False,
    only: str | None = None,
) -> None:
    """Write what was found of some kinds, and the verdict if these are all."""
    kept = [each for each in found if each.severity in kinds]
    report(kept[:MOST] if format == "text" else kept, format, err=err)
    if format == "text" and len(kept) > MOST:
        say("\n" + beyond(kept[MOST:]), err=err)
    if format == "text" and len(kinds) == len(Severity):
        say(("\n" if kept else "") + verdict(found, files, fixed, only), err=err)


def beyond(left: list[Diagnostic]) -> str:
    """What is counted and not shown: `... and 19,000 more: 19,000 of R501`."""
    codes = Counter(each.code for each in left).most_common()
    words = ", ".join(f"{n:,} of {code}" for code, n in codes)
    return f"... and {len(left):,} more, which --format concise lists: {words}"


def verdict(
    found: list[Diagnostic], files: int, fixed: int | None = None, only: str | None = None
) -> str:
    """The closing line: `2 files checked: 1 error, 3 notes`."""
    counts = {s: sum(each.severity is s for each in found) for s in Severity}
    words = [plural(n, s.value) for s, n in counts.items() if n]
    if not counts[Severity.ERROR]:
        words.insert(0, "no errors")
    if fixed is not None:
        return f"{plural(files, 'file')} checked: fixed {fixed}, {', '.join(words)} left"
    alone = f" for `{only}` alone" if only else ""
    return f"{plural(files, 'file')} checked{alone}: {', '.join(words)}"
