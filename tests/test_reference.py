"""The language reference: its programs run, and its lists of layers, limits and lints are current.

`python tests/test_reference.py` writes the lists anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from figures import figures
from spec.pages import Case, cases
from test_spec import verify

from cnnlang.analysis import lints
from cnnlang.backends.manual import handbook
from cnnlang.codes import TABLES
from cnnlang.elaborate import limits
from cnnlang.layers import FAMILIES, REGISTRY
from cnnlang.layers.documentation import layer_page
from cnnlang.sizes import PERIOD_LIMIT

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "grammar" / "README.md"
CODE = re.compile(r'"([A-Z][0-9]{3})"')
UNSHOWN = {"P013", "P022", "P023", "P090", "P091", "P092", "P093", "P094", "N128", "N129", "E306"}
"""Codes of what no page can show: files, the command line, very long texts."""


@pytest.mark.parametrize("case", cases(REFERENCE), ids=lambda case: case.id)
def test_program(case: Case) -> None:
    verify(case)


# --- the lists -----------------------------------------------------------------------------------


def layer_list() -> str:
    """The pages of all layers, in the order of `FAMILIES`."""
    modules = [module.__name__ for module in FAMILIES]
    layers = sorted(REGISTRY.values(), key=lambda layer: modules.index(layer.__module__))
    return handbook([layer_page(layer) for layer in layers], figures())


def limit_list() -> str:
    rows = [
        ("steps to unfold a file, the other files that it uses included", limits.STEPS),
        ("layers of a network", limits.LAYERS),
        ("blocks in blocks", limits.DEPTH),
        ("blocks and braces in one another", limits.LEVELS),
        ("function calls in one another", limits.CALLS),
        ("values in a list, and rounds of a `repeat`", limits.ITEMS),
        ("lists in lists", limits.NESTED),
        ("bits of a whole number", limits.BITS),
        ("positions after which the size of a free axis must repeat its pattern", PERIOD_LIMIT),
        ("letters of the name of a module", limits.LETTERS),
        ("errors that are told of a network or file", limits.ERRORS),
    ]
    return "\n".join(["| at most | |", "|---:|---|", *(f"| {n:,} | {what} |" for what, n in rows)])


def lint_list() -> str:
    """Every lint: its code and name, whether it is on, and its exact condition."""
    rows = [
        f"| {code} | `{rule.name}` | {'on' if rule.usual else 'opt-in'} "
        f"| {rule.title}. {rule.condition} |"
        for code, rule in sorted(lints.RULES.items())
    ]
    return "\n".join(["| code | name | | |", "|---|---|---|---|", *rows])


def filled(text: str) -> str:
    """The reference with its lists as they should be."""
    lists = {"layers": layer_list(), "limits": limit_list(), "lints": lint_list()}
    for name, made in lists.items():
        marks = rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- end of {name} -->)"
        text = re.sub(
            marks, lambda m, made=made: f"{m[1]}\n{made.strip()}\n\n{m[2]}", text, flags=re.S
        )
    return text


def test_lists_are_current() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert filled(text) == text, "run: python tests/test_reference.py"


def slug(heading: str) -> str:
    """The name by which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_link_within_the_page_leads_somewhere() -> None:
    text = re.sub(r"^```.*?^```$", "", REFERENCE.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = [slug(each) for each in re.findall(r"^#+ (.+)$", text, flags=re.M)]
    assert len(headings) == len(set(headings))
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links <= set(headings)
    assert {slug(each) for each in re.findall(r"^## (.+)$", text, flags=re.M)} <= links


# --- the codes -----------------------------------------------------------------------------------


def used() -> set[str]:
    """The codes in the source, but for the tables themselves."""
    files = [p for p in (ROOT / "cnnlang").rglob("*.py") if p.name != "codes.py"]
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_has_one_title() -> None:
    listed = [code for table in TABLES for code in table]
    assert sorted(listed) == sorted(set(listed))
    assert used() - set(listed) == set()


def test_every_code_has_an_example() -> None:
    pages = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests" / "spec").glob("*.md"))
    shown = set(re.findall(r"\[([A-Z][0-9]{3})\]", pages))
    assert used() - shown - UNSHOWN == set()


if __name__ == "__main__":
    REFERENCE.write_text(filled(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
