"""`python -m tests.benchmarks.gpu`: images a second and peak memory on a GPU, in one table.

Rows are networks, batches, types and modes; columns are torchvision's module plain, with the usual
flags and compiled, ours plain and optimised. Then come the most images a second that an H200 could
do (`tests/benchmarks/roofline.py`) with the share of the best column, and the peak memory of ours
plain beside its prediction. The table goes to `tests/benchmarks/results/`, named by the machine.

What does not fit into `--budget` seconds is left out with the reason; networks share them equally,
and compiling, which takes the longest, comes last, in bf16 alone.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch

from tests.benchmarks import roofline
from tests.benchmarks.contestants import COLUMNS, DTYPES, MODES, NETWORKS, Setup
from tests.benchmarks.processes import machine

RESULTS = Path(__file__).parent / "results"
BATCHES = (1, 32, 256)
COMPILING = 90.0
"""Seconds that compiling is taken to need before the first time is known."""
Row = tuple[str, str, str, int]
"""Mode, dtype, network and batch."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Images a second and the peak of the memory in bytes, or why there are none."""

    images: float = 0.0
    peak: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return self.reason
        memory = f", {self.peak / 2**20:,.0f} MiB" if self.peak else ""
        return f"{self.images:,.3g}{memory}" if self.images < 100 else f"{self.images:,.0f}{memory}"


@dataclass(slots=True)
class Bench:
    """Measures cells while there is time."""

    device: torch.device
    size: int
    cell: float
    end: float
    compiling: float = COMPILING

    def row(self, setup: Setup, batches: tuple[int, ...], until: float) -> Iterator[Figure]:
        """A column at some batches, those left out at which its time is over."""
        for batch in batches:
            need = self.compiling * 1.3 if setup.column == "compile" else 0.0
            if time.monotonic() + need > min(until, self.end):
                yield Figure(reason="no time left")
                continue
            yield self.attempt(setup, batch)

    def attempt(self, setup: Setup, batch: int) -> Figure:
        """One cell; what fails there is told in its place."""
        start = time.monotonic()
        try:
            return self.measured(setup, batch)
        except torch.OutOfMemoryError:
            return Figure(reason="out of memory")
        except (RuntimeError, TypeError, ValueError) as problem:
            print(f"{setup} at batch {batch}: {problem}", file=sys.stderr)
            return Figure(reason=f"{type(problem).__name__}: {str(problem).splitlines()[0][:60]}")
        finally:
            if setup.column == "compile":
                self.compiling = time.monotonic() - start
                torch.compiler.reset()
            gc.collect()
            torch.cuda.empty_cache()

    def measured(self, setup: Setup, batch: int) -> Figure:
        setup.configure()
        images = setup.images(batch, self.size, self.device)
        module = setup.finished(setup.module(self.device), images)
        work = setup.work(module, images)
        for _ in range(2):
            work()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        rate = batch / self.seconds(work)
        cuda = self.device.type == "cuda"
        return Figure(rate, torch.cuda.max_memory_allocated() if cuda else 0)

    def seconds(self, work: Callable[[], object]) -> float:
        """The mean time of a run, over as many as fit into the time of a cell, two at least."""
        start, count = time.perf_counter(), 0
        while count < 2 or time.perf_counter() - start < self.cell:
            work()
            count += 1
            if self.device.type == "cuda" and count % 8 == 2:
                torch.cuda.synchronize()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / count


def measure(bench: Bench, chosen: argparse.Namespace) -> dict[tuple[Row, str], Figure]:
    """All cells, by row and column."""
    found: dict[tuple[Row, str], Figure] = {}
    quick = [column for column in chosen.columns if column != "compile"]
    for phase in (quick, ["compile"] if "compile" in chosen.columns else []):
        dtypes = [dtype for dtype in chosen.dtypes if phase == quick or dtype == "bf16"]
        for place, network in enumerate(chosen.networks):
            now = time.monotonic()
            until = now + (bench.end - now) / (len(chosen.networks) - place)
            for dtype, mode, column in product(dtypes, chosen.modes, phase):
                setup = Setup(network, dtype, mode, column)
                figures = bench.row(setup, tuple(chosen.batches), until)
                for batch, figure in zip(chosen.batches, figures, strict=True):
                    found[(mode, dtype, network, batch), column] = figure
                    print(f"{setup} batch {batch}: {figure}", file=sys.stderr, flush=True)
    return found


def table(chosen: argparse.Namespace, found: dict[tuple[Row, str], Figure]) -> list[str]:
    """The lines of the table."""
    heads = ["mode", "type", "network", "batch", *chosen.columns, "at most", "reached", "memory"]
    lines = [heads, ["---"] * 3 + ["---:"] * (len(heads) - 3)]
    graphs = {name: roofline.network(name, chosen.size) for name in chosen.networks}
    for row in product(chosen.modes, chosen.dtypes, chosen.networks, chosen.batches):
        mode, dtype, network, batch = row
        cells = [found.get((row, column), Figure(reason="-")) for column in chosen.columns]
        most = roofline.images(graphs[network], batch, dtype, mode)
        best = max(cell.images for cell in cells)
        plain = found.get((row, "plain"), Figure())
        wanted = roofline.predicted(graphs[network], batch, dtype, mode, chosen.device)
        lines.append([*map(str, row), *map(str, cells), f"{most:,.0f}", f"{best / most:.1%}"])
        lines[-1].append(compared(wanted, plain.peak))
    return [f"| {' | '.join(line)} |" for line in lines]


def compared(predicted: int, peak: int) -> str:
    """Predicted memory beside what was found, in MiB."""
    if not peak:
        return f"{predicted / 2**20:,.0f}"
    return f"{predicted / 2**20:,.0f} ({predicted / peak - 1:+.1%})"


def report(chosen: argparse.Namespace, name: str, lines: list[str]) -> str:
    """The page: the machine, what the columns are, the table."""
    kinds = [f"- `{column}`: {COLUMNS[column]}" for column in chosen.columns]
    return "\n".join(
        [
            f"# {name}",
            "",
            f"{machine()}, torch {torch.__version__}, images of {chosen.size}x{chosen.size}",
            "",
            "Images a second and peak memory. `at most` is what an H200 could do, `reached` what",
            "of it the best column does, `memory` the predicted peak of `plain` with its error.",
            "",
            *kinds,
            "",
            *lines,
            "",
        ]
    )


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    usual = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=usual, choices=("cuda", "cpu"))
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--dtypes", nargs="+", default=DTYPES[::-1], choices=DTYPES)
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--columns", nargs="+", default=list(COLUMNS), choices=list(COLUMNS))
    parser.add_argument("--size", type=int, default=224, help="side of the images")
    parser.add_argument("--budget", type=float, default=450.0, help="seconds for all")
    parser.add_argument("--cell", type=float, default=0.3, help="seconds measured for a cell")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the table")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    chosen = options(arguments)
    device = torch.device(chosen.device)
    name = torch.cuda.get_device_name() if chosen.device == "cuda" else "CPU"
    bench = Bench(device, chosen.size, chosen.cell, time.monotonic() + chosen.budget)
    page = report(chosen, name, table(chosen, measure(bench, chosen)))
    chosen.output.mkdir(parents=True, exist_ok=True)
    file = chosen.output / f"{name.lower().replace(' ', '-')}.md"
    file.write_text(page, encoding="utf-8")
    print(page)
    print(f"written to {file}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
