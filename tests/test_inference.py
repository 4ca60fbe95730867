"""Networks for inference compute what networks in evaluation compute, in fewer and larger steps.

References are the modules of `load`; statistics of norms and learned scales are drawn, so that what
is folded matters.
"""

from __future__ import annotations

import copy
import re
import warnings
from random import Random
from typing import Any

import graphs
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

import cnnlang
from cnnlang.backends import optimizing
from cnnlang.backends.inference import generate
from cnnlang.backends.inference.passes import PASSES
from cnnlang.backends.module import class_name, execute, graph_of
from tests.inference import RESIDUAL, Make, difference, distance, drawn, source_of

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]

# --- the same results ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 9, 12), (3, 16, 16), (2, 5, 31)], ids=str)
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_every_batch_and_size(
    make: Make, size: tuple[int, ...], dtype: torch.dtype, limit: float
) -> None:
    model = make(RESIDUAL).to(dtype)
    batch, *spatial = size
    assert (
        distance(model, cnnlang.optimize(model), torch.randn(batch, 3, *spatial, dtype=dtype))
        < limit
    )


def test_sizes_follow_one_another(make: Make) -> None:
    """Weights are packed for the first; all others run too, the first as before."""
    model = make(RESIDUAL)
    fast = cnnlang.optimize(model, example=torch.randn(1, 3, 16, 16))
    packed = fast.packed
    for size in ((1, 3, 16, 16), (2, 3, 9, 12), (3, 3, 16, 16), (1, 3, 40, 7)):
        assert distance(model, fast, torch.randn(size)) < 1e-5
    assert fast.packed is packed
    assert all(row[0].is_mkldnn for name, row in packed.items() if name.startswith("conv"))


def test_plain_operations_can_be_compiled_and_exported(make: Make) -> None:
    """Those of a CUDA device, and those in float64 on a CPU; oneDNN's cannot."""
    model, x = make(RESIDUAL).double(), torch.randn(2, 3, 9, 9, dtype=torch.float64)
    fast = cnnlang.optimize(model)
    exported = torch.export.export(fast, (x,)).module()
    assert distance(model, exported, x) < 1e-12
    fast.compile(backend="aot_eager", fullgraph=True)
    assert distance(model, fast, x) < 1e-12
    assert distance(model, copy.deepcopy(fast), x) < 1e-12
    assert "_compiled_call_impl" not in fast.__getstate__()


def test_emulated_types_are_warned_of(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the CPU has no instructions for bfloat16; float64 is slower everywhere."""
    monkeypatch.setattr(optimizing, "target", lambda device, dtype: "any")
    with pytest.warns(UserWarning, match=r"only emulates torch.bfloat16: float32 is much faster"):
        cnnlang.optimize(make(RESIDUAL), dtype=torch.bfloat16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cnnlang.optimize(make(RESIDUAL), dtype=torch.float64)


def test_types_may_be_named(make: Make) -> None:
    model = make(RESIDUAL)
    assert cnnlang.optimize(model, dtype="bf16").dtype == torch.bfloat16
    for wrong in ("int8", torch.int32, torch.complex64):
        with pytest.raises(ValueError, match="is none of float32, float64, bf16, float16"):
            cnnlang.optimize(model, dtype=wrong)


def test_bf16_is_as_close_as_bf16_is(make: Make) -> None:
    model, x = make(RESIDUAL), torch.randn(2, 3, 16, 16)
    fast = cnnlang.optimize(model, dtype=torch.bfloat16)
    assert fast(x).dtype == torch.bfloat16
    plain = copy.deepcopy(model).bfloat16()
    with torch.no_grad():
        rounding = difference(model(x), plain(x.bfloat16()))
    assert difference(model(x).detach(), fast(x)) < max(2 * rounding, 0.01)


@pytest.mark.parametrize("chunk", range(4))
def test_networks_drawn_by_chance(make: Make, chunk: int) -> None:
    random, tried = Random(f"inference-{chunk}"), 0
    while tried < 25:
        net = graphs.net(random)
        if None in net.outcomes().values():
            continue
        tried += 1
        model = make(net.source())
        dtype = random.choice([torch.float32, torch.float64])
        x = torch.rand(2, *net.shape, dtype=dtype)
        fast = cnnlang.optimize(model.to(dtype), dtype=dtype)
        assert distance(model, fast, x) < (1e-4 if dtype == torch.float32 else 1e-10), net.source()


CASES = {
    "activations of all kinds": "\n".join(
        f"    conv(4, 3x3, padding=1) -> {each}"
        for each in (
            *("relu", "relu6", "leaky_relu(0.3)", "hardtanh(-1.5, 2)", "sigmoid", "tanh", "silu"),
            *("hardswish", "hardsigmoid", "gelu", "gelu(approximate=tanh)", "elu(0.7)", "mish"),
            *("selu", "celu(2)", "prelu", "softplus"),
        )
    ),
    "a norm before its convolution": "batchnorm -> relu -> conv(4, 3x3) -> relu -> batchnorm",
    "norms, scales, offsets and numbers behind one another": (
        "conv(4, 3x3) -> batchnorm -> scale -> bias -> multiply(0.5) -> add(0.25) -> divide(3)"
        " -> subtract(0.125) -> scale(single=true) -> relu"
    ),
    "standardized filters": "conv(6, 3x3, groups=3, standardize=true) -> batchnorm -> relu",
    "transposed, in groups": "conv_transpose(6, 3x3, stride=2, groups=3) -> batchnorm -> relu",
    "transposed, cut at one end": "conv_transpose(4, 2x2, padding=same) -> batchnorm -> relu",
    "depthwise and separable": (
        "depthwise(3x3, multiplier=2) -> batchnorm -> relu6 -> separable(8, 3x3, stride=2)"
        " -> batchnorm -> silu"
    ),
    "padding that PyTorch's convolution cannot do": (
        "conv(4, 3x3, stride=2, padding=same) -> relu -> conv(4, 3x3, padding=[[0, 1], [1, 0]])"
        " -> relu -> conv(4, 3x3, padding=1, pad_mode=reflect) -> batchnorm -> relu"
    ),
    "dense over an axis": "dense(5, axis=channels) -> relu -> dense(7, axis=width) -> gelu",
    "a sum of a convolution with itself": "a: conv(3, 3x3, padding=1)\n    add(a)",
    "a sum whose operands go on": (
        "a: conv(3, 3x3, padding=1)\n    b: conv(3, 3x3, padding=1)\n"
        "    c: add(a)\n    relu\n    add(b) -> add(a) -> add(c)"
    ),
    "a sum with a view": (
        "a: conv(3, 3x3, padding=1)\n    v: slice(channels, 0, 3)\n    conv(3, 1x1) -> add(v)\n"
        "    relu -> add(a)"
    ),
    "a sum with the input": "a: relu\n    conv(3, 1x1) -> add(a) -> add(in)",
    "gates": (
        "multiply(broadcast=true) {\n        | identity\n"
        "        | global_avgpool -> conv(3, 1x1) -> sigmoid\n    }"
    ),
}


LIMITS = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 0.05}


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("shape", ["3x17", "3x11x12", "3x7x8x9"])
def test_every_number_of_axes(make: Make, shape: str, dtype: torch.dtype) -> None:
    sizes = list(map(int, shape.split("x")))
    kernel = "x".join("3" * (len(sizes) - 1))
    text = AXES.replace("SHAPE", shape).replace("KERNEL", kernel)
    model = make(text).to(torch.float64 if dtype == torch.float64 else torch.float32)
    fast = cnnlang.optimize(model, dtype=dtype)
    x = torch.randn(2, *sizes, dtype=next(model.parameters()).dtype)
    assert distance(model, fast, x) < LIMITS[dtype]


AXES = """
network N {
    input SHAPE
    conv(8, KERNEL, padding=1, bias=false) -> batchnorm -> relu
    residual {
        conv(8, KERNEL, padding=1, bias=false) -> batchnorm -> relu6
        depthwise(KERNEL, padding=1) -> batchnorm -> silu
        conv(8, KERNEL, padding=1, bias=false) -> batchnorm
    } -> relu
    conv_transpose(6, KERNEL, stride=2, groups=2) -> batchnorm -> leaky_relu(0.2)
    conv(6, KERNEL, stride=2, padding=same) -> maxpool(2) -> gelu
    global_avgpool -> flatten -> dense(4)
}
"""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_what_is_moved_into_products(make: Make, case: str, dtype: torch.dtype) -> None:
    body = CASES[case].strip().replace("add(in)", "add(first)")
    model = make(f"network N {{\n    input first: 3x12x12\n    {body}\n}}\n").to(dtype)
    limit = 1e-5 if dtype == torch.float32 else 1e-12
    assert distance(model, cnnlang.optimize(model), torch.randn(2, 3, 12, 12, dtype=dtype)) < limit


ZOO = ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "convnext_tiny", "googlenet")


@pytest.mark.parametrize("name", ZOO)
def test_the_library(name: str) -> None:
    model = drawn(cnnlang.load(f"zoo:{name}"))
    assert distance(model, cnnlang.optimize(model), torch.randn(1, 3, 64, 64)) < 1e-5


# --- passes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_alone_and_all_but_it(make: Make, name: str) -> None:
    """A pass changes the source, and nothing of what it computes."""
    model, x = make(RESIDUAL), torch.randn(2, 3, 10, 10)
    alone = [each for each in PASSES if each != name]
    for without in (alone, [name]):
        assert distance(model, cnnlang.optimize(model, without=without), x) < 1e-5
    everything, rest = (generate(graph_of(model), "cpu", w) for w in ((), (name,)))
    assert everything != rest


def test_steps_become_fewer(make: Make) -> None:
    """A residual block is two calls: of norms, activations, the sum and dropout nothing is left."""
    source = generate(graph_of(make(RESIDUAL)))
    forward = source.split("def forward")[1]
    assert re.findall(r"(\w+)\(\w+(?:, \w+)?, \*w", forward) == [
        *("conv", "conv", "conv_add_", "linear"),
    ]
    assert not re.search('relu[^"]|dropout|batch_norm|addcmul', forward)


def test_large_products_are_packed_and_small_ones_are_not(make: Make) -> None:
    """BLAS has two rows, and up to two million weights, done sooner; more go to oneDNN."""
    model = make("network N {\n    input 1500\n    dense(1500) -> relu -> dense(10) -> tanh\n}")
    for rows, packed in ((1, [False, False]), (2, [False, False]), (3, [True, False])):
        x = torch.randn(rows, 1500)
        fast: Any = cnnlang.optimize(model, example=x)
        assert [row[0].is_mkldnn for row in fast.packed.values()] == packed
        assert distance(model, fast, x) < 1e-5
        assert distance(model, fast, torch.randn(4 - rows, 1500)) < 1e-5


WIDE = """
network Wide {
    input 3xHxW
    a: conv(64, 3x3, padding=1) -> relu
    conv(4, 1x1, stride=4) -> b: batchnorm
    output a, b
}
"""


def test_large_batches_run_in_parts(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many samples at once as have no result of 32 MiB; other sizes run as a whole."""
    model, x = make(WIDE), torch.randn(5, 3, 250, 250)
    fast: Any = cnnlang.optimize(model, example=x)
    assert fast.part == 2
    seen: list[int] = []
    monkeypatch.setattr(fast, "choose", noted(fast.choose, seen))
    for batch, parts in ((5, [2, 2, 1]), (2, [2]), (1, [1])):
        seen.clear()
        assert distance(model, fast, x[:batch]) < 1e-5
        assert seen == [*parts, *parts]  # `distance` runs it twice
    seen.clear()
    assert distance(model, fast, torch.randn(5, 3, 8, 8)) < 1e-5
    assert seen == [5, 5]
    with pytest.raises(ValueError, match=r"Wide takes x of shape .* got \(5, 4, 250, 250\)"):
        fast(torch.zeros(5, 4, 250, 250))
    with pytest.raises(ValueError, match="Wide takes x of shape"):
        fast(torch.tensor(1.0))
    assert cnnlang.optimize(model, example=x[:1]).part == 2
    assert "self.shortcut(" in source_of(fast)
    assert "self.shortcut(" not in source_of(cnnlang.optimize(model, without="part"))


def noted(choose: Any, seen: list[int]) -> Any:
    """`choose`, and the batch that it is called for."""

    def run(x: Tensor) -> Any:
        seen.append(len(x))
        return choose(x)

    return run


def test_an_empty_batch_is_nothing_to_get_ready_for(make: Make) -> None:
    model, x = make(WIDE), torch.randn(3, 3, 16, 16)
    fast: Any = cnnlang.optimize(model, example=x[:0])
    assert [len(each) for each in fast(x[:0])] == [0, 0]
    assert fast.sizes is None
    assert distance(model, fast, x) < 1e-5
    assert fast.part > 3


def test_hooks_see_a_call_once_and_whole(make: Make) -> None:
    """The first too, which gets ready for its size."""
    fast, seen = cnnlang.optimize(make(WIDE)), []
    fast.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    fast.register_forward_hook(lambda _, inputs, found: seen.append(len(found[1])))
    for _ in range(2):
        fast(torch.randn(5, 3, 250, 250))
    assert seen == [5] * 4


def test_samples_that_share_statistics_stay_together(make: Make) -> None:
    model, x = (
        make(WIDE.replace("b: batchnorm", "b: batchnorm(track=false)")),
        torch.randn(5, 3, 250, 250),
    )
    fast: Any = cnnlang.optimize(model, example=x)
    assert "self.shortcut(" not in source_of(fast)
    assert distance(model, fast, x) < 1e-5


def test_small_maps_are_no_reason_for_parts(make: Make) -> None:
    """Reading the weights again would take longer than what the maps take."""
    x = torch.randn(64, 3, 9, 9)
    assert cnnlang.optimize(make(RESIDUAL), example=x).part > 1000


def test_cudnn_does_a_block_in_two_kernels(make: Make) -> None:
    """Its kernels are played on the CPU here, as they are documented."""
    library = torch.library.Library("aten", "IMPL")
    library.impl("cudnn_convolution_relu", played, "CPU")
    library.impl("cudnn_convolution_add_relu", played_sum, "CPU")
    model = make(RESIDUAL)
    source = generate(graph_of(model), "cuda")
    module = execute(source)
    fast = getattr(module, class_name(source))(module.convert(model.state_dict()))
    assert "conv_add_relu(" in source.split("def forward")[1]
    assert distance(model, fast, torch.randn(2, 3, 9, 9)) < 1e-5
    library._destroy()


def test_on_cuda_the_faster_kernels_are_used(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an example the safe ones; what fails is left, with a warning."""
    monkeypatch.setattr(optimizing, "target", lambda device, dtype: "cuda")
    model, x = make(RESIDUAL), torch.randn(2, 3, 9, 9)
    assert "conv_add_relu" not in source_of(cnnlang.optimize(model))
    with pytest.warns(UserWarning, match="fused kernels do not run here"):
        fast = cnnlang.optimize(model, example=x)
    assert "conv_add_relu" not in source_of(fast)
    assert distance(model, fast, x) < 1e-5
    monkeypatch.setattr(optimizing, "ready", lambda *_: None)
    for times, fused in (([2.0, 1.0], True), ([1.0, 2.0], False)):
        left = iter(times)
        monkeypatch.setattr(optimizing, "seconds", lambda *_, left=left: next(left))
        assert ("conv_add_relu" in source_of(cnnlang.optimize(model, example=x))) == fused


def played(x: Tensor, weight: Tensor, bias: Tensor, *geometry: Any) -> Tensor:
    """`relu(conv(x))`; stride, padding, dilation and groups follow."""
    return F.conv2d(x, weight, bias, *geometry).relu()


def played_sum(
    x: Tensor, weight: Tensor, z: Tensor, alpha: float, bias: Tensor, *geometry: Any
) -> Tensor:
    """`relu(conv(x) + alpha * z)`."""
    return (F.conv2d(x, weight, bias, *geometry) + alpha * z).relu()
