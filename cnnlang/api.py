"""What a Python program calls: the stages in order, and nothing else."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from cnnlang.analysis.lints import Choice
from cnnlang.analysis.lints.selection import unknown
from cnnlang.arguments import need, several
from cnnlang.backends.matching import WeightsError
from cnnlang.compilation import check_source
from cnnlang.configuration import lints
from cnnlang.diagnostics.model import Diagnostic
from cnnlang.figure import Figure
from cnnlang.graphs import CompileError, Path, Shape, compile_file, set_from_outside
from cnnlang.history import History
from cnnlang.sources import fetch, meant, read

if TYPE_CHECKING:
    import torch

    from cnnlang.analysis.comparison import Comparison
    from cnnlang.analysis.stages import Stage
    from cnnlang.backends.checkpoint import Match, Weights
    from cnnlang.backends.summary import Summary

__all__ = [
    "CompileError",
    "Figure",
    "WeightsError",
    "build",
    "check",
    "compare",
    "draw",
    "load",
    "load_weights",
    "optimize",
    "stages",
    "summarise",
    "weights_map",
]


class Known(threading.local):
    """What `check` has found before, in each thread by itself."""

    def __init__(self) -> None:
        self.history = History()


KNOWN = Known()


def check(
    path: Path,
    *,
    select: Sequence[str] | None = None,
    extend_select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    shapes: Mapping[str | int, Shape] | None = None,
) -> list[Diagnostic]:
    """Everything that is wrong with a `.cnn` file, nothing if all is well.

    Warnings come from lints: those that are on by default, or as the nearest `pyproject.toml` and
    then the arguments say, by code, name or `ALL`. `shapes` replaces input shapes in every network
    of the file, by the input's name or position, without the batch axis: budgets that depend on a
    free size are judged at that size. Raises `ValueError` for an unknown lint. Of a file checked
    again, the networks that its changes concern are looked at.

    >>> [each.code for each in check("examples/lenet5.cnn")]
    []
    """
    need(path=path, select=select, extend_select=extend_select, ignore=ignore, shapes=shapes)
    select, extend_select, ignore = several(select), several(extend_select), several(ignore)
    for word in (*(select or ()), *extend_select, *ignore):
        if message := unknown(word):
            raise ValueError(message)
    source, problems = read(os.fspath(path))
    if source is None:
        return problems
    on, problems = lints(os.fspath(path), Choice(select, extend_select, ignore))
    given = set_from_outside({}, shapes or {})
    only = meant(os.fspath(path))
    return problems or check_source(source, fetch, on, given, only, KNOWN.history.begin)


def build(path: Path, network: str | None = None, **parameters: Any) -> str:
    """PyTorch source for one network of a file: standalone, formatted, deterministic."""
    from cnnlang.backends.source import generate

    need(path=path, network=network)
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

    need(path=path, network=network, shapes=shapes)
    return summary(compile_file(path, network, parameters, shapes)[0])


def compare(
    before: Path,
    after: Path,
    network: str | None = None,
    other: str | None = None,
    *,
    shapes: Mapping[str | int, Shape] | None = None,
    **parameters: Any,
) -> Comparison:
    """What changes from `network` in one file to it, or to `other`, in another file.

    `shapes` and parameters hold for both. `Comparison.weights.renamed`, turned around, is what
    `load` takes as `match` to fill the new network from a checkpoint of the old one.
    """
    from cnnlang.analysis import comparison

    need(before=before, after=after, network=network, other=other, shapes=shapes)
    old = compile_file(before, network, parameters, shapes)[0]
    return comparison.compare(old, compile_file(after, other or network, parameters, shapes)[0])


def draw(
    path: Path,
    network: str | None = None,
    *,
    output: Path | None = None,
    format: str | None = None,
    style: str | None = None,
    theme: str | None = None,
    direction: str | None = None,
    only: str | None = None,
    depth: int | None = None,
    collapse: Sequence[str] = (),
    expand: Sequence[str] = (),
    highlight: str | None = None,
    width: str | None = None,
    columns: int | None = None,
    shapes: Mapping[str | int, Shape] | None = None,
    **parameters: Any,
) -> Figure:
    """The figure of a network; written to `output` as well, if that is given.

    `format` is `svg`, `png`, `pdf`, `mermaid`, `dot` or `html`: that of the output's name unless
    given, else `svg`. The page `html` holds all styles, with a table and the source beside them.
    `style` is `graph` (every operation; `direction` is `TB`, downwards, or `LR`, to the
    right), `blocks` (a card for each block with its share of the costs) or `volumes` (the figure of
    a paper: feature maps as boxes to scale); `graph` unless given, `blocks` for large networks.
    `theme` is `light` unless given, `dark`, or `auto` for an SVG or page that follows its
    surroundings, as a page does unless told otherwise.

    `only` is the path of a module or layer to draw alone. Modules deeper than `depth` levels are
    closed, as are those that `collapse` names by path or block; those that `expand` names are
    open, and nothing in them is folded. `highlight` colours by the share of `params`, `macs` or
    `memory` (what autograd saves, for networks without free dimensions).
    `width` is one like `8.5cm`, `3.3in` or `240pt`; letters that get too small give a warning.
    `columns` are those of a long figure in the style `graph`: as many as suit it unless given.

    What comes back shows itself in a notebook. Raises `CompileError` for errors in the file,
    `RenderError` if no picture can be made, `ValueError` for options and parts that there are not.
    """
    from cnnlang.backends import diagram
    from cnnlang.backends.diagram.look import points
    from cnnlang.backends.rendered import save

    need(path=path, network=network, output=output, format=format, style=style, theme=theme)
    need(direction=direction, only=only, depth=depth, collapse=collapse, expand=expand)
    need(highlight=highlight, width=width, columns=columns, shapes=shapes)
    suffix = os.path.splitext(os.fspath(output))[1] if output is not None else ""  # noqa: PTH122
    format = format or suffix.lower().lstrip(".").replace("mmd", "mermaid") or "svg"
    size = None if width is None else points(width)
    chosen = (style, theme, direction, only, depth, several(collapse), several(expand), highlight)
    graph = compile_file(path, network, parameters, shapes)[0]
    picture = diagram.draw(graph, format, diagram.Look(*chosen, size, columns))
    for note in picture.notes:
        warnings.warn(note, stacklevel=2)
    if output is not None:
        save(output, picture.data)
    return Figure(picture.data, format)


def load(
    path: Path,
    network: str | None = None,
    *,
    weights: Weights | None = None,
    match: Match = "name",
    strict: bool = True,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
    **parameters: Any,
) -> torch.nn.Module:
    """The network as a live `torch.nn.Module`, made by running the source that `build` writes.

    Keyword arguments that are not listed set parameters of the network (`classes=100`). Weights
    are initialised as PyTorch does, or as the file asks; `weights` replaces them by trained ones:
    see `load_weights`. Raises `CompileError` for errors in the file, `WeightsError` for weights
    that cannot be read or do not fit.
    """
    from cnnlang.backends.module import instantiate

    need(path=path, network=network, match=match, strict=strict)
    graph, _ = compile_file(path, network, parameters)
    module = instantiate(
        graph,
        device=device,
        dtype=dtype,
        memory_format=memory_format,
        fresh=weights is None or not strict,
    )
    if weights is not None:
        load_weights(module, weights, match=match, strict=strict)
    return module


def load_weights(
    module: torch.nn.Module, weights: Weights, *, match: Match = "name", strict: bool = True
) -> None:
    """Copy trained weights into a module, or raise `WeightsError` and change nothing.

    `weights` is a `.pt` or `.pth` file (read with `weights_only=True`: no code of it runs), a
    `.safetensors` file, or a state dictionary. A file may hold the state dictionary beside other
    things, and all its names may begin with `module.` or `_orig_mod.`.

    `match="name"` takes tensors by their names. `match="order"` takes them in the order in which
    the modules were made, shapes agreeing, and refuses where that leaves a choice. A mapping gives
    the checkpoint's names of weights or whole modules: `{"stem.conv": "features.0.0"}`; the others
    are taken by name. With `strict=False` what does not fit is left as it is, with a warning.
    """
    from cnnlang.backends.checkpoint import fill

    need(match=match, strict=strict)
    fill(module, weights, match, strict)


@overload
def optimize(
    model: torch.nn.Module,
    *,
    for_: Literal["inference"] = "inference",
    dtype: torch.dtype | str | None = None,
    example: torch.Tensor | Sequence[torch.Tensor] | None = None,
    without: Sequence[str] = (),
    graphs: bool = False,
) -> torch.nn.Module: ...


@overload
def optimize(
    model: torch.nn.Module,
    *,
    for_: Literal["training"],
    dtype: torch.dtype | str | None = None,
    memory: str | int | None = None,
    batch: int | None = None,
    shapes: Mapping[str | int, Shape] | None = None,
    optimizer: str = "sgd",
    device: torch.device | str | None = None,
    compile: bool | str = False,
    channels_last: bool = True,
    inplace: bool = True,
) -> torch.nn.Module: ...


def optimize(
    model: torch.nn.Module, *, for_: Literal["inference", "training"] = "inference", **options: Any
) -> torch.nn.Module:
    """A network of `load` made faster, or smaller, for one use.

    `for_="inference"` gives a module that computes what the network does in evaluation, on the
    device where its weights are, in `dtype` (that of the weights unless given), for every batch and
    size that the network takes: norms are folded into weights, activations and sums are part of
    convolutions, memory is used again, and the forward is a flat list of operations. The network
    stays as it is. The module knows no gradients; on a CPU it is not for `torch.compile`,
    `torch.export` or `torch.jit`, and oneDNN's activations make 0 of NaN. Weights are packed there
    for the size of `example` (an input, or several), else for that of the first input; other sizes
    run with plain weights. Large batches run there in parts. On a CUDA device,
    cuDNN's fused kernels are used if they are faster for `example`; with `graphs` its run is
    recorded as a CUDA graph and replayed, which pays for small batches (`fast.record(x)` records
    that of another batch or size; one thread and stream at a time). There the module can be
    compiled as well: `fast.compile(mode="max-autotune")`. `without` names passes to leave out:
    `fold`, `add`, `activate`, `overwrite`, `layout`, `pack`, `part`.

    `for_="training"` gives a module that shares its layers and weights with the network, whose
    step lets tensors go early, works in place where autograd permits, and keeps channels last.
    With `memory` (`"16GiB"`) and `batch` it recomputes of what autograd saves as little as makes
    the step fit; see `cnnlang.backends.training.prepare` for all options. What was decided, and
    what else pays, is told by its attribute `cnnlang_training`.

    Raises `TypeError` for a module that `load` did not make and for options of another use,
    `ValueError` for a module that was changed since, and for wrong options.
    """
    if for_ == "inference":
        from cnnlang.backends.optimizing import infer as run
    elif for_ == "training":
        from cnnlang.backends.training import prepare as run  # type: ignore[assignment]
    else:
        raise ValueError(f"for_ is 'inference' or 'training', not {for_!r}")
    import inspect

    known = list(inspect.signature(run).parameters)[1:]
    for name in options:
        if name not in known:
            raise TypeError(f"for {for_} there is no option {name!r}: there are {', '.join(known)}")
    checked = ("shapes", "optimizer", "graphs", "channels_last", "inplace")
    need(**{name: options[name] for name in checked if name in options})
    return run(model, **options)


def stages(
    path: Path,
    network: str | None = None,
    number: int = 2,
    *,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str = "sgd",
    shapes: Mapping[str | int, Shape] | None = None,
    **parameters: Any,
) -> tuple[Stage, ...]:
    """Where to cut a network into stages for `torch.distributed.pipelining`, one a device.

    `Stage.begin` is the module that a stage begins with, "" for the first: `{begin:
    SplitPoint.BEGINNING}` for the others is the `split_spec` of `pipeline`. One tensor alone flows
    over every cut; among such cuts the heaviest stage is the lightest, by its share of the
    multiply-accumulates or of the memory of a step with `batch` samples, whichever is larger.
    Raises `CompileError`, and `ValueError` if it cannot be cut so often or its sizes are free.

    >>> [stage.begin for stage in stages("zoo:resnet18", batch=32, shapes={0: (3, 224, 224)})]
    ['', 'layer2']
    """
    from cnnlang.analysis.memory import Unpredictable, setting
    from cnnlang.analysis.stages import stages

    need(path=path, network=network, number=number, batch=batch, shapes=shapes)
    need(dtype=dtype, optimizer=optimizer)
    graph = compile_file(path, network, parameters, shapes)[0]
    try:
        return stages(graph, number, batch, setting(dtype, optimizer=optimizer))
    except Unpredictable as problem:
        raise ValueError(f"stages weigh what they keep in memory: {problem}") from None


def weights_map(
    module: torch.nn.Module, weights: Weights, *, match: Match = "order"
) -> dict[str, str]:
    """Which tensor of a checkpoint each weight of a module would take: its name by the weight's.

    Made by order and shape unless `match` says otherwise; it can be looked at, mended, and given
    to `load` or `load_weights` as `match`. Raises `WeightsError` as `load_weights` does.
    """
    from cnnlang.backends.checkpoint import pairs

    need(match=match)
    return pairs(module, weights, match)
