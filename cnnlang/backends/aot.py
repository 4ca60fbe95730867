"""A network with its weights as an AOTInductor package: compiled once, run without its source.

Source: https://docs.pytorch.org/docs/stable/torch.compiler_aot_inductor.html
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from cnnlang.backends.checkpoint import Weights, fill
from cnnlang.backends.module import instantiate
from cnnlang.graph import Graph, Node
from cnnlang.sizes import Size


class PackageError(Exception):
    """A package cannot be made: the text says why."""


def package(graph: Graph, weights: Weights, batch: int = 1, device: str = "cpu") -> bytes:
    """The bytes of a `.pt2` file, for inputs of fixed sizes and a batch.

    `torch._inductor.aoti_load_package` gives the function back; it refuses inputs of other shapes
    and types only where the environment has `AOTI_RUNTIME_CHECK_INPUTS=1`. Raises `WeightsError`
    for weights that do not fit, `PackageError` for free sizes and where there is no compiler or
    device.
    """
    if graph.free:
        letters = " and ".join(graph.free)
        raise PackageError(f"{letters} of {graph.name} must be given: --input 3x224x224")
    if device == "cuda" and not torch.cuda.is_available():
        raise PackageError("there is no CUDA device to compile for")
    inputs = tuple(example(graph.nodes[index], batch, device) for index in graph.inputs)
    module = instantiate(graph, fresh=False)
    fill(module, weights)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        exported = torch.export.export(module.eval().to(device), inputs)
        path = Path(folder) / "network.pt2"
        try:
            torch._inductor.aoti_compile_and_package(
                exported, package_path=str(path), inductor_configs={"freezing": True}
            )
        except (torch._inductor.exc.InductorError, RuntimeError, OSError) as error:
            raise PackageError(f"PyTorch cannot compile {graph.name}: {first(error)}") from None
        return path.read_bytes()


def example(node: Node, batch: int, device: str) -> torch.Tensor:
    """Zeros of the shape of an input."""
    shape = (batch, *map(fixed, node.output.shape))
    dtype = torch.int64 if node.output.dtype == "int" else torch.float32
    return torch.zeros(shape, dtype=dtype, device=device)


def fixed(size: Size) -> int:
    assert isinstance(size, int)
    return size


def first(error: Exception) -> str:
    """The line of an error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
