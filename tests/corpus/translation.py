"""A network given as PyTorch's layers, written in the language, by rules that know no case.

A layer is one line, so that a message can be traced to it. Numbers that PyTorch wants declared
(`in_channels`, `num_features`) are declared here too, and so are wrong where they are wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.cases import Case, LayerData

from cnnlang.elaborate.reserved import MODULE_ATTRIBUTES
from cnnlang.layers.tensor import AXES
from cnnlang.syntax.tables import lexicon


class Unsayable(Exception):
    """The language has no way to say this; the text says what."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operation is written: by which name, and PyTorch's arguments under which names.

    Those in `positional` are written without a name, in this order.
    """

    name: str
    positional: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)


WINDOW = {"stride": "stride", "padding": "padding", "dilation": "dilation"}
LINEAR = {"bias": "bias", "in_channels": "in_channels", "groups": "groups"}
POOL = {**WINDOW, "ceil_mode": "ceil"}
NORM = {"num_features": "in_channels", "num_channels": "in_channels", "eps": "eps"}
RUNNING = {**NORM, "momentum": "momentum", "affine": "affine", "track_running_stats": "track"}
RESIZE = {"scale_factor": "scale", "size": "size", "mode": "mode", "align_corners": "align_corners"}

RANKED = {
    "conv": Rule(
        "conv", ("out_channels", "kernel_size"), {**WINDOW, **LINEAR, "padding_mode": "pad_mode"}
    ),
    "conv_transpose": Rule(
        "conv_transpose",
        ("out_channels", "kernel_size"),
        {**WINDOW, **LINEAR, "output_padding": "output_padding"},
    ),
    "max_pool": Rule("maxpool", ("kernel_size",), POOL),
    "avg_pool": Rule(
        "avgpool", ("kernel_size",), {**POOL, "count_include_pad": "count_include_pad"}
    ),
    "adaptive_avg_pool": Rule("adaptive_avgpool", ("output_size",)),
    "adaptive_max_pool": Rule("adaptive_maxpool", ("output_size",)),
    "batch_norm": Rule("batchnorm", (), RUNNING),
    "instance_norm": Rule("instancenorm", (), RUNNING),
}
"""Operations that PyTorch has for one, two and three axes apart: `conv2d`."""

RULES = {
    **{f"{name}{rank}d": rule for name, rule in RANKED.items() for rank in (1, 2, 3)},
    **{name: Rule(name) for name in ("relu", "relu6", "sigmoid", "tanh", "gelu", "silu", "selu")},
    "leaky_relu": Rule("leaky_relu", ("negative_slope",)),
    "elu": Rule("elu", ("alpha",)),
    "prelu": Rule("prelu", (), {"num_parameters": "in_channels"}),
    "softmax": Rule("softmax", (), {"dim": "axis"}),
    "log_softmax": Rule("log_softmax", (), {"dim": "axis"}),
    "glu": Rule("glu", (), {"dim": "axis"}),
    "linear": Rule("dense", ("out_features",), {"in_features": "in_features", "bias": "bias"}),
    "flatten": Rule("flatten"),
    "dropout": Rule("dropout", ("p",)),
    "dropout2d": Rule("channel_dropout", ("p",)),
    "group_norm": Rule("groupnorm", ("num_groups",), {**NORM, "affine": "affine"}),
    "upsample": Rule("upsample", (), RESIZE),
    "interpolate": Rule("upsample", (), RESIZE),
    "interpolate_like": Rule("upsample", ()),
    "pixel_shuffle": Rule("pixel_shuffle", ("upscale_factor",)),
    "pixel_unshuffle": Rule("pixel_unshuffle", ("downscale_factor",)),
    "channel_shuffle": Rule("channel_shuffle", ("groups",)),
    "add": Rule("add"),
    "mul": Rule("multiply"),
    "concat": Rule("concat", (), {"dim": "axis"}),
}

LOSSES = {"cross_entropy"}
"""What is no layer; what flows into it is the output, and its name says that these are logits."""

REASONS = {
    "view": "a reshape of the batch: the batch is never written",
    "reshape": "a reshape of the batch: the batch is never written",
    "split": "a split into parts: a part is a `slice`, and nothing wants all of them taken",
}
"""Operations that cannot be said."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A program, and the number of the line that each layer is on."""

    text: str
    lines: Mapping[str, int]


def translated(case: Case) -> Translation:
    """The case as a program; raises `Unsayable`."""
    if case.batch_alone:
        raise Unsayable("the mistake is the size of the batch, which is never written")
    losses = {layer["name"] for layer in case.layers if layer["op"] in LOSSES}
    if case.error_at in losses:
        raise Unsayable("the mistake is in the loss, which is no part of a network")
    writer = Writer(case)
    lines = ["network Case {", *writer.inputs(), *writer.layers(), "}", ""]
    return Translation("\n".join(lines), {n: k for k, n in enumerate(writer.told, 2) if n})


class Writer:
    """Writes the lines of a case; knows the layer before, and how many axes every tensor has."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.ranks: dict[str, int] = {}
        self.told: list[str | None] = []
        self.last = ""
        self.logits = logits(case)

    def inputs(self) -> Iterator[str]:
        for name, shape in self.case.input.items():
            self.ranks[name] = len(shape) - 1
            self.told.append(None)
            yield f"    input {self.label(name)}: {'x'.join(map(str, shape[1:]))}"
        self.last = name

    def layers(self) -> Iterator[str]:
        first = next(iter(self.case.input))
        for layer in self.case.layers:
            sources = layer.get("in", self.told[-1] or first)
            sources = [sources] if isinstance(sources, str) else sources
            if layer["op"] not in LOSSES:
                yield f"    {self.line(layer, sources)}"

    def line(self, layer: LayerData, sources: list[str]) -> str:
        """`x -> name: layer(...)`; where it comes from is left out if that is the line before."""
        name = layer["name"]
        call = self.call(layer, sources)
        start = "" if sources[0] == self.last else f"{self.label(sources[0])} -> "
        self.ranks[name] = 1 if layer["op"] == "flatten" else self.ranks[sources[0]]
        self.told.append(name)
        self.last = name
        return f"{start}{self.label(name)}: {call}"

    def call(self, layer: LayerData, sources: list[str]) -> str:
        """The layer with its arguments; one that there is no rule for is unsayable."""
        op = layer["op"]
        rule = RULES.get(op)
        if rule is None:
            raise Unsayable(REASONS.get(op, f"there is no rule for `{op}`"))
        given = {key: v for key, v in layer.items() if key not in ("op", "name", "in")}
        others = [self.label(each) for each in sources[1:]]
        words = [f"like={others[0]}"] if op == "interpolate_like" else others
        words += [value(given.pop(key)) for key in rule.positional]
        for key, each in given.items():
            if key not in rule.named:
                raise Unsayable(f"there is no rule for `{key}` of `{op}`")
            text = self.axis(each, sources[0]) if key == "dim" else value(each)
            words.append(f"{rule.named[key]}={text}")
        return f"{rule.name}({', '.join(words)})" if words else rule.name

    def axis(self, dim: int, source: str) -> str:
        """The name of an axis that PyTorch counts with the batch."""
        rank = self.ranks[source]
        place = dim - 1 if dim > 0 else dim + rank
        if dim == 0 or place not in range(rank):
            raise Unsayable("an axis that is the batch, or that there is not")
        return AXES[rank][place]

    def label(self, name: str) -> str:
        """A name as a file may have it."""
        known = name in MODULE_ATTRIBUTES or name in lexicon().keywords
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) + "_" * known
        return f"{plain}_logits" if name in self.logits else plain


def logits(case: Case) -> set[str]:
    """The names of what flows into a loss."""
    found = set()
    before = next(iter(case.input))
    for layer in case.layers:
        if layer["op"] in LOSSES:
            found.add(layer.get("in", before))
        before = layer["name"]
    return found


def value(each: Any) -> str:
    """A value as a file has it."""
    if isinstance(each, bool):
        return "true" if each else "false"
    if isinstance(each, list):
        return f"[{', '.join(map(value, each))}]"
    return str(each)
