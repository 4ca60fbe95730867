"""What tests of several files are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import Call, invoke


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `cnnlang` with some arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return invoke


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread for torch: small tensors on several only wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
