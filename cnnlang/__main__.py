"""`python -m cnnlang` and the `cnnlang` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from cnnlang.cli import command

    command(prog_name="cnnlang")


if __name__ == "__main__":
    main()
