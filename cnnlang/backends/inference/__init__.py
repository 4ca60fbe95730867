"""The network for inference: the same function of its inputs, made for a machine.

`generate` gives the source: `convert`, which makes the weights from a state dictionary of the
network, and a class whose forward is one flat list of operations. It holds for every batch and
every size that the network takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from cnnlang.analysis.validity import solve
from cnnlang.backends.inference.passes import PASSES
from cnnlang.backends.inference.program import Program, lower
from cnnlang.backends.inference.targets import TARGETS, Target
from cnnlang.backends.inference.writing import Forward, Names, children, conversion, geometry
from cnnlang.backends.source import file_name, header, imports
from cnnlang.backends.source.entry import entrance
from cnnlang.backends.source.forward import input_names
from cnnlang.backends.source.helpers import PRELUDE, helpers, prelude
from cnnlang.backends.source.layout import safe
from cnnlang.graph import Graph
from cnnlang.layers.tensor import Tensor

OWN = Path(__file__).parents[1] / "inference_prelude.py"


def optimized(graph: Graph, target: str, without: Sequence[str] = ()) -> Program:
    """The program after its passes; `without` names those to leave out."""
    program = lower(graph)
    for name, run in PASSES.items():
        if name not in without:
            run(program, TARGETS[target])
    return program


def generate(graph: Graph, target: str = "cpu", without: Sequence[str] = ()) -> str:
    """The source of the network for inference on a target: `cpu`, `cuda` or `any`."""
    if clash := sorted(set(graph.externs) & set(prelude(PRELUDE, OWN))):
        raise ValueError(f"extern {clash[0]} has the name of a helper for inference: rename it")
    program = optimized(graph, target, without)
    names = Names()
    parts = [convert(program, names), network(program, names, TARGETS[target])]
    body = joined([*helpers(parts, PRELUDE, OWN), *parts])
    where = TARGETS[target].name
    lead = f'"""{graph.name} for inference on {where}: made by cnnlang from {file_name(graph)}."""'
    gap = "\n\n\n" if body.startswith(("def ", "class ")) else "\n\n"
    return f"{lead}\n\n{imports(graph, body)}{gap}{body}\n"


def joined(parts: Sequence[Sequence[str]]) -> str:
    """Definitions two lines apart; assignments, which are one line each, together."""
    texts = ["\n".join(part) for part in parts]
    groups = groupby(texts, key=lambda text: "\n" not in text)
    return "\n\n\n".join(("\n" if short else "\n\n\n").join(those) for short, those in groups)


def convert(program: Program, names: Names) -> list[str]:
    """The function that makes the weights."""
    return [
        "def convert(state):",
        f'    """Weights for `{title(program.graph)}` from the state dictionary of the network."""',
        "    found = {}",
        *conversion(program, names),
        "    return found",
    ]


def title(graph: Graph) -> str:
    return safe(graph.name, {"torch", "nn", "F", "convert", *prelude(PRELUDE, OWN)})


def network(program: Program, names: Names, target: Target) -> list[str]:
    """The class."""
    graph, base = program.graph, "PackedInference" if program.packed else target.base
    taken = {"w", *prelude(PRELUDE, OWN)}
    inputs = dict(zip(graph.inputs, input_names(graph, taken), strict=True))
    forward = Forward(program, names, target, dict(inputs))
    takes, gives = (
        ", ".join(f"(N, {', '.join(map(str, graph.nodes[i].output.shape))})" for i in indices)
        for indices in (graph.inputs, graph.outputs)
    )
    arguments = [f"{name}: torch.Tensor" for name in inputs.values()]
    result = "torch.Tensor" if len(graph.outputs) == 1 else "tuple[torch.Tensor, ...]"
    return [
        f"class {title(graph)}({base}):",
        f'    """Network `{graph.name}` of {file_name(graph)} for inference on {target.name}.',
        "",
        f"    Takes {takes}; gives {gives}. `weights` come from `convert`.",
        '    """',
        "",
        *gapped(geometry(program, names, target)),
        "    def __init__(self, weights, dtype=torch.float32):",
        "        super().__init__()",
        *children(program, names),
        "        self.hold(weights, dtype)",
        "",
        "    @torch.no_grad()",
        *header("forward", arguments, f" -> {result}"),
        *entrance(graph, solve(graph).sets, list(inputs.values())),
        *shortcut(program, target, ", ".join(inputs.values())),
        f"        w = self.choose({', '.join(inputs.values())})",
        *entering(program, inputs),
        *forward.write(),
    ]


def shortcut(program: Program, target: Target, inputs: str) -> list[str]:
    """The statement for what is done in parts, or was recorded."""
    if not program.parted and not target.records:
        return []
    return [
        f"        if (found := self.shortcut({inputs})) is not None:",
        "            return found",
    ]


def gapped(lines: list[str]) -> list[str]:
    return [*lines, ""] if lines else []


def entering(program: Program, names: dict[int, str]) -> Iterator[str]:
    """Inputs in the type of numbers and the layout of the network."""
    for index, name in names.items():
        tensor = program.graph.nodes[index].output
        if tensor.dtype == "float":
            yield f"        {name} = {name}.to(self.dtype{layout(program, tensor)})"


def layout(program: Program, tensor: Tensor) -> str:
    if not program.channels_last or tensor.rank not in (3, 4) or not tensor.channels_first:
        return ""
    return f", memory_format=torch.channels_last{'_3d' if tensor.rank == 4 else ''}"
