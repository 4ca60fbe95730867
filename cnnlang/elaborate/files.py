"""Files: what they define, and what they take from one another with `use`."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from cnnlang.diagnostics.model import Diagnostic, Related, Source, Span, has_errors
from cnnlang.elaborate.arguments import distinct
from cnnlang.elaborate.builder import Builder
from cnnlang.elaborate.faults import Fault, fault
from cnnlang.elaborate.flow import default, define
from cnnlang.elaborate.hints import nearest, respelt
from cnnlang.elaborate.limits import Budget, Exhausted, room
from cnnlang.elaborate.scope import Frame, Scope
from cnnlang.elaborate.values import (
    POISON,
    BlockValue,
    ExternValue,
    FunctionValue,
    Names,
    NetworkValue,
)
from cnnlang.graph import Instance
from cnnlang.records import dataclass, field
from cnnlang.syntax import ast
from cnnlang.syntax.parser import parse

Fetch: TypeAlias = Callable[[ast.Use], Source | str]
"""Finds the source of a `use`; a text instead says why there is none."""


@dataclass(eq=False, slots=True)
class Program:
    """A file with the names it defines; `files` are this and all that are used, by name."""

    source: Source
    definitions: tuple[ast.Definition, ...]
    files: dict[str, Program]
    names: Names
    networks: dict[str, NetworkValue]
    budget: Budget
    defined: dict[str, Span] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


class Library:
    """The files of one compilation, each read once."""

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch
        self.programs: dict[str, Program] = {}
        self.opening: list[tuple[str, Span]] = []
        self.budget = Budget()

    def open(self, source: Source) -> Program:
        """The program in a source, everything it uses included."""
        tree, diagnostics = parse(source)
        program = Program(
            source,
            tree.definitions,
            self.programs,
            Names({}),
            {},
            self.budget,
            diagnostics=list(diagnostics),
        )
        self.programs[source.name] = program
        self.budget.unread |= {(source.name, d.span.line) for d in diagnostics if d.span}
        builder = Builder(self.budget)
        root = Instance("network", source.name, (), tree.span, None)
        frame = Frame(builder, Scope(root), program.names, {})
        hoist(frame, program, tree)
        try:
            with room():
                for node in tree.definitions:
                    self.attempt(frame, program, node)
        except Exhausted as problem:
            builder.tell(problem)
        program.diagnostics += builder.diagnostics
        return program

    def attempt(self, frame: Frame, program: Program, node: ast.Definition) -> None:
        """Read a definition; a mistake in it does not end the file."""
        try:
            self.read(frame, program, node)
        except Fault as problem:
            frame.builder.report(problem)

    def read(self, frame: Frame, program: Program, node: ast.Definition) -> None:
        """The definitions whose order matters; blocks and networks close over those before."""
        names = program.names
        match node:
            case ast.Use():
                self.use(program, node)
            case ast.Let():
                define(frame, node)
            case ast.Default():
                default(frame, node)
            case ast.Block():
                if program.defined[node.name] is node.name_span:
                    names.own[node.name] = BlockValue(node, names, frame.defaults)
            case ast.Network() | ast.Variant():
                if program.defined[node.name] is node.name_span:
                    value = NetworkValue(node, names, frame.defaults, self.budget)
                    names.own[node.name] = program.networks[node.name] = value
            case _:
                pass

    def use(self, program: Program, node: ast.Use) -> None:
        """The names that a `use` brings in."""
        for each in node.names:
            program.names.own.setdefault(each.alias or each.name, POISON)
        source = self.fetch(node)
        if isinstance(source, str):
            raise fault("N120", f"cannot use {node.origin_span.text}: {source}", node.origin_span)
        other = self.enter(source, node)
        faults = [absent(node, each, other) for each in node.names if missing(each, other)]
        for each in node.names:
            declare(program, each.alias or each.name, each.span)
            program.names.own[each.alias or each.name] = other.names.own.get(each.name, POISON)
        if faults:
            raise Fault(*faults)

    def enter(self, source: Source, node: ast.Use) -> Program:
        names = [name for name, _ in self.opening]
        if source.name in names:
            way = self.opening[names.index(source.name) + 1 :]
            raise fault(
                "N122",
                f"{node.origin_span.text} uses this file in turn: a cycle",
                node.origin_span,
                related=tuple(Related(where, "this file is used here") for _, where in way[-3:]),
                help="move what both need into a third file",
            )
        if source.name not in self.programs:
            self.opening.append((source.name, node.origin_span))
            try:
                self.open(source)
            finally:
                self.opening.pop()
        return self.programs[source.name]


def missing(used: ast.Used, other: Program) -> bool:
    """True if a file has no such name; one with mistakes may have meant to."""
    return used.name not in other.names.own and not has_errors(other.diagnostics)


def absent(node: ast.Use, used: ast.Used, other: Program) -> Diagnostic:
    known = list(other.names.own)
    near = nearest(used.name, known)
    return Diagnostic(
        "N121",
        f"{node.origin_span.text} has no `{used.name}`",
        used.span,
        f"did you mean `{near}`?" if near else f"it has {listed(known)}",
        fixes=respelt(used.name, near, known, name_span(used)),
    )


def name_span(used: ast.Used) -> Span:
    """Where the name stands, without the `as` that may follow."""
    start = used.span.start
    return Span(used.span.source, start, start + len(used.name))


def listed(names: list[str]) -> str:
    """The first names of a file."""
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"


def hoist(frame: Frame, program: Program, tree: ast.File) -> None:
    """Make blocks, networks, functions and externs known before anything is read."""
    for node in tree.definitions:
        if isinstance(node, (ast.Use, ast.Default, ast.Let)):
            continue
        try:
            declare(program, node.name, node.name_span)
        except Fault as problem:
            frame.builder.tell(problem)
            continue
        program.names.own[node.name] = hoisted(node, program.names, frame.builder.budget)
        try:
            distinct(node.parameters)
            if isinstance(node, ast.Extern):
                check_extern(node)
        except Fault as problem:
            frame.builder.tell(problem)


TARGET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*")
IMPORTED = frozenset({"torch", "nn", "F", "math", "OrderedDict", *dir(builtins)})


def check_extern(node: ast.Extern) -> None:
    """An extern names a class of a module, and leaves the names that every source uses."""
    words = re.split("[.:]", node.target)
    if not TARGET.fullmatch(node.target) or any(map(keyword.iskeyword, words)):
        raise fault(
            "N131",
            "an extern module is given as `package.module:Class`",
            node.target_span,
            help="write the dotted name of the module, a colon, and the name of the class",
        )
    if node.name in IMPORTED:
        raise fault(
            "N132",
            f"`{node.name}` has a meaning of its own in PyTorch source",
            node.name_span,
            help="choose another name",
        )


def hoisted(node: Any, names: Names, budget: Budget) -> Any:
    match node:
        case ast.Block():
            return BlockValue(node, names, {})
        case ast.Network() | ast.Variant():
            return NetworkValue(node, names, {}, budget)
        case ast.Function():
            return FunctionValue(node, names)
        case _:
            return ExternValue(node, names)


def declare(program: Program, name: str, span: Span) -> None:
    """Take a name in a file; each can be defined once."""
    first = program.defined.setdefault(name, span)
    if first is not span:
        first, second = sorted((first, span), key=lambda each: each.start)
        raise fault(
            "N123",
            f"`{name}` is defined twice in this file",
            second,
            "the second time",
            related=(Related(first, "the first time"),),
        )
