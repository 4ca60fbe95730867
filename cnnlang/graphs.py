"""A file as the graph of one network, for Python programs and commands; errors are raised."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cnnlang.compilation import compile_source, open_source
from cnnlang.diagnostics.model import Diagnostic, Severity
from cnnlang.elaborate.networks import Settings
from cnnlang.elaborate.values import Word
from cnnlang.sources import fetch, meant, read

if TYPE_CHECKING:
    from cnnlang.graph import Graph

Path = str | os.PathLike[str]
Shape = tuple[int, ...] | list[int]


class CompileError(Exception):
    """A file has errors; `diagnostics` says which, and the text shows them in place."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(diagnostics)
        self.diagnostics = [d for d in diagnostics if d.severity is Severity.ERROR]

    def __str__(self) -> str:
        from cnnlang.diagnostics.text import render

        return "\n\n" + render(self.diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics,)


def compile_file(
    path: Path,
    network: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    shapes: Mapping[str | int, Shape] | None = None,
) -> tuple[Graph, list[Diagnostic]]:
    """The graph of one network and the remarks on it; raises `CompileError` for errors.

    `parameters` sets parameters of the network; `shapes` replaces input shapes, by the input's
    name or position, without the batch axis.
    """
    return compiled(compile_source, path, network, parameters, shapes)


def open_file(
    path: Path, network: str | None = None, parameters: Mapping[str, Any] | None = None
) -> tuple[Graph, list[Diagnostic]]:
    """The graph of one network with all spatial sizes of its inputs free.

    Those that are fixed stay so where the network cannot do otherwise: where the number of its
    weights depends on them. Raises `CompileError` for errors.
    """
    return compiled(open_source, path, network, parameters, None)


def compiled(
    stage: Callable[..., tuple[Graph | None, list[Diagnostic]]],
    path: Path,
    network: str | None,
    parameters: Mapping[str, Any] | None,
    shapes: Mapping[str | int, Shape] | None,
) -> tuple[Graph, list[Diagnostic]]:
    """What a stage makes of one network of a file."""
    source, problems = read(os.fspath(path))
    if source is None:
        raise CompileError(problems)
    settings = set_from_outside(parameters or {}, shapes or {})
    graph, problems = stage(source, fetch, network or meant(os.fspath(path)), settings)
    if graph is None:
        raise CompileError(problems)
    return graph, problems


def set_from_outside(parameters: Mapping[str, Any], shapes: Mapping[str | int, Shape]) -> Settings:
    """Parameters and input shapes as a Python program gives them."""
    if not isinstance(shapes, Mapping):
        raise TypeError(f"shapes are given by input, as in {{0: (3, 224, 224)}}, not {shapes!r}")
    return Settings(
        {name: plain(value) for name, value in parameters.items()},
        {key: tuple(shape) for key, shape in shapes.items()},
    )


def plain(value: Any) -> Any:
    """A Python value as the language has it: lists are tuples, a text may name a block."""
    if isinstance(value, str):
        return Word(value)
    if isinstance(value, (list, tuple)):
        return tuple(plain(each) for each in value)
    if isinstance(value, (bool, int, float)):
        return value
    raise TypeError(
        f"a network's parameter is a number, text, truth value or list, not {type(value).__name__}"
    )
