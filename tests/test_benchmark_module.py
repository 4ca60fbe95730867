"""The benchmarks of modules run from end to end, small; no figure of them is checked here."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks import inference, module, training
from tests.benchmarks.pairs import shown
from tests.zoo.torchvision_models import models


@pytest.fixture(autouse=True)
def threads():
    models()
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_tables_have_a_cell_for_every_way_and_every_kind_of_construction(capsys):
    arguments = ["squeezenet1_1", "--size", "32", "--batch", "1", "--seconds", "0"]
    assert module.main([*arguments, "--ways", "eager", "bf16"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| s")]
    assert [line.count("|") - 2 for line in lines] == [4, len(module.CONSTRUCTION)]


def test_a_median_lies_between_the_ends_of_its_interval():
    assert shown([1.0, 2.0, 3.0, 4.0, 5.0]) == "3.000 (1.000-5.000, 5)"
    assert shown([float(i) for i in range(1, 101)]) == "50.500 (41.000-60.000, 100)"


def test_networks_for_inference_beside_their_peers(capsys):
    assert inference.main(["lenet5", "--seconds", "0", "--size", "32"]) == 0
    heads, _, cells = (x for x in capsys.readouterr().out.splitlines() if x.startswith("|"))
    assert heads.count("|") == cells.count("|") and "cnnlang float32" in heads
    assert inference.main(["lenet5", "--seconds", "0", "--float32", "--without", "part"]) == 0
    found = capsys.readouterr().out
    assert "| without part |" in found and "bf16" not in found
    assert inference.main(["lenet5", "--faults"]) == 0
    assert "| page faults a run |" in capsys.readouterr().out


def test_steps_beside_torchvisions_and_with_parts_made_again(capsys):
    assert training.main(["squeezenet1_1", "--seconds", "0", "--size", "32", "--batch", "2"]) == 0
    rows = [x for x in capsys.readouterr().out.splitlines() if x.startswith("| squeezenet")]
    assert [row.count("|") - 2 for row in rows] == [3, 6, *[6] * len(training.SHARES)]
