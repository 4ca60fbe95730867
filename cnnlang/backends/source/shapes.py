"""Comments with the shape of a feature map, in the words of the class."""

from __future__ import annotations

from collections.abc import Callable

from cnnlang.backends.source.express import names
from cnnlang.backends.source.plan import ClassPlan, Planner
from cnnlang.backends.source.structure import Step
from cnnlang.graph import Graph, Instance
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Size

LETTERS = {"length": "L", "depth": "D", "height": "H", "width": "W"}


def shape_comment(planner: Planner, plan: ClassPlan, step: Step) -> str:
    """`64 x 56 x 56`, or in terms of the class's parameters and its input's size; "" if unknown."""
    graph = planner.graph
    tensors = {row: output(graph, each) for row, each in step.rows.items()}
    first = next(iter(tensors.values()))
    if len({tensor.shape for tensor in tensors.values()}) == 1:
        return " x ".join(map(str, planner.shape(first))) or "scalar"
    if len({tensor.axes for tensor in tensors.values()}) > 1:
        return ""
    said = [axis(graph, plan, tensors, place) for place in range(first.rank)]
    return " x ".join(said) if all(said) else ""


def output(graph: Graph, what: object) -> Tensor:
    if isinstance(what, Instance):
        return graph.nodes[what.output].output
    return what.output  # type: ignore[attr-defined, no-any-return]


def axis(graph: Graph, plan: ClassPlan, tensors: dict[int, Tensor], place: int) -> str:
    """One size: a number, an expression of the parameters, or a part of the input's size."""
    sizes = {row: tensor.shape[place] for row, tensor in tensors.items()}
    values = list(sizes.values())
    if all(value == values[0] for value in values):
        return str(values[0])
    name = next(iter(tensors.values())).axes[place]
    if name in LETTERS:
        return spatial(graph, plan, sizes, name)
    if all(type(value) is int for value in values):
        found = plan.words.find(sizes, ())
        return (
            (plan.words.use(found) if found in plan.words.used else found)
            if found and sayable(plan, found)
            else ""
        )
    return ""


def sayable(plan: ClassPlan, text: str) -> bool:
    """True if an expression names only parameters that the class really has."""
    return names(text) <= set(plan.words.used)


def spatial(graph: Graph, plan: ClassPlan, sizes: dict[int, Size], name: str) -> str:
    before = {row: graph.nodes[plan.instances[row].inputs[0]].output.size(name) for row in sizes}
    letter = LETTERS[name]
    for text, rule in RULES:
        if all(b is not None and rule(b) == sizes[row] for row, b in before.items()):
            return text.format(letter)
    return strided(plan, sizes, before, letter)


RULES: tuple[tuple[str, Callable[[Size], Size]], ...] = (
    ("{}", lambda h: h),
    ("{}/2", lambda h: h // 2),
    ("ceil({}/2)", lambda h: (h + 1) // 2),
    ("{}*2", lambda h: h * 2),
)


def strided(
    plan: ClassPlan, sizes: dict[int, Size], before: dict[int, Size | None], letter: str
) -> str:
    """`H / stride`, rounded up."""
    for name in plan.words.used:
        steps = plan.words.parameters[name]
        cases = dict.fromkeys((b, steps[row], sizes[row]) for row, b in before.items())
        if all(
            type(step) is int and step > 0 and b is not None and (b + (step - 1)) // step == size
            for b, step, size in cases
        ):
            return f"ceil({letter} / {name})"
    return ""
