"""The benchmark of the module runs from end to end, small; no figure of it is checked here."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks import module
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
    assert module.shown([1.0, 2.0, 3.0, 4.0, 5.0]) == "3.000 (1.000-5.000, 5)"
    assert module.shown([float(i) for i in range(1, 101)]) == "50.500 (41.000-60.000, 100)"
