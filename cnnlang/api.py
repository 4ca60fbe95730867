"""What a Python program calls: the stages in order, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnlang.compilation import check_source, compile_source
from cnnlang.diagnostics.model import Diagnostic, Severity
from cnnlang.elaborate.networks import Settings
from cnnlang.elaborate.values import Word
from cnnlang.sources import fetch, meant, read

if TYPE_CHECKING:
    import torch

    from cnnlang.backends.summary import Summary
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


def check(path: Path) -> list[Diagnostic]:
    """Everything that is wrong with a `.cnn` file, nothing if all is well.

    >>> [each.code for each in check("examples/lenet5.cnn")]
    []
    """
    source, problems = read(os.fspath(path))
    return problems if source is None else check_source(source, fetch)


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
    source, problems = read(os.fspath(path))
    if source is None:
        raise CompileError(problems)
    settings = Settings(
        {name: plain(value) for name, value in (parameters or {}).items()},
        {key: tuple(shape) for key, shape in (shapes or {}).items()},
    )
    graph, problems = compile_source(source, fetch, network or meant(os.fspath(path)), settings)
    if graph is None:
        raise CompileError(problems)
    return graph, problems


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


def build(path: Path, network: str | None = None, **parameters: Any) -> str:
    """PyTorch source for one network of a file: standalone, formatted, deterministic."""
    from cnnlang.backends.source import generate

    return generate(compile_file(path, network, parameters)[0])


def summarise(
    path: Path,
    network: str | None = None,
    *,
    shapes: Mapping[str | int, Shape] | None = None,
    **parameters: Any,
) -> Summary:
    """Layers with their output shapes, parameters and MACs, and the totals."""
    from cnnlang.backends.summary import summary

    return summary(compile_file(path, network, parameters, shapes)[0])


def draw(
    path: Path,
    network: str | None = None,
    *,
    output: Path | None = None,
    format: str | None = None,
    theme: str = "light",
    direction: str = "TB",
    shapes: Mapping[str | int, Shape] | None = None,
    **parameters: Any,
) -> bytes:
    """The figure of a network; written to `output` as well, if that is given.

    `format` is `svg`, `png`, `pdf` or `dot`: that of the output's name unless given, else `svg`.
    `theme` is `light` or `dark`; `direction` is `TB` (downwards) or `LR` (to the right). Raises
    `CompileError` for errors in the file, `RenderError` if no picture can be made.
    """
    from cnnlang.backends.diagram import diagram
    from cnnlang.backends.rendered import save
    from cnnlang.backends.rendering import picture

    suffix = os.path.splitext(os.fspath(output))[1] if output is not None else ""  # noqa: PTH122
    graph = compile_file(path, network, parameters, shapes)[0]
    text = diagram(graph, theme=theme, direction=direction).source
    data = picture(text, format or suffix.lower().lstrip(".") or "svg")
    if output is not None:
        save(output, data)
    return data


def load(
    path: Path,
    network: str | None = None,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
    **parameters: Any,
) -> torch.nn.Module:
    """The network as a live `torch.nn.Module`, made by running the source that `build` writes.

    Keyword arguments that are not listed set parameters of the network (`classes=100`). Weights
    are initialised as PyTorch does, or as the file asks. Raises `CompileError` for errors.
    """
    from cnnlang.backends.module import instantiate

    graph, _ = compile_file(path, network, parameters)
    return instantiate(graph, device=device, dtype=dtype, memory_format=memory_format)
