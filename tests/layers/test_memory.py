"""The facet `trace`, tried on every registered layer with drawn arguments and inputs.

A network that learns a scale for every input and then applies the layer saves, and needs at its
peaks, exactly what is measured when PyTorch runs its source.
"""

from __future__ import annotations

import pytest
from draw import Case, cases
from hypothesis import HealthCheck, assume, given, settings

from cnnlang.analysis.memory import Setting, Unpredictable
from cnnlang.layers import REGISTRY
from cnnlang.layers.tensor import AXES, TOKENS
from tests.memory.comparison import both, compiled
from tests.memory.measure import Measured

pytestmark = pytest.mark.usefixtures("one_thread")

EXAMPLES = 5
REFUSED = {
    "rnn": "its kernel keeps what it asks for",
    "lstm": "its kernel keeps what it asks for",
    "gru": "its kernel keeps what it asks for",
    "circular": "it copies slices one into another",
    "alpha_dropout": "it is made of many operations",
    "sparse": "its gradient is as large as what was looked up",
    "max_norm": "the table is changed while it is read",
}
"""What is not predicted: layers, and a word of their arguments."""
LOOSE = {
    "average": "operands without a variable go as soon as they are added, as those of long sums do",
    "pad": "`like` without a variable goes as soon as its size is read",
    "upsample": "`like` without a variable goes as soon as its size is read",
    "lrn": "a mean within a channel goes as soon as it is scaled",
}
"""Layers that may need less than is predicted, but save exactly that."""
ROUNDED = {"conv_transpose": "PyTorch makes room for a second channel of a single position"}
"""Layers whose outputs take more room than their numbers, where these are few."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_layer_keeps_what_is_predicted(name: str) -> None:
    tries = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    tries(given(cases(name))(keeps))()


def keeps(case: Case) -> None:
    """Saved bytes and both peaks are those of PyTorch."""
    assume(all(straight(each.shape, each.axes) for each in case.inputs))
    values = vars(case.layer)
    assume(values.get("init") is None and values.get("bias_init") is None)
    text = program(case)
    graph = compiled(text)
    assume(graph is not None and graph.nodes[-1].output.rank > 0)
    assert graph is not None
    try:
        predicted, measured = both(graph, Setting(device="cpu"))
    except Unpredictable as problem:
        assert problem.span is not None
        assert any(word in text for word in REFUSED), text
        return
    assert predicted.saved == measured.saved, text
    if case.layer.name in LOOSE or len(case.inputs) > 2:
        assert predicted.training >= measured.training, text
        assert predicted.inference >= measured.inference, text
    elif case.layer.name not in ROUNDED:
        assert peaks(predicted) == peaks(measured), text


def peaks(each: Measured) -> tuple[int, int]:
    return each.training, each.inference


def straight(shape: tuple[int, ...], axes: tuple[str, ...]) -> bool:
    """True for axes in the order in which an input is written."""
    return axes in (AXES.get(len(shape)), TOKENS.get(len(shape)))


def program(case: Case) -> str:
    """A network that learns a scale for every input, then applies the layer."""
    names = ("a", "b", "c", "d")[: len(case.inputs)]
    if vars(case.layer).get("like") is not None:
        names = (*names[:-1], "skip")
    lines = []
    for name, each in zip(names, case.inputs, strict=True):
        sizes, integers = ", ".join(map(str, each.shape)), each.dtype == "int"
        lines.append(f"    input {name}0: [{sizes}]{' of int' if integers else ''}")
        lines += [] if integers else [f"    {name}0 -> {name}: scale"]
    others = [name for name in names[1:] if name != "skip"]
    first = names[0] if case.inputs[0].dtype == "float" else f"{names[0]}0"
    return "\n".join(["network N {", *lines, f"    {first} -> {applied(case, others)}", "}"])


def applied(case: Case, others: list[str]) -> str:
    """The layer as it is written, its further operands first."""
    name, bracket, rest = case.layer.written().partition("(")
    arguments = ", ".join([*others, *([rest[:-1]] if bracket else [])])
    return f"{name}({arguments})" if arguments else name
