"""What ends a subcommand."""

from __future__ import annotations

from typing import IO, Any

import click

from cnnlang.cli.terminal import complain


class Failure(click.ClickException):
    """Something that a call asked for cannot be done: one line, exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        complain(self.format_message())
