"""A comparison as JSON, for programs; the schema is `grammar/comparison.schema.json`."""

from __future__ import annotations

from typing import Any

from cnnlang.analysis.comparison import Change, Comparison, Names, Totals, Version
from cnnlang.analysis.loading import Loading
from cnnlang.backends.summary import plain
from cnnlang.diagnostics.jsonout import dump

VERSION = 1


def render(comparison: Comparison, sides: tuple[str, str]) -> str:
    """The document, in ASCII, indented by two."""
    return dump(as_dict(comparison, sides))


def as_dict(comparison: Comparison, sides: tuple[str, str]) -> dict[str, Any]:
    """A comparison as plain data."""
    return {
        "version": VERSION,
        "equal": comparison.equal,
        "before": network(comparison.before, sides[0]),
        "after": network(comparison.after, sides[1]),
        "changes": [change(each) for each in comparison.changes],
        "inputs": both(comparison.inputs),
        "outputs": both(comparison.outputs),
        "weights": weights(comparison.weights),
    }


def network(totals: Totals, side: str) -> dict[str, Any]:
    return {
        "file": side,
        "network": totals.network,
        "parameters": totals.parameters,
        "macs": totals.macs,
        "memory": totals.memory,
        "layers": totals.layers,
        "inputs": [plain(tensor.shape) for tensor in totals.inputs],
        "outputs": [plain(tensor.shape) for tensor in totals.outputs],
    }


def change(each: Change) -> dict[str, Any]:
    return {
        "status": each.status,
        "before": layer(each.before),
        "after": layer(each.after),
        "renamed": each.renamed,
        "reshaped": each.reshaped,
        "arguments": [
            {"name": a.name, "before": a.before, "after": a.after} for a in each.arguments
        ],
        "inputs": both(each.inputs),
    }


def layer(version: Version | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "name": version.name,
        "kind": version.kind,
        "layer": version.written,
        "output": plain(version.output.shape),
        "parameters": version.parameters,
        "macs": version.macs,
    }


def both(names: Names | None) -> dict[str, list[str]] | None:
    return {"before": list(names[0]), "after": list(names[1])} if names else None


def weights(loading: Loading) -> dict[str, Any]:
    return {
        "same": list(loading.same),
        "missing": list(loading.missing),
        "unexpected": list(loading.unexpected),
        "misshapen": [
            {"name": m.name, "before": list(m.before), "after": list(m.after)}
            for m in loading.misshapen
        ],
        "renamed": [{"before": old, "after": new} for old, new in loading.renamed],
        "extern": list(loading.extern),
        "loaded": loading.loaded,
        "wanted": loading.wanted,
    }
