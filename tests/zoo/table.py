"""`python -m tests.zoo.table [NAME ...]`: all networks of the library beside torchvision's.

Prints a Markdown table and ends with 1 if anything differs. A difference is the largest one of the
outputs with the same random weights, relative to the largest output, in double precision.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from dataclasses import dataclass

import cnnlang
from cnnlang.api import CompileError
from cnnlang.sources import STANDARD, folded, published
from tests.zoo.comparison import (
    Published,
    in_evaluation,
    ours,
    pair,
    reference,
    shapes,
    sizes,
    theirs,
)

HEAD = ("network", "parameters", "MACs", "keys", "difference", "and", "file", "lines")
RULE = ("---", "---:", "---:", "---", "---:", "---:", "---", "---:")
CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one network."""

    cells: tuple[str, ...]
    equal: bool


def row(network: Published) -> Row:
    """The figures of one network, beside what torchvision's has where they differ."""
    name = network.name
    summary = cnnlang.summarise(f"zoo:{name}", shapes={0: (3, network.size, network.size)})
    states = [shapes(module.state_dict()) for module in (ours(name), theirs(name))]
    keys, ordered = states[0] == states[1], list(states[0]) == list(states[1])
    found = differences(network) if keys else {}
    cells = (
        name,
        told(summary.parameters, network.parameters),
        told(summary.macs, network.macs),
        f"{len(states[0])}{'' if ordered else ', other order'}" if keys else "differ",
        *(f"{value:.1g} at {height}x{width}" for (height, width), value in found.items()),
        *source(name),
    )
    alike = (summary.parameters, summary.macs) == (network.parameters, network.macs)
    return Row(cells, keys and alike and max(found.values()) < CLOSE)


def told(got: int | None, wanted: int) -> str:
    """A number, with the other one if it is not the same."""
    return f"{wanted:,}" if got == wanted else f"{got or 0:,} for {wanted:,}"


def differences(network: Published) -> dict[tuple[int, int], float]:
    """How far the outputs are apart, by the size of the image."""
    first, second = pair(network.name)
    return {size: in_evaluation(first, second, *size) for size in sizes(network)}


def source(name: str) -> tuple[str, str]:
    """The file that has a network, and its lines."""
    file = f"{published()[folded(name)][0]}.cnn"
    return file, str(lines(file))


def lines(file: str) -> int:
    return len((STANDARD / file).read_text(encoding="utf-8").splitlines())


def printed(network: Published) -> bool:
    """Print one line of the table; False if anything differs."""
    start = time.monotonic()
    try:
        found = row(network)
    except (CompileError, RuntimeError, ValueError, AssertionError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        found = Row((network.name, reason, *[""] * (len(HEAD) - 2)), False)
    print(f"| {' | '.join(found.cells)} |", flush=True)
    print(f"{network.name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    gc.collect()
    return found.equal


def main(arguments: list[str] | None = None) -> int:
    """Compare the networks that are named, all of the reference file unless any is."""
    known = reference()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="torchvision's name of a network")
    chosen = parser.parse_args(arguments).names or list(known)
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"no such network: {', '.join(unknown)}")
    for cells in (HEAD, RULE):
        print(f"| {' | '.join(cells)} |")
    equal = [printed(known[name]) for name in chosen]
    files = {file for file, _ in (published().get(folded(n), ("", "")) for n in chosen) if file}
    total = sum(lines(f"{file}.cnn") for file in files)
    print(f"\n{sum(equal)} of {len(chosen)} equal; {len(files)} files, {total:,} lines")
    return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
