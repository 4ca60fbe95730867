"""The command line: `command` is the group, every subcommand a module that is loaded when called.

Exit codes: 0 if all is well, 1 if a file has errors or something failed, 2 for a wrong call.
"""

from __future__ import annotations

from cnnlang.cli.group import command

__all__ = ["command"]
