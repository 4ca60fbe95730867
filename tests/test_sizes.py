"""Free sizes: functions of one dimension, exact for every value of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlang.sizes import Free, Mixed, SizeLimit, at, ceil_clamp, free, product

H = free("H")


def steps() -> st.SearchStrategy[list[tuple[str, int]]]:
    """Arithmetic as the layers do it: shifts, multiples and divisions by small numbers."""
    step = st.one_of(
        st.tuples(st.just("+"), st.integers(-9, 9)),
        st.tuples(st.just("*"), st.integers(-3, 3)),
        st.tuples(st.just("//"), st.integers(1, 5)),
        st.tuples(st.just("%"), st.integers(2, 4)),
    )
    return st.lists(step, max_size=5)


def follow(size: object, moves: list[tuple[str, int]]) -> object:
    for sign, n in moves:
        match sign:
            case "+":
                size = size + n  # type: ignore[operator]
            case "*":
                size = size * n  # type: ignore[operator]
            case "//":
                size = size // n  # type: ignore[operator]
            case _:
                size = size - size // n * n  # type: ignore[operator]
    return size


@given(steps(), st.integers(0, 1000))
def test_a_free_size_is_what_the_same_arithmetic_gives_for_every_number(moves, x):
    assert at(follow(H, moves), {"H": x}) == follow(x, moves)


@given(steps(), steps())
def test_two_sizes_are_equal_exactly_if_they_are_equal_for_every_number(one, other):
    a, b = follow(H, one), follow(H, other)
    same = all(at(a, {"H": x}) == at(b, {"H": x}) for x in range(2000))
    assert (a == b) is same


@given(steps(), steps(), st.integers(0, 500))
def test_the_sum_of_two_sizes_of_one_dimension_is_exact(one, other, x):
    a, b = follow(H, one), follow(H, other)
    assert at(a + b, {"H": x}) == at(a, {"H": x}) + at(b, {"H": x})
    assert at(a - b, {"H": x}) == at(a, {"H": x}) - at(b, {"H": x})


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 3), st.integers(1, 300))
def test_ceil_mode_is_pytorchs_for_every_size(kernel, stride, padding, x):
    def outputs(h):
        count = (h + 2 * padding - kernel + stride - 1) // stride + 1
        return ceil_clamp(count, stride, h + padding)

    assert at(outputs(H), {"H": x}) == outputs(x)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (H, "H"),
        (H - 4, "H - 4"),
        (H * 2 + 1, "2*H + 1"),
        (H // 2, "H//2"),
        ((H + 1) // 2, "ceil(H/2)"),
        ((H + 2 * 3 - 7) // 2 + 1, "ceil(H/2)"),
        (H // 2 * 2, "2*(H//2)"),
        ((H - 5) // 2, "ceil(H/2) - 3"),
        ((3 * H + 1) // 4, "(3*H + 1)//4"),
        (3 * H // 2, "3*H//2"),
        (product((64, H, free("W"))), "64*H*W"),
    ],
)
def test_a_size_reads_as_a_person_writes_it(size, text):
    assert str(size) == text


def test_halving_and_doubling_is_not_the_identity():
    assert H // 2 * 2 != H
    assert H * 2 // 2 == H


def test_a_size_that_no_longer_depends_on_anything_is_a_number():
    assert H - H == 0
    assert H * 0 == 0


def test_sizes_of_several_dimensions_are_kept_as_written():
    mixed = H * free("W") + 3
    assert isinstance(mixed, Mixed)
    assert mixed.at({"H": 4, "W": 5}) == 23
    assert mixed.symbols == {"H", "W"}
    assert (5 - mixed).at({"H": 1, "W": 1}) == 1
    assert (mixed // 2).at({"H": 4, "W": 5}) == 11
    assert mixed * 0 == 0
    assert mixed * 1 == mixed


def test_too_many_coprime_strides_are_refused_and_not_computed():
    size = H
    with pytest.raises(SizeLimit):
        for prime in (7, 11, 13, 17, 19, 23):
            size = size // prime * 1 + size // (prime + 2)
            assert isinstance(size, Free)
