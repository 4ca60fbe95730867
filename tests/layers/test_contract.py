"""What every layer promises, tried on every registered layer with drawn arguments and inputs.

A layer that is right here says the same as PyTorch about shapes, errors, weights and
multiply-adds, whether sizes are numbers or free dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import pytest
import torch
from draw import SYMBOLS, Case, cases, opened
from evaluate import evaluate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from options import COUNTERPARTS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnlang.layers import REGISTRY, Condition, Layer, LayerError, Need, Tensor
from cnnlang.layers.codes import CODES
from cnnlang.layers.merge import Arithmetic
from cnnlang.layers.regularization import Dropping
from cnnlang.sizes import Size, at

BATCH = 2
Run: TypeAlias = Callable[[tuple[torch.Tensor, ...]], torch.Tensor]
CAUTIOUS = ("instancenorm", "std", "var")
"""Layers that want several positions in each of several free axes, where one axis would do."""
ALL = tuple(REGISTRY)
ARITHMETIC = tuple(name for name, cls in REGISTRY.items() if issubclass(cls, Arithmetic))
SOFTMAX = ("softmax", "softmin", "log_softmax")
OWN: dict[str, tuple[tuple[str, ...], str]] = {
    "S103": (ALL, "a layer wants its axes in their places; PyTorch takes what fits by number"),
    "S104": (
        ("dense", "bilinear"),
        "a flat tensor or a named axis; PyTorch takes the last axis",
    ),
    "S110": (ALL, "`in_channels` is only declared; it never reaches PyTorch"),
    "S113": (("dense",), "`in_features` is only declared; it never reaches PyTorch"),
    "S121": ((*ARITHMETIC, "matmul"), "PyTorch broadcasts over axes that are missing"),
    "S124": (("slice",), "a slice lies within its axis; Python cuts it off silently"),
    "S129": (("pad",), "`pad` pads and `crop` crops; PyTorch pads by negative numbers"),
    "S133": (("matmul",), "PyTorch stretches leading axes of size 1"),
    "S135": (ARITHMETIC, "axes are stretched where `broadcast=true` says so; PyTorch always does"),
    "S136": (("avgpool", "maxpool"), "unequal pads are laid by `F.pad`, which pads more than half"),
    "S138": (SOFTMAX, "of one number it is always the same; PyTorch computes it"),
    "A207": (ARITHMETIC, "two tensors, or a tensor and a number; PyTorch adds up what there is"),
    "A208": (("avgpool", "maxpool"), "`F.pad` hides from a window what of it is padding"),
}
"""Errors that PyTorch does not know: of which layers, and why."""
UNWRITTEN = ("S102", "S116", "S121", "A208")
"""Errors after which there is no call of PyTorch to write."""
NOISY = (
    "rrelu",
    "lstm",
    "gru",
    "rnn",
    *(n for n, c in REGISTRY.items() if issubclass(c, Dropping)),
)
"""Layers that draw numbers in training."""
RUNNING = ("batchnorm", "instancenorm")
"""Layers that take running statistics in evaluation."""
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]
layers = pytest.mark.parametrize("name", sorted(REGISTRY))


def tries(name: str, share: float) -> settings:
    """The more a layer has arguments and operands, the more often it is drawn."""
    cls = REGISTRY[name]
    number = 8 + 7 * len(cls.fields) + 25 * (cls.operands != (1, 1))
    return settings(
        max_examples=max(8, round(share * number)),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


@layers
def test_a_layer_agrees_with_pytorch(name: str) -> None:
    """Whatever flows in; every number of axes that PyTorch has is reached."""
    reached, ranks = set(), COUNTERPARTS[name].ranks

    def agreed(case: Case) -> None:
        if agrees(case):
            reached.add(case.inputs[0].rank)

    for rank in sorted(ranks):
        tries(name, 1 / len(ranks))(given(cases(name, rank))(agreed))()
    assert reached == ranks


@layers
def test_free_dimensions_say_what_numbers_say(name: str) -> None:
    sizes, ranks = st.tuples(*[st.integers(1, 9)] * len(SYMBOLS)), COUNTERPARTS[name].ranks
    tries(name, 0.5)(given(cases(name, *ranks), sizes)(says_the_same))()


def agrees(case: Case) -> bool:
    """Shape, errors, weights, numbers and multiply-adds are those of PyTorch; True if it fits."""
    rebuilt(case.layer)
    output, problem = tried(case)
    if output is None:
        assert problem is not None
        pytorch_fails(case, problem)
        return False
    module = made(case, output)
    if module is not None:
        same_weights(case, module)
    tensors = filled(case)
    results = [run(tensors) for run in ways(case, output, module)]
    for result in results:
        same_shape(result, output)
        torch.testing.assert_close(result, results[0], equal_nan=True)
    has_gradients(results[0], learning(case, tensors, module))
    same_macs(case, output, module)
    if isinstance(module, nn.Module):
        module.eval()
    evaluates(case, results[0], ways(case, output, module)[0])
    return True


def ways(case: Case, output: Tensor, module: Any) -> list[Run]:
    """The module and the function of a layer, as functions of its tensors."""
    found: list[Run] = []
    if module is not None:
        code = case.layer.code(case.inputs, output)
        found.append(lambda tensors: evaluate(code, tensors, module))
    function = case.layer.function(case.inputs, output)
    if function is not None:
        found.append(lambda tensors: evaluate(function, tensors))
    assert found
    return found


def learning(case: Case, tensors: tuple[torch.Tensor, ...], module: Any) -> list[torch.Tensor]:
    """The weights and the tensors of reals that flow in; of a `like` only the size is read."""
    named = [field for field in case.layer.references if vars(case.layer)[field] is not None]
    flow = [each for each in tensors[: len(tensors) - len(named)] if each.requires_grad]
    if isinstance(module, nn.Module):
        return [*flow, *module.parameters()]
    return flow if module is None else [*flow, module]


def has_gradients(result: torch.Tensor, learning: list[torch.Tensor]) -> None:
    """Every weight and every tensor that flows in learns from the result."""
    result.sum().backward()
    for each in learning:
        assert each.grad is not None
        assert each.grad.to_dense().isfinite().all() or not result.isfinite().all()


def evaluates(case: Case, trained: torch.Tensor, run: Run) -> None:
    """In evaluation nothing is drawn, and a sample does not depend on the others of its batch."""
    tensors, layer = filled(case), case.layer
    with torch.no_grad():
        result, again = run(tensors), run(tensors)
        if not needs_several(case):
            alone = run(tuple(x[:1] for x in tensors))
            torch.testing.assert_close(alone, result[:1], equal_nan=True)
    torch.testing.assert_close(result, again, rtol=0, atol=0, equal_nan=True)
    if isinstance(layer, Dropping):
        assert torch.equal(result, tensors[0])
    if layer.name not in (*NOISY, *RUNNING):
        torch.testing.assert_close(result, trained, equal_nan=True)


def needs_several(case: Case) -> bool:
    """True for a norm that PyTorch computes for a batch of several samples alone."""
    layer, (x, *_) = case.layer, case.inputs
    if layer.name == "groupnorm":
        return vars(layer)["groups"] == prod(x.shape)
    return layer.name == "batchnorm" and not vars(layer)["track"]


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
    codes = {problem.code for problem in error.problems}
    if any(case.layer.name in OWN[code][0] for code in codes & OWN.keys()):
        return
    x = case.inputs[0]
    try:
        result = ways(case, x, made(case, x))[0](filled(case))
    except LayerError as unwritten:
        assert {each.code for each in unwritten.problems} <= {*UNWRITTEN, *codes}
        return
    except (AttributeError, RuntimeError, ValueError, TypeError, IndexError, AssertionError):
        return
    assert 0 in result.shape or not result.isfinite().all(), str(error)


def made(case: Case, output: Tensor) -> Any:
    """The module of a layer, in training mode, if it has one."""
    code = case.layer.module(case.inputs, output)
    return None if code is None else evaluate(code)


def filled(case: Case) -> tuple[torch.Tensor, ...]:
    """Random tensors for a layer, with a batch; those of reals can have a gradient."""
    generator, count = torch.Generator().manual_seed(0), vars(case.layer).get("count", 1)
    return tuple(
        torch.rand((BATCH, *each.shape), generator=generator, requires_grad=True)
        if each.dtype == "float"
        else torch.randint(0, count, (BATCH, *each.shape), generator=generator)
        for each in case.inputs
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


def same_macs(case: Case, output: Tensor, module: Any) -> None:
    """PyTorch counts two floating-point operations for each multiply-add."""
    run, tensors = ways(case, output, module)[0], [x.detach() for x in filled(case)]
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), COUNTER as counter:
        run(tuple(tensors))
    assert counter.get_total_flops() == 2 * BATCH * case.layer.macs(case.inputs, output)


def trilinear(left: Any, weight: Any, right: Any, *axes: Any, **more: Any) -> int:
    """What PyTorch's counter does not know of: all products of two features, for each sample."""
    return 2 * BATCH * prod(weight)


COUNTER = FlopCounterMode(display=False, custom_mapping={torch.ops.aten._trilinear: trilinear})


def known(x: Tensor, sizes: dict[str, int]) -> Tensor:
    return x.resized(at(size, sizes) for size in x.shape)


def is_free(size: Size) -> bool:
    return not isinstance(size, int)


def holds(condition: Condition, sizes: dict[str, int]) -> bool:
    value = at(condition.value, sizes)
    return value == 0 if condition.zero else value >= 0
