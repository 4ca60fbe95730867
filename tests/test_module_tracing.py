"""What PyTorch's tracers make of a module: compile, export, ONNX."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from test_module import HEADS, SMALL, write
from test_module_reference import EXAMPLES
from torch import Tensor, nn
from torch.export import Dim

import cnnlang

TWINS = """
network Twins {
    input left: 1xHxW
    input right: 1xHxW
    shared embed { conv(2, 3x3, padding=same, stride=2) -> relu -> global_avgpool -> flatten }
    right -> other: embed
    left -> embed -> subtract(other) -> abs -> dense(2)
}
"""


def loaded(folder: Path, program: str) -> Any:
    torch.manual_seed(0)
    return cnnlang.load(write(folder, program)).eval()


def text() -> Any:
    torch.manual_seed(0)
    return cnnlang.load(EXAMPLES / "textcnn.cnn", vocabulary=12).eval()


def unet() -> Any:
    torch.manual_seed(0)
    return cnnlang.load(EXAMPLES / "unet.cnn", "UNet", width=2, depth=2).eval()


def tokens(batch: int, length: int) -> Tensor:
    return torch.randint(0, 12, (batch, length))


# --- torch.compile -------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def fresh_compiler() -> None:
    torch._dynamo.reset()


def check_compiled(net: nn.Module, *inputs: Tensor, backend: str = "aot_eager") -> None:
    wanted = net(*inputs)
    found = torch.compile(net, fullgraph=True, backend=backend)(*inputs)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_network_is_one_graph_with_its_check(tmp_path: Path) -> None:
    check_compiled(loaded(tmp_path, SMALL), torch.randn(2, 3, 8, 8))


def test_several_inputs_are_one_graph(tmp_path: Path) -> None:
    check_compiled(loaded(tmp_path, TWINS), torch.randn(2, 1, 7, 9), torch.randn(2, 1, 7, 9))


def test_both_modes_of_a_network_with_training_outputs_are_one_graph(tmp_path: Path) -> None:
    net = loaded(tmp_path, HEADS)
    check_compiled(net, torch.randn(2, 3, 8, 8), backend="eager")
    check_compiled(net.train(), torch.randn(2, 3, 8, 8), backend="eager")


def test_tokens_and_multiples_are_one_graph() -> None:
    check_compiled(text(), tokens(2, 7), backend="eager")
    check_compiled(unet(), torch.randn(1, 3, 8, 12), backend="eager")


def test_gradients_go_through_a_compiled_module(tmp_path: Path) -> None:
    net, x = loaded(tmp_path, SMALL), torch.randn(2, 3, 8, 8)
    net(x).sum().backward()
    wanted = [each.grad.clone() for each in net.parameters()]
    net.zero_grad()
    torch.compile(net, fullgraph=True, backend="aot_eager")(x).sum().backward()
    for each, grad in zip(net.parameters(), wanted, strict=True):
        torch.testing.assert_close(each.grad, grad, rtol=1e-4, atol=1e-5)


def test_one_dynamic_graph_serves_every_size(tmp_path: Path) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    net = loaded(tmp_path, SMALL)
    compiled = torch.compile(net, fullgraph=True, dynamic=True, backend=backend)
    for height, width in [(8, 9), (12, 10), (7, 16)]:
        x = torch.randn(2, 3, height, width)
        torch.testing.assert_close(compiled(x), net(x))
    assert len(graphs) == 1


def test_a_wrong_input_of_a_compiled_module_is_told_too(tmp_path: Path) -> None:
    compiled = torch.compile(loaded(tmp_path, SMALL), backend="eager")
    with pytest.raises(ValueError, match=r"Small takes x of shape \(N, 3, H, W\)"):
        compiled(torch.randn(2, 4, 8, 8))


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_inductor_compiles_a_network(tmp_path: Path) -> None:
    program = "network N { input 3xHxW\n conv(4, 3x3, padding=same, stride=2) -> relu }"
    check_compiled(loaded(tmp_path, program), torch.randn(2, 3, 9, 8), backend="inductor")


# --- torch.export --------------------------------------------------------------------------------


def exported(net: nn.Module, inputs: tuple[Tensor, ...], dynamic: Any) -> Any:
    return torch.export.export(net, inputs, dynamic_shapes=dynamic)


def test_height_and_width_stay_free_in_an_export(tmp_path: Path) -> None:
    net = loaded(tmp_path, SMALL)
    free = {0: Dim("N"), 2: Dim("H", min=4), 3: Dim("W", min=4)}
    program = exported(net, (torch.randn(2, 3, 8, 9),), (free,)).module()
    for shape in [(1, 3, 8, 8), (3, 3, 13, 6)]:
        x = torch.randn(shape)
        torch.testing.assert_close(program(x), net(x))


def test_an_exported_unet_takes_every_multiple() -> None:
    net = unet()
    free = {2: 4 * Dim("h", max=64), 3: 4 * Dim("w", max=64)}
    program = exported(net, (torch.randn(1, 3, 8, 12),), (free,)).module()
    x = torch.randn(1, 3, 16, 24)
    torch.testing.assert_close(program(x), net(x))


def test_the_length_of_a_text_stays_free_in_an_export() -> None:
    net = text()
    program = exported(net, (tokens(2, 9),), ({0: Dim("N"), 1: Dim("T", min=6)},)).module()
    x = tokens(3, 21)
    torch.testing.assert_close(program(x), net(x))


def test_fixed_sizes_and_several_inputs_are_exported(tmp_path: Path) -> None:
    net = loaded(tmp_path, TWINS.replace("HxW", "8x9"))
    given = torch.randn(2, 1, 8, 9), torch.randn(2, 1, 8, 9)
    batch = Dim("N")
    program = exported(net, given, ({0: batch}, {0: batch})).module()
    left, right = torch.randn(5, 1, 8, 9), torch.randn(5, 1, 8, 9)
    torch.testing.assert_close(program(left, right), net(left, right))


def test_an_export_can_be_saved_and_loaded(tmp_path: Path) -> None:
    net, x = loaded(tmp_path, SMALL), torch.randn(2, 3, 8, 8)
    file = io.BytesIO()
    torch.export.save(exported(net, (x,), None), file)
    file.seek(0)
    torch.testing.assert_close(torch.export.load(file).module()(x), net(x))


def test_the_check_leaves_no_operation_in_the_graph(tmp_path: Path) -> None:
    graph = exported(
        loaded(tmp_path, "network N { input 3xHxW\n relu }"),
        (torch.randn(2, 3, 8, 8),),
        ({2: Dim("H"), 3: Dim("W")},),
    ).graph
    called = [node.target for node in graph.nodes if node.op == "call_function"]
    assert called == [torch.ops.aten.relu.default]


# --- ONNX ----------------------------------------------------------------------------------------


def check_onnx(net: nn.Module, inputs: tuple[Tensor, ...], others: Any, dynamic: Any) -> None:
    """The ONNX model is well-formed, and computes the same for inputs of another size."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    from onnx.reference import ReferenceEvaluator

    made = torch.onnx.export(net, inputs, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    assert made is not None
    model = made.model_proto
    onnx.checker.check_model(model, full_check=True)
    names = [each.name for each in model.graph.input]
    given = {name: x.numpy() for name, x in zip(names, others, strict=True)}
    (found,) = ReferenceEvaluator(model).run(None, given)
    torch.testing.assert_close(torch.from_numpy(found), net(*others), rtol=1e-3, atol=1e-4)


def test_onnx_has_free_height_and_width(tmp_path: Path) -> None:
    free = ({2: Dim("H", min=4), 3: Dim("W", min=4)},)
    x, y = torch.randn(1, 3, 8, 9), torch.randn(1, 3, 6, 10)
    check_onnx(loaded(tmp_path, SMALL), (x,), (y,), free)


def test_onnx_has_free_length_of_text() -> None:
    check_onnx(text(), (tokens(1, 9),), (tokens(1, 12),), ({1: Dim("T", min=6)},))


def test_onnx_has_multiples_of_a_unet() -> None:
    x, y = torch.randn(1, 3, 8, 12), torch.randn(1, 3, 12, 8)
    check_onnx(unet(), (x,), (y,), ({2: 4 * Dim("h", max=64), 3: 4 * Dim("w", max=64)},))


def test_onnx_has_several_inputs(tmp_path: Path) -> None:
    x, y = torch.randn(1, 1, 8, 9), torch.randn(1, 1, 8, 9)
    check_onnx(loaded(tmp_path, TWINS.replace("HxW", "8x9")), (x, y), (y, x), None)
