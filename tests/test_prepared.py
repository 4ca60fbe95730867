"""A network prepared for training: the same numbers, the same names, less memory."""

from __future__ import annotations

import copy
import io
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnnlang
from cnnlang.analysis.recomputation.inplace import inplace
from cnnlang.analysis.recomputation.plan import Part, Plan
from cnnlang.backends.module import graph_of, instantiate
from cnnlang.backends.training import prepare, reach
from cnnlang.backends.training.running import running
from cnnlang.backends.training.source import generate
from tests.memory.comparison import compiled
from tests.memory.measure import measure
from tests.zoo.comparison import trained

EXAMPLES = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.usefixtures("one_thread")
TEXT = """network Small(width=16) {
    input 3xHxW
    conv(width, 3x3, padding=1) -> batchnorm -> relu
    repeat 3 {
        residual {
            conv(width, 3x3, padding=1, bias=false) -> batchnorm(momentum=none) -> relu
            dropout(0.3) -> conv(width, 1x1) -> batchnorm
        }
        relu
    }
    head: stack { global_avgpool -> flatten -> dense(10) }
}"""


def small(text: str = TEXT) -> nn.Module:
    torch.manual_seed(0)
    graph = compiled(text)
    assert graph is not None
    return instantiate(graph)


SHAPES = {0: (3, 32, 32)}


def image(batch: int = 4, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(batch, 3, 32, 32, dtype=dtype, generator=torch.Generator().manual_seed(1))


def least(model: nn.Module, **options: Any) -> int:
    """The least memory that an error tells."""
    with pytest.raises(ValueError, match="no batch fits") as caught:
        prepare(model, memory=1, **options)
    found = re.search(r"\((\d+) bytes\)", str(caught.value))
    assert found is not None
    return int(found[1])


def tight(model: nn.Module, batch: int = 4, **options: Any) -> nn.Module:
    """A module with as much recomputed as saves any memory."""
    options = {"batch": batch, "shapes": SHAPES, "channels_last": False, **options}
    return prepare(model, memory=least(model, **options), **options)


def same(first: nn.Module, second: nn.Module, x: Tensor, near: float = 0.0) -> None:
    """Outputs, gradients and running statistics of a step are equal, or very near."""
    wanted, got = trained(copy.deepcopy(first).train(), x), trained(copy.deepcopy(second), x)
    assert wanted.keys() == got.keys()
    torch.testing.assert_close(got, wanted, rtol=near, atol=near)


# --- the same numbers ----------------------------------------------------------------------------

NETWORKS = [
    ("zoo:resnet18", None, (3, 32, 32)),
    ("zoo:mobilenet_v2", None, (3, 64, 64)),
    ("zoo:densenet121", None, (3, 32, 32)),
    ("zoo:googlenet", None, (3, 64, 64)),
    (EXAMPLES / "unet.cnn", "UNet", (3, 32, 32)),
]


@pytest.mark.parametrize(("file", "network", "shape"), NETWORKS, ids=lambda each: str(each))
def test_a_network_in_parts_gives_the_same_bits(
    file: str, network: str | None, shape: tuple[int, ...]
) -> None:
    """Gradients, outputs, statistics; with dropout and, in training, several outputs."""
    model = cnnlang.load(file, network, dtype=torch.float64)
    graph = graph_of(model)
    parts = tuple(Part(i, i + 9) for i in range(2, len(graph.nodes) - 10, 11))
    plan = Plan(parts, inplace(cnnlang.api.compile_file(file, network, shapes={0: shape})[0]))
    source = generate(graph, plan, lambda node: reach(model, node))
    cut = running(model, source, cnnlang_autocast=None)
    same(model, cut, torch.rand(2, *shape, dtype=torch.float64))


@pytest.mark.parametrize("options", [{}, {"inplace": False}, {"channels_last": False}])
def test_a_prepared_network_gives_the_same_numbers(options: dict[str, bool]) -> None:
    """Without dropout: what it draws lies as its input does, by channels last or not."""
    model = small(TEXT.replace("dropout(0.3)", "identity")).double()
    x = image(dtype=torch.float64)
    same(copy.deepcopy(model), prepare(model, **options), x, near=1e-12)


def test_statistics_are_counted_once() -> None:
    model = small()
    module = tight(model)
    assert module.cnnlang_training.peak.parts > 1
    norms = [each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    for number in (1, 2):
        module.train()(image()).sum().backward()
        assert {int(each.num_batches_tracked) for each in norms} == {number}
    assert {each.momentum for each in norms} == {0.1, None}


def test_recomputed_in_place_and_with_random_numbers() -> None:
    module = tight(small())
    assert "torch.relu_(" in type(module).cnnlang_source and ".add_(" in type(module).cnnlang_source
    assert re.search(r"again\(\s*self\.cnnlang_part1", type(module).cnnlang_source)
    same(small(), module, image())


LABELS = ("step", "source", "refuse_hooks", "part1", "again", "cnnlang_part2", "report")


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("kind", ["label", "input"])
def test_names_of_the_file_do_not_collide(name: str, kind: str) -> None:
    label, entry = (f"{name}: ", "x") if kind == "label" else ("", name)
    model = small(
        f"network N {{\n    input {entry}: 3x32x32\n    {label}conv(4, 3x3) -> batchnorm -> relu\n"
        "    conv(4, 3x3) -> batchnorm -> relu -> conv(2, 1x1)\n}"
    ).double()
    same(model, tight(model), image(dtype=torch.float64))


@pytest.mark.parametrize(
    "stack",
    [
        '"1": conv(4, 3x3) -> "0": conv(4, 3x3)',
        "stem: conv(4, 3x3) -> batchnorm -> relu -> conv(4, 3x3) -> last: relu",
    ],
)
def test_layers_are_found_by_their_names(stack: str) -> None:
    model = small(
        f"network N {{\n    input 3x32x32\n    f: stack {{ {stack} }}\n    conv(2, 3x3)\n}}"
    )
    model = model.double()
    for module in (prepare(model, channels_last=False), tight(model)):
        same(model, module, image(dtype=torch.float64))


def test_inputs_may_want_gradients() -> None:
    """What is multiplied by one is kept, and not written over."""
    text = (
        "x -> conv1: conv(3, 3x3, padding=1)\n    multiply(x) -> gated: conv(3, 1x1)\n"
        "    conv1 -> relu -> add(gated) -> relu -> conv(2, 3x3)"
    )
    model = small(f"network N {{\n    input x: 3x32x32\n    {text}\n}}").double()
    for module in (prepare(model, channels_last=False), tight(model)):
        grads = []
        for each in (model.train(), module.train()):
            x = image(dtype=torch.float64).requires_grad_()
            each(x).square().sum().backward()
            grads.append(x.grad)
        torch.testing.assert_close(*grads, rtol=0, atol=0)


def test_noise_that_is_kept_before_it_is_drawn_is_not_drawn_again() -> None:
    text = "conv(4, 3x3, padding=1) -> groupnorm(2) -> rrelu -> batchnorm -> relu -> conv(4, 3x3)"
    model = small(f"network N {{\n    input 3x32x32\n    {text}\n}}").double()
    same(model, tight(model), image(dtype=torch.float64))


def test_nothing_is_written_over_what_a_part_is_made_again_from() -> None:
    graph = compiled("network N {\n    input 3x8x8\n    conv(4, 3x3) -> batchnorm -> relu\n}")
    assert graph is not None
    places = inplace(graph)
    assert places == {3}
    assert Plan((Part(3, 4),), places).overwriting(graph) == set()
    assert Plan((Part(2, 4),), places).overwriting(graph) == {3}


def test_gradients_without_those_of_frozen_layers() -> None:
    model = small()
    for name, each in model.named_parameters():
        each.requires_grad_("dense" in name or "conv2" in name)
    module = tight(model)
    for each in (model.train(), module):
        each.zero_grad()
        torch.manual_seed(0)
        each(image()).sum().backward()
    assert all((each.grad is None) != each.requires_grad for each in module.parameters())


def test_a_second_backward_pass_runs_the_parts_again() -> None:
    module = tight(small()).train()
    loss = module(image()).sum()
    loss.backward(retain_graph=True)
    first = [each.grad.clone() for each in module.parameters() if each.grad is not None]
    loss.backward()
    second = [each.grad for each in module.parameters() if each.grad is not None]
    assert all(torch.equal(2 * a, b) for a, b in zip(first, second, strict=True))


def test_autocast_is_part_of_the_module() -> None:
    model = small()
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(0)
        wanted = copy.deepcopy(model).train()(image())
    module = prepare(model, dtype=torch.bfloat16, channels_last=False).train()
    torch.manual_seed(0)
    got = module(image())
    assert got.dtype == torch.float32
    assert torch.equal(got, wanted.float())
    assert torch.equal(module.eval()(image()), model.eval()(image()))


def test_parts_run_as_they_do_where_a_compiler_takes_over() -> None:
    module = tight(small())
    module.compile(backend="eager")
    same(small(), module, image())


# --- the same names ------------------------------------------------------------------------------


def test_checkpoints_go_both_ways() -> None:
    model, module = small(), tight(small())
    assert list(model.state_dict()) == list(module.state_dict())
    module.load_state_dict(model.state_dict())
    model.load_state_dict(module.state_dict())
    cnnlang.load_weights(small(), module.state_dict())


def test_copies_and_files() -> None:
    module = tight(small())
    twin = copy.deepcopy(module)
    assert type(twin) is type(module)
    same(module, twin, image())
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    same(module, loaded, image())
    assert str(loaded.cnnlang_training) == str(module.cnnlang_training)
    assert graph_of(twin) is graph_of(module)


def test_evaluation_is_that_of_the_network() -> None:
    model = small()
    module = tight(model)
    assert torch.equal(module.eval()(image()), model.eval()(image()))
    assert module.train().training and model.conv1.training
    with pytest.raises(ValueError, match="Small takes x of shape"):
        module(torch.rand(4, 5, 32, 32))


def test_prepared_once_more() -> None:
    again = prepare(tight(small()), batch=4, shapes=SHAPES, channels_last=False)
    assert again.cnnlang_training.peak.parts == 0
    same(small(), again, image())


def test_hooks_that_would_not_be_called_are_refused() -> None:
    module = prepare(small()).train()
    module.conv1.register_forward_hook(lambda *_: None)
    module(image())
    module.head.register_forward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="has hooks, and the training step goes around it"):
        module(image())


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_step_takes_what_was_predicted(optimizer: str) -> None:
    options = {"batch": 8, "shapes": SHAPES, "optimizer": optimizer}
    most = prepare(small(), **options).cnnlang_training.peak.planned
    few = least(small(), **options)
    peaks = []
    for limit in (few, (few + most) // 2, most):
        module = prepare(small(), memory=limit, **options)
        peak = module.cnnlang_training.peak
        assert peak.planned <= limit
        assert measure(module, [image(8)], optimizer).training == peak.planned
        peaks.append(peak)
    assert peaks[0].again >= peaks[1].again >= peaks[2].again == 0
    assert peaks[2].parts == 0


def test_a_step_under_autocast_takes_what_was_predicted() -> None:
    module = tight(small(), batch=8, dtype="bf16")
    peak = module.cnnlang_training.peak
    assert measure(module, [image(8)]).training == pytest.approx(peak.planned, rel=0.03)


def test_the_error_tells_what_would_fit() -> None:
    options: dict[str, Any] = {"shapes": SHAPES}
    limit = least(small(), batch=32, **options)
    with pytest.raises(ValueError, match=r"at most a batch of \d+ fits") as caught:
        prepare(small(), memory=limit - 1, batch=32, **options)
    found = re.search(r"at most a batch of (\d+) fits", str(caught.value))
    assert found is not None
    largest = int(found[1])
    assert 0 < largest < 32
    module = prepare(small(), memory=limit - 1, batch=largest, **options)
    assert module.cnnlang_training.peak.planned < limit


def test_what_the_report_tells() -> None:
    told = str(tight(small()).cnnlang_training)
    assert re.search(r"^Runs    float32 on cpu, \d+ layers in place\n", told)
    assert re.search(r"\d parts recomputed, [\d.]+% of the MACs of the forward pass\n", told)
    assert "Advice  torch.optim.SGD(..., fused=True)" in told
    report = prepare(small(), device="cuda", optimizer="adamw").cnnlang_training
    assert report.peak is None and report.channels_last
    assert torch.optim.AdamW(small().parameters(), **report.optimizer).defaults["fused"]
    fixed = cnnlang.load(EXAMPLES / "lenet5.cnn")
    advice = " ".join(prepare(fixed, device="cuda").cnnlang_training.advice)
    assert "cudnn.benchmark" in advice and 'compile="reduce-overhead"' in advice
    assert "compiled (default)" in str(prepare(fixed, compile=True).cnnlang_training)
    options: dict[str, Any] = {"device": "cuda", "compile": "reduce-overhead"}
    graphed = str(cnnlang.optimize(fixed, for_="training", **options).cnnlang_training)
    assert "compiled (reduce-overhead)" in graphed and "CUDA graphs" not in graphed


# --- wrong uses ----------------------------------------------------------------------------------

WRONG = [
    ({"memory": "1GiB"}, ValueError, "memory= needs batch="),
    ({"memory": "1GB", "batch": 1}, ValueError, "no amount of memory: write '16GiB'"),
    ({"memory": -1, "batch": 1}, ValueError, "memory=-1 is no amount"),
    ({"memory": 1.5, "batch": 1}, TypeError, "memory= is an amount like '16GiB'"),
    ({"batch": 0}, ValueError, "batch=0 is no number of samples"),
    ({"batch": "8"}, TypeError, "batch= is a number of samples, not str"),
    ({"batch": 1}, ValueError, "free dimensions H, W: give sizes"),
    ({"batch": 1, "shapes": {0: (1, 32, 32)}}, ValueError, "x is 3xHxW, not 1x32x32"),
    ({"batch": 1, "shapes": {"y": (3, 32, 32)}}, ValueError, "there is no input y"),
    ({"optimizer": "lion"}, ValueError, "it knows sgd, momentum, adam, adamw"),
    ({"dtype": torch.int8}, ValueError, "dtype=torch.int8 is none of float32"),
    ({"dtype": "float64"}, ValueError, "float64 goes with weights of float64, not float32"),
    ({"device": "mps"}, ValueError, "for cuda or cpu, not for mps"),
    ({"memory": 1, "batch": 1, "compile": True}, ValueError, "without compile="),
    ({"compile": "fastest"}, ValueError, "compile='fastest' is no mode: there are default, reduce"),
    ({"compile": 1}, TypeError, "compile= is True, False or a mode, not int"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG)
def test_wrong_options(options: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        prepare(small(), **options)


def test_modules_that_are_none() -> None:
    with pytest.raises(TypeError, match="Linear was not made by"):
        prepare(nn.Linear(2, 2))
    model = small()
    model.head[2] = nn.Linear(16, 3)
    with pytest.raises(ValueError, match=r"head.* is Linear\(.*out_features=3"):
        prepare(model)
    mixed = small()
    mixed.conv1.half()
    with pytest.raises(ValueError, match=r"types torch.float16, torch.float32: give them one"):
        prepare(mixed)


def test_sizes_that_the_network_cannot_take() -> None:
    model = cnnlang.load(EXAMPLES / "unet.cnn", "UNet")
    with pytest.raises(ValueError, match="cannot take H = 30, W = 32"):
        prepare(model, batch=1, shapes={0: (3, 30, 32)})


def test_a_layer_whose_memory_is_not_known() -> None:
    graph = compiled("network N {\n    input 8x20\n    gru(4)\n}")
    assert graph is not None
    model = instantiate(graph)
    x = torch.rand(2, 8, 20)
    module = prepare(model)
    torch.testing.assert_close(module.train()(x), model.train()(x))
    assert "nothing runs in place: " in str(module.cnnlang_training)
    assert "no memory is told" in str(prepare(model, batch=1).cnnlang_training)
    with pytest.raises(ValueError, match="the memory of N cannot be told"):
        prepare(model, batch=1, memory="1GiB")
