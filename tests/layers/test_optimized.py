"""Every layer's example gives for inference what it gives in evaluation."""

from __future__ import annotations

import pytest
import torch
from documented import compiled
from torch import Tensor

from cnnlang.backends.module import instantiate
from cnnlang.backends.optimizing import infer
from cnnlang.graph import Graph
from cnnlang.layers import REGISTRY

DTYPES = {"cpu": torch.float32, "any": torch.float64}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_example_for_inference(name: str, target: str) -> None:
    graph = compiled(name)
    dtype = DTYPES[target]
    torch.manual_seed(0)
    module = instantiate(graph, dtype=dtype).eval()
    inputs = filled(graph, dtype)
    with torch.no_grad():
        wanted = module(*(each.clone() for each in inputs))
    result = infer(module, dtype)(*inputs)
    largest = wanted.abs().max().clamp(min=1)
    assert (result - wanted).abs().max() / largest < TOLERANCE[dtype]


def filled(graph: Graph, dtype: torch.dtype) -> list[Tensor]:
    tensors = [graph.nodes[index].output for index in graph.inputs]
    return [
        torch.rand(2, *map(int, each.shape), dtype=dtype) + 0.1
        if each.dtype == "float"
        else torch.randint(0, 5, (2, *map(int, each.shape)))
        for each in tensors
    ]
