"""A corpus that others wrote: every error at the right layer, and nothing right is rejected.

`cd tests && python -m corpus` prints the figures and what is wanting.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from corpus.cases import Case, read
from corpus.measure import Outcome, applied, examine, table
from corpus.translation import Unsayable, translated

from cnnlang.diagnostics.model import Edit, Source, Span

CASES = {case.id: case for case in read()}

UNSAYABLE = {
    "E30-split-42x3-of-128": "a split into parts: a part is a `slice`, and nothing wants all of "
    "them taken",
    "E31-aspp-bn-batch1": "the mistake is the size of the batch, which is never written",
    "E59-view-eats-batch": "the mistake is in the loss, which is no part of a network",
}
STRICT = {"add-broadcast"}
"""Lints that are errors of the language."""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return {name: examine(case) for name, case in CASES.items()}


def those(expect: str) -> list[str]:
    return [case.id for case in CASES.values() if case.expect == expect if case.id not in UNSAYABLE]


def test_what_cannot_be_said_has_a_reason(outcomes: dict[str, Outcome]) -> None:
    assert {name: each.reason for name, each in outcomes.items() if each.reason} == UNSAYABLE


@pytest.mark.parametrize("name", those("error"))
def test_an_error_is_found_at_the_right_layer(name: str, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[name]
    assert found.found
    assert found.at == CASES[name].error_at


@pytest.mark.parametrize("name", [*those("ok"), *those("lint")])
def test_a_network_that_runs_is_accepted(name: str, outcomes: dict[str, Outcome]) -> None:
    found, case = outcomes[name], CASES[name]
    assert found.found == bool(STRICT & set(case.lints))
    if case.shape and not found.found:
        assert found.shape == case.shape[1:]


@pytest.mark.parametrize("name", [n for n in CASES if CASES[n].patch and n not in UNSAYABLE])
def test_a_network_that_was_mended_is_accepted(name: str, outcomes: dict[str, Outcome]) -> None:
    found, case = outcomes[name], CASES[name]
    assert found.rest == ()
    if case.fixed_shape:
        assert found.fixed_shape == case.fixed_shape[1:]


def test_the_figures(outcomes: dict[str, Outcome]) -> None:
    figures = table(list(outcomes.values()))
    assert (
        "errors found                29 of  29\n  at the right layer        29 of  29\n"
        "  told alone                29 of  29\n  with help                 29 of  29\n"
        "  with edits that mend      29 of  29\n" in figures
    )
    assert (
        "correct networks rejected    0 of   4\nmended networks rejected     0 of  35\n" in figures
    )
    assert "E31-aspp-bn-batch1: unsayable: the mistake is the size of the batch" in figures


# --- the translation -----------------------------------------------------------------------------


def network(*layers: dict[str, object], **inputs: list[int]) -> Case:
    model = CASES["V04-conv-pad-gt-kernel"]
    return replace(model, input=inputs or {"x": [1, 3, 8, 8]}, layers=layers)


def test_a_layer_is_a_line() -> None:
    program = translated(
        network(
            {"op": "conv2d", "name": "train", "out_channels": 4, "kernel_size": [3, 1]},
            {"op": "softmax", "name": "in", "dim": -1},
            {"op": "concat", "name": "c", "in": ["train", "in"], "dim": 1},
            {"op": "cross_entropy", "name": "loss"},
        )
    )
    assert program.text.splitlines()[1:-1] == [
        "    input x: 3x8x8",
        "    train_: conv(4, [3, 1])",
        "    in_: softmax(axis=width)",
        "    train_ -> c_logits: concat(in_, axis=channels)",
    ]
    assert program.lines == {"train": 3, "in": 4, "c": 5}


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ({"op": "fold"}, "no rule for `fold`"),
        ({"op": "relu", "inplace": True}, "no rule for `inplace` of `relu`"),
        ({"op": "view", "shape": [-1, 9]}, "reshape of the batch"),
        ({"op": "softmax", "dim": 0}, "an axis that is the batch"),
        ({"op": "softmax", "dim": 4}, "or that there is not"),
    ],
)
def test_what_there_is_no_rule_for_is_unsayable(layer: dict[str, object], reason: str) -> None:
    with pytest.raises(Unsayable, match=reason):
        translated(network({"name": "a", **layer}))


def test_edits_are_carried_out_from_the_end() -> None:
    source = Source("a", "0123456789")
    edits = [Edit(Span(source, start, start + 1), text) for start, text in ((1, "one"), (5, ""))]
    assert applied(source, edits).text == "0one2346789"


def test_an_error_that_is_missed_is_listed() -> None:
    missed = Outcome(CASES["E01-linear-wrong-in-features"], rest=())
    assert "E01-linear-wrong-in-features: no error" in table([missed])
