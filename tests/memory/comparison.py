"""What is predicted for a network beside what is measured."""

from __future__ import annotations

import torch

from cnnlang.analysis.memory import Memory, Setting, memory
from cnnlang.api import fetch
from cnnlang.backends.module import instantiate
from cnnlang.compilation import Settings, compile_source
from cnnlang.diagnostics.model import Source
from cnnlang.graph import Graph
from tests.memory.measure import TYPES, Measured, drawn, measure

BATCH = 2


def compiled(text: str) -> Graph | None:
    return compile_source(Source("drawn.cnn", text), fetch, None, Settings())[0]


def both(
    graph: Graph, setting: Setting, batch: int = BATCH, log: bool = False
) -> tuple[Measured, Measured]:
    """What is predicted, and what is measured."""
    found: Memory = memory(graph, setting)
    predicted = Measured(found.saved.at(batch), found.peak(batch), found.peak(batch, False))
    dtype = TYPES[setting.weights]
    module = instantiate(graph, dtype=dtype)
    torch.manual_seed(0)
    amp = setting.dtype if setting.dtype != setting.weights else None
    inputs = drawn(graph, batch, dtype)
    foreach = setting.device == "cuda"
    return predicted, measure(module, inputs, setting.optimizer, amp, foreach, log)
