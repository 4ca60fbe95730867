"""What a network takes of memory for one batch: the lines of a summary, and its JSON."""

from __future__ import annotations

from typing import Any

from cnnlang import amounts
from cnnlang.analysis.memory import NOT_COUNTED, Memory, Setting
from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """The memory of a network that runs in some setting with some batch.

    `limit` is what there is in bytes; None if that is not asked.
    """

    memory: Memory
    setting: Setting
    batch: int
    limit: int | None = None

    def layer(self, node: int) -> int:
        """What autograd saves of one node for the batch, and of none before it."""
        return self.memory.layers[node].at(self.batch)

    def largest(self, training: bool) -> int | None:
        """The largest batch within the limit; 0 if not even one sample fits."""
        return None if self.limit is None else self.memory.largest(self.limit, training)

    def as_dict(self) -> dict[str, Any]:
        """The amounts in bytes, as plain data."""
        memory, setting = self.memory, self.setting
        found = {
            "batch": self.batch,
            "dtype": setting.dtype,
            "weights_dtype": setting.weights,
            "optimizer": setting.optimizer,
            "device": setting.device,
            "weights": memory.weights,
            "gradients": memory.gradients,
            "optimizer_state": memory.state,
            "saved": memory.saved.at(self.batch),
            "training_peak": memory.peak(self.batch),
            "inference_peak": memory.peak(self.batch, training=False),
            "not_counted": NOT_COUNTED,
        }
        if self.limit is None:
            return found
        largest = {"training": self.largest(True), "inference": self.largest(False)}
        return found | {"fits": {"bytes": self.limit} | largest}


def lines(usage: Usage) -> list[str]:
    """The lines under the table."""
    memory, batch, setting = usage.memory, usage.batch, usage.setting
    found = {
        "Memory": f"batch {batch:,}, {setting}, {setting.optimizer}, {setting.device}",
        "Weights": amounts.memory(memory.weights),
        "Gradients": amounts.memory(memory.gradients),
        "Optimizer": amounts.memory(memory.state),
        "Saved": f"{amounts.memory(memory.saved.at(batch))} for the backward pass",
        "Training": f"{amounts.memory(memory.peak(batch))} at the peak of a step",
        "Inference": f"{amounts.memory(memory.peak(batch, training=False))} at the peak",
    }
    if usage.limit is not None:
        found["Fits"] = fitting(usage, usage.limit)
    return [f"{head:<11} {text}" for head, text in (found | {"Not counted": NOT_COUNTED}).items()]


def fitting(usage: Usage, limit: int) -> str:
    """The largest batches, or that there is none."""
    told = [
        f"batch {largest:,} {mode}" if largest else f"no batch {mode}"
        for largest, mode in (
            (usage.largest(True), "in training"),
            (usage.largest(False), "in inference"),
        )
    ]
    return f"{' and '.join(told)} in {amounts.memory(limit)}"
