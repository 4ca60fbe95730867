"""Networks for inference as modules, what they refuse, their source, and the commands."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from calls import Call
from torch import nn

import cnnlang
from cnnlang.api import compile_file
from cnnlang.backends.inference import generate
from cnnlang.backends.module import graph_of
from tests.inference import RESIDUAL, Make, distance, drawn, source_of

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]

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


def test_changed_options_and_patched_forwards(make: Make) -> None:
    for change in (
        lambda model: setattr(model.conv1, "padding_mode", "circular"),
        lambda model: setattr(model.batchnorm1, "eps", 0.5),
        lambda model: setattr(model, "forward", lambda x: x),
        lambda model: model.add_module("more", nn.Identity()),
    ):
        model = make(RESIDUAL)
        change(model)
        with pytest.raises(ValueError, match=r"where the network has|has a `forward`"):
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


RUFF = (sys.executable, "-m", "ruff")
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
        ("net.cnn --aot --weights net.pt -o net.pt", 1, "net.pt is the file with the weights"),
        ("net.cnn --aot --weights no.pt --device cuda -o a.pt2", 1, "there is no CUDA device"),
        ("net.cnn --batch 2", 2, "--batch is about a package: give --aot too"),
        ("net.cnn --input 1x4x4", 2, "--input is about a package: give --aot too"),
        ("net.cnn --aot --weights no.pt -o a.pt2", 1, "cannot read no.pt: there is no such file"),
        ("zoo:resnet18 --aot --weights no.pt -o a.pt2", 1, "H and W of ResNet18 must be given"),
    ],
)
def test_packages_that_cannot_be_made(call: Call, words: str, code: int, message: str) -> None:
    Path("net.cnn").write_text(TINY)
    Path("net.pt").write_bytes(b"weights")
    done = call("build", *words.split())
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr
    assert not Path("a.pt2").exists()
    assert Path("net.pt").read_bytes() == b"weights"


@pytest.mark.parametrize("target", ["cpu", "cuda", "any"])
@pytest.mark.parametrize("name", ["zoo:googlenet", "zoo:convnext_tiny", "zoo:textcnn"])
def test_ruff_has_nothing_to_say(tmp_path: Path, name: str, target: str) -> None:
    file = tmp_path / "fast.py"
    file.write_text(generate(compile_file(name)[0], target))
    for words in (["check", "--select", "E,F,W,I,UP,B", "--ignore", "E501"], ["format", "--check"]):
        done = subprocess.run([*RUFF, *words, "--isolated", file], capture_output=True, text=True)
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
