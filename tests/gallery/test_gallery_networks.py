"""The networks of the gallery are those of their papers: counted, run, and compared with PyTorch.

The numbers of parameters are those of the papers, of the code of their authors, or of torchvision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnnlang
from cnnlang.diagnostics.model import Severity
from tests.gallery import reference
from tests.gallery.networks import ENTRIES, EXAMPLES, Entry
from tests.zoo.comparison import fill, given, largest, shapes, tensors
from tests.zoo.torchvision_models import models

NAMES = [entry.network for entry in ENTRIES]


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def filled(
    file: str, network: str, dtype: torch.dtype = torch.float64, **options: Any
) -> nn.Module:
    """A network with random weights that keep every layer visible in its output."""
    module = cnnlang.load(EXAMPLES / f"{file}.cnn", network, device="meta", **options).to(dtype)
    return given(module, fill(module.state_dict())).eval()


def inputs(entry: Entry) -> list[Tensor]:
    """Inputs of a network without storage, two of each."""
    found = cnnlang.summarise(entry.path, entry.network, shapes=entry.shapes).as_dict()["inputs"]
    kinds = {"int": torch.int64, "float": torch.float32}
    return [
        torch.empty(2, *each["shape"], dtype=kinds[each["dtype"]], device="meta") for each in found
    ]


# --- all of them ---------------------------------------------------------------------------------


def test_every_file_is_in_the_gallery() -> None:
    assert {entry.path for entry in ENTRIES} == set(EXAMPLES.glob("*.cnn"))


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_a_network_has_no_errors_and_the_parameters_of_its_paper(entry: Entry) -> None:
    assert [d for d in cnnlang.check(entry.path) if d.severity is Severity.ERROR] == []
    assert cnnlang.summarise(entry.path, entry.network).parameters == entry.parameters


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_a_network_runs_forward_and_backward_at_its_size(entry: Entry) -> None:
    """Without storage, so that the largest cost nothing; the comparisons below compute."""
    module = cnnlang.load(entry.path, entry.network, device="meta")
    outputs = tensors(module(*inputs(entry)))
    summary = cnnlang.summarise(entry.path, entry.network, shapes=entry.shapes)
    assert [list(out.shape[1:]) for out in outputs] == summary.as_dict()["outputs"]
    torch.stack([out.sum() for out in outputs]).sum().backward()
    assert [name for name, p in module.named_parameters() if p.grad is None] == []


# --- published numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "millions"), [("M3", 0.2), ("M5", 0.5), ("M11", 1.8), ("M18", 3.7)]
)
def test_raw_waveform_networks_have_the_parameters_of_table_1(
    network: str, millions: float
) -> None:
    found = cnnlang.summarise(EXAMPLES / "m5.cnn", network).parameters
    assert found / 1e6 == pytest.approx(millions, abs=0.06)


def test_yolov3_tiny_fills_the_weights_file_of_darknet() -> None:
    """yolov3-tiny.weights has 35,434,956 bytes: a head of 20, and floats with the statistics."""
    state = cnnlang.load(EXAMPLES / "yolov3_tiny.cnn", device="meta").state_dict()
    floats = sum(v.numel() for name, v in state.items() if not name.endswith("num_batches_tracked"))
    assert 20 + 4 * floats == 35_434_956


@pytest.mark.parametrize(
    ("file", "network", "size", "macs"),
    [
        ("yolov3_tiny", "YOLOv3Tiny", (3, 416, 416), 2.78),  # 5.56 billion operations
        ("c3d", "C3D", (3, 16, 112, 112), 38.5),
    ],
)
def test_billions_of_macs_as_published(file, network, size, macs) -> None:
    found = cnnlang.summarise(EXAMPLES / f"{file}.cnn", network, shapes={0: size}).macs
    assert found / 1e9 == pytest.approx(macs, abs=0.05)


def test_lenet5_of_1998_trains_60_000_numbers() -> None:
    """Section II.B, layer by layer: 156, 12, 1,516, 32, 48,120 and 10,164."""
    module = cnnlang.load(EXAMPLES / "lenet5_1998.cnn")
    module.codes.requires_grad_(False)
    layers: Counter[str] = Counter()
    for name, parameter in module.named_parameters():
        layers[name.split(".")[0]] += parameter.numel() * parameter.requires_grad
    assert +layers == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert layers.total() == 60_000


# --- beside plain PyTorch ------------------------------------------------------------------------

Reference = Callable[[reference.Weights, Tensor], Tensor | tuple[Tensor, ...]]


@pytest.mark.parametrize(
    ("network", "file", "size", "options"),
    [
        ("LeNet5_1998", "lenet5_1998", (2, 1, 32, 32), {}),
        ("SegNet", "segnet", (1, 3, 34, 41), {"classes": 3}),
        ("YOLOv3Tiny", "yolov3_tiny", (1, 3, 64, 96), {"classes": 2}),
        ("ESRGAN", "esrgan", (1, 3, 7, 5), {"width": 8, "growth": 4, "depth": 2}),
        ("Autoencoder", "autoencoder", (2, 1, 28, 28), {}),
        ("M5", "m5", (2, 1, 2048), {}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_network_is_the_one_written_by_hand(network, file, size, options) -> None:
    compare(filled(file, network, **options), getattr(reference, file), size)


def test_fcn8s_is_the_one_written_by_hand() -> None:
    """In single precision and without gradients: it has 134 million weights."""
    module = filled("fcn8s", "FCN8s", torch.float32)
    x = torch.randn(1, 3, 20, 45)
    with torch.no_grad():
        found, wanted = module(x), reference.fcn8s(module.state_dict(), x)
    assert largest([(found, wanted)]) < 1e-5


def compare(module: nn.Module, written: Reference, size: tuple[int, ...]) -> None:
    """Outputs and the gradient of the input are those of the function with the same weights."""
    first = torch.randn(size, dtype=torch.float64, requires_grad=True)
    second = first.detach().clone().requires_grad_()
    found = tensors(module(first))
    wanted = tensors(written(module.state_dict(), second))
    for outputs in (found, wanted):
        torch.stack([(out * out).sum() for out in outputs]).sum().backward()
    pairs = [*zip(found, wanted, strict=True), (first.grad, second.grad)]
    assert largest(pairs) < 1e-9


def test_dcgan_is_the_one_of_pytorchs_example() -> None:
    """examples/dcgan/main.py: the same keys, so its checkpoints load."""
    generator, discriminator = filled("dcgan", "Generator"), filled("dcgan", "Discriminator")
    noise = torch.randn(2, 100, 1, 1, dtype=torch.float64)
    with torch.no_grad():
        picture = loaded(dcgan_generator(), generator)(noise)
        score = loaded(dcgan_discriminator(), discriminator)(picture)
        pairs = [(generator(noise), picture), (discriminator(picture), score.flatten(1))]
    assert largest(pairs) < 1e-9


def loaded(module: nn.Module, other: nn.Module) -> nn.Module:
    state = {name.removeprefix("main."): value for name, value in other.state_dict().items()}
    module.double().load_state_dict(state)
    return module.eval()


def dcgan_generator() -> nn.Module:
    layers: list[nn.Module] = [nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False)]
    for i in (512, 256, 128):
        layers += [nn.BatchNorm2d(i), nn.ReLU(), nn.ConvTranspose2d(i, i // 2, 4, 2, 1, bias=False)]
    layers += [nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.Tanh())


def dcgan_discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for i in (64, 128, 256):
        layers += [nn.Conv2d(i, 2 * i, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * i)]
        layers += [nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid())


@pytest.mark.parametrize("network", ["DeepLabV3_ResNet50", "FCN_ResNet50", "DeepLabV3_ResNet101"])
def test_segmentation_is_torchvisions(network: str) -> None:
    """The keys, their order and shapes; of the first two the outputs too."""
    models()
    from torchvision.models import segmentation

    make = getattr(segmentation, network.lower())
    with torch.device("meta"):
        theirs = make(weights=None, weights_backbone=None, aux_loss=None)
    ours = cnnlang.load(EXAMPLES / "deeplabv3.cnn", network, device="meta")
    keys = [list(shapes(module.state_dict()).items()) for module in (ours, theirs)]
    assert keys[0] == keys[1]
    if network == "DeepLabV3_ResNet101":
        return
    state = fill(ours.state_dict())
    x = torch.randn(1, 3, 41, 60)
    with torch.no_grad():
        found, wanted = given(ours, state).eval()(x), given(theirs, state).eval()(x)["out"]
    assert largest([(found, wanted)]) < 1e-4
