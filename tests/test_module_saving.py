"""A module outlives its process: state dictionaries, copies, pickles of the whole and of parts."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from test_module import SMALL, write
from torch import nn

import cnnlang

READ = """
import inspect, sys
import torch

for file in sys.argv[1:]:
    module, x, wanted = torch.load(file, weights_only=False)
    assert torch.equal(module.eval()(x), wanted), file
    assert "class" in inspect.getsource(type(module)), file
    torch.save(module, file)
"""
"""What a fresh process does with files: load, compute, read the source, save again."""

SAME = "network Same { input 3xHxW\n conv(4, 3x3, stride=2, padding=same) }"


@pytest.fixture
def net(tmp_path: Path) -> Any:
    torch.manual_seed(0)
    return cnnlang.load(write(tmp_path, SMALL)).eval()


def image() -> torch.Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def passed(module: Any) -> Any:
    """A module that went through a pickle."""
    return pickle.loads(pickle.dumps(module))


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Modules before and after a fresh process loaded, tried and saved them."""
    folder = tmp_path_factory.mktemp("saved")
    whole: Any = cnnlang.load(write(folder, SMALL)).eval()
    same: Any = cnnlang.load(write(folder, SAME))
    modules = {
        "whole": (whole, image()),
        "block": (whole.body[1], torch.randn(2, 8, 8, 8)),
        "inside": (nn.Sequential(whole, nn.ReLU()), image()),
        "own": (same.conv1, image()),
    }
    for name, (module, x) in modules.items():
        torch.save((module, x, module(x)), folder / f"{name}.pt")
    files = [str(folder / f"{name}.pt") for name in modules]
    result = subprocess.run([sys.executable, "-c", READ, *files], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return {
        name: (module, torch.load(folder / f"{name}.pt", weights_only=False), x)
        for name, (module, x) in modules.items()
    }


def test_a_state_dict_fills_a_new_module_exactly(net: Any, tmp_path: Path) -> None:
    other = cnnlang.load(tmp_path / "net.cnn").eval()
    assert other.load_state_dict(net.state_dict(), strict=True)
    assert torch.equal(other(image()), net(image()))


def test_a_state_dict_can_be_read_as_weights_only(net: Any, tmp_path: Path) -> None:
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    net.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))


def test_a_wrong_state_dict_is_refused(net: Any) -> None:
    state = net.state_dict()
    state["conv2.weight"] = state.pop("conv1.weight")
    with pytest.raises(RuntimeError, match=r"conv1\.weight"):
        net.load_state_dict(state)


def test_a_deep_copy_computes_the_same_and_shares_nothing(net: Any) -> None:
    other = copy.deepcopy(net)
    assert torch.equal(other(image()), net(image()))
    with torch.no_grad():
        other.head.bias.add_(1)
    assert not torch.equal(other(image()), net(image()))


def test_a_copy_keeps_mode_class_hooks_and_description(net: Any) -> None:
    for other in (copy.deepcopy(net), copy.copy(net), passed(net)):
        assert type(other) is type(net) and not other.training
        assert other.cnnlang_inputs == net.cnnlang_inputs


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_carries_the_module(net: Any, protocol: int) -> None:
    other = pickle.loads(pickle.dumps(net, protocol))
    assert torch.equal(other(image()), net(image()))


@pytest.mark.parametrize("name", ["whole", "block", "inside", "own"])
def test_a_fresh_process_loads_a_module_and_its_parts(name: str, reloaded: Any) -> None:
    """The whole; a block alone; the whole inside another module; a layer that PyTorch lacks."""
    before, after, x = reloaded[name]
    assert type(after) is type(before)
    assert torch.equal(after(x), before(x))


def test_weights_shared_by_two_modules_stay_shared(net: Any) -> None:
    pair = passed(nn.ModuleList([net, net.head]))
    assert pair[0].head is pair[1]


def test_a_pickle_of_an_older_text_still_computes_the_same(net: Any, tmp_path: Path) -> None:
    """The pickle has its own source: a file that has changed since does not matter."""
    kept = pickle.dumps(net)
    write(tmp_path, SMALL.replace("dropout(0.5)", "relu"))
    assert torch.equal(pickle.loads(kept)(image()), net(image()))


def test_a_class_derived_from_a_generated_one_is_pickled_by_its_own_name(net: Any) -> None:
    global Derived
    Derived = type("Derived", (type(net),), {"__module__": __name__})
    other = passed(Derived())
    assert type(other) is Derived


def test_an_optimizer_goes_on_after_a_checkpoint(net: Any) -> None:
    optimizer = torch.optim.Adam(net.parameters())
    net(image()).sum().backward()
    optimizer.step()
    file = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    kept = torch.load(file, weights_only=True)
    other = copy.deepcopy(net)
    again = torch.optim.Adam(other.parameters())
    again.load_state_dict(kept["optimizer"])
    for one in (optimizer, again):
        one.step()
    same = zip(net.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) or b.grad is None for a, b in same)
