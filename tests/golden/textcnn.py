"""TextCNN: made by cnnlang from textcnn.cnn."""

import torch
import torch.nn.functional as F
from torch import nn


class TextCNN(nn.Module):
    """Network `TextCNN` of textcnn.cnn: 6,360,902 parameters.

    Takes (N, T); gives (N, 2).
    """

    def __init__(self):
        super().__init__()
        self.embedding1 = nn.Embedding(20000, 300)
        self.conv1 = nn.Conv1d(300, 100, 3)
        self.conv2 = nn.Conv1d(300, 100, 4)
        self.conv3 = nn.Conv1d(300, 100, 5)
        self.dropout1 = nn.Dropout(0.5)
        self.dense1 = nn.Linear(300, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        if tokens.dim() != 2:
            raise ValueError(
                f"TextCNN takes tokens of shape (N, T), got {tuple(tokens.shape)}"
            )
        x = self.embedding1(tokens).movedim(-1, 1)  # 300 x T
        branch1 = F.adaptive_max_pool1d(F.relu(self.conv1(x), inplace=True), 1)
        branch2 = F.adaptive_max_pool1d(F.relu(self.conv2(x), inplace=True), 1)
        branch3 = F.adaptive_max_pool1d(F.relu(self.conv3(x), inplace=True), 1)
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 300 x 1
        x = self.dropout1(x.flatten(1))  # 300
        return self.dense1(x)
