"""DeepLabV3_ResNet50: made by cnnlang from deeplabv3.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class Bottleneck(nn.Module):
    """Block `Bottleneck` of std.resnet."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        inner: int,
        stride: int = 1,
        dilation: int = 1,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(
            inner,
            inner,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)
        self.downsample = None
        if stride != 1 or in_channels != width * 4:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, width * 4, 1, stride=stride, bias=False),
                nn.BatchNorm2d(width * 4),
            )
            nn.init.kaiming_normal_(
                self.downsample[0].weight, mode="fan_out", nonlinearity="relu"
            )
        for module in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)  # width x H x W
        out = self.conv2(out)  # width x ceil(H / stride) x ceil(W / stride)
        out = F.relu(self.bn2(out), inplace=True)
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            x = self.downsample(x)
        return F.relu(out + x, inplace=True)


class Backbone(nn.Module):
    """Block `Backbone` of deeplabv3.cnn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64, 64), Bottleneck(256, 64, 64), Bottleneck(256, 64, 64)
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, 128, stride=2),
            *[Bottleneck(512, 128, 128) for _ in range(3)],
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, 256),
            *[Bottleneck(1024, 256, 256, dilation=2) for _ in range(5)],
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, 512, dilation=2),
            Bottleneck(2048, 512, 512, dilation=4),
            Bottleneck(2048, 512, 512, dilation=4),
        )
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)  # 64 x ceil(H/2) x ceil(W/2)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 x ceil(H/4) x ceil(W/4)
        x = self.layer1(x)  # 256 x ceil(H/4) x ceil(W/4)
        x = self.layer2(x)  # 512 x ceil(H/8) x ceil(W/8)
        x = self.layer3(x)  # 1024 x ceil(H/8) x ceil(W/8)
        return self.layer4(x)


class Convs(nn.Sequential):
    """Stack `convs` of deeplabv3.cnn."""

    def __init__(self):
        super().__init__(
            nn.Sequential(
                nn.Conv2d(2048, 256, 1, bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ),
            nn.Sequential(
                nn.Conv2d(2048, 256, 3, padding=12, dilation=12, bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ),
            nn.Sequential(
                nn.Conv2d(2048, 256, 3, padding=24, dilation=24, bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ),
            nn.Sequential(
                nn.Conv2d(2048, 256, 3, padding=36, dilation=36, bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ),
            nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(2048, 256, 1, bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch1 = self[0](x)  # 256 x ceil(H/8) x ceil(W/8)
        branch2 = self[1](x)  # 256 x ceil(H/8) x ceil(W/8)
        branch3 = self[2](x)  # 256 x ceil(H/8) x ceil(W/8)
        branch4 = self[3](x)  # 256 x ceil(H/8) x ceil(W/8)
        branch5 = F.interpolate(self[4](x), size=x.size()[2:])
        return torch.cat([branch1, branch2, branch3, branch4, branch5], dim=1)


class ASPP(nn.Module):
    """Block `ASPP` of deeplabv3.cnn."""

    def __init__(self):
        super().__init__()
        self.convs = Convs()
        self.project = nn.Sequential(
            nn.Conv2d(1280, 256, 1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.convs(x)  # 1280 x ceil(H/8) x ceil(W/8)
        return self.project(x)


class DeepLabV3_ResNet50(nn.Module):
    """Network `DeepLabV3_ResNet50` of deeplabv3.cnn: 39,638,869 parameters.

    Takes (N, 3, H, W); gives (N, 21, H, W).
    """

    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.classifier = nn.Sequential(
            ASPP(),
            nn.Conv2d(256, 256, 3, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 21, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4 or x.shape[1] != 3:
            raise ValueError(
                f"DeepLabV3_ResNet50 takes x of shape (N, 3, H, W), got {tuple(x.shape)}"
            )
        out = self.backbone(x)  # 2048 x ceil(H/8) x ceil(W/8)
        out = self.classifier(out)  # 21 x ceil(H/8) x ceil(W/8)
        return F.interpolate(out, size=x.size()[2:], mode="bilinear")
