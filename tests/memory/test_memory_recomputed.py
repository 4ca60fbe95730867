"""The memory of a step of which some parts are recomputed: predicted beside measured."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnnlang.analysis.memory import Setting, memory
from cnnlang.analysis.recomputation.inplace import inplace
from cnnlang.analysis.recomputation.plan import Part, Plan
from cnnlang.analysis.recomputation.prediction import predict
from cnnlang.analysis.recomputation.profile import profile
from cnnlang.analysis.recomputation.search import Nothing, fit, plain
from cnnlang.api import compile_file
from cnnlang.backends.module import instantiate
from cnnlang.backends.training import reach
from cnnlang.backends.training.running import running
from cnnlang.backends.training.source import generate
from cnnlang.graph import Graph
from tests.memory.comparison import compiled
from tests.memory.measure import drawn, measure
from tests.memory.test_memory_networks import networks

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]
BATCH = 2
CPU = Setting(device="cpu")


def both(graph: Graph, plan: Plan, setting: Setting = CPU) -> tuple[tuple[int, int], ...]:
    """What autograd keeps and the peak of a step: predicted, and measured."""
    found = predict(graph, setting, plan, memory(graph, setting))
    model = instantiate(graph)
    source = generate(graph, plan, lambda node: reach(model, node))
    module = running(model, source, cnnlang_autocast=None)
    amp = setting.dtype if setting.autocast else None
    got = measure(module, drawn(graph, BATCH), setting.optimizer, amp)
    return (found.saved.at(BATCH), found.peak(BATCH)), (got.saved, got.training)


def cut(graph: Graph, places: list[int]) -> tuple[Part, ...]:
    """The parts between every other two places, as far as they can run twice and save anything."""
    costs = profile(graph, CPU, BATCH)
    pairs = list(itertools.pairwise(sorted({place % len(costs) for place in places})))[::2]
    parts = [Part(a, b) for a, b in pairs if all(costs[i].free for i in range(a, b))]
    return tuple(part for part in parts if any(costs[i].saves for i in part.nodes))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks(), st.lists(st.integers(0, 60), min_size=2, max_size=8), st.booleans())
def test_random_networks_in_random_parts(text: str, places: list[int], over: bool) -> None:
    assume("layernorm" not in text)  # a gradient whose axes are in another order may be copied
    graph = compiled(text)
    assert graph is not None
    plan = Plan(cut(graph, places), inplace(graph) if over else frozenset())
    predicted, measured = both(graph, plan)
    assert predicted[0] == measured[0], (text, plan)
    assert predicted[1] == pytest.approx(measured[1], rel=0.005), (text, plan)


NETWORKS = [("zoo:resnet18", 64), ("zoo:mobilenet_v2", 64), ("zoo:densenet121", 32)]


@pytest.mark.parametrize(("name", "side"), NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "bf16"])
def test_networks_in_parts(name: str, side: int, dtype: str) -> None:
    graph, _ = compile_file(name, shapes={0: (3, side, side)})
    parts = cut(graph, list(range(2, len(graph.nodes), 6)))
    assert len(parts) > 4
    predicted, measured = both(graph, Plan(parts, inplace(graph)), Setting(dtype, device="cpu"))
    rel = 0.0 if dtype == "float32" else 0.03
    assert predicted == (pytest.approx(measured[0], rel=rel), pytest.approx(measured[1], rel=rel))


# --- the choice ----------------------------------------------------------------------------------

RESNET, _ = compile_file("zoo:resnet18", shapes={0: (3, 96, 96)})


def test_the_less_memory_the_more_work() -> None:
    most = plain(RESNET, CPU).memory.peak(32)
    nothing = fit(RESNET, CPU, 32, 1)
    assert isinstance(nothing, Nothing)
    works = []
    for share in (0.0, 0.4, 0.8, 1.0):
        limit = int(nothing.least + share * (most - nothing.least))
        found = fit(RESNET, CPU, 32, limit)
        assert not isinstance(found, Nothing)
        assert found.memory.peak(32) <= limit
        works.append(found.work)
    assert works == sorted(works, reverse=True)
    assert works[0] > works[1] > 0 == works[-1]


def test_norms_and_activations_are_recomputed_before_convolutions() -> None:
    """What a norm and an activation give is made again without a single MAC."""
    most = plain(RESNET, CPU).memory.peak(32)
    found = fit(RESNET, CPU, 32, int(0.9 * most))
    assert not isinstance(found, Nothing)
    assert found.macs == 0 < found.work


def test_a_part_that_ends_with_a_convolution_stops_before_it() -> None:
    text = """network N {
        input 4x8x8
        conv(8, 3x3) -> batchnorm -> relu -> conv(4, 3x3) -> batchnorm -> relu
    }"""
    graph = compiled(text)
    assert graph is not None
    wholes = [each.whole for each in profile(graph, CPU, 1) if each.saves]
    assert wholes == [False, True, True, False, True, True]
    predicted, measured = both(graph, Plan((Part(2, 5),)))
    assert predicted == measured


def test_layers_that_cannot_run_twice_are_in_no_part() -> None:
    text = "network N {\n    input 4x8x8\n    conv(4, 3x3) -> instancenorm(track=true) -> relu\n}"
    graph = compiled(text)
    assert graph is not None
    assert [each.free for each in profile(graph, CPU, 1)] == [False, True, False, True]
