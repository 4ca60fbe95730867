"""Every code has a page, its example gives exactly that code, and its mended form none.

`python tests/test_explanations.py` writes `tests/golden/messages.md` anew: all pages, with what
is told of their examples, as one document. Read the difference before you keep it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cnnlang.cli.explain import code_page
from cnnlang.cli.group import command
from cnnlang.diagnostics import has_errors
from cnnlang.explanations import pages, titles
from cnnlang.explanations.examples import told

MESSAGES = Path(__file__).parent / "golden" / "messages.md"
UNGIVEN = {"P022"}
"""What no program gives: the formatter proves its work, and has not failed yet."""
LONG = {"P013", "E306", "P023"}
"""Examples of many lines, of which the message tells once."""
CODES = sorted(titles())
BESIDE = {"L675": {"V401"}}
"""What cannot be without a remark of its own: few sizes are left, which V401 tells."""


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(pages()) == CODES


@pytest.mark.parametrize("code", CODES)
def test_the_example_gives_this_code_alone(code: str) -> None:
    page = pages()[code]
    assert page.meaning.endswith(".")
    if code in UNGIVEN:
        assert not page.examples
        return
    found = {each.code for each in told(page.examples)}
    assert found == {code, *BESIDE.get(code, ())} if code not in LONG else code in found
    assert page.cure


@pytest.mark.parametrize("code", CODES)
def test_the_mended_program_has_no_mistake(code: str) -> None:
    mended = pages()[code].mended
    if mended is not None:
        found = told((mended,))
        assert not has_errors(found)
        assert code not in {each.code for each in found}


def document() -> str:
    """All messages as one text."""
    texts = (code_page(code) or "" for code in CODES)
    return "\n\n\n".join(texts) + "\n"


def test_the_messages_are_those_that_were_read() -> None:
    assert document() == MESSAGES.read_text(encoding="utf-8")


def explain(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["explain", *words])
    return result.exit_code, result.output


def test_explain_shows_a_page() -> None:
    code, text = explain("s101")
    assert code == 0
    assert text.startswith("S101: A kernel is larger than the padded input\n")
    assert "conv(16, 5x5, padding=1)" in text
    assert "error[S101]: `conv` kernel 5x5 is larger than its 4x4 input" in text


def test_explain_lists_all_codes() -> None:
    code, text = explain()
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()] == CODES


def test_a_layer_is_explained_by_its_page() -> None:
    found = CliRunner().invoke(command, ["explain", "conv_transpose"])
    assert found.exit_code == 0
    assert found.output.startswith("conv_transpose(filters, kernel, *, stride=1")
    assert "Transposed convolution" in found.output


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("S1O1", "did you mean 'S101'?"),
        ("zzz", "lists the codes"),
        ("covn", "did you mean 'conv'?"),
    ],
)
def test_an_unknown_code_is_a_wrong_call(word: str, hint: str) -> None:
    code, text = explain(word)
    assert code == 2
    assert hint in text


if __name__ == "__main__":
    MESSAGES.write_text(document(), encoding="utf-8")
