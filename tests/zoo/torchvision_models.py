"""torchvision without its compiled operators: they are declared, which importing it asks for.

torchvision has no CPU build; its models need none of these operators.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

import pytest
import torch

BOXES = "Tensor dets, Tensor scores, float iou_threshold"
OTHERS = ("deform_conv2d", "ps_roi_align", "ps_roi_pool", "qroi_align", "roi_align", "roi_pool")


@cache
def declared() -> torch.library.Library:
    """The operators that torchvision looks for when it is imported."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}({BOXES}) -> Tensor")
    for name in OTHERS:
        library.define(f"{name}(Tensor input) -> Tensor")
        library.define(f"_{name}_backward(Tensor input) -> Tensor")
    return library


def models() -> ModuleType:
    """`torchvision.models`; the test is skipped where torchvision is not installed."""
    declared()
    pytest.importorskip("torchvision", reason="pip install --no-deps torchvision==0.28.0 pillow")
    import torchvision.models

    return torchvision.models
