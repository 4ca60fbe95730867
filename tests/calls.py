"""The command line, called within the process."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner, Result

from cnnlang.cli.group import command

Call = Callable[..., Result]


def invoke(*arguments: str, input: str | bytes | None = None, color: bool = False) -> Result:
    """What `cnnlang` with some arguments does; whatever it raises but its exit is raised."""
    result = CliRunner().invoke(
        command, list(arguments), input=input, color=color, prog_name="cnnlang"
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
