"""`cnnlang summary` with `--batch` and `--fits`: what it says of memory, and when it cannot."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click
import pytest
from calls import invoke

from cnnlang import amounts
from cnnlang.analysis.memory import DEVICES, DTYPES, OPTIMIZERS, Setting, memory
from cnnlang.api import compile_file
from cnnlang.backends.summary import summary, table
from cnnlang.backends.usage import Usage
from cnnlang.cli.summary import command as options

EXAMPLES = Path(__file__).parents[2] / "examples"
LENET, RESNET = (str(EXAMPLES / f"{name}.cnn") for name in ("lenet5", "resnet"))


call = partial(invoke, "summary")


def test_the_options_are_those_of_the_analysis() -> None:
    choices = {p.name: p.type.choices for p in options.params if isinstance(p.type, click.Choice)}
    kinds = {"dtype": DTYPES, "weights": DTYPES, "optimizer": OPTIMIZERS, "device": DEVICES}
    assert choices == {name: tuple(known) for name, known in kinds.items()}


def test_table_of_lenet() -> None:
    found = call(LENET, "--batch", "32", "--fits", "1MiB")
    assert found.exit_code == 0
    assert found.stdout.endswith(LAST)
    row = next(line for line in found.stdout.splitlines() if line.startswith("tanh1"))
    assert row.endswith("588 KiB")


LAST = """\
Memory      batch 32, float32, sgd, cuda
Weights     241 KiB
Gradients   241 KiB
Optimizer   0 B
Saved       1,012 KiB for the backward pass
Training    2.32 MiB at the peak of a step
Inference   1.51 MiB at the peak
Fits        batch 9 in training and batch 19 in inference in 1.00 MiB
Not counted workspaces of cuDNN, the CUDA context, the allocator's rounding and fragments
"""


def test_nothing_fits() -> None:
    found = call(LENET, "--fits", "250KiB")
    assert "Fits        no batch in training and no batch in inference in 250 KiB" in found.stdout


def test_json() -> None:
    arguments = ("--batch", "8", "--dtype", "bf16", "--optimizer", "adamw", "--fits", "1GiB")
    data = json.loads(call(LENET, *arguments, "--json").stdout)
    found = data["memory"]
    asked = [found[key] for key in ("batch", "dtype", "weights_dtype", "optimizer", "device")]
    assert asked == [8, "bf16", "float32", "adamw", "cuda"]
    assert found["weights"] == found["gradients"] == 4 * 61_706
    assert found["optimizer_state"] == 2 * found["weights"]
    assert sum(layer["saved"] for layer in data["layers"]) <= found["saved"]
    assert found["inference_peak"] < found["training_peak"]
    assert found["fits"]["bytes"] == 2**30
    assert found["fits"]["training"] < found["fits"]["inference"]
    assert "CUDA context" in found["not_counted"]


def test_modules_have_the_sums_of_what_is_in_them() -> None:
    graph, _ = compile_file(RESNET, "ResNet18", shapes={0: (3, 64, 64)})
    found = summary(graph, Usage(memory(graph, Setting()), Setting(), 4))
    layers = sum(row.saved for row in found.layers)
    assert sum(row.saved for row in found.rows if row.level == 0) == layers
    assert "Saved" not in table(summary(graph))


def test_without_a_batch_nothing_is_said_of_memory() -> None:
    assert "Memory" not in call(LENET).stdout
    assert json.loads(call(LENET, "--json").stdout)["memory"] is None
    found = call(LENET, "--dtype", "bf16")
    assert found.exit_code == 2
    assert "--dtype is about memory: give --batch or --fits too" in found.stderr


def test_free_sizes_and_layers_that_are_not_known(tmp_path: Path) -> None:
    found = call(RESNET, "ResNet18", "--batch", "4")
    assert found.exit_code == 1
    assert "the memory of ResNet18 depends on H, W: give --input 3x224x224" in found.stderr
    (tmp_path / "net.cnn").write_text("network N {\n    input 8x20\n    gru(4)\n}\n")
    found = call(str(tmp_path / "net.cnn"), "--batch", "4")
    assert found.exit_code == 1
    assert "error[R503]" in found.stderr
    assert "net.cnn:3:5" in found.stderr


def test_settings_that_do_not_go_together() -> None:
    found = call(LENET, "--batch", "4", "--dtype", "float64", "--weights", "bf16")
    assert found.exit_code == 2
    assert "dtype float64 goes with weights of float64, not bf16" in found.stderr


@pytest.mark.parametrize("text", ["1MB", "0", "1.2.3GiB", "-5", "", "1.5", "much", "9" * 40])
def test_amounts_that_are_none(text: str) -> None:
    found = call(LENET, "--fits", text)
    assert found.exit_code == 2
    assert "is no amount of memory: write 24GiB or 500MiB" in found.stderr


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.50 KiB"),
        (10 * 2**20, "10.0 MiB"),
        (2**43, "8.00 TiB"),
    ],
)
def test_amounts(number: int, text: str) -> None:
    assert amounts.memory(number) == text
