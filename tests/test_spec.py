"""The specification: every `cnn` fence under `tests/spec/` is a program, and what it says holds.

`tests/spec/README.md` tells how the pages are written. `python tests/test_spec.py` writes the
`output` fences anew; read the difference before you keep it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from spec.pages import FENCE, Case, Fence, cases, finder

from cnnlang.analysis.costs import owners, total_macs, total_parameters, weights
from cnnlang.analysis.validity import valid_sizes
from cnnlang.compilation import Settings, check_source, compile_source, open_program
from cnnlang.diagnostics.model import Diagnostic, Severity, Span
from cnnlang.diagnostics.text import render
from cnnlang.elaborate.networks import is_template
from cnnlang.graph import Apply, Graph, Item, flat
from cnnlang.layers.tensor import Tensor

SPEC = Path(__file__).parent / "spec"
CLAIM = re.compile(r"# (error|warning|note): (.*)$")
CODED = re.compile(r'\[(\w+)\](?: "([^"]*)")?')
SHAPE = re.compile(r"# shape: (.*?)\s*$")

# --- what a program gives ------------------------------------------------------------------------


def diagnose(case: Case) -> list[Diagnostic]:
    """What is wrong with the program; for one network alone where something is set from outside."""
    if case.settings == Settings():
        return check_source(case.source, finder(case.files), case.lints)
    return compile_source(case.source, finder(case.files), None, case.settings)[1]


def graphs(case: Case) -> dict[str, Graph]:
    """The networks of the program that can stand by themselves."""
    program, _ = open_program(case.source, finder(case.files))
    names = [name for name, each in program.networks.items() if not is_template(each)]
    names = names if case.settings == Settings() else names[:1] or list(program.networks)
    each = {n: compile_source(case.source, finder(case.files), n, case.settings)[0] for n in names}
    return {name: graph for name, graph in each.items() if graph is not None}


def tensors(graph: Graph) -> Iterator[tuple[Span, Tensor]]:
    """Every tensor with what left it, in the order of the run."""

    def walk(items: list[Item]) -> Iterator[tuple[Span, Tensor]]:
        for item in flat(items):
            if isinstance(item, Apply):
                yield graph.nodes[item.node].span, graph.nodes[item.node].output
            else:
                yield from walk(item.instance.items)
                yield item.instance.span, graph.nodes[item.instance.output].output

    yield from ((graph.nodes[i].span, graph.nodes[i].output) for i in graph.inputs)
    yield from walk(graph.root.items)


def shape_at(case: Case, line: int) -> str:
    """The tensor left by the last of all that ends on a line, or, if nothing does, before it."""
    name = case.source.name
    found = [
        (span.end_line, tensor)
        for graph in graphs(case).values()
        for span, tensor in tensors(graph)
        if span.source.name == name and span.end_line <= line
    ]
    return str(max(enumerate(found), key=lambda each: (each[1][0], each[0]))[1][1])


def listed(graph: Graph, shapes: bool = False) -> str:
    """The names in the `state_dict`."""
    return "\n".join(
        weight.under(".".join(node.path)) + (f" {weight.shape}" if shapes else "")
        for node in owners(graph)
        for weight in weights(graph, node)
    )


VIEWS: dict[str, Callable[[Graph], str]] = {
    "names": listed,
    "weights": lambda graph: listed(graph, shapes=True),
    "parameters": lambda graph: f"{total_parameters(graph):,}",
    "macs": lambda graph: str(total_macs(graph)),
    "sizes": lambda graph: "\n".join(map(str, valid_sizes(graph)[0].values())),
    "outputs": lambda graph: "\n".join(str(graph.nodes[i].output) for i in graph.outputs),
    "training": lambda graph: "\n".join(
        str(graph.nodes[i].output) for i in graph.training_outputs or ()
    ),
}


def printed(case: Case, output: Fence) -> str:
    """What the output fence should hold."""
    if not output.words:
        return render(diagnose(case), width=88) + "\n"
    view, *name = output.words
    made = graphs(case)
    return VIEWS[view](made[name[0]] if name else list(made.values())[-1]) + "\n"


# --- the tests -----------------------------------------------------------------------------------

CASES = [case for page in sorted(SPEC.glob("*.md")) for case in cases(page)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_program(case: Case) -> None:
    verify(case)


def test_the_list_of_pages_is_complete() -> None:
    listed = re.findall(r"\]\((\w+\.md)\)", (SPEC / "README.md").read_text(encoding="utf-8"))
    assert sorted(["README.md", *listed]) == sorted(page.name for page in SPEC.glob("*.md"))


def verify(case: Case) -> None:
    """The program's errors and lints are those that it lists, its shapes and prints are right."""
    found = [d for d in diagnose(case) if d.span and d.span.source.name == case.source.name]
    claims = []
    for number, line in enumerate(case.program.text.splitlines(), 1):
        if claim := CLAIM.search(line):
            claims += [(claim[1], number, code, words) for code, words in CODED.findall(claim[2])]
        if shape := SHAPE.search(line):
            assert shape_at(case, number) == shape[1], f"line {number}"
    errors = sorted((d.span.line, d.code) for d in found if d.span and d.severity is Severity.ERROR)
    assert errors == sorted((n, code) for kind, n, code, _ in claims if kind == "error")
    lints = sorted((d.span.line, d.code) for d in found if d.span and d.code.startswith("L"))
    assert lints == sorted((n, code) for _, n, code, _ in claims if code.startswith("L"))
    for kind, number, code, words in claims:
        at = [
            d for d in found if (d.severity, d.span and d.span.line, d.code) == (kind, number, code)
        ]
        assert any(words in " ".join([d.message, d.label, *d.notes, d.help or ""]) for d in at), (
            number,
            at,
        )
    for output in case.outputs:
        assert printed(case, output) == output.text


def update(page: Path) -> None:
    """Write the output fences of a page anew."""
    text = page.read_text(encoding="utf-8")
    fences = {o.line: printed(case, o) for case in cases(page) for o in case.outputs}

    def renew(match: re.Match[str]) -> str:
        line = text.count("\n", 0, match.start(3)) + 1
        return f"```{match[1]}{match[2]}\n{fences.get(line, match[3])}```"

    page.write_text(FENCE.sub(renew, text), encoding="utf-8")


if __name__ == "__main__":
    for each in sys.argv[1:] or map(str, sorted(SPEC.glob("*.md"))):
        update(Path(each))
