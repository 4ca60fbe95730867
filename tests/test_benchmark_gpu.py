"""The benchmark for a GPU runs from end to end on a CPU, small; no figure of it is checked here."""

from __future__ import annotations

import pytest
import torch

import cnnlang
from tests.benchmarks import gpu, roofline
from tests.benchmarks.contestants import UNet
from tests.zoo.torchvision_models import models

SMALL = ["--device", "cpu", "--size", "32", "--batches", "2", "--cell", "0", "--dtypes", "bf16"]


@pytest.fixture(autouse=True)
def one_thread():
    models()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("highest")


def rows(folder):
    """The cells of the table that was written."""
    lines = (folder / "cpu.md").read_text().splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]


def test_the_table_has_every_network_mode_and_column(tmp_path):
    columns = ["torchvision", "flags", "plain", "optimised"]
    arguments = ["--networks", "mobilenet_v2", "--columns", *columns, "--output", str(tmp_path)]
    assert gpu.main([*SMALL, *arguments]) == 0
    head, _, *found = rows(tmp_path)
    assert head == ["mode", "type", "network", "batch", *columns, "at most", "reached", "memory"]
    assert [row[:4] for row in found] == [
        ["inference", "bf16", "mobilenet_v2", "2"],
        ["training", "bf16", "mobilenet_v2", "2"],
    ]
    for row in found:
        assert all(float(cell.replace(",", "")) > 0 for cell in row[4:9])


def test_what_is_optimised_is_asked_for_by_mode_and_type(tmp_path, monkeypatch):
    asked = []

    def optimize(module, **options):
        asked.append((options["for_"], options["dtype"]))
        return module

    monkeypatch.setattr(cnnlang, "optimize", optimize)
    arguments = ["--networks", "mobilenet_v2", "--columns", "optimised", "--output", str(tmp_path)]
    gpu.main([*SMALL, *arguments, "--dtypes", "bf16", "float32"])
    assert asked == [
        ("inference", torch.bfloat16),
        ("training", torch.bfloat16),
        ("inference", None),
        ("training", None),
    ]


def test_what_does_not_fit_says_why(tmp_path):
    """No time at all; and one sample has no variance in training."""
    arguments = ["--networks", "mobilenet_v2", "--columns", "plain", "--output", str(tmp_path)]
    gpu.main([*SMALL, *arguments, "--budget", "0"])
    assert [row[4] for row in rows(tmp_path)[2:]] == ["no time left"] * 2
    gpu.main([*SMALL, *arguments, "--batches", "1", "--modes", "training"])
    assert rows(tmp_path)[2][4].startswith("ValueError: Expected more than 1 value per channel")


def test_at_most_is_bound_by_operations_or_by_memory():
    """ResNet-50 in float32 computes longer than it reads; in bf16 it is the other way round."""
    graph = roofline.network("resnet50", 224)
    computing = roofline.OPERATIONS["float32"] / (2 * 4_089_184_256)
    assert roofline.images(graph, 256, "float32", "inference") == pytest.approx(computing)
    half = roofline.images(graph, 256, "bf16", "inference")
    assert half < roofline.OPERATIONS["bf16"] / (2 * 4_089_184_256)
    assert roofline.images(graph, 256, "bf16", "training") == pytest.approx(half / 3)


def test_the_unet_by_hand_is_that_of_the_example():
    module = cnnlang.load("examples/unet.cnn", "UNet", device="meta")
    shapes = [sorted(tuple(p.shape) for p in each.parameters()) for each in (module, UNet())]
    assert shapes[0] == shapes[1]
    with torch.no_grad():
        assert UNet().eval()(torch.rand(1, 3, 16, 16)).shape == (1, 2, 16, 16)
