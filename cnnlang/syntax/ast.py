"""The tree of a `.cnn` file: what was written, where, and nothing about what it means.

Every node carries the span of the text it came from. Expressions, statements and the steps of a
chain are three families; `File` is the root.
"""

from __future__ import annotations

from typing import TypeAlias

from cnnlang.diagnostics.model import Span
from cnnlang.records import dataclass

# --- expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or real, magnitudes (`5M`, `8GiB`) already multiplied out."""

    value: int | float
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Size:
    """A size such as `3x3` or `3xHxW`: integers, and capital letters for free dimensions."""

    parts: tuple[int | str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name, looked up among parameters, `let`s, functions and blocks; else a word (`same`)."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Incoming:
    """`in.channels`, `in.height`, ...: a size of the tensor that flows into the statement."""

    field: str
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list `[1, 2]` or a tuple `(1, 2)`."""

    items: tuple[Expression, ...]
    span: Span
    brackets: str = "[]"


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`a OP b` with OP one of + - * / // % ** < <= > >= == != and or."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if condition else otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index]`."""

    base: Expression
    index: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `name` is None for a positional one."""

    name: str | None
    value: Expression
    span: Span
    name_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """A call inside an expression: `min(a, b)`, `memory(batch=32)`, `normal(std=0.02)`."""

    function: str
    arguments: tuple[Argument, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Targets:
    """Names in parentheses that take an item apart: the `(t, c)` of `for i, (t, c) in ...`."""

    items: tuple[Target, ...]
    span: Span


Target: TypeAlias = Name | Targets

Expression: TypeAlias = (
    Number
    | Text
    | Truth
    | Size
    | Name
    | Incoming
    | Sequence
    | Unary
    | Binary
    | Conditional
    | Index
    | Apply
)

# --- the steps of a chain ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Label:
    """A name given to a step. `layer{i + 1}:` has the parts `"layer"` and `i + 1`."""

    parts: tuple[str | Expression, ...]
    span: Span
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`conv(64, 3x3)`, `relu`, `Bottleneck(64)`, `enc1`: what it is, the name decides.

    `arguments` is None where no parentheses were written. `group` is the brace group of a merge,
    None where none was written.
    """

    name: str
    arguments: tuple[Argument, ...] | None
    group: tuple[BranchItem, ...] | None
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Stack:
    """`stack { ... }`: a named container that numbers its unnamed children."""

    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Residual:
    """`residual { main } shortcut { other }`; `shortcut` is None for the identity."""

    main: Body
    shortcut: Body | None
    span: Span


Element: TypeAlias = Call | Stack | Residual


@dataclass(frozen=True, slots=True)
class Step:
    label: Label | None
    element: Element
    span: Span


# --- the branches of a merge ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Branch:
    """`| conv(64, 1x1) -> relu`: starts from the tensor that came into the merge."""

    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class BranchFor:
    targets: tuple[Target, ...]
    iterable: Expression
    group: tuple[BranchItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class BranchRepeat:
    count: Expression
    group: tuple[BranchItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class BranchIf:
    condition: Expression
    then: tuple[BranchItem, ...]
    otherwise: tuple[BranchItem, ...]
    span: Span


# --- statements ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chain:
    """`a -> b -> c`: every step takes what the one before it left."""

    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Input:
    """`input left: 1x105x105`, `input tokens: [T] of int`.

    `shape` is a Size or a Sequence. `dtype` is the word after `of` ("float" where none stands).
    """

    name: str | None
    shape: Expression
    dtype: str
    span: Span
    name_span: Span | None = None
    dtype_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """`output a, b`; with `training`, what the network returns in training mode."""

    names: tuple[Name, ...]
    training: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Shared:
    """`shared embed { ... }` has a `body`; `shared embed = Encoder(128)` has a `call`."""

    name: str
    body: Body | None
    call: Call | None
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    count: Expression
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    targets: tuple[Target, ...]
    iterable: Expression
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """`if c { } else { }`; an `else if` is an If alone in `otherwise`."""

    condition: Expression
    then: Body
    otherwise: Body | None
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    name: str
    value: Expression
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    default: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Function:
    """`fn name(parameters) = value`."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Expression
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Default:
    """`default conv(bias=false)`: for the rest of its scope."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Require:
    condition: Expression
    span: Span


Statement: TypeAlias = (
    Chain | Input | Output | Shared | Repeat | For | If | Let | Function | Default | Require
)

BranchItem: TypeAlias = Branch | BranchFor | BranchRepeat | BranchIf | Let


@dataclass(frozen=True, slots=True)
class Body:
    """What stands between braces; `span` includes them."""

    statements: tuple[Statement, ...]
    span: Span


# --- the file ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Network:
    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Variant:
    """`network ResNet50 = ResNet(Bottleneck, [3, 4, 6, 3])`, with parameters of its own if any."""

    name: str
    parameters: tuple[Parameter, ...]
    call: Apply
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Used:
    """One name of a `use`, with the local name after `as` if there is one."""

    name: str
    alias: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Use:
    """`use A, B from "file.cnn"` (quoted) or `use A from std.resnet`."""

    names: tuple[Used, ...]
    origin: str
    quoted: bool
    span: Span
    origin_span: Span


@dataclass(frozen=True, slots=True)
class Extern:
    """`extern Blur(filt=4): [C, H, W] -> [C, H // 2, W // 2] from "package:Class"`."""

    name: str
    parameters: tuple[Parameter, ...]
    inputs: tuple[Expression, ...]
    output: Expression
    target: str
    span: Span
    name_span: Span
    target_span: Span


Definition: TypeAlias = Block | Network | Variant | Use | Extern | Let | Function | Default


@dataclass(frozen=True, slots=True)
class File:
    definitions: tuple[Definition, ...]
    span: Span
