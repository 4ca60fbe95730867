"""`python -m cnnlang` and the `cnnlang` command."""

from __future__ import annotations

import gc

OBJECTS = 100_000
"""Objects made between two looks for garbage: what is imported and compiled leaves hardly any."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(OBJECTS)
    from cnnlang.cli import command

    try:
        command(prog_name="cnnlang")
    finally:
        gc.freeze()  # what is left ends with the process: nobody need look for garbage in it


if __name__ == "__main__":
    main()
