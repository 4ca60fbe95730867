"""Several processes learn what one process learns (`distributed/gradients.py` under torchrun)."""

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

SCRIPT = Path(__file__).parent / "distributed" / "gradients.py"
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
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(SCRIPT), str(report)]
    command += [f"{folder / name}.cnn:{name}" for name in PROGRAMS]
    visible = {} if cuda else {"CUDA_VISIBLE_DEVICES": ""}
    run(command, {**os.environ, **visible, "OMP_NUM_THREADS": "1"})
    found: Differences = json.loads(report.read_text())
    return found


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command that starts processes of its own; none is left behind."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, env=environment, stderr=pipe, text=True, start_new_session=True
    )
    try:
        _, errors = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    assert process.returncode == 0, errors


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
