"""What the terminal can do, and how things are said on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cnnlang import __version__
from cnnlang.diagnostics.colours import painter
from cnnlang.diagnostics.model import Diagnostic, Rule
from cnnlang.diagnostics.render import render

LEAST, MOST = 40, 120
"""The narrowest and the widest text that is written for a terminal, in columns."""


def prepare() -> None:
    """Let no character be a reason to fail, whatever the encoding of the terminal is."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def is_terminal(stream: Any) -> bool:
    return stream is not None and bool(stream.isatty())


def colourful(stream: Any) -> bool:
    """True on a terminal that shows colours, unless the user wants none (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def room(stream: Any) -> int | None:
    """The columns of a terminal, None where lines may be as long as they like."""
    if not is_terminal(stream):
        return None
    import shutil

    return max(LEAST, shutil.get_terminal_size((MOST, 24)).columns)


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write at once, as `click.echo` does; it itself is needed only where it translates colours."""
    if os.name == "nt":
        import click

        click.echo(text, err=err, nl=nl)
    elif stream := sys.stderr if err else sys.stdout:
        stream.write(text + "\n" * nl)
        stream.flush()


def complain(message: str) -> None:
    """An error in a line on standard error."""
    say(f"{painter(colourful(sys.stderr))('error', 'error')}: {message}", err=True)


def report(diagnostics: list[Diagnostic], format: str = "text", *, err: bool = True) -> None:
    """Diagnostics in one of the formats of `check`; nothing for none."""
    stream = sys.stderr if err else sys.stdout
    width = min(room(stream) or 100, MOST)
    text = render(
        diagnostics,
        format,
        colour=colourful(stream),
        width=width,
        version=__version__,
        rules=described() if format == "sarif" else None,
    )
    if text:
        say(text, err=err)


def described() -> dict[str, Rule]:
    """What there is to say of every code."""
    from cnnlang.codes import rules

    return rules()


@contextmanager
def working(text: str) -> Iterator[None]:
    """Say on a terminal what takes a while, and take it back when it is done."""
    shown = is_terminal(sys.stderr)
    if shown:
        say(f"{text} ...", err=True, nl=False)
    try:
        yield
    finally:
        if shown:
            say(f"\r{' ' * (len(text) + 4)}\r", err=True, nl=False)
