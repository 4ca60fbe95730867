"""`python -m tests.benchmarks.memory [NAME ...]`: predicted memory beside what PyTorch really has.

Prints a Markdown table of the peaks of a training step and of inference, in float32 and under
bf16 autocast, for the networks of the library and, last, for torchvision's own modules (which
apply many activations in place). Ends with 1 if a prediction is off by more than it may be. Where
there is a CUDA device, a second table has `torch.cuda.max_memory_allocated`.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import warnings
from dataclasses import dataclass

import torch
from torch import nn

import cnnlang
from cnnlang.analysis.memory import Memory, Setting, memory
from cnnlang.api import compile_file
from tests.memory.measure import drawn, measure, on_cuda
from tests.zoo.comparison import Published, reference, theirs

BATCH = 2
SMALL = 64
LIMITS = {"float32": 0.01, "bf16": 0.03}
"""How far a prediction may be off, relative to what is measured."""
HEAD = (
    "network",
    "input",
    *(f"{dtype} {mode}" for dtype in LIMITS for mode in ("training", "inference")),
    "torchvision's own, float32 training",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A prediction beside a measurement, in bytes."""

    predicted: int
    measured: int
    limit: float

    @property
    def difference(self) -> float:
        return self.predicted / self.measured - 1

    @property
    def near(self) -> bool:
        return abs(self.difference) <= self.limit

    def __str__(self) -> str:
        sizes = " / ".join(f"{each / 2**20:.1f}" for each in (self.predicted, self.measured))
        return f"{sizes} ({self.difference:+.2%})"


def side(network: Published, least: int) -> int:
    """The side of the images: as small as the network takes them in training."""
    needed = 299 if network.name == "inception_v3" else network.smallest + 1
    return max(least, needed)


def row(network: Published, least: int) -> tuple[list[str], bool]:
    """The cells of a network, and whether all predictions are near."""
    size = side(network, least)
    graph, _ = compile_file(f"zoo:{network.name}", shapes={0: (3, size, size)})
    inputs = drawn(graph, BATCH)
    cells: list[Cell] = []
    module = cnnlang.load(f"zoo:{network.name}")
    for dtype, limit in LIMITS.items():
        found = memory(graph, Setting(dtype, device="cpu"))
        amp = None if dtype == "float32" else dtype
        got = measure(module, inputs, amp=amp)
        cells.append(Cell(found.peak(BATCH), got.training, limit))
        cells.append(Cell(found.peak(BATCH, training=False), got.inference, limit))
    del module
    own = Cell(cells[0].predicted, measure(theirs(network.name, "cpu"), inputs).training, 1.0)
    shape = f"{BATCH}x3x{size}x{size}"
    return [network.name, shape, *map(str, (*cells, own))], all(each.near for each in cells)


def on_device(network: Published, least: int) -> list[str]:
    """The peaks on a GPU, which count what the allocator rounds up and cuDNN's workspaces."""
    size = side(network, least)
    graph, _ = compile_file(f"zoo:{network.name}", shapes={0: (3, size, size)})
    found: Memory = memory(graph, Setting())
    module: nn.Module = cnnlang.load(f"zoo:{network.name}", device="cuda")
    training, inference = on_cuda(module, [each.cuda() for each in drawn(graph, BATCH)])
    pairs = ((found.peak(BATCH), training), (found.peak(BATCH, training=False), inference))
    return [network.name, *(str(Cell(*pair, 1.0)) for pair in pairs)]


def printed(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Compare the networks that are named, all of torchvision's classifiers unless any is."""
    known = reference()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="torchvision's name of a network")
    parser.add_argument("--size", type=int, default=SMALL, help="least side of the images")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in known]:
        parser.error(f"no such network: {', '.join(unknown)}")
    warnings.simplefilter("ignore")
    names = chosen.names or list(known)
    near: list[bool] = []
    printed(list(HEAD))
    printed(["---"] * 2 + ["---:"] * (len(HEAD) - 2))
    for name in names:
        start = time.monotonic()
        cells, good = row(known[name], chosen.size)
        printed(cells)
        near.append(good)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        gc.collect()
    print(f"\n{sum(near)} of {len(names)} within the limits")
    if torch.cuda.is_available():
        printed(["network", "training on the GPU", "inference on the GPU"])
        printed(["---", "---:", "---:"])
        for name in names:
            printed(on_device(known[name], chosen.size))
    return 0 if all(near) else 1


if __name__ == "__main__":
    sys.exit(main())
