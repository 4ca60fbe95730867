"""What was decided about a training step, and what goes with it."""

from __future__ import annotations

from cnnlang import amounts
from cnnlang.analysis.memory import NOT_COUNTED, Setting
from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Peak:
    """The predicted peak of a step in bytes, for one batch: `planned`, and as written `plain`.

    `again` is the share of the MACs of the forward pass that is computed twice.
    """

    batch: int
    plain: int
    planned: int
    limit: int | None
    parts: int
    again: float

    def __str__(self) -> str:
        told = f"{amounts.memory(self.planned)} at the peak of a step with batch {self.batch:,}"
        if not self.parts:
            return told
        parts = amounts.plural(self.parts, "part")
        return (
            f"{told} in place of {amounts.memory(self.plain)}: {parts} recomputed, "
            f"{self.again:.1%} of the MACs of the forward pass"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """How a network was prepared for training, and what else pays.

    `optimizer` are keywords for it: `SGD(model.parameters(), lr=0.1, **report.optimizer)`. `advice`
    are sentences on what the module cannot set for itself. `peak` is None if no batch was given.
    """

    setting: Setting
    channels_last: bool
    compiled: str | None
    inplace: int
    optimizer: dict[str, bool]
    advice: tuple[str, ...]
    peak: Peak | None

    def __str__(self) -> str:
        found = [f"{self.setting} on {self.setting.device}"]
        found += ["channels last"] if self.channels_last else []
        found += [f"compiled ({self.compiled})"] if self.compiled else []
        found += [f"{amounts.plural(self.inplace, 'layer')} in place"] if self.inplace else []
        lines = [f"Runs    {', '.join(found)}"]
        if self.peak is not None:
            lines += [f"Memory  {self.peak}", f"        not counted: {NOT_COUNTED}"]
        return "\n".join([*lines, *(f"Advice  {each}" for each in self.advice)])


def advised(setting: Setting, fixed: bool, compiled: bool) -> tuple[str, ...]:
    """What else makes a step faster; `fixed` if all sizes are."""
    kind = {"sgd": "SGD", "momentum": "SGD", "adam": "Adam", "adamw": "AdamW"}[setting.optimizer]
    found = [f"torch.optim.{kind}(..., fused=True) updates all parameters in one pass"]
    if setting.device == "cpu":
        if not setting.autocast:
            found.append("dtype=torch.bfloat16 is about twice as fast where the CPU has bf16")
        return tuple(found)
    if setting.dtype in ("float32", "float64") and not setting.autocast:
        found.append("dtype=torch.bfloat16, or torch.set_float32_matmul_precision('high')")
    if fixed and not compiled:
        found.append("torch.backends.cudnn.benchmark = True, for all sizes are fixed")
        found.append('for small batches compile="reduce-overhead", which replays CUDA graphs')
    return tuple(found)
