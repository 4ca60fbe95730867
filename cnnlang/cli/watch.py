"""Waiting for files to change: their times are looked at a few times a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from cnnlang import sources
from cnnlang.cli.terminal import is_terminal
from cnnlang.diagnostics.model import Source
from cnnlang.syntax import ast

PAUSE = 0.25
"""Seconds between two looks."""

State = dict[str, tuple[int, int] | None]


class Watch:
    """Some files, and all files that were fetched for them, as they were when they were read."""

    def __init__(self, names: list[str]) -> None:
        self.seen: State = dict.fromkeys(names)

    def fetch(self, node: ast.Use) -> Source | str:
        """The source that a `use` names, watched from now on."""
        found = sources.fetch(node)
        if isinstance(found, Source) and not found.name.startswith("std."):
            self.seen.setdefault(found.name, stamp(found.name))
        return found

    def changes(self) -> Iterator[None]:
        """Once at the start, and then after every change, on a cleared screen."""
        while True:
            self.seen = self.state()
            if is_terminal(sys.stdout):
                click.clear()
            yield
            sys.stdout.flush()
            while self.state() == self.seen:
                time.sleep(PAUSE)

    def state(self) -> State:
        return {name: stamp(name) for name in self.seen}


def stamp(name: str) -> tuple[int, int] | None:
    """Time and size of a file, None if it is not there."""
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size
