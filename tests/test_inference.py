"""Networks for inference compute what networks in evaluation compute, in fewer and larger steps.

References are the modules of `load`; statistics of norms and learned scales are drawn, so that what
is folded matters.
"""

from __future__ import annotations

import copy
import io
import linecache
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import graphs
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from calls import Call
from torch import Tensor, nn

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends import optimizing
from cnnlang.backends.inference import generate
from cnnlang.backends.inference.passes import PASSES
from cnnlang.backends.module import class_name, execute, graph_of

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]
Make = Callable[[str], nn.Module]

RESIDUAL = """
network Residual {
    input 3xHxW
    conv(8, 3x3, padding=1, bias=false) -> batchnorm -> relu
    residual {
        conv(8, 3x3, padding=1, bias=false) -> batchnorm -> relu
        conv(8, 3x3, padding=1, bias=false) -> batchnorm
    } -> relu
    dropout(0.5) -> global_avgpool -> flatten -> dense(5) -> batchnorm
}
"""


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The network of a text, in evaluation, with drawn statistics and scales."""

    def made(text: str) -> nn.Module:
        file = tmp_path / "net.cnn"
        file.write_text(text)
        return drawn(cnnlang.load(file))

    return made


def drawn(model: nn.Module) -> nn.Module:
    """All one-dimensional weights and the statistics are drawn anew; to evaluation."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and (tensor.dim() < 2 or "scale" in name):
                tensor.uniform_(0.5, 1.5)
    return model.eval()


def distance(model: nn.Module, fast: nn.Module, *inputs: Tensor) -> float:
    """The largest relative difference of the results; inputs stay as they are."""
    with torch.no_grad():
        wanted = model(*(each.clone() for each in inputs))
    before = [each.clone() for each in inputs]
    found = [fast(*inputs), fast(*inputs)][1]
    assert all(map(torch.equal, inputs, before))
    pairs = zip(tupled(wanted), tupled(found), strict=True)
    return max(difference(a, b) for a, b in pairs)


def tupled(value: Any) -> tuple[Tensor, ...]:
    return value if isinstance(value, tuple) else (value,)


def difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b.to(a.dtype)).abs().max() / a.abs().max().clamp(min=1e-3))


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
    assert all(row[0].is_mkldnn for row in packed.values())


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
    for times, fused in (([2.0, 1.0], True), ([1.0, 2.0], False)):
        left = iter(times)
        monkeypatch.setattr(optimizing, "seconds", lambda *_, left=left: next(left))
        assert ("conv_add_relu" in source_of(cnnlang.optimize(model, example=x))) == fused


def source_of(module: nn.Module) -> str:
    return "".join(linecache.getlines(type(module).forward.__wrapped__.__code__.co_filename))


def played(x: Tensor, weight: Tensor, bias: Tensor, *geometry: Any) -> Tensor:
    """`relu(conv(x))`; stride, padding, dilation and groups follow."""
    return F.conv2d(x, weight, bias, *geometry).relu()


def played_sum(
    x: Tensor, weight: Tensor, z: Tensor, alpha: float, bias: Tensor, *geometry: Any
) -> Tensor:
    """`relu(conv(x) + alpha * z)`."""
    return (F.conv2d(x, weight, bias, *geometry) + alpha * z).relu()


# --- the module ----------------------------------------------------------------------------------


def test_the_network_stays_as_it_is(make: Make) -> None:
    model = make(RESIDUAL).train()
    before = copy.deepcopy(model.state_dict())
    cnnlang.optimize(model)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_weights_are_its_own(make: Make, dtype: torch.dtype) -> None:
    """Training goes on without it: nothing of the network is shared."""
    text = (
        "network N {\n    input 3x8x8\n    relu -> scale -> relu -> conv(4, 3x3) -> layernorm\n}\n"
    )
    model, x = make(text).to(dtype), torch.rand(2, 3, 8, 8, dtype=dtype)
    fast = cnnlang.optimize(model)
    before = fast(x)
    with torch.no_grad():
        for each in model.parameters():
            each.mul_(7)
    assert torch.equal(fast(x), before)


def test_a_first_input_that_fails_is_no_size(make: Make) -> None:
    text = "network N {\n    input 3xHxW\n    conv(4, 3x3) -> conv(4, 3x3)\n}\n"
    fast = cnnlang.optimize(make(text))
    with pytest.raises(RuntimeError):
        fast(torch.rand(1, 3, 2, 2))
    fast(torch.rand(1, 3, 8, 8))
    assert all(row[0].is_mkldnn for row in fast.packed.values())


def test_copies_and_files(make: Make, tmp_path: Path) -> None:
    model, x = make(RESIDUAL), torch.randn(2, 3, 8, 8)
    fast = cnnlang.optimize(model)
    wanted = fast(x)
    assert torch.equal(copy.deepcopy(fast)(x), wanted)
    file = io.BytesIO()
    torch.save(fast, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), wanted)


def test_weights_can_be_exchanged(make: Make) -> None:
    """What was packed for the old ones is made anew."""
    model, x = make(RESIDUAL), torch.randn(2, 3, 8, 8)
    fast = cnnlang.optimize(model)
    before = fast(x)
    other = copy.deepcopy(fast.state_dict())
    other["conv1_weight"] *= 2
    fast.load_state_dict(other)
    assert not torch.equal(fast(x), before)


def test_it_stays_what_it_was_made_for(make: Make) -> None:
    fast = cnnlang.optimize(make(RESIDUAL))
    assert fast.to("cpu", torch.float32) is fast
    with pytest.raises(RuntimeError, match=r"made for torch.float32 on cpu: convert the network"):
        fast.to(torch.float64)
    with pytest.raises(RuntimeError, match=r"made for torch.float32 on cpu: convert the network"):
        fast.to("meta")


def test_it_does_not_learn(make: Make) -> None:
    fast = cnnlang.optimize(make(RESIDUAL))
    assert not fast(torch.randn(1, 3, 8, 8, requires_grad=True)).requires_grad
    assert list(fast.parameters()) == []
    with pytest.raises(RuntimeError, match="cannot be trained"):
        fast.train()
    assert not fast.eval().training


def test_wrong_inputs_are_refused(make: Make) -> None:
    with pytest.raises(ValueError, match=r"takes x of shape \(N, 3, H, W\), got \(3, 8, 8\)"):
        cnnlang.optimize(make(RESIDUAL))(torch.randn(3, 8, 8))


def test_heads_for_training_are_left_out(make: Make) -> None:
    heads = """
network Heads {
    input 3x8x8
    early: conv(4, 3x3)
    early -> aux: flatten -> dense(2)
    early -> flatten
    logits: dense(3)
    output logits
    output training logits, aux
}
"""
    fast = cnnlang.optimize(make(heads))
    assert fast(torch.randn(2, 3, 8, 8)).shape == (2, 3)
    assert "aux" not in "".join(fast.state_dict())


# --- refusals ------------------------------------------------------------------------------------


def test_a_module_of_others() -> None:
    with pytest.raises(TypeError, match=r"Linear was not made by `cnnlang.load` in this process"):
        cnnlang.optimize(nn.Linear(2, 2))


def test_a_module_that_was_changed(make: Make) -> None:
    model = make(RESIDUAL)
    name = next(name for name, each in model.named_children() if isinstance(each, nn.Linear))
    setattr(model, name, nn.Linear(8, 7))
    with pytest.raises(ValueError, match=rf"{name} is Linear\(in_features=8, out_features=7"):
        cnnlang.optimize(model)
    setattr(model, name, nn.Identity())
    with pytest.raises(ValueError, match=r"is Identity\(\) where the network has Linear\(in_f"):
        cnnlang.optimize(model)


def test_hooks_would_be_lost(make: Make) -> None:
    model = make(RESIDUAL)
    model.register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match="the network has hooks, which would be lost"):
        cnnlang.optimize(model)


def test_unknown_passes_and_uses(make: Make) -> None:
    model = make(RESIDUAL)
    with pytest.raises(ValueError, match="there is no pass 'fuse': the passes are fold, add,"):
        cnnlang.optimize(model, without=["fuse"])
    with pytest.raises(TypeError, match="for inference there is no option 'memory': there are dt"):
        cnnlang.optimize(model, memory="1GiB")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="for_ is 'inference' or 'training', not 'speed'"):
        cnnlang.optimize(model, for_="speed")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="on the meta device"):
        cnnlang.optimize(model.to("meta"))


# --- the source ----------------------------------------------------------------------------------


def test_the_module_that_runs_is_the_source_that_is_printed(make: Make) -> None:
    model = make(RESIDUAL)
    fast = cnnlang.optimize(model)
    assert source_of(fast) == generate(graph_of(model))


def test_the_source_stands_alone(make: Make) -> None:
    """It needs nothing but PyTorch: `convert` makes its weights from those of the network."""
    model, x = make(RESIDUAL), torch.randn(2, 3, 8, 8)
    names: dict[str, Any] = {"__name__": "alone"}
    exec(generate(graph_of(model)), names)
    fast = names["Residual"](names["convert"](model.state_dict()))
    assert distance(model, fast, x) < 1e-5


def test_the_command_writes_it(call: Call) -> None:
    Path("net.cnn").write_text(RESIDUAL)
    graph = compile_file("net.cnn")[0]
    assert call("build", "net.cnn", "--for", "inference").stdout == generate(graph)
    for device in ("cuda", "any"):
        call("build", "net.cnn", "--for", "inference", "--device", device, "-o", "fast.py")
        assert Path("fast.py").read_text() == generate(graph, device)
    wrong = call("build", "net.cnn", "--device", "cuda")
    assert wrong.exit_code == 2
    assert "--device is about inference: give --for inference too" in wrong.stderr


TINY = "network Tiny {\n    input 1x4x4\n    conv(2, 3x3) -> batchnorm -> relu -> flatten\n}\n"


def test_the_command_compiles_a_package(call: Call) -> None:
    """It holds the network and its weights; reading it takes PyTorch alone."""
    Path("net.cnn").write_text(TINY)
    model, x = drawn(cnnlang.load("net.cnn")), torch.randn(2, 1, 4, 4)
    torch.save(model.state_dict(), "net.pt")
    words = ("--aot", "--weights", "net.pt", "--batch", "2", "-o", "net.pt2")
    assert call("build", "net.cnn", *words).exit_code == 0
    loaded = torch._inductor.aoti_load_package("net.pt2")
    assert distance(model, loaded, x) < 1e-5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("net.cnn --aot -o a.pt2", 2, "--aot needs --weights too"),
        ("net.cnn --aot --weights net.pt", 2, "--aot needs -o too"),
        ("net.cnn --aot --for inference -o a.pt2", 2, "leave --for out"),
        ("net.cnn --batch 2", 2, "--batch is about a package: give --aot too"),
        ("net.cnn --input 1x4x4", 2, "--input is about a package: give --aot too"),
        ("net.cnn --aot --weights no.pt -o a.pt2", 1, "cannot read no.pt: there is no such file"),
        ("zoo:resnet18 --aot --weights no.pt -o a.pt2", 1, "H and W of ResNet18 must be given"),
    ],
)
def test_packages_that_cannot_be_made(call: Call, words: str, code: int, message: str) -> None:
    Path("net.cnn").write_text(TINY)
    done = call("build", *words.split())
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr
    assert not Path("a.pt2").exists()


@pytest.mark.parametrize("target", ["cpu", "cuda", "any"])
@pytest.mark.parametrize("name", ["zoo:googlenet", "zoo:convnext_tiny", "zoo:textcnn"])
def test_ruff_has_nothing_to_say(tmp_path: Path, name: str, target: str) -> None:
    file = tmp_path / "fast.py"
    file.write_text(generate(compile_file(name)[0], target))
    for words in (["check", "--select", "E,F,W,I,UP,B", "--ignore", "E501"], ["format", "--check"]):
        done = subprocess.run(["ruff", *words, "--isolated", file], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_names_of_weights_do_not_collide(tmp_path: Path) -> None:
    file = tmp_path / "net.cnn"
    file.write_text(
        "network forward {\n    input w: 3x8x8\n"
        "    a_b: conv(3, 1x1)\n    a: stack { b: conv(3, 1x1) -> ready: conv(3, 1x1) }\n"
        "    geometry: conv(3, 1x1) -> sigmoid -> c_weight: prelu -> c: conv(3, 1x1)\n"
        "    a_b_bias: bias -> c_bias: bias -> relu -> n: batchnorm -> sigmoid -> n_offset: bias\n"
        "}\n"
    )
    model = drawn(cnnlang.load(file))
    assert distance(model, cnnlang.optimize(model), torch.randn(1, 3, 8, 8)) < 1e-5


@pytest.mark.parametrize("name", ["w", "conv", "linear", "conv_add_", "keep", "y", "self_"])
def test_names_of_inputs_do_not_collide(make: Make, name: str) -> None:
    text = RESIDUAL.replace("input 3xHxW", f"input {name}: 3xHxW")
    model = make(text)
    for dtype in (torch.float32, torch.float64):
        fast = cnnlang.optimize(model.to(dtype))
        assert distance(model, fast, torch.randn(1, 3, 8, 8, dtype=dtype)) < 1e-5


def test_an_extern_may_not_be_called_as_a_helper_is(make: Make) -> None:
    text = """
extern linear: [C, H, W] -> [C, H, W] from "torch.nn:PReLU"

network N {
    input 3x8x8
    linear
}
"""
    with pytest.raises(ValueError, match="extern linear has the name of a helper for inference"):
        cnnlang.optimize(make(text))


def test_modules_of_others_stay_modules(make: Make) -> None:
    """One that learns keeps its weights."""
    text = """
extern Hardtanh(min_val, max_val): [C, H, W] -> [C, H, W] from "torch.nn:Hardtanh"
extern Slope: [C, H, W] -> [C, H, W] from "torch.nn:PReLU"

network N {
    input 3x8x8
    conv(4, 3x3, padding=1) -> batchnorm -> Hardtanh(-0.5, 0.5) -> Slope -> relu -> conv(2, 1x1)
}
"""
    model = make(text)
    fast = cnnlang.optimize(model)
    assert distance(model, fast, torch.randn(2, 3, 8, 8)) < 1e-5
    assert [type(each).__name__ for each in fast.children()] == ["Hardtanh", "PReLU"]


def test_shared_weights_with_norms_of_their_own(make: Make) -> None:
    text = """
network N {
    shared same { conv(4, 3x3, padding=1, bias=false) }

    input 4xHxW
    same -> batchnorm -> relu -> same -> batchnorm -> relu -> same
}
"""
    model = make(text)
    assert distance(model, cnnlang.optimize(model), torch.randn(2, 4, 9, 9)) < 1e-5
