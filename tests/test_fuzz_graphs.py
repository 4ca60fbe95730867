"""Two thousand small networks drawn by chance: errors, shapes and valid sizes are PyTorch's.

`CNNLANG_FUZZ_SEED` draws others.
"""

from __future__ import annotations

import os
from random import Random

import graphs
import pytest
import torch

from cnnlang.analysis.validity import valid_sizes
from cnnlang.compilation import Settings, check_source, compile_source
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.sources import fetch

SEED = int(os.environ.get("CNNLANG_FUZZ_SEED", "0"))
CHUNKS, EACH = 10, 200
TRIED = 5
"""Sizes at which a network with free dimensions is run."""
FAR = 150
"""A size at which maps that do not grow alike have long parted."""
pytestmark = pytest.mark.filterwarnings("ignore")


def drawn(chunk: int) -> Random:
    torch.set_num_threads(1)
    return Random(f"{SEED}-{chunk}")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_errors_and_shapes_are_those_of_pytorch(chunk: int) -> None:
    random = drawn(chunk)
    failed = 0
    for _ in range(EACH):
        net = graphs.net(random)
        expected = net.outcomes()
        assert told(net.source()) & set(expected) == broken(expected), net.source()
        failed += None in expected.values()
        if None not in expected.values():
            assert shapes(net.source()) == expected, net.source()
    assert EACH // 10 < failed < EACH


def grown_apart(found: list[Diagnostic]) -> bool:
    """True if maps are joined that agree for a few small sizes, which is an error here."""
    return any(note.startswith("they agree for") for each in found for note in each.notes)


def broken(outcomes: dict[str, tuple[int, ...] | None]) -> set[str]:
    """The steps that fail although what flows in is right."""
    return {label for label, shape in outcomes.items() if shape is None}


def told(text: str) -> set[str]:
    """The steps in whose lines there is an error."""
    found = check_source(Source("net.cnn", text), fetch)
    lines = (d.span.line for d in found if d.span and d.severity is Severity.ERROR)
    return {f"s{line - 3}" for line in lines}


def shapes(text: str) -> dict[str, tuple[object, ...]]:
    """The shape of every step."""
    graph, _ = compile_source(Source("net.cnn", text), fetch, None, Settings())
    assert graph is not None, text
    return {node.name: node.output.shape for node in graph.layers}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_valid_sizes_are_those_of_pytorch(chunk: int) -> None:
    random = drawn(chunk)
    for _ in range(EACH):
        net = graphs.net(random, flat=False)
        text = net.source(f"{net.shape[0]}xHxW")
        graph, found = compile_source(Source("net.cnn", text), fetch, None, Settings())
        undecided = {"S105", "S120", "E305"} & {each.code for each in found}
        if undecided:
            continue
        sets = valid_sizes(graph)[0] if graph else {}
        first = FAR if grown_apart(found) else 1
        for _ in range(TRIED):
            sizes = {name: random.randint(first, first + 23) for name in ("H", "W")}
            runs = None not in net.outcomes(sizes["H"], sizes["W"]).values()
            fits = graph is not None and all(sizes[s] in found for s, found in sets.items())
            assert fits == runs, f"{sizes}: {text}"
