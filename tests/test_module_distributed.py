"""Several processes learn what one process learns (`distributed/gradients.py` under torchrun)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_module import SMALL, write
from test_module_reference import EXAMPLES
from test_module_tracing import TWINS

SCRIPT = Path(__file__).parent / "distributed" / "gradients.py"
GPUS = torch.cuda.device_count()


def torchrun(way: str, path: Path, network: str, *, cuda: bool = False) -> None:
    """Run the script in two processes; it fails where they differ from one."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(SCRIPT), way, str(path), network]
    visible = {} if cuda else {"CUDA_VISIBLE_DEVICES": ""}
    environment = {**os.environ, **visible, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_processes_learn_what_one_learns(way: str, tmp_path: Path) -> None:
    torchrun(way, write(tmp_path, SMALL), "Small")


@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_weights_shared_by_two_inputs_are_learned_by_two_processes(
    way: str, tmp_path: Path
) -> None:
    torchrun(way, write(tmp_path, TWINS), "Twins")


def test_tokens_are_spread_over_two_processes(tmp_path: Path) -> None:
    program = (EXAMPLES / "textcnn.cnn").read_text().replace("20_000", "10")
    torchrun("ddp", write(tmp_path, program), "TextCNN")


@pytest.mark.skipif(GPUS < 2, reason="needs two GPUs")
@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_gpus_learn_what_one_learns(way: str, tmp_path: Path) -> None:
    torchrun(way, write(tmp_path, SMALL), "Small", cuda=True)
