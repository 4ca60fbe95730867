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
TYPES = {word: kind for kind, word in NAMES.items()}


def placed(device: torch.device | str | int) -> torch.device:
    """A device that may be given by its name; raises `ValueError` for one that is not there."""
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is no device here: {error}") from None


def named(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """A type that may be given by its name; raises `ValueError` for one that is not known."""
    if not isinstance(dtype, (str, torch.dtype, type(None))):
        raise TypeError(f"dtype={dtype!r} is none of {', '.join(TYPES)}")
    found = TYPES.get(WORDS.get(dtype, dtype)) if isinstance(dtype, str) else dtype
    if dtype is not None and found not in NAMES:
        raise ValueError(f"dtype={dtype!r} is none of {', '.join(TYPES)}")
    return found
