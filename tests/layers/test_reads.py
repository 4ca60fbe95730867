"""What a layer says of how its positions read the input, against the gradients of PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from draw import SYMBOLS, Case, cases, opened
from evaluate import evaluate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_contract import filled, known, made, tried

from cnnlang.layers import REGISTRY, Layer, LayerError, Need, Tensor
from cnnlang.layers.reading import EVERYTHING, Line, Read, Usual, hull, own, sliding, through

pytestmark = pytest.mark.filterwarnings("ignore")
KNOWN = sorted(set(REGISTRY) - {"embedding"})
WINDOWS = [name for name in KNOWN if REGISTRY[name].reads is not Layer.reads]
few = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
WRAPPED = ("reflect", "replicate", "circular")
"""Padding that reads the map again, which is a matter of its borders."""


@pytest.mark.parametrize("name", KNOWN)
def test_gradients_come_from_nowhere_else(name: str) -> None:
    few(given(cases(name), st.randoms(use_true_random=False))(within))()


def within(case: Case, random: Any) -> None:
    """The inputs with a gradient lie in what is read, borders aside."""
    output, _ = tried(case)
    assume(output is not None and output.rank)
    options = vars(case.layer)
    assume(options.get("pad_mode", "zeros") not in WRAPPED)
    assume(options.get("mode") not in WRAPPED)
    tensors = tuple(each.detach().double().requires_grad_() for each in filled(case))
    module = made(case, output)
    if isinstance(module, torch.nn.Module):
        module.double().eval()
    result = run_with(case, output, tensors, module)
    place = tuple(random.randrange(size) for size in output.shape)
    gradients = torch.autograd.grad(result[(0, *place)], tensors, allow_unused=True)
    reads = case.layer.reads(case.inputs, output, Usual({}))
    for gradient, each, axes in zip(gradients, case.inputs, reads, strict=False):
        if gradient is not None:
            inside(gradient[0], each, axes, place)


def run_with(case: Case, output: Tensor, tensors: Any, module: Any) -> torch.Tensor:
    if module is None:
        return evaluate(case.layer.function(case.inputs, output), tensors)
    if isinstance(module, torch.nn.Parameter):
        module = module.double()
    return evaluate(case.layer.code(case.inputs, output), tensors, module)


def inside(
    gradient: torch.Tensor, x: Tensor, axes: tuple[Read, ...], place: tuple[int, ...]
) -> None:
    found = gradient.nonzero()
    if not len(found) or not axes:
        assert not len(found)
        return
    for axis, read in enumerate(axes):
        if read.axis is None:
            continue
        last = x.shape[axis] - 1
        low, high = (min(max(line(place[read.axis]), 0), last) for line in (read.low, read.high))
        used = found[:, axis]
        assert low <= used.min() and used.max() <= high, (axis, read)


@pytest.mark.parametrize("name", WINDOWS)
def test_free_dimensions_read_what_numbers_read(name: str) -> None:
    sizes = st.tuples(*[st.integers(2, 9)] * len(SYMBOLS))
    few(given(cases(name), sizes)(reads_the_same))()


def reads_the_same(case: Case, numbers: tuple[int, ...]) -> None:
    free, sizes = opened(case), dict(zip(SYMBOLS, numbers, strict=True))
    inputs = tuple(known(each, sizes) for each in free.inputs)
    try:
        output = free.layer.output(free.inputs, Need())
    except LayerError:
        return
    concrete, _ = tried(Case(case.layer, inputs))
    assume(concrete is not None)
    wanted = case.layer.reads(inputs, concrete, Usual({}))
    for mine, theirs in zip(
        free.layer.reads(free.inputs, output, Usual(sizes)), wanted, strict=True
    ):
        for a, b in zip(mine, theirs, strict=True):
            assert a in (b, EVERYTHING)


def lines() -> st.SearchStrategy[Line]:
    """Functions that never fall."""
    rises = st.lists(st.integers(0, 3), min_size=1, max_size=4)
    return st.builds(
        lambda first, each: Line(tuple(itertools.accumulate(each[:-1], initial=first)), sum(each)),
        st.integers(-5, 5),
        rises,
    )


@given(lines(), lines(), st.integers(-50, 50))
def test_a_line_after_a_line(outer: Line, first: Line, o: int) -> None:
    found = outer.after(first)
    assert found is not None
    assert found(o) == outer(first(o))


@given(lines(), lines(), st.integers(0, 29))
def test_the_hull_of_lines(a: Line, b: Line, o: int) -> None:
    found = a.hull(b, min, 30)
    assert found is not None
    assert found(o) == min(a(o), b(o))


def test_what_repeats_too_seldom_is_not_known() -> None:
    slow, other = Line(tuple(range(67)), 1), Line(tuple(range(71)), 1)
    read = [Read(0, each, each) for each in (slow, other)]
    assert slow.after(other) is None
    assert slow.hull(other, max, 5000) is None
    assert not through(*read).exact
    assert not hull(*read, 5000).exact
    assert hull(EVERYTHING, own(0), 9) == through(EVERYTHING, own(0)) == EVERYTHING
    assert not hull(own(0), own(1), 9).exact
    assert hull(sliding(0, 3, 1, 1), own(0), 9) == sliding(0, 3, 1, 1)
