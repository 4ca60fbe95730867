"""Records behave as the dataclasses that they stand in for."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError
from typing import ClassVar

import pytest

from cnnlang.records import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Point:
    """What is shared in slots; `sides` is no field."""

    x: int
    y: int = 0
    sides: ClassVar[int] = 4


@dataclass(frozen=True, slots=True)
class Named(Point):
    """A field more than its base."""

    name: str = "here"


@dataclass(slots=True)
class Bag:
    """A record that changes."""

    things: list[int] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Loose:
    """Compared by identity, without slots."""

    things: list[int] = field(default_factory=list)


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y, Point(y=2, x=1).y, Named(1, 2).name) == (1, 0, 2, "here")
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required positional argument"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=3)  # type: ignore[call-arg]


def test_a_default_that_is_made_is_made_anew() -> None:
    first, second = Bag(), Bag()
    first.things.append(1)
    assert second.things == [] and Loose().things == []


def test_frozen_records_do_not_change_and_have_slots_only_where_asked() -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del Point(1).x
    assert not hasattr(Named(1), "__dict__") and Named.__slots__ == ("name",)  # type: ignore[attr-defined]
    assert Loose().__dict__ == {"things": []}


def test_records_are_equal_by_class_and_value() -> None:
    assert Point(1, 2) == Point(1, 2) and hash(Point(1, 2)) == hash(Point(1, 2))
    assert Point(1, 2) != Point(1, 3) and Point(1, 2) != Named(1, 2)
    assert Bag([1]) == Bag([1]) and Loose() != Loose()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Bag())


def test_a_record_shows_its_fields() -> None:
    assert repr(Named(1)) == "Named(x=1, y=0, name='here')"


def test_copies_and_pickles_are_equal() -> None:
    for record in (Named(1, 2, "x"), Bag([1])):
        assert copy.copy(record) == copy.deepcopy(record) == record
        assert pickle.loads(pickle.dumps(record)) == record


def test_a_record_is_replaced_and_matched() -> None:
    assert replace(Named(1), y=3) == Named(1, 3)
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_what_a_class_writes_itself_is_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        number: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Odd)

        def __hash__(self) -> int:
            return 0

        def __repr__(self) -> str:
            return "odd"

    assert Odd(1) == Odd(2) and hash(Odd(1)) == 0 and repr(Odd(1)) == "odd"


def test_the_standard_library_takes_it_for_a_dataclass() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [each.name for each in dataclasses.fields(Named)] == ["x", "y", "name"]
    assert dataclasses.replace(Bag([1])) == Bag([1])
    assert dataclasses.asdict(Named(1)) == {"x": 1, "y": 0, "name": "here"}

    @dataclasses.dataclass(frozen=True)
    class Heir(Point):
        z: int = 9

    assert dataclasses.astuple(Heir(1)) == (1, 0, 9)
