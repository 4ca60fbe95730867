"""The networks of the gallery, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class Entry:
    """A network of a file, and the size of its input that its paper has.

    `size` is without the batch, None where the file says it; `parameters` is the number that its
    paper, its authors' code or torchvision has; `style` is that of its figure, the usual one if
    None.
    """

    file: str
    network: str
    parameters: int
    size: tuple[int, ...] | None = None
    style: str | None = None

    @property
    def path(self) -> Path:
        return EXAMPLES / f"{self.file}.cnn"

    @property
    def figure(self) -> Path:
        return EXAMPLES / "figures" / f"{self.network.lower()}.svg"

    @property
    def shapes(self) -> dict[str | int, tuple[int, ...]]:
        """The size as the API takes it."""
        return {} if self.size is None else {0: self.size}


IMAGENET = (3, 224, 224)
GALLERY: dict[str, list[Entry]] = {
    "Classification": [
        Entry("lenet5", "LeNet5", 61_706),
        Entry("lenet5_1998", "LeNet5_1998", 60_000 + 840),
        Entry("alexnet", "AlexNet", 61_100_840),
        Entry("nin", "NiN", 966_986),
        Entry("googlenet", "GoogLeNet", 7_005_832),
        Entry("resnet", "ResNet18", 11_689_512, IMAGENET),
        Entry("densenet", "DenseNet121", 7_978_856),
        Entry("mobilenet_v2", "MobileNetV2", 3_504_872, style="blocks"),
    ],
    "Segmentation": [
        Entry("unet", "UNet", 31_037_698, (3, 256, 256), "volumes"),
        Entry("fcn8s", "FCN8s", 134_489_759, (3, 500, 500)),
        Entry("segnet", "SegNet", 29_449_932, (3, 360, 480), "blocks"),
        Entry("deeplabv3", "DeepLabV3_ResNet50", 39_638_869, (3, 520, 520), "blocks"),
    ],
    "Detection": [
        Entry("yolov3_tiny", "YOLOv3Tiny", 8_852_366, (3, 416, 416)),
    ],
    "Pictures": [
        Entry("autoencoder", "Autoencoder", 275_979),
        Entry("dcgan", "Generator", 3_576_704),
        Entry("dcgan", "Discriminator", 2_765_568),
        Entry("esrgan", "ESRGAN", 16_697_987, (3, 128, 128)),
    ],
    "Pairs, text, sound and video": [
        Entry("siamese", "Siamese", 38_951_745),
        Entry("textcnn", "TextCNN", 6_360_902, (64,)),
        Entry("m5", "M5", 559_114, (1, 32_000)),
        Entry("c3d", "C3D", 79_991_015),
    ],
}
ENTRIES = [entry for entries in GALLERY.values() for entry in entries]
