"""Finding words: a number that differs between the uses of a block, as an expression.

Every expression is checked by evaluating it for all uses. What the file itself says comes first,
then the parameters, then what was found before, then simple arithmetic; what nothing explains
becomes a parameter of its own.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from cnnlang.backends.source.layout import flat, literal, safe
from cnnlang.layers.code import Raw
from cnnlang.syntax import ast

Values = Mapping[int, Any]
PURE: dict[str, Any] = {
    "__builtins__": {},
    "min": min,
    "max": max,
    "int": int,
    "abs": abs,
    "round": round,
}
TAKEN = {"self", "x", "i", "torch", "nn", "F", "math", "OrderedDict", *dir(builtins)}
FACTORS = (2, 3, 4, 6, 8, 16)


def narrowed(value: Any) -> Any:
    """A size as PyTorch code writes it: one number where all are equal."""
    if (
        isinstance(value, tuple)
        and value
        and all(type(v) is int for v in value)
        and len(set(value)) == 1
    ):
        return value[0]
    return str(value) if isinstance(value, str) else value


def plain(value: Any) -> bool:
    """True for values that code can hold."""
    if isinstance(value, tuple):
        return all(map(plain, value))
    return isinstance(value, (bool, int, float, str))


@lru_cache(maxsize=4096)
def compiled(text: str) -> CodeType:
    """An expression made ready to be evaluated for many rows."""
    return compile(text, "<expression>", "eval")


def key(values: Values) -> Hashable:
    return tuple((row, type(value).__name__, value) for row, value in sorted(values.items()))


def same(a: Any, b: Any) -> bool:
    """True for values that are written alike."""
    return type(a) is type(b) and bool(a == b)


def constant(values: Values) -> bool:
    """True if all rows have one value."""
    first, *rest = values.values() or (None,)
    return all(same(first, value) for value in rest)


class Vocabulary:
    """The expressions that one class has for what differs between its instances.

    `parameters` are those of the class, used or not, in order; `used` the ones that its code names.
    """

    def __init__(
        self,
        rows: Sequence[int],
        given: Mapping[str, Values],
        channels: Values | None,
        hints: Sequence[ast.Expression],
        lets: Mapping[str, ast.Expression],
    ) -> None:
        self.rows = tuple(rows)
        self.parameters: dict[str, Values] = {}
        self.renamed: dict[str, str] = {}
        self.used: dict[str, None] = {}
        self.known: dict[Hashable, str] = {}
        self.lets = lets
        self.hints = hints
        self.channels = ""
        for name, values in given.items():
            if all(plain(value) for value in values.values()):
                self.renamed[name] = safe(name, TAKEN | set(self.parameters))
                self.parameters[self.renamed[name]] = {r: narrowed(v) for r, v in values.items()}
        if channels is not None:
            self.channels = safe("in_channels", TAKEN | set(self.parameters))
            self.parameters = {self.channels: channels, **self.parameters}

    # --- saying ----------------------------------------------------------------------------------

    def say(
        self,
        values: Values,
        hints: Sequence[ast.Expression] = (),
        wish: str = "size",
        sure: Sequence[ast.Expression] | None = None,
    ) -> str:
        """The expression for some values, one for each row concerned; a new parameter at worst.

        `hints` are expressions of the file that may be meant; `sure` those that can only be meant
        for these values, all of them if it is None.
        """
        values = {row: str(v) if isinstance(v, str) else v for row, v in values.items()}
        first = next(iter(values.values()))
        if isinstance(first, Raw):
            return first.text
        if constant(values):
            return self.constant(values, first, hints if sure is None else sure)
        found = self.find(values, hints)
        return self.use(found) if found else self.invent(values, wish)

    def constant(self, values: Values, value: Any, hints: Sequence[ast.Expression]) -> str:
        """A value on which the rows agree: as the file says it if only some rows are concerned."""
        text = flat(literal(value))
        if len(values) == len(self.rows):
            return text
        said = next((t for t in self.translations(hints) if self.means(t, values)), text)
        return self.use(said)

    def find(self, values: Values, hints: Sequence[ast.Expression]) -> str | None:
        candidates = self.candidates(values, hints)
        return next((text for text in candidates if self.means(text, values)), self.items(values))

    def items(self, values: Values) -> str | None:
        """Tuples of one length, item by item: `(in_channels, 1, 1)`."""
        if not all(isinstance(value, tuple) for value in values.values()):
            return None
        if len({len(value) for value in values.values()}) > 1:
            return None
        columns = [
            dict(zip(values, column, strict=True)) for column in zip(*values.values(), strict=True)
        ]
        parts = [self.item(column) for column in columns]
        return f"({', '.join(map(str, parts))}{',' * (len(parts) == 1)})" if all(parts) else None

    def item(self, values: Values) -> str | None:
        """A number that stands inside a tuple."""
        first = next(iter(values.values()))
        if constant(values):
            return flat(literal(first))
        return self.find(values, ())

    def condition(self, taken: Values, origin: ast.Expression, wish: str) -> str:
        """The condition of an `if`, in the words of the file if they can be had."""
        for text in self.translations([origin]):
            if self.means(text, taken):
                return self.use(text)
        for name in self.parameters:
            if self.means(name, taken):
                return self.use(name)
        return self.invent(taken, wish)

    def learn(self, values: Values, hints: Sequence[ast.Expression]) -> None:
        """Remember how some values are said, where that need be found."""
        if constant(values) or len(values) < len(self.rows) or key(values) in self.known:
            return
        if found := self.find(values, hints):
            self.known[key(values)] = found

    def use(self, text: str) -> str:
        for name in names(text):
            if name in self.parameters:
                self.used[name] = None
        return text

    def invent(self, values: Values, wish: str) -> str:
        """A parameter of its own for values that nothing explains."""
        for name, has in self.parameters.items():
            if all(same(has.get(r), v) for r, v in values.items()):
                return self.use(name)
        name = safe(wish, TAKEN | set(self.parameters))
        filler = next(iter(values.values()))
        self.parameters[name] = {row: values.get(row, filler) for row in self.rows}
        return self.use(name)

    # --- candidates ------------------------------------------------------------------------------

    def candidates(self, values: Values, hints: Sequence[ast.Expression]) -> Iterator[str]:
        """Expressions to try, the most natural first."""
        yield from self.translations(hints)
        yield from self.parameters
        if len(values) == len(self.rows) and (known := self.known.get(key(values))):
            yield known
        yield from self.translations(self.hints)
        bases = [
            name
            for name, has in self.parameters.items()
            if all(type(v) is int for v in has.values())
        ]
        for base in bases:
            yield f"{base} // 2"
            yield f"({base} - 1) // 2"
            for factor in FACTORS:
                yield f"{base} * {factor}"
                yield f"{base} // {factor}"
        for i, a in enumerate(bases):
            for b in bases[i:]:
                yield f"{a} + {b}"

    def means(self, text: str, values: Values) -> bool:
        """True if the expression has the values given, for every row."""
        code = compiled(text)
        read = [(n, self.parameters[n]) for n in code.co_names if n in self.parameters]
        for row, value in values.items():
            scope = {name: has[row] for name, has in read if row in has}
            try:
                result = eval(code, PURE, scope)
            except (NameError, TypeError, ValueError, ArithmeticError):
                return False
            if type(result) is not type(value) or result != value:
                return False
        return True

    def translations(self, hints: Sequence[ast.Expression]) -> Iterator[str]:
        for hint in hints:
            text = self.python(hint)
            if text is not None and names(text):
                yield text

    # --- the file's expressions as Python ---------------------------------------------------------

    def python(self, node: ast.Expression, inner: bool = False, depth: int = 0) -> str | None:
        """The Python text of an expression of the file, None if it has none."""
        if depth > 12:
            return None
        rule = RULES.get(type(node))
        text = rule(self, node, depth + 1) if rule else None
        return f"({text})" if text and inner and " " in text else text


def names(text: str) -> set[str]:
    """The names in a Python expression."""
    import re

    found = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", text)))
    return found - {"True", "False", "None", "float"}


def name(words: Vocabulary, node: ast.Name, depth: int) -> str | None:
    """A parameter, what a `let` says, or a word."""
    if node.name in words.renamed:
        return words.renamed[node.name]
    if node.name not in words.lets:
        return flat(literal(node.name))
    return words.python(words.lets[node.name], False, depth)


def incoming(words: Vocabulary, node: ast.Incoming, depth: int) -> str | None:
    return words.channels if words.channels and node.field in ("channels", "features") else None


def unary(words: Vocabulary, node: ast.Unary, depth: int) -> str | None:
    inner = words.python(node.operand, True, depth)
    gap = " " if node.operator == "not" else ""
    return f"{node.operator}{gap}{inner}" if inner else None


def binary(words: Vocabulary, node: ast.Binary, depth: int) -> str | None:
    tight = node.operator not in ("and", "or")
    left = words.python(node.left, tight and not bare(node.left), depth)
    right = words.python(node.right, tight and not bare(node.right), depth)
    return f"{left} {node.operator} {right}" if left and right else None


def bare(node: ast.Expression) -> bool:
    """True for products inside comparisons, which need no parentheses."""
    return isinstance(node, ast.Binary) and node.operator in ("*", "//")


def conditional(words: Vocabulary, node: ast.Conditional, depth: int) -> str | None:
    parts = [
        words.python(each, True, depth) for each in (node.then, node.condition, node.otherwise)
    ]
    return f"{parts[0]} if {parts[1]} else {parts[2]}" if all(parts) else None


def apply(words: Vocabulary, node: ast.Apply, depth: int) -> str | None:
    if node.function not in PURE or any(each.name for each in node.arguments):
        return None
    parts = [words.python(each.value, False, depth) for each in node.arguments]
    return f"{node.function}({', '.join(p for p in parts if p)})" if all(parts) else None


def number(words: Vocabulary, node: Any, depth: int) -> str:
    return flat(literal(node.value))


RULES: dict[type, Callable[[Vocabulary, Any, int], str | None]] = {
    ast.Number: number,
    ast.Truth: number,
    ast.Text: number,
    ast.Name: name,
    ast.Incoming: incoming,
    ast.Unary: unary,
    ast.Binary: binary,
    ast.Conditional: conditional,
    ast.Apply: apply,
}
