"""What a layer is: its arguments as fields, and small methods that say what it does.

A subclass of `Layer` with a `name` is a layer of the language. Its annotated fields are its
arguments, in the order in which they may be written by position (those after `_: KW_ONLY` by name
only); the text under a field documents it, and its docstring tells formulas, costs and an example
in the form that `documentation` reads. `Layer.build` validates arguments with pydantic's engine,
by a schema that is made on the first use of the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias, dataclass_transform

from cnnlang.diagnostics.suggest import is_slip, nearest
from cnnlang.layers import foreign
from cnnlang.layers.code import SELF, Code, Operand, call
from cnnlang.layers.reading import Reads, Usual, owned
from cnnlang.layers.remedies import Omit, Remedy, Respell
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape, Unpredictable
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass
from cnnlang.sizes import Free, Mixed, Shape, Size, is_known

REGISTRY: dict[str, type[Layer]] = {}


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter (or, if not `trainable`, a buffer) of a layer, by its `state_dict` name."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True

    def under(self, prefix: str) -> str:
        """The name in the `state_dict` of a network in which the layer is called `prefix`.

        A layer that is a bare `nn.Parameter` has one weight without a name of its own.
        """
        return f"{prefix}.{self.name}" if self.name else prefix


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a layer where it stands; the elaborator adds the place.

    `field` names the argument to point at, None for the layer itself. `label` is the short text
    under the marker; `help` says how such a layer is written; `remedies` might mend it, the best
    one first, and are tried before they are told.
    """

    code: str
    message: str
    label: str = ""
    field: str | None = None
    help: str | None = None
    notes: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()


class LayerError(Exception):
    """A layer cannot stand where it stands: wrong arguments, or wrong incoming shapes."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(each.message for each in problems))
        self.problems = problems


def fail(
    code: str,
    message: str,
    label: str = "",
    *,
    field: str | None = None,
    help: str | None = None,
    notes: tuple[str, ...] = (),
    remedies: tuple[Remedy, ...] = (),
) -> LayerError:
    """A `LayerError` with one problem, to be raised."""
    return LayerError(Problem(code, message, label, field, help, notes, remedies))


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` must be 0 (`zero`) or at least 0, for every size of its free dimension.

    With `alike`, the two sizes that it is the difference of are to grow alike: that they are equal
    for a few sizes is not enough.
    """

    value: Size
    zero: bool
    tell: Callable[[], Problem]
    alike: bool = False

    @property
    def problem(self) -> Problem:
        """What is wrong where it does not hold."""
        return self.tell()


class Need:
    """Collects what must hold of sizes; integers are judged at once, free sizes are kept.

    A check raises `LayerError` as soon as it fails for an integer; one of a size that is not
    known because of a mistake never fails.
    """

    def __init__(self) -> None:
        self.conditions: list[Condition] = []

    def at_least(self, value: Size, least: Size, problem: Callable[[], Problem]) -> None:
        """`value >= least`."""
        if is_known(value) and is_known(least):
            self.judge(value - least, False, problem)

    def equal(self, a: Size, b: Size, problem: Callable[[], Problem]) -> None:
        """`a == b`."""
        if is_known(a) and is_known(b):
            self.judge(0 if a == b else a - b, True, problem)

    def alike(
        self, a: Size, b: Size, problem: Callable[[], Problem], stretching: bool = False
    ) -> None:
        """`a == b` of maps that are joined: where both depend on the input, for every size of it.

        With `stretching`, a 1 would be stretched by PyTorch, so that it counts as well.
        """
        if is_known(a) and is_known(b):
            fixed = [size for size in (a, b) if isinstance(size, int)]
            growing = not fixed or (stretching and fixed == [1])
            self.judge(0 if a == b else a - b, True, problem, growing)

    def multiple(self, value: Size, of: int, problem: Callable[[], Problem]) -> None:
        """`value` is divisible by `of`."""
        if is_known(value):
            self.judge(value - value // of * of, True, problem)

    def judge(
        self, value: Size, zero: bool, problem: Callable[[], Problem], alike: bool = False
    ) -> None:
        if isinstance(value, (Free, Mixed)):
            self.conditions.append(Condition(value, zero, problem, alike))
        elif value < 0 or (zero and value != 0):
            raise LayerError(problem())


Inputs: TypeAlias = tuple[Tensor, ...]


@dataclass_transform(kw_only_default=False, frozen_default=True)
class Layer:
    """A layer with its arguments; immutable, compared by value, shared by all who write the same.

    A layer takes `operands` tensors (the incoming one included); `references` are the fields that
    name further tensors (`like=skip`); `axes` are those that name axes, where `width` is the axis
    even if a parameter is called so; of those `per_axis`, one number stands for all axes. The
    output is `overwritable` if it is memory of its own that autograd does not keep; a layer that
    `overwrites` can write over such an operand at no cost.
    """

    name: ClassVar[str] = ""
    family: ClassVar[str] = ""
    operands: ClassVar[tuple[int, int | None]] = (1, 1)
    references: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[Mapping[str, Any]] = {}
    positional: ClassVar[tuple[str, ...]] = ()
    axes: ClassVar[frozenset[str]] = frozenset()
    per_axis: ClassVar[frozenset[str]] = frozenset()
    overwritable: ClassVar[bool] = False
    overwrites: ClassVar[bool] = False

    def __init_subclass__(cls, name: str = "", family: str = "") -> None:
        super().__init_subclass__()
        cls.family = family or cls.family
        cls.fields, cls.positional = collect(cls)
        cls.axes = annotated(cls, ("Axis", "Axes", "Permutation"))
        cls.per_axis = annotated(
            cls, ("Sizes", "Wholes", "Positions", "Padding", "Margins", "Factor")
        )
        if name:
            cls.name = name
            REGISTRY[name] = cls

    @classmethod
    def build(cls, positional: Sequence[Any], named: Mapping[str, Any]) -> Self:
        """The layer with these arguments, validated; raises `LayerError` with every problem."""
        from cnnlang.layers.validation import validate

        layer = cls.make(validate(cls, positional, named))
        layer.check()
        return layer

    @classmethod
    def make(cls, values: Mapping[str, Any]) -> Self:
        """The layer with these valid arguments; the others at their defaults."""
        self = object.__new__(cls)
        for field, default in cls.fields.items():
            self.__dict__[field] = values.get(field, default)
        return self

    def __setattr__(self, field: str, value: Any) -> None:
        raise AttributeError(f"layers are immutable: cannot set {field}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), tuple(self.__dict__.values())))

    def __repr__(self) -> str:
        return self.written()

    def written(self) -> str:
        """The layer as it is written in a file, arguments at their defaults left out."""
        from cnnlang.layers.validation import spell

        arguments = [
            spell(self.__dict__[field])
            if field in self.positional
            else f"{field}={spell(self.__dict__[field])}"
            for field, default in self.fields.items()
            if default is ... or self.__dict__[field] != default
        ]
        return f"{self.name}({', '.join(arguments)})" if arguments else self.name

    def check(self) -> None:
        """Raises `LayerError` where arguments that are right one by one do not go together."""

    # --- facets ----------------------------------------------------------------------------------

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        """The type of the output; raises `LayerError` where the layer cannot stand."""
        return inputs[0]

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        """How its positions read those of each input; borders are not regarded."""
        return tuple(owned(each.rank) for each in inputs)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        """Parameters and buffers, in the order and with the names of the module's `state_dict`."""
        return ()

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        """Multiply-accumulates for one sample; 0 for what does no matrix or convolution product."""
        return 0

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        """Plays the layer on a tape, which follows what PyTorch keeps in memory; the output.

        Raises `Unpredictable` where that cannot be told from the file.
        """
        raise Unpredictable(f"what `{self.name}` keeps in memory is not known")

    def meant(self, inputs: Inputs) -> Tensor | None:
        """What the layer was meant to give where `output` fails, as far as that is certain."""
        return None

    def module(self, inputs: Inputs, output: Tensor) -> Code | None:
        """The constructor of the `nn.Module` that does this, None if there is none."""
        return None

    def function(self, inputs: Inputs, output: Tensor) -> Code | None:
        """An expression that does this without a module, None if a module is needed."""
        return None

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        """How the module is called: `SELF` stands for it, operands for the tensors."""
        return Code("()", (SELF, *(Operand(i) for i in range(len(inputs)))))

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        """Weight names with the initialisation asked for; PyTorch's own for all others."""
        return ()

    def caption(self) -> tuple[str, ...]:
        """What a figure says beside the name: `("3×3", "stride 2")`."""
        return ()


def collect(cls: type[Layer]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of a layer class with their defaults (`...` for none), and the positional ones."""
    fields: dict[str, Any] = {}
    positional: list[str] = []
    for base in reversed(cls.__mro__):
        by_name = False
        for field, annotation in vars(base).get("__annotations__", {}).items():
            if annotation == "KW_ONLY":
                by_name = True
            elif not annotation.startswith("ClassVar"):
                fields[field] = vars(base).get(field, ...)
                if not by_name and field not in positional:
                    positional.append(field)
    return {f: fields[f] for f in (*positional, *fields)}, tuple(positional)


def annotated(cls: type[Layer], kinds: tuple[str, ...]) -> frozenset[str]:
    """The fields of some kinds, by their annotation."""
    known = [vars(base).get("__annotations__", {}) for base in cls.__mro__]
    return frozenset(
        f for each in known for f, kind in each.items() if str(kind).split()[0] in kinds
    )


def unknown_argument(cls: type[Layer], name: str) -> Problem:
    """The problem of an argument that the layer does not have."""
    near = foreign.argument(name, cls.fields) or nearest(name, cls.fields)
    known = ", ".join(cls.fields) or "none"
    return Problem(
        "A202",
        f"`{cls.name}` has no argument `{name}`",
        f"did you mean `{near}`?" if near else f"the arguments are: {known}",
        field=name,
        remedies=(
            (Respell(name, near, safe=is_slip(name, near, cls.fields)),) if near else (Omit(name),)
        ),
    )


__all__ = [
    "REGISTRY",
    "Code",
    "Condition",
    "Inputs",
    "Layer",
    "LayerError",
    "Need",
    "Problem",
    "Shape",
    "Weight",
    "call",
    "fail",
]
