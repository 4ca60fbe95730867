"""The catalogue is complete: every module of PyTorch, and every option, is here or has a reason.

A later PyTorch with a new option or module fails here, so that it is noticed.
"""

from __future__ import annotations

import pytest
import torch
from options import ALWAYS, COUNTERPARTS, ELSEWHERE, Reason, covered, found

from cnnlang.layers import REGISTRY

TRAINED = ("Loss", "Loss2d")
"""How the names of losses end, which are a part of training."""
layers = pytest.mark.parametrize("name", sorted(REGISTRY))


@layers
def test_every_option_of_pytorch_is_an_argument_or_has_a_reason(name: str) -> None:
    fields, known = REGISTRY[name].fields, COUNTERPARTS[name].options
    assert {o for o in found(name) if o not in (*known, *ALWAYS, *fields)} == set(), "new"
    named = {field for field in known.values() if not isinstance(field, Reason)}
    assert named <= fields.keys()


@layers
def test_what_is_said_of_an_option_is_about_one_that_pytorch_has(name: str) -> None:
    assert COUNTERPARTS[name].options.keys() <= found(name)


def test_every_module_of_pytorch_is_a_layer_or_has_a_reason() -> None:
    modules = {name for name in torch.nn.modules.__all__ if not name.endswith(TRAINED)}
    inferred = {name for name in modules if name.startswith("Lazy")}
    assert modules - inferred == covered() | ELSEWHERE.keys()
    assert covered().isdisjoint(ELSEWHERE)
