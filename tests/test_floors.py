"""The floors of the house: every module stands on one, and what does without torch says so."""

from __future__ import annotations

import tomllib
from pathlib import Path
from pkgutil import iter_modules

import cnnlang
from cnnlang import backends

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
FLOORS, TORCHLESS, _ = CONTRACTS["contracts"]


def modules(package: str, path: list[str]) -> set[str]:
    return {f"{package}.{each.name}" for each in iter_modules(path)}


def test_every_module_has_its_floor() -> None:
    listed = [name for floor in FLOORS["layers"] for name in floor.split(" | ")]
    assert sorted(listed) == sorted(modules("cnnlang", list(cnnlang.__path__)))


def test_every_backend_is_without_torch_or_imports_it() -> None:
    found = modules("cnnlang.backends", list(backends.__path__))
    listed = {name for name in TORCHLESS["source_modules"] if name.startswith("cnnlang.backends.")}
    assert listed <= found
    for name in found - listed:
        path = ROOT / name.replace(".", "/")
        text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(
            "utf-8"
        )
        assert "\nimport torch\n" in text, f"{name} is missing in the contract"
