"""Several processes learn what one process learns (`distributed/gradients.py` under torchrun).

So do stages, one a process (`distributed/pipelined.py`), and the examples run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_module import SMALL
from test_module_reference import EXAMPLES
from test_module_tracing import TWINS

SCRIPTS = Path(__file__).parent / "distributed"
SCRIPT = SCRIPTS / "gradients.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
PROGRAMS = {
    "Small": SMALL,
    "Twins": TWINS,
    "TextCNN": (EXAMPLES / "textcnn.cnn").read_text().replace("20_000", "10"),
}
"""A residual network, one with two inputs and shared weights, and one that reads tokens."""

Differences = dict[str, str]


def torchrun(folder: Path, cuda: bool) -> Differences:
    """What differs between two processes and one, by the way and the network."""
    for name, program in PROGRAMS.items():
        (folder / f"{name}.cnn").write_text(program)
    report = folder / "report.json"
    command = [*TORCHRUN, str(SCRIPT), str(report)]
    command += [f"{folder / name}.cnn:{name}" for name in PROGRAMS]
    run(command, cuda)
    found: Differences = json.loads(report.read_text())
    return found


def run(command: list[str], cuda: bool = False) -> str:
    """What a command prints that starts processes of its own; none is left behind."""
    visible = {} if cuda else {"CUDA_VISIBLE_DEVICES": ""}
    environment = {**os.environ, **visible, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    try:
        printed, errors = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    assert process.returncode == 0, errors
    return printed


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Differences:
    return torchrun(tmp_path_factory.mktemp("cpu"), cuda=False)


@pytest.fixture(scope="module")
def on_gpus(tmp_path_factory: pytest.TempPathFactory) -> Differences:
    return torchrun(tmp_path_factory.mktemp("gpu"), cuda=True)


@pytest.mark.parametrize("network", PROGRAMS)
@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_processes_learn_what_one_learns(way: str, network: str, on_cpu: Differences) -> None:
    assert on_cpu[f"{way} {network}"] == ""


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
@pytest.mark.parametrize("network", PROGRAMS)
@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_gpus_learn_what_one_learns(way: str, network: str, on_gpus: Differences) -> None:
    assert on_gpus[f"{way} {network}"] == ""


def test_stages_learn_what_the_whole_learns(tmp_path: Path) -> None:
    """Gradients and running statistics of two stages are those of the module in one piece."""
    path = tmp_path / "small.cnn"
    path.write_text(SMALL.replace("HxW", "16x16").replace("dropout(0.5)", "dropout(0)"))
    assert run([*TORCHRUN, str(SCRIPTS / "pipelined.py"), str(path)]).count("equal") == 2


@pytest.mark.parametrize("script", ["pipeline.py", "sharded.py"])
def test_the_examples_learn(script: str) -> None:
    command = [*TORCHRUN, str(EXAMPLES / script), str(EXAMPLES / "resnet.cnn"), "ResNet18"]
    printed = run([*command, "--size", "3", "32", "32"])
    losses = [float(line.split()[-1]) for line in printed.splitlines() if "loss" in line]
    assert len(losses) == 3
    assert losses[-1] < losses[0] / 2
