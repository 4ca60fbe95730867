"""Networks that people had trouble with, and some that are right, as layers of PyTorch.

`corpus_dev.jsonl` has a case a line: its `input`s with the batch, its `layers` with PyTorch's names
of their arguments, what is to be `expect`ed, where PyTorch 2.13 says so (`error_at`), and a `fix`
that was run, as an edit of the layers (`fix_patch`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

CORPUS = Path(__file__).parent / "corpus_dev.jsonl"

LayerData = dict[str, Any]
Patch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One network; a layer without `in` takes what the layer before it gives.

    `expect` is `error`, `lint` or `ok`; `lints` are the names of the lints, those that depend on
    more than the network left out. `shape` is what comes out, with the batch, where that is known,
    and `fixed_shape` what comes out once it is mended.
    """

    id: str
    input: dict[str, list[int]]
    layers: tuple[LayerData, ...]
    expect: Literal["error", "lint", "ok"]
    error_at: str | None
    patch: Patch | None
    lints: tuple[str, ...]
    shape: list[int] | None
    fixed_shape: list[int] | None

    @property
    def batch_alone(self) -> bool:
        """True if the mistake is the size of the batch and nothing else."""
        inputs = (self.patch or {}).get("input")
        if not inputs or set(self.patch or {}) != {"input"}:
            return False
        return all(shape[1:] == self.input[name][1:] for name, shape in inputs.items())

    def mended(self) -> Case:
        """The network after the edit that mends it."""
        assert self.patch is not None
        layers = [layer for each in self.layers for layer in edited(each, self.patch)]
        inputs = {**self.input, **self.patch.get("input", {})}
        return replace(self, input=inputs, layers=tuple(layers), patch=None)


def edited(layer: LayerData, patch: Patch) -> list[LayerData]:
    """What a patch makes of a layer: itself, with other arguments, others before it, or none."""
    name = layer["name"]
    if name in patch.get("remove", ()):
        return []
    if name in patch.get("replace", {}):
        return list(patch["replace"][name])
    values = {**layer, **patch.get("set", {}).get(name, {})}
    kept = {key: value for key, value in values.items() if value is not None}
    return [*patch.get("before", {}).get(name, ()), kept]


def read(path: Path = CORPUS) -> list[Case]:
    """The cases of a file."""
    return [case(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def case(data: dict[str, Any]) -> Case:
    return Case(
        data["id"],
        data["input"],
        tuple(data["layers"]),
        data["expect"],
        data["error_at"],
        data["fix_patch"],
        tuple(name for name in data.get("lints", ()) if "(" not in name),
        data.get("output_shape"),
        data.get("fixed_output_shape"),
    )
