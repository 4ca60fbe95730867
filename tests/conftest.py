"""What tests of several files are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Any]:
    """The network of a text, in evaluation, with drawn statistics and scales."""
    import cnnlang
    from tests.inference import drawn

    def made(text: str) -> Any:
        file = tmp_path / "net.cnn"
        file.write_text(text)
        return drawn(cnnlang.load(file))

    return made
