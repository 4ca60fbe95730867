"""The group of subcommands, and what must never reach a person as a traceback."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from cnnlang import __version__
from cnnlang.cli.terminal import complain, prepare
from cnnlang.diagnostics.suggest import nearest

COMMANDS = (
    "check",
    "explain",
    "summary",
    "sizes",
    "build",
    "draw",
    "diff",
    "fmt",
    "run",
    "new",
)


class Group(click.Group):
    """Loads the module `cnnlang.cli.NAME` of a subcommand when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found: click.Command = import_module(f"cnnlang.cli.{name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = args and (args[0] in COMMANDS or args[0].startswith("-"))
        if args and not known and not ctx.resilient_parsing:
            near = nearest(args[0], COMMANDS)
            hint = f"did you mean '{near}'?" if near else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"No such command '{args[0]}': {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; what it wrote is flushed here, where a closed pipe is expected."""
        try:
            return super().invoke(ctx)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; limits of the machine are told in a line."""
        prepare()
        try:
            return super().main(*args, **kwargs)
        except RecursionError:
            complain("this is nested too deep for Python's stack")
        except MemoryError:
            complain("there is not enough memory for this")
        except OSError as error:
            complain(f"{error.filename or 'output'}: {error.strerror or error}")
        sys.exit(1)


EPILOG = """\b
Examples:
  cnnlang new resnet                        start from a published network
  cnnlang check resnet.cnn                  names, shapes, budgets and lints
  cnnlang explain S101                      what the code of an error means
  cnnlang summary resnet.cnn ResNet50       layers, parameters and MACs
  cnnlang sizes unet.cnn UNet --size 451    the nearest valid input sizes
  cnnlang build resnet.cnn ResNet50 -o resnet50.py
  cnnlang draw resnet.cnn ResNet50 -o resnet50.pdf
  cnnlang diff main:resnet.cnn resnet.cnn   what a change does, for a pull request

\b
Shell completion of commands, files and networks:
  eval "$(_CNNLANG_COMPLETE=bash_source cnnlang)"       in ~/.bashrc
  eval "$(_CNNLANG_COMPLETE=zsh_source cnnlang)"        in ~/.zshrc
  _CNNLANG_COMPLETE=fish_source cnnlang | source        in config.fish
"""


@click.command(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnnlang", message="%(prog)s %(version)s")
def command() -> None:
    """Check, measure, compare, build and draw convolutional networks written in `.cnn` files."""


def end(error: BaseException) -> NoReturn:
    """End as if a subcommand had raised an error."""

    def fail() -> None:
        raise error

    Group("cnnlang", invoke_without_command=True, callback=fail).main([], "cnnlang")
    sys.exit(1)
