"""The valid sizes against PyTorch, which runs every network at every size.

The networks are those of tests/spec/valid_sizes.md and some of torchvision's. Small ones run on
the CPU, for on the meta device PyTorch takes transposed convolutions that it then cannot do.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from spec.pages import cases, finder

from cnnlang.analysis.sizesets import SizeSet
from cnnlang.analysis.validity import solve
from cnnlang.api import compile_file
from cnnlang.backends.source import generate
from cnnlang.compilation import Settings, compile_source
from cnnlang.graph import Graph

pytestmark = pytest.mark.usefixtures("one_thread")

PAGE = Path(__file__).parent / "spec" / "valid_sizes.md"
LARGEST = 300
STRETCHED = {"ResNetD": {11, 12, 23, 24}, "FPN": {1, 2}}
"""Sizes that PyTorch takes as well, for it stretches an axis of 1: here that has to be written."""
SMALL = {
    "UNet": 18,
    "UNet5": 9,
    "UNetBilinear": 18,
    "UNetCeil": 18,
    "UNetPadded": 285,
    "UNetOriginal": 113,
    "ResNetD": 36,
    "FPN": 36,
    "TwoThree": 99,
    "OneAndHalf": 150,
    "LeNet400": 4,
    "VGG11Flat": 32,
    "DCGAN": 16,
    "ResNetPool7": 108,
}
"""How many of the sizes 1 to 300 are valid for both axes."""
ZOO = {
    "resnet18": 300,
    "densenet121": 272,
    "inception_v3": 226,
    "googlenet": 286,
    "squeezenet1_0": 280,
    "alexnet": 238,
    "vgg11": 269,
    "mobilenet_v3_small": 300,
    "efficientnet_b0": 300,
    "regnet_y_400mf": 300,
    "shufflenet_v2_x1_0": 300,
}


def small(name: str) -> Graph:
    """A network of the page."""
    for case in cases(PAGE):
        if re.search(rf"network {name}\b", case.program.text):
            graph, problems = compile_source(case.source, finder({}), name, Settings())
            assert graph is not None, problems
            return graph
    raise KeyError(name)


def module(graph: Graph, device: str) -> torch.nn.Module:
    """The network in evaluation, without the check at its entry: PyTorch alone judges."""
    source = generate(graph).replace("raise ValueError(", "str(")
    names: dict[str, Any] = {"__name__": "made"}
    exec(source, names)
    with torch.device(device):
        made: torch.nn.Module = names[graph.name]()
    return made.eval()


@torch.no_grad()
def runs(net: torch.nn.Module, channels: int, size: int, device: str) -> bool:
    """True if PyTorch takes images of this height and width."""
    try:
        net(torch.zeros(1, channels, size, size, device=device))
    except RuntimeError:
        return False
    return True


def agree(name: str, graph: Graph, sets: dict[str, SizeSet], sizes: list[int], device: str) -> None:
    net, channels = module(graph, device), graph.nodes[graph.inputs[0]].output.shape[0]
    assert isinstance(channels, int)
    valid = {x for x in sizes if all(x in each for each in sets.values())}
    taken = {x for x in sizes if runs(net, channels, x, device)}
    assert valid - taken == set()
    assert taken - valid == STRETCHED.get(name, set()) & set(sizes)


def counted(sets: dict[str, SizeSet]) -> int:
    return sum(all(x in each for each in sets.values()) for x in range(1, LARGEST + 1))


def sample(sets: dict[str, SizeSet]) -> list[int]:
    """Small sizes, those around both ends of the set, and one period."""
    found = set(range(1, 40))
    for each in sets.values():
        ends = (each.least, each.greatest or each.least + each.period)
        found |= {x for end in ends for x in range(end - 2, end + 3)}
    return sorted(x for x in found if 1 <= x <= 420)


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_run_where_they_are_valid(name: str) -> None:
    graph = small(name)
    sets = solve(graph).sets
    assert counted(sets) == SMALL[name]
    agree(name, graph, sets, sample(sets), "cpu")


@pytest.mark.parametrize("name", ZOO)
def test_torchvisions_networks_have_the_known_sizes(name: str) -> None:
    graph, _ = compile_file(f"zoo:{name}")
    assert counted(solve(graph, training=False).sets) == ZOO[name]


@pytest.mark.zoo
@pytest.mark.parametrize("name", SMALL)
def test_small_networks_run_at_every_size_where_they_are_valid(name: str) -> None:
    graph = small(name)
    agree(name, graph, solve(graph).sets, list(range(1, LARGEST + 1)), "cpu")


@pytest.mark.zoo
@pytest.mark.parametrize("name", ZOO)
def test_torchvisions_networks_run_at_every_size_where_they_are_valid(name: str) -> None:
    graph, _ = compile_file(f"zoo:{name}")
    sets = solve(graph, training=False).sets
    agree(name, graph, sets, list(range(1, LARGEST + 1)), "meta")
