"""Types of real numbers: PyTorch's, and what the command line and predictions call them."""

from __future__ import annotations

import torch

NAMES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.bfloat16: "bf16",
    torch.float16: "float16",
}
WORDS = {"bfloat16": "bf16", "half": "float16", "fp16": "float16", "fp32": "float32"}
