"""Files of the command line: the network that is meant, and what is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnlang.cli.failure import Failure
from cnnlang.cli.terminal import report
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.sources import reason

if TYPE_CHECKING:
    from cnnlang.graph import Graph


def compiled(
    file: str,
    network: str | None,
    settings: Mapping[str, Any],
    shapes: Mapping[str | int, tuple[int, ...]],
) -> Graph:
    """The graph of a network; its errors end the command, its warnings are shown."""
    from cnnlang.graphs import compile_file

    graph, remarks = answered(lambda: compile_file(file, network, settings, shapes))
    report([each for each in remarks if each.severity is Severity.WARNING])
    return graph


def answered(
    compile: Callable[[], tuple[Graph, list[Diagnostic]]],
) -> tuple[Graph, list[Diagnostic]]:
    """What a compilation gives; its errors are shown and end the command."""
    from cnnlang.graphs import CompileError

    try:
        return compile()
    except CompileError as error:
        report(error.diagnostics)
        raise click.exceptions.Exit(1) from None


def write(path: str, data: bytes, source: str | None = None) -> None:
    """Write a file whole; it must not be the file that was read."""
    from cnnlang.backends.rendered import save

    if source is not None and same(path, source):
        raise Failure(f"{path} is the file that is read: choose another name for the output")
    if source is not None and Path(path).suffix.lower() == ".cnn":
        raise Failure(f"{path} would be a program: choose another ending for the output")
    try:
        save(path, data)
    except (OSError, ValueError) as error:
        raise Failure(f"cannot write {path}: {why(path, error)}") from None


def why(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return "this cannot be a path"
    folder = Path(path).parent
    if isinstance(error, FileNotFoundError) and not folder.is_dir():
        return f"there is no folder {folder}"
    return reason(error)


def same(a: str, b: str) -> bool:
    try:
        return os.path.samefile(a, b)  # noqa: PTH121
    except (OSError, ValueError):
        return False


def compared(source: Source, text: str) -> str:
    """What would change, as `diff -u` shows it."""
    import difflib

    before, after = source.text.splitlines(True), text.splitlines(True)
    lines = difflib.unified_diff(before, after, source.name, source.name)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
