"""Dataclasses that are made quickly: the part of `dataclasses` that is used here.

A class costs a twentieth of what the standard decorator takes, which counts for a command that
imports a hundred and fifty of them: its methods are written when they are first called, in the
same words as the standard ones. `dataclasses.fields`, `replace`, `asdict` and subclasses made by
the standard decorator work on it; `order`, `kw_only`, `InitVar` and `__post_init__` are not there.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "<factory>"})()


class Factory:
    """What makes the default of a field."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], Any]) -> Any:
    """A field whose default is made anew for every record."""
    return Factory(default_factory)


@dataclass_transform(field_specifiers=(field,))
def dataclass(
    *, frozen: bool = False, eq: bool = True, repr: bool = True, slots: bool = False
) -> Callable[[type[T]], type[T]]:
    """As `dataclasses.dataclass`, for the options that are named here."""

    def made(cls: type[T]) -> type[T]:
        own = [name for name, kind in annotated(cls).items() if not kind.startswith("ClassVar")]
        given = getattr(cls, "__defaults__", {}) | {f: default(cls, f) for f in own}
        home: list[type] = []
        added = methods(cls, frozen, eq, repr, home)
        if slots:
            cls = slotted(cls, own, added)
        else:
            for name, value in added.items():
                setattr(cls, name, value)
        for name, value in given.items():
            if isinstance(value, Factory) and name in vars(cls) and not slots:
                delattr(cls, name)
        home.append(cls)
        setattr(cls, "__defaults__", given)  # noqa: B010 - mypy knows no such attribute
        setattr(cls, "__match_args__", tuple(given))  # noqa: B010
        return cls

    return made


def annotated(cls: type) -> dict[str, str]:
    """The annotations of a class itself: the module must import them `from __future__`."""
    own: dict[str, str] = vars(cls).get("__annotations__", {})
    return own


def default(cls: type, name: str) -> Any:
    """The default of a field in the class that annotates it, `MISSING` if it has none."""
    value = vars(cls).get(name, MISSING)
    return MISSING if isinstance(value, MemberDescriptorType) else value


def methods(cls: type, frozen: bool, eq: bool, repr: bool, home: list[type]) -> dict[str, Any]:
    """What a class gets beside what it defines itself; `home` will hold the finished class."""
    own = vars(cls)
    added: dict[str, Any] = {"__init__": late("__init__", constructor, home)}
    if repr:
        added["__repr__"] = represent
    if eq:
        added["__eq__"] = late("__eq__", equality, home)
        added["__hash__"] = late("__hash__", hashing, home) if frozen else None
    if frozen:
        added |= {"__setattr__": refuse, "__delattr__": refuse}
        added |= {"__getstate__": state, "__setstate__": restore}
    added["__dataclass_fields__"] = Standard("__dataclass_fields__", frozen, eq, repr)
    added["__dataclass_params__"] = Standard("__dataclass_params__", frozen, eq, repr)
    explicit = "__hash__" in own and not (own["__hash__"] is None and "__eq__" in own)
    return {
        name: value
        for name, value in added.items()
        if name not in own or (name == "__hash__" and not explicit)
    }


def slotted(cls: type[T], own: list[str], added: dict[str, Any]) -> type[T]:
    """The class made again with slots for its own fields."""
    body = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__", *own)}
    held = {name for base in cls.__mro__[1:] for name in vars(base).get("__slots__", ())}
    body["__slots__"] = tuple(name for name in own if name not in held)
    made: type[T] = type(cls)(cls.__name__, cls.__bases__, body | added)  # type: ignore[misc]
    made.__qualname__ = cls.__qualname__
    return made


# --- methods that are written on their first call ------------------------------------------------


def late(
    name: str, write: Callable[[type], Callable[..., Any]], home: list[type]
) -> Callable[..., Any]:
    """A method that puts the real one in its place and calls it."""

    def first(self: Any, *args: Any, **named: Any) -> Any:
        method = write(home[0])
        setattr(home[0], name, method)
        return method(self, *args, **named)

    return first


def compiled(source: str, names: dict[str, Any], owner: type, name: str) -> Callable[..., Any]:
    exec(source, names)
    method: Callable[..., Any] = names[name]
    method.__qualname__ = f"{owner.__qualname__}.{name}"
    return method


def constructor(owner: type) -> Callable[..., Any]:
    """`__init__` with the fields as parameters."""
    given: dict[str, Any] = vars(owner)["__defaults__"]
    frozen = owner.__setattr__ is refuse
    names: dict[str, Any] = {"MISSING": MISSING, "put": object.__setattr__}
    head, body = ["self"], ["pass"]
    for i, (name, value) in enumerate(given.items()):
        made = isinstance(value, Factory)
        names[f"d{i}"] = value.make if made else value
        absent = "" if value is MISSING else "=MISSING" if made else f"=d{i}"
        head.append(name + absent)
        value = f"d{i}() if {name} is MISSING else {name}" if made else name
        slot = getattr(owner, name, None)
        if frozen and isinstance(slot, MemberDescriptorType):
            names[f"put{i}"] = slot.__set__
            body.append(f"put{i}(self, {value})")
        else:
            body.append(f"put(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    source = f"def __init__({', '.join(head)}):\n " + "\n ".join(body)
    return compiled(source, names, owner, "__init__")


def equality(owner: type) -> Callable[..., Any]:
    """`__eq__` of two records of the same class, field by field."""
    source = (
        "def __eq__(self, other):\n if other.__class__ is self.__class__:\n"
        f"  return {values('self', owner)} == {values('other', owner)}\n return NotImplemented"
    )
    return compiled(source, {}, owner, "__eq__")


def hashing(owner: type) -> Callable[..., Any]:
    """`__hash__` of the values of all fields."""
    source = f"def __hash__(self):\n return hash({values('self', owner)})"
    return compiled(source, {}, owner, "__hash__")


def values(of: str, owner: type) -> str:
    return f"({''.join(f'{of}.{name},' for name in vars(owner)['__defaults__'])})"


# --- methods that all share ----------------------------------------------------------------------


def represent(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__defaults__)
    return f"{type(self).__qualname__}({shown})"


def refuse(self: Any, name: str, value: Any = None) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def state(self: Any) -> dict[str, Any]:
    """What `copy` and `pickle` keep of a frozen record."""
    return {name: getattr(self, name) for name in self.__defaults__}


def restore(self: Any, kept: dict[str, Any]) -> None:
    for name, value in kept.items():
        object.__setattr__(self, name, value)


def members(record: object) -> tuple[str, ...]:
    """The names of the fields of a record; none for what is no record."""
    return getattr(record, "__match_args__", ())


def replace(record: T, /, **changes: Any) -> T:
    """The record with some fields changed."""
    kept = {name: getattr(record, name) for name in members(record)}
    return type(record)(**kept | changes)


class Standard:
    """What the functions of `dataclasses` read of a class, made when one of them asks for it."""

    def __init__(self, name: str, *options: bool) -> None:
        self.name, self.options = name, options
        self.known: dict[type, Any] = {}

    def __get__(self, record: Any, owner: type) -> Any:
        if owner not in self.known:
            self.known[owner] = getattr(twin(owner, *self.options), self.name)
        return self.known[owner]


def twin(owner: type, frozen: bool, eq: bool, repr: bool) -> type:
    """A standard dataclass with the fields of a record."""
    from dataclasses import make_dataclass

    given: dict[str, Any] = getattr(owner, "__defaults__")  # noqa: B009
    parts = [(name, Any, standard(value)) for name, value in given.items()]
    return make_dataclass(owner.__name__, parts, frozen=frozen, eq=eq, repr=repr)


def standard(value: Any) -> Any:
    """The default of a field, as the standard library says it."""
    from dataclasses import field

    if isinstance(value, Factory):
        return field(default_factory=value.make)
    return field() if value is MISSING else field(default=value)
