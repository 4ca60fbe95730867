"""Blocks in blocks: a thousand levels, and still a module that PyTorch can walk."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path

import torch
from torch import nn

import cnnlang
from cnnlang.compilation import Settings, compile_source
from cnnlang.diagnostics.model import Source
from cnnlang.graph import DEEPEST, Graph, walk
from cnnlang.sources import fetch

NEST = """block B(n) {{
    conv(1, 1x1) -> relu
    if n > 1 {{ B(n - 1) }}
    residual {{ relu }}
}}

network N {{
    input 1x1x1

    B({depth})
}}
"""


def nest(depth: int) -> Graph:
    return compiled(NEST.format(depth=depth))


def compiled(text: str) -> Graph:
    graph, found = compile_source(Source("net.cnn", text), fetch, None, Settings())
    assert graph is not None, found
    return graph


def test_a_nest_of_a_thousand_blocks_is_a_module_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "nest.cnn"
    file.write_text(NEST.format(depth=1000), encoding="utf-8")
    model = cnnlang.load(file)
    x = torch.ones(1, 1, 1, 1)
    y = model(x)
    y.sum().backward()
    assert all(each.grad is not None for each in model.parameters())
    assert len(model.state_dict()) == repr(model).count("Conv2d") * 2 == 2000

    saved = io.BytesIO()
    torch.save(model, saved)
    saved.seek(0)
    again: nn.Module = torch.load(saved, weights_only=False)
    other = copy.deepcopy(model).double().float()
    other.load_state_dict(model.state_dict())
    for each in (again, other, pickle.loads(pickle.dumps(model))):
        assert torch.equal(each(x), y)


def test_levels_are_modules_as_long_as_python_can_walk_them() -> None:
    graph = nest(DEEPEST + 3)
    assert max(level for level, _ in walk(graph.root)) == DEEPEST
    paths = [node.address.rpartition(".") for node in graph.layers]
    deep = [name for path, _, name in paths if "/" in name and path == ".".join(["b1"] * DEEPEST)]
    assert deep == [
        *("b1/conv1", "b1/relu1", "b1*2/conv1", "b1*2/relu1", "b1*3/conv1", "b1*3/relu1"),
        *("b1*3/relu2", "b1*3/add1", "b1*2/relu2", "b1*2/add1", "b1/relu2", "b1/add1"),
    ]


def test_deep_names_stay_apart_whatever_the_labels() -> None:
    labels = ("a/b", "a*2", "a%2Fb")
    lines = "".join(f'    "{each}": conv(1, 1x1)\n' for each in labels)
    blocks = "block A(n) {\n    if n > 1 { a: A(n - 1) }\n" + lines + "}\n"
    graph = compiled(f"{blocks}network N {{\n    input 1x1x1\n    a: A(40)\n}}\n")
    assert len({node.path for node in graph.layers}) == 40 * len(labels)
    assert graph.layers[0].name == "a*8/a%2Fb"
    assert graph.layers[2].name == "a*8/a%252Fb"
