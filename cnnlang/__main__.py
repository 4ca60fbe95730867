"""`python -m cnnlang` and the `cnnlang` command."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

OBJECTS = 100_000
"""Objects made between two looks for garbage: what is imported and compiled leaves hardly any."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(OBJECTS)
    try:
        if is_plain(sys.argv[1:]):
            check(sys.argv[2:])
        from cnnlang.cli.group import command

        command(prog_name="cnnlang")
    finally:
        gc.freeze()  # what is left ends with the process: nobody need look for garbage in it


def is_plain(words: Sequence[str]) -> bool:
    """True for `check FILE ...` without options; where click expands patterns, it reads them."""
    files = words[1:]
    named = bool(files) and all(file == "-" or not file.startswith("-") for file in files)
    return words[:1] == ["check"] and named and os.name != "nt"


def check(files: Sequence[str]) -> None:
    """What most calls are: without click, whose import takes as long as checking a network."""
    try:
        from cnnlang.cli.findings import check
        from cnnlang.cli.terminal import prepare

        prepare()
        code = check(files)
    except (Exception, KeyboardInterrupt) as error:
        from cnnlang.cli.group import end

        end(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
