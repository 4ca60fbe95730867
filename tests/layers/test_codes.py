"""Every complaint of a layer has a code, every code a title, and no code is used elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import cnnlang.layers
from cnnlang.layers.codes import CODES

LAYERS = Path(cnnlang.layers.__file__).parent
CODE = re.compile(r'"([SA]\d{3})"')


def raised() -> set[str]:
    """The codes that are written in the layers' files."""
    files = [file for file in LAYERS.glob("*.py") if file.name != "codes.py"]
    return {code for file in files for code in CODE.findall(file.read_text())}


def test_every_code_has_a_title_and_is_in_use() -> None:
    assert raised() == CODES.keys()


def test_titles_are_distinct_sentences() -> None:
    assert len(set(CODES.values())) == len(CODES)
    assert all(title[0].isupper() and not title.endswith(".") for title in CODES.values())
