"""`examples/README.md` and its figures say what the files say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.gallery.networks import ENTRIES, EXAMPLES, Entry
from tests.gallery.page import PAGE, figure, kept, page

HELP = "write it anew with `python -m tests.gallery`"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(kept()), HELP


def test_the_page_shows_every_figure_and_no_other() -> None:
    shown = set(re.findall(r'src="(figures/[^"]+)"', PAGE.read_text(encoding="utf-8")))
    assert shown == {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("figures/*")}


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.network for entry in ENTRIES])
def test_a_figure_is_current(entry: Entry) -> None:
    """Word by word: where they stand depends on the fonts of a machine."""
    found, drawn = entry.figure.read_text(encoding="utf-8"), figure(entry).decode()
    assert words(found) == words(drawn), HELP


def words(svg: str) -> list[str]:
    """The texts of an SVG."""
    return sorted(filter(None, map(str.strip, ElementTree.fromstring(svg).itertext())))
