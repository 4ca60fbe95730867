"""What `tests.benchmarks.gpu` measures: networks by hand and ours, each under some flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import cnnlang
from tests.zoo.comparison import tensors, theirs

NETWORKS = ("resnet50", "efficientnet_b0", "mobilenet_v2", "convnext_tiny", "unet")
DTYPES = ("float32", "tf32", "bf16")
MODES = ("inference", "training")
COLUMNS: Mapping[str, str] = {
    "torchvision": "torchvision's module (U-Net: by hand), eager, channels first",
    "flags": "the same with channels_last, cudnn.benchmark and a fused optimizer",
    "compile": "the same with torch.compile, in use with mode=max-autotune",
    "plain": "ours with the flags of `flags`",
    "optimised": "cnnlang.optimize of ours, for inference or for training",
}


class Double(nn.Sequential):
    """Two convolutions of U-Net."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        for of in (channels, width):
            self.append(nn.Conv2d(of, width, 3, padding=1, bias=False))
            self.append(nn.BatchNorm2d(width))
            self.append(nn.ReLU(inplace=True))


class UNet(nn.Module):
    """U-Net as it is written by hand: `examples/unet.cnn`."""

    def __init__(self) -> None:
        super().__init__()
        widths = [64 * 2**i for i in range(5)]
        self.down = nn.ModuleList(Double(a, b) for a, b in zip([3, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in widths[:4])
        self.join = nn.ModuleList(Double(2 * w, w) for w in widths[:4])
        self.head = nn.Conv2d(64, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for level in self.down[:-1]:
            kept.append(level(x))
            x = F.max_pool2d(kept[-1], 2)
        x = self.down[-1](x)
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            x = join(torch.cat([kept.pop(), up(x)], 1))
        return self.head(x)  # type: ignore[no-any-return]


def path(name: str) -> tuple[str, str | None]:
    """The file and the network."""
    return ("examples/unet.cnn", "UNet") if name == "unet" else (f"zoo:{name}", None)


@dataclass(frozen=True, slots=True)
class Setup:
    """A column for one network, dtype and mode."""

    network: str
    dtype: str
    mode: str
    column: str

    @property
    def training(self) -> bool:
        return self.mode == "training"

    def module(self, device: torch.device) -> nn.Module:
        """The module, in training or evaluation, with its weights on the device."""
        torch.manual_seed(0)
        if self.column in ("plain", "optimised"):
            module = cnnlang.load(*path(self.network), device=device)
        else:
            module = UNet() if self.network == "unet" else theirs(self.network, "cpu")
            module = module.to(device)
        if self.column != "torchvision":
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return module.train(self.training)

    def finished(self, module: nn.Module, images: Tensor) -> nn.Module:
        """The module compiled or optimised, for images of this batch."""
        half = torch.bfloat16 if self.dtype == "bf16" else None
        if self.column == "compile":
            module.compile(mode=None if self.training else "max-autotune")
        if self.column == "optimised" and self.training:
            return cnnlang.optimize(module, for_="training", dtype=half).train()
        if self.column == "optimised":
            graphs = images.is_cuda
            return cnnlang.optimize(
                module, for_="inference", dtype=half, example=images, graphs=graphs
            )
        return module

    def work(self, module: nn.Module, images: Tensor) -> Callable[[], object]:
        """What is measured: one step of training, or one batch in use."""
        own = self.column == "optimised" or self.dtype != "bf16"
        autocast = torch.autocast(images.device.type, torch.bfloat16, enabled=not own)
        if not self.training:
            return lambda: used(module, images, autocast)
        fused = True if self.column != "torchvision" else None
        optimizer = torch.optim.SGD(module.parameters(), 1e-6, momentum=0.9, fused=fused)
        with torch.no_grad(), autocast:
            shape = tensors(module(images))[0].shape
        target = torch.zeros(shape[:1] + shape[2:], dtype=torch.long, device=images.device)
        return lambda: trained(module, images, target, optimizer, autocast)

    def configure(self) -> None:
        """The global flags of this column."""
        precision = "highest" if self.dtype == "float32" else "high"
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = self.dtype != "float32"
        torch.backends.cudnn.benchmark = self.column != "torchvision"

    def images(self, batch: int, size: int, device: torch.device) -> Tensor:
        found = torch.rand(batch, 3, size, size, device=device)
        if self.column == "torchvision":
            return found
        return found.to(memory_format=torch.channels_last)


@torch.inference_mode()
def used(module: nn.Module, images: Tensor, autocast: torch.autocast) -> object:
    with autocast:
        return module(images)


def trained(
    module: nn.Module,
    images: Tensor,
    target: Tensor,
    optimizer: torch.optim.Optimizer,
    autocast: torch.autocast,
) -> None:
    """One step of SGD with momentum, with the cross-entropy of every output."""
    optimizer.zero_grad()
    with autocast:
        outputs = tensors(module(images))
        total = torch.stack([F.cross_entropy(each.float(), target) for each in outputs]).sum()
    total.backward()
    optimizer.step()
