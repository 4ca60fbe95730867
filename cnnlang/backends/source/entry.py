"""The `forward` of the network itself: the check at its entry, its outputs, its training part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cnnlang.analysis import costs
from cnnlang.analysis.sizesets import SizeSet
from cnnlang.backends.source.forward import input_names, opened, output_nodes
from cnnlang.backends.source.layout import WIDTH, Group, flat, lines, literal
from cnnlang.backends.source.plan import ClassPlan, Planner
from cnnlang.backends.source.runs import Run
from cnnlang.backends.source.structure import Part, Ref
from cnnlang.graph import Graph
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Free, free


def entrance(
    graph: Graph, sets: Mapping[str, SizeSet], names: Sequence[str] | None = None
) -> list[str]:
    """One cheap check per input: rank, fixed sizes, and the multiples that free ones must be."""
    steps = {s: each.period for s, each in sets.items() if each.residues == [0] and each.period > 1}
    found: list[str] = []
    for name, index in zip(names or input_names(graph), graph.inputs, strict=True):
        tensor = graph.nodes[index].output
        wanted = ", ".join(("N", *map(str, tensor.shape)))
        note = "".join(
            f", {s} a multiple of {n}" for s, n in steps.items() if free(s) in tensor.shape
        )
        message = (
            f'f"{graph.name} takes {name} of shape ({wanted}){note}, got {{tuple({name}.shape)}}"'
        )
        found += conditional(condition(name, tensor, steps))
        found += lines(Group("raise ValueError(", (message,), ")"), 12)
    return found


def conditional(tests: list[str]) -> list[str]:
    """`if a or b:`, one test a line if need be."""
    line = f"        if {' or '.join(tests)}:"
    if len(line) <= WIDTH:
        return [line]
    first, *rest = (" " * 12 + test for test in tests)
    return [
        "        if (",
        first,
        *(f"            or {test.strip()}" for test in rest),
        "        ):",
    ]


def condition(name: str, tensor: Tensor, steps: dict[str, int]) -> list[str]:
    """The tests of which one is true for a wrong input."""
    fixed = [size for size in tensor.shape if isinstance(size, int)]
    if len(fixed) == tensor.rank:
        return [f"{name}.shape[1:] != {flat(literal(tensor.shape))}"]
    tests = [f"{name}.dim() != {tensor.rank + 1}"]
    for place, size in enumerate(tensor.shape, 1):
        if isinstance(size, int):
            tests.append(f"{name}.shape[{place}] != {size}")
        elif isinstance(size, Free) and size.symbol in steps and size == free(size.symbol):
            tests.append(f"{name}.shape[{place}] % {steps[size.symbol]} != 0")
    return tests


def network_forward(planner: Planner, plan: ClassPlan) -> list[str]:
    """The statements of the network, and what it returns."""
    graph, body = planner.graph, plan.body
    plain = [body.names[value] for value in graph.outputs]
    training = [body.names[value] for value in graph.training_outputs or ()]
    writer = opened(planner, plan, body, [*plain, *training] if training else plain)
    for place, name in enumerate(input_names(graph)):
        writer.variables[("in", place)] = name
    writer.write(body.parts, training_only(graph))
    if not training:
        values = [writer.take(ref) for ref in plain]
        writer.flush()
        writer.emit(values[0] if len(values) == 1 else Group("", tuple(values), ""), "return ")
        return writer.lines
    writer.flush()
    writer.lines.append("        if self.training:")
    writer.lines.append(f"            return {joined(writer.variables, training)}")
    writer.lines.append(f"        return {joined(writer.variables, plain)}")
    return writer.lines


def joined(variables: dict[Ref, str], refs: list[Ref]) -> str:
    return ", ".join(variables[ref] for ref in refs)


def training_only(graph: Graph) -> Callable[[Part | Run], bool]:
    """A test for parts that only the training outputs need."""
    extra = costs.training_only(graph)

    def test(part: Part | Run) -> bool:
        return bool(extra) and output_nodes(part) <= extra

    return test
