"""The formulas of the layers' documentation give the numbers that PyTorch gives."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, pi, prod, sqrt
from typing import Any

import pytest
import torch
from documented import PAGES, compiled, inputs_of, layer_of
from evaluate import evaluate
from formulas import Span, defined, spans, value
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from cnnlang.layers import Layer

AXES = {
    "batchnorm": (0, 2, 3),
    "instancenorm": (2, 3),
    "global_avgpool": (2, 3),
    "global_maxpool": (2, 3),
    "mean": (2, 3),
    "sum": (2, 3),
    "max": (2, 3),
    "min": (2, 3),
    "std": (2, 3),
    "var": (2, 3),
    "logsumexp": (2, 3),
}
"""The axes, the batch counted, that a formula goes over where these are not the channels."""
DROPPING = ("dropout", "channel_dropout", "droppath")
ALPHA = ("alpha_dropout", "channel_alpha_dropout")


def formula(name: str) -> str:
    return dict(PAGES[name].rules).get("Formula", "")


def formulas() -> list[Any]:
    return [
        pytest.param(name, span, id="-".join((name, *(span.variant or ()))))
        for name in PAGES
        for span in defined(formula(name), "y")
        if name not in DROPPING + ALPHA
    ]


@pytest.mark.parametrize("name, span", formulas())
def test_a_formula_is_right(name: str, span: Span) -> None:
    layer = layer_of(name, span.variant)
    tensors, module = drawn(name), made(name, layer)
    if "in evaluation" in formula(name):
        module.eval()
    result = run(name, layer, tensors, module)
    wanted = value(span.text, names(layer, tensors, module))
    torch.testing.assert_close(
        result, wanted.reshape(result.shape), equal_nan=True, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", DROPPING)
def test_what_drops_in_training(name: str) -> None:
    layer, tensors = layer_of(name), drawn(name)
    module, known = made(name, layer), names(layer, tensors, None)
    kept, idle = (value(span.text, known) for span in defined(formula(name), "y"))
    result = run(name, layer, tensors, module)
    torch.testing.assert_close(result, torch.where(result == 0, 0.0, kept))
    torch.testing.assert_close(run(name, layer, tensors, module.eval()), idle)


@pytest.mark.parametrize("name", ALPHA)
def test_what_alpha_dropout_makes_of_numbers(name: str) -> None:
    layer, tensors, rule = layer_of(name), drawn(name), formula("alpha_dropout")
    module, known = made(name, layer), {"sqrt": sqrt, "p": vars(layer)["p"]}
    for letter in "αa":
        (span,) = defined(rule, letter)
        known[letter] = value(span.text, known)
    kept, idle = (span.text for span in defined(rule, "y"))
    result, (x,) = run(name, layer, tensors, module), tensors
    passed, dropped = (value(kept, known | {"x": each}) for each in (x, -known["α"]))
    off = torch.minimum((result - passed).abs(), (result - dropped).abs())
    assert off.max() < 1e-4
    torch.testing.assert_close(run(name, layer, tensors, module.eval()), value(idle, {"x": x}))


def test_every_formula_of_numbers_is_tried() -> None:
    told = {name for name in PAGES if formula(name)}
    assert told - {case.values[0] for case in formulas()} == {*DROPPING, *ALPHA, *TRIED_APART}


# --- a layer that runs ---------------------------------------------------------------------------


def drawn(name: str) -> list[Tensor]:
    """Two samples of what the layer of an example takes."""
    torch.manual_seed(0)
    return [torch.randn(2, *each.shape) for each in inputs_of(name)]


def made(name: str, layer: Layer) -> Any:
    """The module of a layer, if it has one, with other weights than at its beginning."""
    code = layer.module(inputs_of(name), compiled(name).layers[0].output)
    module = None if code is None else evaluate(code)
    for weight in parameters(module).values():
        nn.init.uniform_(weight, 0.5, 1.5)
    return module


def parameters(module: Any) -> dict[str, Tensor]:
    if isinstance(module, nn.Parameter):
        return {"weight": module}
    return dict(module.named_parameters()) if isinstance(module, nn.Module) else {}


def run(name: str, layer: Layer, tensors: list[Tensor], module: Any) -> Tensor:
    inputs, output = inputs_of(name), compiled(name).layers[0].output
    code = layer.function(inputs, output) if module is None else layer.code(inputs, output)
    with torch.no_grad():
        result: Tensor = evaluate(code, tuple(tensors), module)
    return result


# --- what the names in a formula mean ------------------------------------------------------------


def names(layer: Layer, tensors: list[Tensor], module: Any) -> dict[str, Any]:
    x, *others = tensors
    z = others[0] if others else vars(layer).get("scalar")
    halves = dict(zip("ab", x.chunk(2, dim=1), strict=False))
    weights = {n: spread(w.detach(), x) for n, w in parameters(module).items()}
    over = AXES.get(layer.name, (1,))
    counted = {"n": prod(x.shape[axis] for axis in over if axis < x.dim())}
    own = {"eps": torch.finfo(x.dtype).eps} | {
        n: v for n, v in vars(layer).items() if v is not None
    }
    known = own | {"x": x, "z": z} | halves | counted | weights
    return FUNCTIONS | reductions(layer) | known


def spread(weight: Tensor, x: Tensor) -> Tensor:
    """One number a channel, laid out to be multiplied with a map."""
    return weight.reshape(-1, *[1] * (x.dim() - 2)) if weight.dim() == 1 else weight


def reductions(layer: Layer) -> dict[str, Callable[..., Any]]:
    """The functions that make one number of many: those of an axis, a group or a window."""
    over = OVER.get(layer.name, whole)

    def mean(v: Tensor) -> Tensor:
        return over(layer, torch.mean, v)

    def total(v: Tensor) -> Tensor:
        return over(layer, torch.sum, v)

    def var(v: Tensor) -> Tensor:
        return mean(v**2) - mean(v) ** 2

    def largest(a: Any, b: Any = None) -> Tensor:
        return over(layer, torch.amax, a) if b is None else torch.maximum(*both(a, b))

    def smallest(a: Any, b: Any = None) -> Tensor:
        return over(layer, torch.amin, a) if b is None else torch.minimum(*both(a, b))

    return {"mean": mean, "sum": total, "var": var, "max": largest, "min": smallest}


def both(*values: Any) -> tuple[Tensor, ...]:
    return tuple(torch.as_tensor(each, dtype=torch.float32) for each in values)


def whole(layer: Layer, f: Callable[..., Tensor], v: Tensor) -> Tensor:
    """Over some axes."""
    return f(v, AXES.get(layer.name, (1,)), keepdim=True)


def grouped(layer: Layer, f: Callable[..., Tensor], v: Tensor) -> Tensor:
    """Over the channels of each group, at all positions."""
    parts = v.unflatten(1, (vars(layer)["groups"], -1))
    return f(parts, (2, 3, 4), keepdim=True).expand_as(parts).flatten(1, 2)


def neighbours(layer: Layer, f: Callable[..., Tensor], v: Tensor) -> Tensor:
    """Over a window of channels, 0 beyond the first and the last."""
    size = vars(layer)["size"]
    windows = F.pad(v.movedim(1, -1), (size // 2, (size - 1) // 2)).unfold(-1, size, 1)
    return f(windows, -1).movedim(-1, 1)


def windows(layer: Layer, f: Callable[..., Tensor], v: Tensor) -> Tensor:
    """Over the windows of a kernel, side by side."""
    high, wide = vars(layer)["kernel"]
    return f(v.unfold(2, high, high).unfold(3, wide, wide), (4, 5))


OVER = {"groupnorm": grouped, "lrn": neighbours, "lppool": windows}
FUNCTIONS = {
    "abs": abs,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "sqrt": lambda v: torch.sqrt(torch.as_tensor(v)),
    "where": torch.where,
    "Φ": torch.special.ndtr,
    "π": pi,
}


# --- formulas of steps and places ----------------------------------------------------------------

TRIED_APART = ("lstm", "gru", "rnn", "channel_shuffle")


def steps(name: str) -> tuple[nn.Module, Tensor, Tensor, list[Tensor], list[Tensor]]:
    """A recurrent module, an input and a state, and what its gates get from each of the two."""
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[name]
    torch.manual_seed(0)
    cell: Any = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[name](3, 5)
    x, h = torch.randn(1, 3), torch.randn(1, 5)
    own = F.linear(x, cell.weight_ih_l0, cell.bias_ih_l0).chunk(gates, -1)
    carried = F.linear(h, cell.weight_hh_l0, cell.bias_hh_l0).chunk(gates, -1)
    return cell, x, h, list(own), list(carried)


def test_a_step_of_lstm() -> None:
    cell, x, h, own, carried = steps("lstm")
    i, f, g, o = (a + b for a, b in zip(own, carried, strict=True))
    c = torch.randn(1, 5)
    gates = {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid(), "c": c}
    (kept,), (out,) = defined(formula("lstm"), "c"), defined(formula("lstm"), "h")
    after = value(kept.text, gates)
    _, (state, memory) = cell(x, (h, c))
    torch.testing.assert_close(memory, after)
    torch.testing.assert_close(state, value(out.text, gates | {"c": after, "tanh": torch.tanh}))


def test_a_step_of_gru() -> None:
    cell, x, h, own, carried = steps("gru")
    r, z = ((own[i] + carried[i]).sigmoid() for i in (0, 1))
    n = torch.tanh(own[2] + r * carried[2])
    (out,) = defined(formula("gru"), "h")
    torch.testing.assert_close(cell(x, h)[1], value(out.text, {"n": n, "z": z, "h": h}))


def test_a_step_of_rnn() -> None:
    cell, x, h, own, carried = steps("rnn")
    (out,) = defined(formula("rnn"), "h")
    assert out.text == "tanh(W x + a + U h + b)"
    torch.testing.assert_close(cell(x, h)[1], torch.tanh(own[0] + carried[0]))


def test_places_of_channel_shuffle() -> None:
    (span,) = spans(formula("channel_shuffle"))
    x = torch.arange(12.0).reshape(1, 12, 1, 1)
    places = [
        int(value(span.text, {"j": j, "groups": 3, "C": 12, "floor": floor})) for j in range(12)
    ]
    assert F.channel_shuffle(x, 3).flatten().tolist() == places


def test_windows_of_adaptive_pooling() -> None:
    first, last = (s.text for s in spans(dict(PAGES["adaptive_avgpool"].rules)["Output"])[1:])
    x = torch.randn(1, 1, 7)
    known = {"H": 7, "size": 3, "floor": floor, "ceil": ceil}
    parts = [
        x[..., value(first, known | {"i": i}) : value(last, known | {"i": i}) + 1].mean()
        for i in range(3)
    ]
    torch.testing.assert_close(F.adaptive_avg_pool1d(x, 3).flatten(), torch.stack(parts))
