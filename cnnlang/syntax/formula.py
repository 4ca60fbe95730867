"""Expressions: what the rules of the grammar build, and the precedence of operators."""

from __future__ import annotations

from typing import Any

from cnnlang.diagnostics.model import Diagnostic, Related, Source, Span
from cnnlang.records import replace
from cnnlang.syntax import ast
from cnnlang.syntax.brackets import Token
from cnnlang.syntax.literals import DIGITS, read_number, read_size, unescape

Values = list[Any]
Arguments = tuple[tuple[ast.Argument, ...], int]

COMPARISON = 4
UNARY, NOT, POWER = 7, 3, 8
PRECEDENCE = {
    "or": 1, "and": 2, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "**": POWER,
}  # fmt: skip


class Expressions:
    """A method for every rule of the grammar that makes an expression.

    Each takes the values of the rule's symbols: tokens, nodes, and lists of them.
    """

    def __init__(self, source: Source, diagnostics: list[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def mark(self, token: Token) -> Span:
        return Span(self.source, token[2], token[3])

    def report(self, code: str, message: str, span: Span, **more: Any) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, **more))

    # --- lists -----------------------------------------------------------------------------------

    def empty(self, v: Values) -> Values:
        return []

    def nothing(self, v: Values) -> Values:
        return []

    def first(self, v: Values) -> Values:
        return [v[0]]

    def next(self, v: Values) -> Any:
        v[0].append(v[1])
        return v[0]

    def more(self, v: Values) -> Any:
        v[0].append(v[2])
        return v[0]

    then = more

    def inside(self, v: Values) -> Any:
        return v[1]

    # --- operands --------------------------------------------------------------------------------

    def number(self, v: Values) -> ast.Number:
        text: str = v[0][1]
        value: int | float | None = int(text) if text.isdigit() and len(text) <= DIGITS else None
        if value is None:
            value = read_number(text)
        if value is None:
            message = f"this number is too large; a number has at most {DIGITS} digits"
            self.report("P009", message, self.mark(v[0]))
            value = 1
        return ast.Number(value, self.mark(v[0]))

    def size(self, v: Values) -> ast.Size:
        parts = read_size(v[0].text)
        if parts is None:
            message = f"this size is too large; a number has at most {DIGITS} digits"
            self.report("P010", message, self.mark(v[0]))
        return ast.Size(parts or (1,), self.mark(v[0]))

    def text(self, v: Values) -> ast.Text:
        return ast.Text(unescape(v[0].text[1:-1]), self.mark(v[0]))

    def truth(self, v: Values) -> ast.Truth:
        return ast.Truth(v[0].kind == "TRUE", self.mark(v[0]))

    def name(self, v: Values) -> ast.Name:
        return ast.Name(v[0].text, self.mark(v[0]))

    def first_name(self, v: Values) -> Values:
        return [self.name(v)]

    def then_name(self, v: Values) -> Any:
        v[0].append(self.name(v[2:]))
        return v[0]

    def incoming(self, v: Values) -> ast.Incoming:
        return ast.Incoming(v[2].text, self.span(v[0].start, v[2].end))

    def index(self, v: Values) -> ast.Index:
        return ast.Index(v[0], v[2], self.span(v[0].span.start, v[3].end))

    def no_sequence(self, v: Values) -> ast.Sequence:
        return ast.Sequence((), self.span(v[0].start, v[1].end), v[0].text + v[1].text)

    def sequence(self, v: Values) -> ast.Sequence:
        brackets = "()" if v[0].kind == "LPAR" else "[]"
        return ast.Sequence(tuple(v[1]), self.span(v[0].start, v[-1].end), brackets)

    def parenthesis(self, v: Values) -> Any:
        if len(v[1]) > 1:
            return self.sequence(v)
        return replace(v[1][0], span=self.span(v[0].start, v[2].end))

    # --- calls -----------------------------------------------------------------------------------

    def argument(self, v: Values) -> ast.Argument:
        return ast.Argument(None, v[0], v[0].span)

    def argument_named(self, v: Values) -> ast.Argument:
        name, value = v[0], v[2]
        span = Span(self.source, name[2], value.span.end)
        return ast.Argument(name[1], value, span, self.mark(name))

    def no_arguments(self, v: Values) -> Arguments:
        return (), v[1].end

    def arguments(self, v: Values) -> Arguments:
        return tuple(v[1]), v[-1][3]

    def apply(self, v: Values) -> ast.Apply:
        arguments, end = v[1]
        return ast.Apply(v[0].text, arguments, self.span(v[0].start, end), self.mark(v[0]))

    # --- operations ------------------------------------------------------------------------------

    def conditional(self, v: Values) -> ast.Conditional:
        return ast.Conditional(v[2], v[0], v[4], v[0].span.to(v[4].span))

    def prefixed(self, v: Values) -> Values:
        return [v[0], *v[1]]

    def formula(self, v: Values) -> Values:
        return [v[0], v[1], *v[2]]

    def formula_more(self, v: Values) -> Any:
        v[0].append(v[1])
        v[0].extend(v[2])
        return v[0]

    def operation(self, v: Values) -> Any:
        return Precedence(self).order(v[0])


class Precedence:
    """Turns `a + b * c` from a flat list into a tree, with two stacks.

    This is Dijkstra's shunting-yard.
    """

    def __init__(self, owner: Expressions) -> None:
        self.owner = owner
        self.operands: list[Any] = []
        self.operators: list[tuple[int, Token, bool]] = []

    def order(self, items: Values) -> Any:
        """The tree of `items`: operands, and tokens of operators among them."""
        prefix = True
        for item in items:
            if not isinstance(item, Token):
                self.operands.append(item)
                prefix = False
            else:
                self.push_prefix(item) if prefix else self.push_binary(item)
                prefix = True
        while self.operators:
            self.apply()
        return self.operands[0]

    def push_prefix(self, token: Token) -> None:
        level = NOT if token.kind == "NOT" else UNARY
        if level == NOT and self.operators and self.operators[-1][0] > NOT:
            help = "put the condition in parentheses"
            message = f"`not` cannot follow `{self.operators[-1][1].text}`"
            self.owner.report("P017", message, self.owner.mark(token), help=help)
        self.operators.append((level, token, True))

    def push_binary(self, token: Token) -> None:
        level = PRECEDENCE[token.text]
        least = level + 1 if level == POWER else level
        while self.operators and self.operators[-1][0] >= least:
            if level == COMPARISON == self.operators[-1][0]:
                self.chained(self.operators[-1][1], token)
            self.apply()
        self.operators.append((level, token, False))

    def chained(self, before: Token, token: Token) -> None:
        owner = self.owner
        owner.report(
            "P016",
            "comparisons cannot be chained",
            owner.mark(token),
            related=(Related(owner.mark(before), "the first comparison"),),
            help="join two comparisons with `and`: `a < b and b < c`",
        )

    def apply(self) -> None:
        _, token, is_prefix = self.operators.pop()
        right = self.operands.pop()
        if is_prefix:
            span = self.owner.span(token.start, right.span.end)
            self.operands.append(ast.Unary(token.text, right, span))
            return
        left = self.operands.pop()
        self.operands.append(ast.Binary(token.text, left, right, left.span.to(right.span)))
