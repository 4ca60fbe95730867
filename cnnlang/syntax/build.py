"""Definitions, statements and chains: what the rules of the grammar build."""

from __future__ import annotations

from typing import Any

from cnnlang.diagnostics.model import Span
from cnnlang.syntax import ast
from cnnlang.syntax.brackets import Token
from cnnlang.syntax.formula import Expressions, Values
from cnnlang.syntax.groups import Braces, Failed, Marked, to_body, to_group
from cnnlang.syntax.literals import unescape


class Builder(Expressions):
    """A method for every rule that makes a definition, a statement or a step.

    The parser calls them bottom-up, so building needs no recursion however deep the text nests.
    """

    def complain(self, code: str, message: str, span: Span, help: str) -> None:
        self.report(code, message, span, help=help)

    def body(self, braces: Braces) -> ast.Body:
        return to_body(braces, self.complain)

    def failed(self, v: Values) -> Failed:
        return Failed()

    # --- braces and branches ---------------------------------------------------------------------

    def no_braces(self, v: Values) -> Braces:
        return Braces([], self.span(v[0].start, v[1].end))

    def braces(self, v: Values) -> Braces:
        return Braces(v[1], self.span(v[0].start, v[2].end))

    def branch(self, v: Values) -> Marked:
        return Marked(self.mark(v[0]), v[1])

    def repeat(self, v: Values) -> ast.Repeat | ast.BranchRepeat:
        span = self.span(v[0].start, v[2].span.end)
        if v[2].is_group:
            return ast.BranchRepeat(v[1], to_group(v[2], self.complain), span)
        return ast.Repeat(v[1], self.body(v[2]), span)

    def loop(self, v: Values) -> ast.For | ast.BranchFor:
        span = self.span(v[0].start, v[4].span.end)
        if v[4].is_group:
            return ast.BranchFor(tuple(v[1]), v[3], to_group(v[4], self.complain), span)
        return ast.For(tuple(v[1]), v[3], self.body(v[4]), span)

    def target_group(self, v: Values) -> ast.Targets:
        return ast.Targets(tuple(v[1]), self.span(v[0].start, v[2].end))

    def choice(self, v: Values) -> ast.If | ast.BranchIf:
        span = self.span(v[0].start, v[2].span.end)
        if v[2].is_group:
            return ast.BranchIf(v[1], to_group(v[2], self.complain), (), span)
        return ast.If(v[1], self.body(v[2]), None, span)

    def choice_else(self, v: Values) -> ast.If | ast.BranchIf:
        span = self.span(v[0].start, v[4].span.end)
        if v[2].is_group or v[4].is_group:
            then, otherwise = (to_group(braces, self.complain) for braces in (v[2], v[4]))
            return ast.BranchIf(v[1], then, otherwise, span)
        return ast.If(v[1], self.body(v[2]), self.body(v[4]), span)

    def choice_again(self, v: Values) -> ast.If | ast.BranchIf:
        """An `else if`: it becomes one piece of what the first `if` holds for the other case."""
        last = v[4]
        return self.choice_else([*v[:4], Braces([last], last.span)])

    # --- definitions -----------------------------------------------------------------------------

    def file(self, definitions: Values, span: Span) -> ast.File:
        """The whole file, without the definitions that could not be read or have no name."""
        return ast.File(tuple(d for d in definitions if is_known(d)), span)

    def network(self, v: Values) -> ast.Network:
        body = self.body(v[3])
        span = self.span(v[0].start, body.span.end)
        return ast.Network(v[1].text, tuple(v[2]), body, span, self.mark(v[1]))

    def block(self, v: Values) -> ast.Block:
        body = self.body(v[3])
        span = self.span(v[0].start, body.span.end)
        return ast.Block(v[1].text, tuple(v[2]), body, span, self.mark(v[1]))

    def variant(self, v: Values) -> ast.Variant:
        span = self.span(v[0].start, v[4].span.end)
        return ast.Variant(v[1].text, tuple(v[2]), v[4], span, self.mark(v[1]))

    def used(self, v: Values) -> ast.Used:
        return ast.Used(v[0].text, None, self.mark(v[0]))

    def used_as(self, v: Values) -> ast.Used:
        return ast.Used(v[0].text, v[2].text, self.span(v[0].start, v[2].end))

    def use_file(self, v: Values) -> ast.Use:
        span = self.span(v[0].start, v[3].end)
        return ast.Use(tuple(v[1]), unescape(v[3].text[1:-1]), True, span, self.mark(v[3]))

    def use_module(self, v: Values) -> ast.Use:
        origin = ".".join(token.text for token in v[3])
        span = self.span(v[0].start, v[3][-1].end)
        place = self.span(v[3][0].start, v[3][-1].end)
        return ast.Use(tuple(v[1]), origin, False, span, place)

    def extern(self, v: Values) -> ast.Extern:
        return ast.Extern(
            name=v[1].text,
            parameters=tuple(v[2]),
            inputs=tuple(v[4]),
            output=v[6],
            target=unescape(v[8].text[1:-1]),
            span=self.span(v[0].start, v[8].end),
            name_span=self.mark(v[1]),
            target_span=self.mark(v[8]),
        )

    def let(self, v: Values) -> ast.Let:
        span = self.span(v[0].start, v[3].span.end)
        return ast.Let(v[1].text, v[3], span, self.mark(v[1]))

    def function(self, v: Values) -> ast.Function:
        span = self.span(v[0].start, v[4].span.end)
        return ast.Function(v[1].text, tuple(v[2]), v[4], span, self.mark(v[1]))

    def default(self, v: Values) -> ast.Default:
        arguments, end = v[2]
        return ast.Default(v[1].text, arguments, self.span(v[0].start, end), self.mark(v[1]))

    def parameter(self, v: Values) -> ast.Parameter:
        return ast.Parameter(v[0].text, None, self.mark(v[0]))

    def parameter_default(self, v: Values) -> ast.Parameter:
        return ast.Parameter(v[0].text, v[2], self.span(v[0].start, v[2].span.end))

    # --- statements ------------------------------------------------------------------------------

    def declare(
        self, word: Token, name: Token | None, shape: ast.Expression, dtype: Token | None
    ) -> ast.Input:
        end = dtype.end if dtype else shape.span.end
        return ast.Input(
            name=name.text if name else None,
            shape=shape,
            dtype=dtype.text if dtype else "float",
            span=self.span(word.start, end),
            name_span=self.mark(name) if name else None,
            dtype_span=self.mark(dtype) if dtype else None,
        )

    def input(self, v: Values) -> ast.Input:
        return self.declare(v[0], None, v[1], None)

    def input_of(self, v: Values) -> ast.Input:
        return self.declare(v[0], None, v[1], v[3])

    def input_named(self, v: Values) -> ast.Input:
        return self.declare(v[0], v[1], v[3], None)

    def input_named_of(self, v: Values) -> ast.Input:
        return self.declare(v[0], v[1], v[3], v[5])

    def output(self, v: Values) -> ast.Output:
        return ast.Output(tuple(v[1]), False, self.span(v[0].start, v[1][-1].span.end))

    def output_training(self, v: Values) -> ast.Output:
        return ast.Output(tuple(v[2]), True, self.span(v[0].start, v[2][-1].span.end))

    def require(self, v: Values) -> ast.Require:
        return ast.Require(v[1], self.span(v[0].start, v[1].span.end))

    def shared_body(self, v: Values) -> ast.Shared:
        body = self.body(v[2])
        span = self.span(v[0].start, body.span.end)
        return ast.Shared(v[1].text, body, None, span, self.mark(v[1]))

    def shared_call(self, v: Values) -> ast.Shared:
        span = self.span(v[0].start, v[3].span.end)
        return ast.Shared(v[1].text, None, v[3], span, self.mark(v[1]))

    # --- chains ----------------------------------------------------------------------------------

    def chain(self, v: Values) -> ast.Chain:
        steps = v[0]
        span = steps[0].span if len(steps) == 1 else steps[0].span.to(steps[-1].span)
        return ast.Chain(tuple(steps), span)

    def step(self, v: Values) -> ast.Step:
        return ast.Step(None, v[0], v[0].span)

    def step_labelled(self, v: Values) -> ast.Step:
        return ast.Step(v[0], v[2], v[0].span.to(v[2].span))

    def label_name(self, v: Values) -> ast.Label:
        return ast.Label((v[0].text,), self.mark(v[0]))

    def label_string(self, v: Values) -> ast.Label:
        return ast.Label((unescape(v[0].text[1:-1]),), self.mark(v[0]), quoted=True)

    def label_pieces(self, v: Values) -> ast.Label:
        """A label with holes; the pieces of a quoted one carry a `"` in front."""
        opening = v[0][0] if isinstance(v[0][0], Token) else v[0][0][0]
        closing = v[0][-1] if isinstance(v[0][-1], Token) else v[0][-1][2]
        quoted = opening.text.startswith('"')
        parts = tuple(
            unescape(piece.text.removeprefix('"')) if isinstance(piece, Token) else piece[1]
            for piece in v[0]
        )
        edge = 1 if quoted else 0
        return ast.Label(parts, self.span(opening.start - edge, closing.end + edge), quoted)

    def hole(self, v: Values) -> tuple[Any, ...]:
        return tuple(v)

    def stack(self, v: Values) -> ast.Stack:
        body = self.body(v[1])
        return ast.Stack(body, self.span(v[0].start, body.span.end))

    def residual(self, v: Values) -> ast.Residual:
        main = self.body(v[1])
        return ast.Residual(main, None, self.span(v[0].start, main.span.end))

    def residual_shortcut(self, v: Values) -> ast.Residual:
        main, shortcut = self.body(v[1]), self.body(v[3])
        return ast.Residual(main, shortcut, self.span(v[0].start, shortcut.span.end))

    def call_name(self, v: Values) -> ast.Call:
        span = self.mark(v[0])
        return ast.Call(v[0][1], None, None, span, span)

    def call(self, v: Values) -> ast.Call:
        name, (arguments, end) = v
        span = Span(self.source, name[2], end)
        return ast.Call(name[1], arguments, None, span, self.mark(name))

    def merge(self, v: Values) -> ast.Call:
        call, braces = v
        group = to_group(braces, self.complain)
        span = call.span.to(braces.span)
        return ast.Call(call.name, call.arguments, group, span, call.name_span)


def is_known(definition: Any) -> bool:
    """False for what could not be read, and for a network or block without its name."""
    nameless = isinstance(definition, (ast.Network, ast.Block)) and not definition.name
    return not nameless and not isinstance(definition, Failed)
