"""Scopes of module names, and the frame in which statements are elaborated."""

from __future__ import annotations

import re
from typing import Any

from cnnlang.diagnostics.model import Edit, Fix, Related, Span
from cnnlang.elaborate.builder import BAD, Builder
from cnnlang.elaborate.expressions import Reader, evaluate, tell
from cnnlang.elaborate.faults import Muted, fault
from cnnlang.elaborate.hints import nearest, respelt
from cnnlang.elaborate.limits import LETTERS
from cnnlang.elaborate.reserved import MODULE_ATTRIBUTES
from cnnlang.elaborate.values import POISON, Defaults, Names
from cnnlang.graph import Instance, Item
from cnnlang.records import dataclass, field
from cnnlang.syntax import ast


@dataclass(slots=True)
class Scope:
    """The names of one module: attributes taken, tensors labelled, unnamed children counted.

    `outer` is the scope whose labels can be seen from here (of a stack or shared piece).
    """

    instance: Instance
    outer: Scope | None = None
    taken: dict[str, Span] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def numbered(self) -> bool:
        return self.instance.kind == "stack"

    def ordinal(self, kind: str) -> int:
        """How many children of this kind there are, this one included."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return self.counts[kind]

    def find(self, label: str) -> int | None:
        """The tensor of a label; the scopes between take it in as an input."""
        if label in self.labels:
            return self.labels[label]
        if self.outer is None:
            return None
        value = self.outer.find(label)
        if value is not None and value != BAD and value not in self.instance.inputs:
            self.instance.inputs.append(value)
        return value

    def visible(self) -> list[str]:
        """All labels that can be seen from here."""
        return [*self.labels, *(self.outer.visible() if self.outer else ())]


@dataclass(slots=True)
class Frame:
    """Where elaboration stands: the scope, the names, the defaults, the tensor that flows.

    `incoming` is the tensor that flowed into the statement; `flow` is None before any input.
    `step` is the step of a chain that is elaborated now.
    """

    builder: Builder
    scope: Scope
    names: Names
    defaults: Defaults
    flow: int | None = None
    incoming: int | None = None
    items: list[Item] = field(default_factory=list)
    trail: tuple[Span, ...] = ()
    depth: int = 0
    step: ast.Step | None = None

    def reader(self) -> Reader:
        """For expressions that stand here."""
        return Reader(self.names, self.builder.budget, self.tensor(self.incoming))

    def tensor(self, value: int | None) -> Any:
        if value is None:
            return None
        return POISON if value == BAD else self.builder.nodes[value].output

    def inner(self, own: dict[str, Any] | None = None) -> Frame:
        """A frame for a nested body: same scope, names of its own, items of its own."""
        return Frame(
            self.builder,
            self.scope,
            self.names.inner(own),
            self.defaults,
            self.flow,
            self.incoming,
            [],
            self.trail,
            self.depth,
        )


def claim(frame: Frame, label: str | None, kind: str, span: Span, module: bool = True) -> str:
    """The attribute name of a new child: its label, else its kind and ordinal, else its number."""
    ordinal = frame.scope.ordinal(kind)
    if label is None:
        numbered = frame.scope.numbered and module
        name = str(frame.scope.ordinal("") - 1) if numbered else f"{kind}{ordinal}"
    else:
        name, span = str(label), label.span if isinstance(label, Labelled) else span
    earlier = frame.scope.taken.get(name)
    if earlier is not None:
        raise fault(
            "N107",
            f"two layers here are called `{name}`",
            span,
            "the second one",
            related=(Related(earlier, "the first one"),),
            help="label one of them otherwise" if label else "label it",
        )
    frame.scope.taken[name] = span
    return name


class Labelled(str):
    """A label as it came out, with the place where it is written."""

    span: Span


def spell(label: ast.Label, frame: Frame) -> Labelled:
    """The text of a label, its expressions evaluated."""
    parts = [part if isinstance(part, str) else written(part, frame) for part in label.parts]
    name = "".join(parts)
    if not name or "." in name or len(name) > LETTERS or not name.isprintable():
        raise fault(
            "N108",
            f"`{name[:40]}` cannot be a name",
            label.span,
            f"a name has 1 to {LETTERS} letters, no dot and no line break",
        )
    if not label.quoted and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        quoted = Edit(label.span, f'"{label.span.text}"')
        fixes = (Fix("put it in quotes", (quoted,)),)
        raise fault("N108", f"`{name}` cannot be a name", label.span, fixes=fixes)
    if name in MODULE_ATTRIBUTES or re.fullmatch("__.*__", name):
        raise fault(
            "N109",
            f"`{name}` is an attribute that every PyTorch module has already",
            label.span,
            fixes=(Fix(f"call it `{name}_`", (Edit(label.span, f"{name}_"),)),)
            if label.span.text == name
            else (),
        )
    labelled = Labelled(name)
    labelled.span = label.span
    return labelled


def written(part: ast.Expression, frame: Frame) -> str:
    value = evaluate(part, frame.reader())
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise fault(
        "N108", "a label holds whole numbers and words", part.span, f"this is {tell(value)}"
    )


def tensor(frame: Frame, name: str, span: Span) -> int:
    """The tensor that a label names."""
    value = frame.scope.find(name)
    if value is None:
        known = frame.scope.visible()
        near = nearest(name, known)
        raise fault(
            "N110",
            f"no tensor is called `{name}` here",
            span,
            f"did you mean `{near}`?" if near else "label it where it is made: `name: layer(...)`",
            fixes=respelt(name, near, known, span),
        )
    if value == BAD:
        raise Muted
    return value


def snake(name: str) -> str:
    """`DenseLayer` as an attribute: `dense_layer`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
