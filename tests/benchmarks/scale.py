"""`python -m tests.benchmarks.scale`: commands on networks of 1,000 to 100,000 layers.

Prints, for every form of program, the CPU time of whole processes for a layer (start-up included)
and their memory: they should not grow with the number of layers. All of it takes a quarter of an
hour; `--most 10000` a minute.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import CNNLANG, machine, rounds, spread
from tests.benchmarks.programs import flat, loops, nests, residuals

COMMANDS = {
    "check": ["check", "{file}"],
    "summary": ["summary", "{file}"],
    "build": ["build", "{file}", "-o", "{folder}/net.py"],
    "draw": ["draw", "{file}", "--style", "blocks", "-o", "{folder}/net.svg"],
    "fmt": ["fmt", "--check", "{file}"],
}
FORMS = {"flat": flat, "loops": loops, "nests": nests, "residuals": residuals}
SIZES = (1_000, 10_000, 100_000)


def rows(count: int, most: int) -> Iterator[str]:
    yield "| form | layers | command | CPU s | CPU us a layer | peak MiB |"
    yield "|---|---:|---|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        for form, make in FORMS.items():
            for layers in (size for size in SIZES if size <= most):
                file = Path(folder) / f"{form}{layers}.cnn"
                file.write_text(make(layers), encoding="utf-8")
                yield from cells(form, layers, file, count)


def cells(form: str, layers: int, file: Path, count: int) -> Iterator[str]:
    commands = {
        name: [*CNNLANG, *(word.format(file=file, folder=file.parent) for word in words)]
        for name, words in COMMANDS.items()
    }
    for name, runs in rounds(commands, count).items():
        times = [run.seconds for run in runs]
        each = [seconds / layers * 1e6 for seconds in times]
        peaks = spread([run.peak for run in runs])
        yield f"| {form} | {layers:,} | {name} | {spread(times, 2)} | {spread(each)} | {peaks} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=SIZES[-1], metavar="LAYERS")
    options = parser.parse_args()
    print(f"{machine()}; {options.rounds} rounds in turn: median (least-most)\n")
    for line in rows(options.rounds, options.most):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
