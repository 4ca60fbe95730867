"""What every layer promises, tried on every registered layer with drawn arguments and inputs.

A layer that is right here says the same as PyTorch about shapes, errors, weights and
multiply-adds, whether sizes are numbers or free dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from draw import SYMBOLS, Case, cases, opened
from evaluate import evaluate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnlang.layers import REGISTRY, Condition, Layer, LayerError, Need, Tensor
from cnnlang.layers.codes import CODES
from cnnlang.sizes import Size, at

BATCH = 2
COUNTED = ("conv", "depthwise", "separable", "conv_transpose", "dense", "matmul", "blurpool")
"""Layers whose multiply-adds PyTorch's own counter counts in full."""
CAUTIOUS = ("instancenorm", "std")
"""Layers that want several positions in each of several free axes, where one axis would do."""
OWN = {
    "S102": "an option has as many numbers as the map has axes; PyTorch's pads take fewer",
    "S103": "a layer wants its axes in their places; PyTorch takes what fits by number",
    "S104": "`dense` wants a flat tensor or a named axis; PyTorch takes the last axis",
    "S105": "weights cannot depend on free sizes; PyTorch knows none",
    "S106": "integers are for `embedding`; PyTorch converts some of them",
    "S109": "`conv_transpose` cuts both ends alike; the rest has no PyTorch argument",
    "S110": "`in_channels` is only declared; it never reaches PyTorch",
    "S113": "`in_features` is only declared; it never reaches PyTorch",
    "S116": "axes are named; PyTorch has no names",
    "S121": "tensors have equal axes; PyTorch broadcasts over those that are missing",
    "S124": "a slice lies within its axis; Python cuts it off silently",
    "S127": "a scale is exact on free dimensions; PyTorch rounds",
    "S128": "a mode fits the rank; PyTorch's other modes have no name here",
    "S129": "`pad` pads and `crop` crops; PyTorch pads by negative numbers",
    "A207": "a merge wants two tensors, or a tensor and a number; PyTorch adds up what there is",
    "A208": "arguments go together; PyTorch ignores what does not",
    "S130": "normalised axes are the last ones; no PyTorch module has others",
}
"""Errors that PyTorch does not know, and why."""
pytestmark = pytest.mark.filterwarnings("ignore")
layers = pytest.mark.parametrize("name", sorted(REGISTRY))


def tries(name: str, share: float) -> settings:
    """The more a layer has arguments and operands, the more often it is drawn."""
    cls = REGISTRY[name]
    number = 8 + 7 * len(cls.fields) + 25 * (cls.operands != (1, 1))
    return settings(
        max_examples=round(share * number),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The tensors are small: more threads only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@layers
def test_a_layer_agrees_with_pytorch(name: str) -> None:
    tries(name, 1.0)(given(cases(name))(agrees))()


@layers
def test_free_dimensions_say_what_numbers_say(name: str) -> None:
    sizes = st.tuples(*[st.integers(1, 9)] * len(SYMBOLS))
    tries(name, 0.5)(given(cases(name), sizes)(says_the_same))()


def agrees(case: Case) -> None:
    """Shape, errors, weights, numbers and multiply-adds are those of PyTorch."""
    rebuilt(case.layer)
    output, problem = tried(case)
    if output is None:
        assert problem is not None
        pytorch_fails(case, problem)
        return
    tensors = filled(case.inputs)
    module, function = made(case, output), case.layer.function(case.inputs, output)
    results = []
    if module is not None:
        same_weights(case, module)
        results.append(evaluate(case.layer.code(case.inputs, output), tensors, module))
    if function is not None:
        results.append(evaluate(function, tensors))
    for result in results:
        same_shape(result, output)
        torch.testing.assert_close(result, results[0], equal_nan=True)
    assert results
    if case.layer.name in COUNTED:
        same_macs(case, output, module, function, tensors)


def says_the_same(case: Case, numbers: tuple[int, ...]) -> None:
    """Output and conditions on free dimensions, evaluated, are those on numbers."""
    free, sizes = opened(case), dict(zip(SYMBOLS, numbers, strict=True))
    inputs = tuple(known(each, sizes) for each in free.inputs)
    least = 2 if vars(case.layer).get("broadcast") else 1  # a free size is taken to be above 1
    spatial = [at(size, sizes) for each in free.inputs for size in each.shape if is_free(size)]
    assume(min(spatial, default=least) >= least)
    need = Need()
    try:
        output = free.layer.output(free.inputs, need)
    except LayerError as error:
        free_only = {"S105", "S114", "S127"}
        if free_only.isdisjoint(each.code for each in error.problems):
            assert tried(Case(case.layer, inputs))[0] is None
        return
    concrete, _ = tried(Case(case.layer, inputs))
    fits = all(holds(each, sizes) for each in need.conditions)
    assert concrete is not None if fits else concrete is None or case.layer.name in CAUTIOUS
    if concrete is not None:
        assert known(output, sizes) == concrete
        assert at(free.layer.macs(free.inputs, output), sizes) == case.layer.macs(inputs, concrete)
        assert free.layer.weights(free.inputs) == case.layer.weights(inputs)


def rebuilt(layer: Layer) -> None:
    """The layer as it is written, and built again from its own fields, is the same."""
    again = type(layer).build((), vars(layer))
    assert again == layer
    assert again.written() == layer.written()
    assert hash(again) == hash(layer)


def tried(case: Case) -> tuple[Tensor | None, LayerError | None]:
    try:
        return case.layer.output(case.inputs, Need()), None
    except LayerError as error:
        for problem in error.problems:
            assert problem.code in CODES
            assert len(problem.message) <= 90, problem.message
            assert problem.field is None or problem.field in case.layer.fields
        return None, error


def pytorch_fails(case: Case, error: LayerError) -> None:
    """PyTorch rejects what is an error here, unless the language alone knows better."""
    if not OWN.keys().isdisjoint(problem.code for problem in error.problems):
        return
    tensors = filled(case.inputs)
    try:
        result = run(case, case.inputs[0], tensors)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, LayerError):
        return
    stretched = any(1 in each.shape for each in case.inputs) and len(case.inputs) > 1
    unequal = "F.pad" in repr(case.layer.code(case.inputs, case.inputs[0]))
    assert 0 in result.shape or not result.isfinite().all() or stretched or unequal, str(error)


def run(case: Case, output: Tensor, tensors: tuple[torch.Tensor, ...]) -> torch.Tensor:
    module = made(case, output)
    if module is not None:
        return evaluate(case.layer.code(case.inputs, output), tensors, module)
    return evaluate(case.layer.function(case.inputs, output), tensors)


def made(case: Case, output: Tensor) -> Any:
    """The module of a layer, in training mode, if it has one."""
    code = case.layer.module(case.inputs, output)
    return None if code is None else evaluate(code)


def filled(inputs: tuple[Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Random tensors of these shapes, with a batch."""
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.rand((BATCH, *each.shape), generator=generator)
        if each.dtype == "float"
        else torch.zeros((BATCH, *each.shape), dtype=torch.long)
        for each in inputs
    )


def same_shape(result: torch.Tensor, output: Tensor) -> None:
    assert tuple(result.shape) == (BATCH, *output.shape)
    assert 0 not in output.shape
    assert result.is_floating_point() == (output.dtype == "float")


def same_weights(case: Case, module: Any) -> None:
    """Names, shapes, order and trainability are those of the state_dict."""
    weights = case.layer.weights(case.inputs)
    if isinstance(module, nn.Parameter):
        assert [(each.name, each.shape) for each in weights] == [("", tuple(module.shape))]
        return
    state = module.state_dict()
    trainable = dict(module.named_parameters())
    assert [each.name for each in weights] == list(state)
    assert [each.shape for each in weights] == [tuple(each.shape) for each in state.values()]
    assert [each.trainable for each in weights] == [name in trainable for name in state]
    assert {name for name, _ in case.layer.initial(case.inputs)} <= trainable.keys()


def same_macs(
    case: Case, output: Tensor, module: Any, function: Any, tensors: tuple[torch.Tensor, ...]
) -> None:
    """PyTorch counts two floating-point operations for each multiply-add."""
    code = case.layer.code(case.inputs, output) if module is not None else function
    with FlopCounterMode(display=False) as counter:
        evaluate(code, tensors, module)
    assert counter.get_total_flops() == 2 * BATCH * case.layer.macs(case.inputs, output)


def known(x: Tensor, sizes: dict[str, int]) -> Tensor:
    return x.resized(at(size, sizes) for size in x.shape)


def is_free(size: Size) -> bool:
    return not isinstance(size, int)


def holds(condition: Condition, sizes: dict[str, int]) -> bool:
    value = at(condition.value, sizes)
    return value == 0 if condition.zero else value >= 0
