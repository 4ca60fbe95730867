"""The examples of the layers' documentation, read and compiled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cnnlang.compilation import Settings, compile_source
from cnnlang.diagnostics.model import Source
from cnnlang.diagnostics.text import render
from cnnlang.graph import Graph
from cnnlang.layers import REGISTRY, Layer
from cnnlang.layers.base import Inputs
from cnnlang.layers.documentation import layer_page
from cnnlang.sources import fetch

PAGES = {name: layer_page(cls) for name, cls in REGISTRY.items()}


EXAMPLE = re.compile(
    r"`(?P<line>[^`]+)` takes (?P<inputs>.+?) to (?P<output>[^;]+?)"
    r"(?:; (?P<parameters>[0-9,]+) parameters?)?(?:[;,] (?P<macs>[0-9,]+) MACs)?\.$"
)
TENSOR = re.compile(r"(?:`(?P<name>\w+)` )?(?P<shape>\S+)(?P<integers> integers)?")


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor that an example takes in; the incoming one has no name."""

    name: str | None
    shape: str
    integers: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A line of the language, with what it takes and leaves; costs are 0 where it tells none."""

    line: str
    inputs: tuple[Operand, ...]
    output: str
    parameters: int
    macs: int


def example(text: str) -> Example:
    """An example, which has one form."""
    match = EXAMPLE.match(text)
    if match is None:
        raise ValueError(f'an example is written "`line` takes shape to shape.", got {text!r}')
    inputs = tuple(operand(each) for each in re.split(r",? and ", match["inputs"].rstrip(",")))
    costs = [int((match[name] or "0").replace(",", "")) for name in ("parameters", "macs")]
    return Example(match["line"], inputs, match["output"], *costs)


def operand(text: str) -> Operand:
    match = TENSOR.fullmatch(text)
    if match is None:
        raise ValueError(f'a tensor is written "`name` 3x8x8" or "8 integers", got {text!r}')
    return Operand(match["name"], match["shape"], match["integers"] is not None)


def program(each: Example) -> str:
    """The network of an example: further tensors are inputs of their own."""
    listed = [f"    input {declared(o)}" for o in (*each.inputs[1:], each.inputs[0])]
    return "\n".join(["network N {", *listed, f"    {each.line}", "}", ""])


def declared(operand: Operand) -> str:
    shape = f"[{operand.shape}] of int" if operand.integers else operand.shape
    return shape if operand.name is None else f"{operand.name}: {shape}"


@cache
def compiled(name: str) -> Graph:
    source = Source("example.cnn", program(example(PAGES[name].example)))
    graph, diagnostics = compile_source(source, fetch, None, Settings())
    assert graph is not None, render(diagnostics)
    return graph


def layer_of(name: str, variant: tuple[str, str] | None = None) -> Layer:
    """The layer of an example, one argument changed."""
    layer = compiled(name).layers[0].layer
    assert layer is not None
    if variant is None:
        return layer
    field, word = variant
    own = {f: v for f, v in vars(layer).items() if v is not None}
    changed = int(word) if word.isdigit() else {"true": True}.get(word, word)
    return type(layer).build((), own | {field: changed})


def inputs_of(name: str) -> Inputs:
    """The tensors that the layer of an example takes, in its order."""
    graph = compiled(name)
    return graph.tensors(graph.layers[0])
