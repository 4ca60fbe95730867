"""ReLU is written over its operand exactly where nothing else wants that, as a person would do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import cnnlang

OVER = {
    "a convolution": ("conv(4, 3x3) -> relu", 1),
    "a normalisation": ("conv(4, 3x3) -> batchnorm -> relu6", 1),
    "a sum": ("residual { conv(3, 1x1) } -> relu", 1),
    "a dense layer": ("flatten -> dense(4) -> relu", 1),
    "an input": ("relu", 0),
    "what is used again": ("a: conv(4, 3x3)\n relu -> add(a)", 0),
    "what the network returns too": ("a: conv(4, 3x3)\n b: relu\n output a, b", 0),
    "what autograd keeps": ("conv(4, 3x3) -> sigmoid -> relu", 0),
    "a view": ("conv(4, 3x3) -> flatten -> relu", 0),
    "a dense layer over channels": ("dense(4, axis=channels) -> relu", 0),
    "what another ReLU keeps": ("conv(4, 3x3) -> relu -> relu6", 1),
}
"""What ReLU takes in, a network with it, and how many activations are written over something."""


def written(folder: Path, body: str) -> Path:
    path = folder / "net.cnn"
    path.write_text(f"network N {{ input x: 3x8x8\n {body}\n}}\n")
    return path


@pytest.mark.parametrize(("body", "number"), OVER.values(), ids=OVER)
def test_in_place_where_the_operand_is_of_no_more_use(tmp_path, body, number):
    assert cnnlang.build(written(tmp_path, body)).count("inplace=True") == number


def test_uses_of_one_line_agree(tmp_path):
    """In the second block ReLU takes in what is used again outside of it: neither overwrites."""
    program = """
    block Act { relu }
    network N { input x: 3x8x8
        conv(4, 3x3) -> Act
        a: conv(4, 3x3, padding=1)
        Act -> add(a)
    }
    """
    path = tmp_path / "net.cnn"
    path.write_text(program)
    assert "inplace" not in cnnlang.build(path)


def test_a_shared_module_agrees_with_all_its_uses(tmp_path):
    program = """
    network N { input x: 3x8x8
        shared act = relu
        a: conv(4, 3x3) -> act
        b: conv(4, 3x3, padding=1)
        act -> add(b)
    }
    """
    path = tmp_path / "net.cnn"
    path.write_text(program)
    assert "inplace" not in cnnlang.build(path)


@pytest.mark.parametrize("body", [body for body, _ in OVER.values()], ids=list(OVER))
def test_outputs_and_gradients_are_those_of_the_same_source_without(tmp_path, body):
    path = written(tmp_path, body)
    torch.manual_seed(0)
    module = cnnlang.load(path).double()
    scope: dict[str, type[torch.nn.Module]] = {}
    exec(cnnlang.build(path).replace("inplace=True", "inplace=False"), scope)
    plain = scope["N"]().double()
    plain.load_state_dict(module.state_dict())
    x = torch.rand(2, 3, 8, 8, dtype=torch.double)
    assert gradients(module, x) == gradients(plain, x)


def gradients(module: torch.nn.Module, x: torch.Tensor) -> list[list[float]]:
    """The output and every gradient, that of the input first."""
    x = x.clone().requires_grad_()
    outputs = module(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    torch.stack([out.square().sum() for out in outputs]).sum().backward()
    found = [*outputs, x.grad, *(parameter.grad for parameter in module.parameters())]
    return [each.flatten().tolist() for each in found if each is not None]
