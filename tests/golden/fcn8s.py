"""FCN8s: made by cnnlang from fcn8s.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


def crop_from(x, offset, size):
    """A part of a map: `size` positions an axis, from position `offset` on."""
    size = (size,) * (x.dim() - 2) if isinstance(size, int) else size
    for axis, length in enumerate(size, start=2):
        x = x.narrow(axis, offset, length)
    return x


class FCN8s(nn.Module):
    """Network `FCN8s` of fcn8s.cnn: 134,489,759 parameters.

    Takes (N, 3, H, W); gives (N, 21, H, W).
    """

    def __init__(self):
        super().__init__()
        self.conv1_1 = nn.Conv2d(3, 64, 3, padding=100)
        self.conv1_2 = nn.Conv2d(64, 64, 3, padding=1)
        self.pool1 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv2_1 = nn.Conv2d(64, 128, 3, padding=1)
        self.conv2_2 = nn.Conv2d(128, 128, 3, padding=1)
        self.pool2 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv3_1 = nn.Conv2d(128, 256, 3, padding=1)
        self.conv3_2 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv3_3 = nn.Conv2d(256, 256, 3, padding=1)
        self.pool3 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv4_1 = nn.Conv2d(256, 512, 3, padding=1)
        self.conv4_2 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv4_3 = nn.Conv2d(512, 512, 3, padding=1)
        self.pool4 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv5_1 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv5_2 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv5_3 = nn.Conv2d(512, 512, 3, padding=1)
        self.pool5 = nn.MaxPool2d(2, ceil_mode=True)
        self.fc6 = nn.Conv2d(512, 4096, 7)
        self.channel_dropout1 = nn.Dropout2d(0.5)
        self.fc7 = nn.Conv2d(4096, 4096, 1)
        self.channel_dropout2 = nn.Dropout2d(0.5)
        self.score_fr = nn.Conv2d(4096, 21, 1)
        self.upscore2 = nn.ConvTranspose2d(21, 21, 4, stride=2, bias=False)
        self.score_pool4 = nn.Conv2d(512, 21, 1)
        self.upscore_pool4 = nn.ConvTranspose2d(21, 21, 4, stride=2, bias=False)
        self.score_pool3 = nn.Conv2d(256, 21, 1)
        self.upscore8 = nn.ConvTranspose2d(21, 21, 16, stride=8, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4 or x.shape[1] != 3:
            raise ValueError(
                f"FCN8s takes x of shape (N, 3, H, W), got {tuple(x.shape)}"
            )
        out = F.relu(self.conv1_1(x), inplace=True)  # 64 x H + 198 x W + 198
        out = F.relu(self.conv1_2(out), inplace=True)  # 64 x H + 198 x W + 198
        out = self.pool1(out)  # 64 x ceil(H/2) + 99 x ceil(W/2) + 99
        out = F.relu(self.conv2_1(out), inplace=True)
        out = F.relu(self.conv2_2(out), inplace=True)
        out = self.pool2(out)  # 128 x (H + 201)//4 x (W + 201)//4
        out = F.relu(self.conv3_1(out), inplace=True)
        out = F.relu(self.conv3_2(out), inplace=True)
        out = F.relu(self.conv3_3(out), inplace=True)
        pool3 = self.pool3(out)  # 256 x (H + 205)//8 x (W + 205)//8
        out = F.relu(self.conv4_1(pool3), inplace=True)
        out = F.relu(self.conv4_2(out), inplace=True)
        out = F.relu(self.conv4_3(out), inplace=True)
        pool4 = self.pool4(out)  # 512 x (H + 213)//16 x (W + 213)//16
        out = F.relu(self.conv5_1(pool4), inplace=True)
        out = F.relu(self.conv5_2(out), inplace=True)
        out = F.relu(self.conv5_3(out), inplace=True)
        out = self.pool5(out)  # 512 x (H + 229)//32 x (W + 229)//32
        out = self.channel_dropout1(F.relu(self.fc6(out), inplace=True))
        out = self.channel_dropout2(F.relu(self.fc7(out), inplace=True))
        out = self.score_fr(out)  # 21 x (H + 37)//32 x (W + 37)//32
        upscore2 = self.upscore2(out)  # 21 x 2*((H + 5)//32) + 4 x 2*((W + 5)//32) + 4
        out = crop_from(self.score_pool4(pool4), 5, upscore2.size()[2:]) + upscore2
        upscore_pool4 = self.upscore_pool4(out)
        out = crop_from(self.score_pool3(pool3), 9, upscore_pool4.size()[2:])
        out = out + upscore_pool4  # 21 x 4*((H + 5)//32) + 10 x 4*((W + 5)//32) + 10
        return crop_from(self.upscore8(out), 31, x.size()[2:])
