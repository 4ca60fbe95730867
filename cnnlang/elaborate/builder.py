"""The graph under construction: nodes are added here, and problems are collected here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnlang.diagnostics.model import Diagnostic, Related, Span
from cnnlang.elaborate.effort import effort
from cnnlang.elaborate.faults import Fault
from cnnlang.elaborate.limits import BITS, Budget, Exhausted
from cnnlang.elaborate.sites import Site
from cnnlang.graph import Located, Node, Requirement
from cnnlang.layers.base import Condition, Layer, LayerError, Need, Problem
from cnnlang.layers.initial import misfit
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass, field, replace
from cnnlang.sizes import SizeLimit
from cnnlang.syntax import ast

BAD = -1
"""The value of what could not be made: whatever takes it is muted."""


@dataclass(slots=True)
class Builder:
    """Nodes, conditions and diagnostics of one network."""

    budget: Budget = field(default_factory=Budget)
    nodes: list[Node] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    conditions: list[Located] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    externs: dict[str, str] = field(default_factory=dict)
    owners: dict[tuple[str, ...], int] = field(default_factory=dict)
    told: set[tuple[str, int, int]] = field(default_factory=set)
    guessed: set[int] = field(default_factory=set)
    layers: dict[tuple[type[Layer], str], Layer] = field(default_factory=dict)
    shapes: dict[tuple[int, ...], tuple[Tensor, list[Condition], int]] = field(default_factory=dict)
    tensors: dict[Tensor, Tensor] = field(default_factory=dict)

    def report(self, fault: Fault, trail: Sequence[Span] = ()) -> None:
        """Keep the diagnostics of a fault and go on; where a limit was reached, nothing goes on."""
        if isinstance(fault, Exhausted):
            raise fault
        self.tell(fault, trail)
        self.budget.mistake(fault, len(self.diagnostics))

    def tell(self, fault: Fault, trail: Sequence[Span] = ()) -> None:
        """Keep the diagnostics of a fault; the same mistake at the same place is told once.

        That the steps are used up is told only where nothing else is wrong.
        """
        if (
            isinstance(fault, Exhausted)
            and fault.diagnostics[0].code == "E302"
            and self.diagnostics
        ):
            return
        for each in fault.diagnostics:
            at = each.span
            key = (each.code, id(at.source), at.start) if at else (each.code, 0, 0)
            unread = at is not None and (at.source.name, at.line) in self.budget.unread
            if key in self.told or unread:
                continue
            self.told.add(key)
            self.diagnostics.append(called_from(each, trail))

    def layer(self, cls: type[Layer], positional: Sequence[Any], named: Mapping[str, Any]) -> Layer:
        """The layer with these arguments; the same arguments give the same object."""
        key = (cls, repr((positional, named)))
        if key not in self.layers:
            self.layers[key] = cls.build(positional, named)
        return self.layers[key]

    def add(
        self,
        layer: Layer,
        inputs: tuple[int, ...],
        path: tuple[str, ...],
        span: Span,
        labelled: bool = False,
        call: ast.Call | None = None,
        step: ast.Step | None = None,
    ) -> int:
        """A node for a layer; raises `LayerError` if it cannot stand there."""
        self.budget.layer(span)
        output, conditions = self.shape(layer, inputs, span)
        index = len(self.nodes)
        self.nodes.append(Node(index, layer, inputs, output, path, span, labelled, call, step))
        if conditions:
            self.conditions += [Located(each, span, index) for each in conditions]
            self.budget.mute(span)  # until all else is right, they are not judged
        return index

    def shape(
        self, layer: Layer, inputs: tuple[int, ...], span: Span
    ) -> tuple[Tensor, list[Condition]]:
        """What a layer gives, and under which conditions; worked out once for the same inputs.

        Equal outputs are one object, so that inputs are known by what they are and not by value.
        """
        tensors = [self.nodes[i].output for i in inputs]
        key = (id(layer), *map(id, tensors))
        known = self.shapes.get(key)
        if known is not None:
            self.budget.step(span, known[2])
            return known[:2]
        work = effort(tensors)
        self.budget.step(span, work)
        output, conditions = shape(layer, tuple(tensors))
        output = self.tensors.setdefault(output, output)
        self.shapes[key] = output, conditions, work
        return output, conditions

    def guess(self, site: Site, path: tuple[str, ...], span: Span, labelled: bool) -> int:
        """A node for a layer that cannot stand: what it was meant to give, `BAD` if unknown."""
        assert site.layer is not None
        try:
            output = site.layer.meant(tuple(self.nodes[i].output for i in site.inputs))
            effort((output,) if output else ())
        except (LayerError, SizeLimit):
            return BAD
        if output is None:
            return BAD
        index = len(self.nodes)
        node = Node(
            index, site.layer, site.inputs, output, path, span, labelled, site.call, site.step
        )
        self.nodes.append(node)
        return index

    def input(self, name: str, tensor: Tensor, span: Span) -> int:
        """A node for an input of the network."""
        index = len(self.nodes)
        self.nodes.append(Node(index, None, (), tensor, (name,), span, True))
        self.inputs.append(index)
        return index


def shape(layer: Layer, tensors: tuple[Tensor, ...]) -> tuple[Tensor, list[Condition]]:
    """The output of a layer, and what must hold of free sizes for it."""
    need = Need()
    try:
        output = layer.output(tensors, need)
        initialised(layer, tensors)
        effort((output,))
        if any(isinstance(size, int) and size.bit_length() > BITS for size in output.shape):
            raise OverflowError
        return output, need.conditions
    except SizeLimit as limit:
        raise LayerError(Problem("E305", str(limit), help="fix the input's size")) from None
    except OverflowError:
        raise LayerError(
            Problem("E305", f"`{layer.name}` makes an axis of 2^{BITS} or more")
        ) from None


def called_from(diagnostic: Diagnostic, trail: Sequence[Span]) -> Diagnostic:
    """The diagnostic with the calls that led to it, the innermost two and the outermost."""
    at = diagnostic.span
    if not trail or at is None:
        return diagnostic
    shown = list(trail) if len(trail) <= 3 else [trail[0], *trail[-2:]]
    related = tuple(Related(each, "called here") for each in reversed(shown) if each != at)
    return replace(diagnostic, related=(*diagnostic.related, *related))


def initialised(layer: Layer, tensors: tuple[Tensor, ...]) -> None:
    """Raises `LayerError` for an initialisation that a weight cannot have."""
    asked = dict(layer.initial(tensors))
    for weight in layer.weights(tensors) if asked else ():
        if how := asked.get(weight.name):
            reason = misfit(how, weight.shape)
            field = "bias_init" if weight.name.endswith("bias") else "init"
            if reason:
                message = f"`{field}={how.scheme}` of `{layer.name}` {reason}"
                raise LayerError(Problem("A208", message, field=field))
