"""The figures of the language reference, drawn by running the layers on a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import Any, TypeAlias

import torch

from cnnlang.backends.module import instantiate
from cnnlang.compilation import Settings, compile_source
from cnnlang.diagnostics.model import Source
from cnnlang.diagnostics.text import render
from cnnlang.graph import Graph
from cnnlang.layers import Need, Tensor
from cnnlang.sources import fetch

Lines: TypeAlias = tuple[str, ...]


COUNT = torch.arange(1.0, 10.0)
FEW = torch.tensor([[[1.0, 3, 2, 1], [4, 2, 0, 5], [0, 1, 7, 2], [6, 2, 3, 1]]])
GROUPS = torch.tensor([[11.0, 12], [13, 14]]) + 10 * torch.arange(4.0)[:, None, None]
FIGURES: dict[str, list[list[tuple[Any, ...]]]] = {
    "conv": [
        [("conv(1, 3)", 7), ("conv(1, 3, stride=2)", 7), ("conv(1, 3, dilation=2)", 7)],
        [("conv(1, 3, padding=1)", 7), ("conv(1, 3, stride=2, padding=same)", 6)],
    ],
    "conv_transpose": [
        [("conv_transpose(1, 2, stride=2)", 3), ("conv_transpose(1, 3, stride=2)", 3)],
        [("conv_transpose(1, 3, stride=2, padding=1)", 3)],
    ],
    "maxpool": [
        [("maxpool(2)", 7), ("maxpool(2, ceil=true)", 7), ("maxpool(3, stride=2, padding=1)", 7)],
        [("maxpool(2x2)", FEW)],
    ],
    "avgpool": [[("avgpool(2x2)", FEW)]],
    "adaptive_avgpool": [[("adaptive_avgpool(3)", COUNT[None, :7])]],
    "maxunpool": [[("maxunpool(2x2, like=skip)", COUNT[:4].reshape(1, 2, 2), FEW)]],
    "softmax": [[("softmax", COUNT[:3])]],
    "flatten": [[("flatten", COUNT[:8].reshape(2, 2, 2))]],
    "permute": [[("permute([length, channels])", COUNT[:6].reshape(2, 3))]],
    "slice": [[("slice(length, 1, -1)", COUNT[None, :5])]],
    "pad": [
        [(f"pad(2, mode={a})", COUNT[None, :4]), (f"pad(2, mode={b})", COUNT[None, :4])]
        for a, b in (("constant", "reflect"), ("replicate", "circular"))
    ],
    "upsample": [
        [
            ("upsample(2)", COUNT[:4].reshape(1, 2, 2)),
            ("upsample(2, mode=linear)", 4 * COUNT[None, :2]),
        ]
    ],
    "pixel_shuffle": [[("pixel_shuffle(2)", GROUPS)]],
    "channel_shuffle": [[("channel_shuffle(2)", COUNT[:6].reshape(6, 1, 1))]],
    "concat": [[("concat(skip)", COUNT[:3][None], COUNT[3:].reshape(2, 3))]],
}
"""Drawings in rows: of the windows on an axis of a size, or of tensors and what is made of them."""


def figures() -> dict[str, str]:
    """A figure for some layers, by name."""
    return {
        name: "\n\n".join("\n".join(beside([drawn(*each) for each in row])) for row in rows)
        for name, rows in FIGURES.items()
    }


def drawn(line: str, first: Any, *others: torch.Tensor) -> Lines:
    return windows(line, first) if isinstance(first, int) else numbers(line, first, *others)


# --- windows -------------------------------------------------------------------------------------


def windows(line: str, size: int = 7) -> Lines:
    """One row a window: the positions that it takes in, `+` for padding, `·` for all others.

    A row of a transposed convolution is a position of the input, with those that it spreads over.
    """
    graph = compiled(f"1x{size}", line)
    (node,) = graph.layers
    made, taken = int(str(node.output)[2:]), reach(node.layer, graph.tensors(node), size)
    across = made if spreads(node.layer) else size
    places = range(min(map(min, taken)), max(across, *(row[-1] + 1 for row in taken)))
    rows = [" ".join(mark(place, row, across) for place in places) for row in taken]
    return (line, *rows, f"{size} → {made}")


def reach(layer: Any, inputs: tuple[Tensor, ...], size: int) -> list[list[int]]:
    """The positions of each window, which begin below 0 where there is padding."""
    w, made = layer.window(inputs[0]), layer.output(inputs, Need()).shape[1]
    before = layer.cuts(inputs[0])[0][0] if spreads(layer) else w.borders((size,))[0][0]
    return [
        [row * w.stride[0] + tap * w.dilation[0] - before for tap in range(w.kernel[0])]
        for row in range(size if spreads(layer) else made)
    ]


def spreads(layer: Any) -> bool:
    return bool(layer.name == "conv_transpose")


def mark(place: int, taken: Sequence[int], size: int) -> str:
    if place not in taken:
        return "·" if 0 <= place < size else " "
    return str(place + 1) if 0 <= place < size else "+"


# --- numbers -------------------------------------------------------------------------------------


def numbers(line: str, x: torch.Tensor, *skip: torch.Tensor) -> Lines:
    """What a layer takes, and what it makes of it: one row a channel, or one grid a channel."""
    graph = compiled("\n    input ".join([*(f"skip: {shape(s)}" for s in skip), shape(x)]), line)
    with torch.no_grad():
        y = instantiate(graph)(*(each[None] for each in (*skip, x)))[0]
    taken = beside([grid(each) for each in (x, *skip)], "   and   ")
    return (line, *beside([tuple(taken), grid(y)], "   →   "))


def shape(x: torch.Tensor) -> str:
    return "x".join(map(str, x.shape))


def grid(x: torch.Tensor) -> Lines:
    """The numbers of a tensor: grids side by side for the channels of a map."""
    if x.dim() == 3:
        return tuple(beside([grid(each) for each in x], "   "))
    rows = [[f"{n:.3g}" for n in row] for row in x.reshape(-1, x.shape[-1]).tolist()]
    wide = max(len(cell) for row in rows for cell in row)
    return tuple(" ".join(cell.rjust(wide) for cell in row) for row in rows)


def beside(blocks: Sequence[Lines], gap: str = "      ") -> list[str]:
    """Blocks of text side by side; a gap that is not blank stands in their middle row."""
    tall = max(map(len, blocks))
    columns: list[list[str]] = []
    for block in blocks:
        wide = max(map(len, block))
        columns.append([line.ljust(wide) for line in block] + [" " * wide] * (tall - len(block)))
    blank = " " * len(gap)
    gaps = [gap if i == (min(map(len, blocks)) - 1) // 2 else blank for i in range(tall)]
    rows = zip_longest(*columns)
    return [between.join(row).rstrip() for between, row in zip(gaps, rows, strict=True)]


@cache
def compiled(inputs: str, line: str) -> Graph:
    source = Source("figure.cnn", f"network N {{\n    input {inputs}\n    {line}\n}}\n")
    graph, diagnostics = compile_source(source, fetch, None, Settings())
    assert graph is not None, render(diagnostics)
    return graph


if __name__ == "__main__":
    for name, figure in figures().items():
        print(f"{name}\n\n{figure}\n")
