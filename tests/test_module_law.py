"""Laws of the generated module, for programs drawn at random (`test_module_programs`)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from hypothesis import assume, given, settings
from test_module_programs import SETTINGS, programs
from test_module_reference import (
    Interpreter,
    declared,
    disturb,
    example,
    one_thread,
    shapes,
    tupled,
)

import cnnlang
from cnnlang.analysis.costs import total_parameters
from cnnlang.api import compile_file
from cnnlang.graph import Graph

SIZES = {"H": 8, "W": 8}
LARGEST = 200_000
RUFF = (Path(sys.executable).parent / "ruff").as_posix()


@contextmanager
def written(program: str) -> Iterator[Path]:
    """A file with the text of a program."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.cnn"
        path.write_text(program)
        yield path


def module_and_graph(path: Path) -> tuple[torch.nn.Module, Graph]:
    """Both for a network that is small: merges that double the channels can make it huge."""
    graph, _ = compile_file(path, "Net")
    assume(total_parameters(graph) < LARGEST)
    return cnnlang.load(path, "Net", dtype=torch.float64), graph


@given(program=programs())
@settings(SETTINGS, max_examples=60)
def test_merged_blocks_compute_what_the_layers_compute_one_by_one(program: str) -> None:
    with written(program) as path:
        module, graph = module_and_graph(path)
        assert shapes(module) == declared(graph)
        assert sum(each.numel() for each in module.parameters()) == total_parameters(graph)
        check_outputs(module, graph)


def check_outputs(module: torch.nn.Module, graph: Graph) -> None:
    """The outputs are the interpreter's, and of the shapes that the graph tells."""
    torch.manual_seed(0)
    disturb(module)
    inputs = example(graph, SIZES)
    with one_thread(), torch.no_grad():
        wanted = Interpreter(graph, module.state_dict())(*inputs)
        found = tupled(module.eval()(*inputs))
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)
    for tensor, index in zip(found, graph.outputs, strict=True):
        shape = graph.nodes[index].output.shape
        assert tuple(tensor.shape[1:]) == tuple(
            n if isinstance(n, int) else n.at(SIZES) for n in shape
        )


@given(program=programs())
@settings(SETTINGS, max_examples=30)
def test_the_source_is_the_same_every_time_and_ruff_has_nothing_to_say(program: str) -> None:
    with written(program) as path:
        source = cnnlang.build(path, "Net")
        assert cnnlang.build(path, "Net") == source
        assert complaints(source, "format", "--check", "--diff") == ""
        assert complaints(source, "check", "--select=E,F,I,W,B,UP", "--ignore=E501") == ""


def complaints(source: str, command: str, *options: str) -> str:
    """What ruff says against a source, nothing if all is well."""
    run = [RUFF, command, "--isolated", "--no-cache", "--target-version=py311", *options, "-"]
    result = subprocess.run(run, input=source, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr + source
