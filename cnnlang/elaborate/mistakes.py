"""What is wrong with a layer where it stands: told in place, and gone on from."""

from __future__ import annotations

from typing import Any

from cnnlang.diagnostics.model import Diagnostic, Related, Span
from cnnlang.elaborate.arguments import paired
from cnnlang.elaborate.faults import Fault
from cnnlang.elaborate.hints import nearest, respelt
from cnnlang.elaborate.remedies import fixes
from cnnlang.elaborate.scope import Frame
from cnnlang.elaborate.sites import Site
from cnnlang.elaborate.values import Word
from cnnlang.graph import Node
from cnnlang.layers.base import LayerError, Problem
from cnnlang.records import replace

SURE = frozenset(
    """
    S102 S103 S104 S106 S108 S110 S111 S115 S116 S121 S122 S123 S125 S128 S135 S136 S137
    """.split()  # noqa: SIM905
)
"""Mistakes that are certain even where some sizes are not."""
RANKS = frozenset({"S103", "S104", "S121"})
"""Mistakes of the number of axes: which axes there are behind them is a guess."""


def mistaken(
    frame: Frame, site: Site, error: LayerError, path: tuple[str, ...], labelled: bool
) -> int:
    """Tell what is wrong with a layer, and go on with what it was meant to give.

    After a mistake some sizes are unknown; what may follow from them alone is not told.
    """
    codes = {problem.code for problem in error.problems}
    if is_sure(frame, site, codes):
        problem = explained(frame, located(frame, site, error), site.inputs, path, site.call.span)
        frame.builder.report(problem, frame.trail)
    frame.builder.budget.mute(site.call.span)  # only the first mistake of a layer is told
    made = frame.builder.guess(site, path, site.call.span, labelled)
    if codes & RANKS:
        frame.builder.guessed.add(made)
    return made


def is_sure(frame: Frame, site: Site, codes: set[str]) -> bool:
    """True if mistakes are some whatever an earlier one was meant to be."""
    nodes, at = frame.builder.nodes, site.inputs[0]
    while "S116" in codes and at >= 0 and frame.builder.guessed:
        if at in frame.builder.guessed:
            return False
        at = nodes[at].inputs[0] if nodes[at].inputs else -1
    return codes <= SURE or all(nodes[i].output.certain for i in site.inputs)


def explained(
    frame: Frame, problem: Fault, inputs: tuple[int, ...], path: tuple[str, ...], span: Span
) -> Fault:
    """The fault with where its tensors came from, and the shapes on the way there."""
    nodes, layer = frame.builder.nodes, ".".join(path)
    return Fault(
        *(
            replace(traced(nodes, d, inputs, span) if d.code.startswith("S") else d, layer=layer)
            for d in problem.diagnostics
        )
    )


def traced(nodes: list[Node], each: Diagnostic, inputs: tuple[int, ...], span: Span) -> Diagnostic:
    """A diagnostic of the layer at `span` with its tensors, and the shapes on the way there."""
    related = origins(nodes, inputs, span) if len(inputs) > 1 else ()
    note = "shapes: " + " -> ".join(way(nodes, inputs[0]))
    return replace(each, related=(*each.related, *related), notes=(*each.notes, note))


def origins(nodes: list[Node], inputs: tuple[int, ...], span: Span) -> tuple[Related, ...]:
    """Where the tensors come from; the first and the last few of many."""
    made = {nodes[i].span: f"this is {nodes[i].output}" for i in inputs if nodes[i].span != span}
    found = [Related(where, label) for where, label in made.items()]
    return tuple(found if len(found) <= 4 else [*found[:2], *found[-2:]])


def way(nodes: list[Node], at: int) -> list[str]:
    """The last tensors on the way to a node, with their names, in the order of the run."""
    found: list[str] = []
    while len(found) < 4:
        found.append(f"{nodes[at].name} {nodes[at].output}")
        if not nodes[at].inputs:
            return found[::-1]
        at = nodes[at].inputs[0]
    return ["...", *found[::-1]]


def located(frame: Frame, site: Site, error: LayerError, values: tuple[Any, ...] = ()) -> Fault:
    """The problems of a layer as diagnostics at the arguments that they are about."""
    names = frame.names.all()
    found = []
    for problem in error.problems:
        span = pointed(problem, site)
        word = problem.code == "A203" and any(
            isinstance(v, Word) and v == span.text != "none" for v in values
        )
        found.append(
            unnamed(problem, span, site, names) if word else diagnostic(problem, span, site)
        )
    return Fault(*found)


def pointed(problem: Problem, site: Site) -> Span:
    """The narrowest text that one would edit: an argument, its name, or the call."""
    call = site.call
    if problem.code in ("A202", "A205"):
        for each in call.arguments or ():
            if each.name == problem.field and each.name_span:
                return each.name_span
    written = paired(call.arguments, site.kind.positional)
    if problem.field in written:
        return written[problem.field].span
    return call.name_span if call.arguments is None else call.span


def unnamed(problem: Problem, span: Span, site: Site, names: list[str]) -> Diagnostic:
    """A word where no word can be, or one that is nearly a name, was meant as a name."""
    near = nearest(span.text, names)
    if near is None and ("number" not in problem.message or "`same`" in problem.message):
        return diagnostic(problem, span, site)
    label = f"did you mean `{near}`?" if near else problem.message.rpartition(", got")[0]
    found = (*respelt(span.text, near, names, span), *fixes(problem, site))
    return Diagnostic("N101", f"unknown name `{span.text}`", span, label, fixes=found)


def diagnostic(problem: Problem, span: Span, site: Site | None) -> Diagnostic:
    return Diagnostic(
        problem.code,
        problem.message,
        span,
        problem.label,
        notes=problem.notes,
        help=problem.help,
        fixes=fixes(problem, site),
    )
