"""Networks for inference on a CUDA device can record runs as CUDA graphs.

Graphs are played on the CPU (`tests/cuda_graphs.py`): a replay does again what was recorded on the
very tensors, so what a run reads or writes elsewhere would be seen. Where there is a GPU, real ones
are recorded too.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

import cnnlang
from cnnlang.backends import optimizing
from tests import cuda_graphs
from tests.inference import RESIDUAL, Make, distance

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]
TWO = """
network Two {
    input left: 3x8x8
    input right: 3x8x8
    left -> conv(4, 3x3) -> a: tanh
    right -> conv(4, 3x3) -> add(a) -> b: sigmoid
    output a, b
}
"""


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda_graphs.play(monkeypatch)
    monkeypatch.setattr(optimizing, "target", lambda device, dtype: "cuda")


def replays(fast: Any) -> list[int]:
    """How often each recorded run was replayed."""
    return [run.graph.replays for run in (fast.runs or {}).values()]


@pytest.mark.usefixtures("played")
def test_recorded_shapes_are_replayed_and_others_run(make: Make) -> None:
    model = make(RESIDUAL)
    fast: Any = cnnlang.optimize(model, example=torch.randn(2, 3, 9, 9), graphs=True)
    before = replays(fast)
    for _ in range(2):
        assert distance(model, fast, torch.randn(2, 3, 9, 9)) < 1e-5
        assert distance(model, fast, torch.randn(1, 3, 7, 9)) < 1e-5
    assert replays(fast) == [before[0] + 4]
    assert fast.record(torch.randn(1, 3, 7, 9)) is fast
    assert distance(model, fast, torch.randn(1, 3, 7, 9)) < 1e-5
    assert replays(fast) == [before[0] + 4, 2]
    fast(torch.randn(1, 3, 7, 9).double())
    assert replays(fast) == [before[0] + 4, 2]


@pytest.mark.usefixtures("played")
def test_results_are_the_callers(make: Make) -> None:
    """The next run changes neither them nor the input."""
    x, y = torch.randn(2, 3, 9, 9), torch.randn(2, 3, 9, 9)
    fast = cnnlang.optimize(make(RESIDUAL), example=x, graphs=True)
    first = fast(x)
    kept = first.clone()
    assert not torch.equal(fast(y), kept)
    assert torch.equal(first, kept)
    assert torch.equal(fast(x), kept)


@pytest.mark.usefixtures("played")
def test_inference_mode_inside_and_outside(make: Make) -> None:
    model, x = make(RESIDUAL), torch.randn(2, 3, 9, 9)
    with torch.inference_mode():
        fast = cnnlang.optimize(model, example=x.clone(), graphs=True)
        inside = fast(torch.ones_like(x))
    assert torch.equal(fast(torch.ones_like(x)), inside)
    assert distance(model, fast, x) < 1e-5


@pytest.mark.usefixtures("played")
def test_several_inputs_and_outputs(make: Make) -> None:
    model, pair = make(TWO), (torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8))
    fast: Any = cnnlang.optimize(model, example=pair, graphs=True)
    assert distance(model, fast, *pair) < 1e-5
    (count,) = replays(fast)
    named = fast(left=pair[0], right=pair[1])
    assert replays(fast) == [count + 1]
    assert all(map(torch.equal, named, fast(*pair)))


@pytest.mark.usefixtures("played")
def test_runs_go_with_the_weights(make: Make) -> None:
    """New weights and copies have none of the recorded runs."""
    model, x = make(RESIDUAL), torch.randn(2, 3, 9, 9)
    fast: Any = cnnlang.optimize(model, example=x, graphs=True)
    copied: Any = copy.deepcopy(fast)
    assert copied.runs is None
    assert torch.equal(copied(x), fast(x))
    assert b"Graph" not in pickle.dumps(copied.state_dict())
    fast.load_state_dict({name: tensor * 0 for name, tensor in fast.state_dict().items()})
    assert fast.runs is None
    assert not fast(x).any()


@pytest.mark.usefixtures("played")
def test_nothing_is_no_call(make: Make) -> None:
    fast: Any = cnnlang.optimize(make(RESIDUAL))
    with pytest.raises(TypeError, match="record takes the inputs of a call"):
        fast.record()


def test_what_cannot_be_recorded_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = make(RESIDUAL), torch.randn(1, 3, 9, 9)
    with pytest.raises(ValueError, match=r"a CUDA device, .* this is torch.float32 on cpu"):
        cnnlang.optimize(model, example=x, graphs=True)
    monkeypatch.setattr(optimizing, "target", lambda device, dtype: "cuda")
    with pytest.raises(ValueError, match="needs example=: a CUDA graph holds one batch and size"):
        cnnlang.optimize(model, graphs=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(make: Make) -> None:
    """Real graphs, in float32 without TF32: replayed or not, the results are equal."""
    model, x = make(RESIDUAL).cuda(), torch.randn(2, 3, 33, 33, device="cuda")
    fast: Any = cnnlang.optimize(model, example=x, graphs=True)
    for size in ((2, 3, 33, 33), (1, 3, 17, 40)):
        assert distance(model, fast, torch.randn(size, device="cuda")) < 1e-4
    again = fast.record(torch.randn(1, 3, 17, 40, device="cuda"))
    assert distance(model, again, torch.randn(1, 3, 17, 40, device="cuda")) < 1e-4
