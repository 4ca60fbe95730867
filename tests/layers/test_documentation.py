"""The documentation of every layer is whole, and its examples are true.

`test_rules` tries what it tells of shapes and costs, `test_formulas` what it tells of numbers.
"""

from __future__ import annotations

import re
import sys
from functools import reduce
from types import ModuleType
from typing import Literal

import pytest
import torch
from documented import PAGES, compiled, example
from pydantic_core import SchemaValidator, ValidationError

from cnnlang.analysis.costs import total_macs, total_parameters
from cnnlang.backends.manual import MOST, explained, markdown, text
from cnnlang.diagnostics.cells import measure
from cnnlang.layers import REGISTRY, Layer, fields
from cnnlang.layers.documentation import TITLES, LayerPage, layer_page, parts

pages = pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
WEBSITE = re.compile(r"https://[\w.-]+(/[\w.-]+)+")
PYTORCH = re.compile(r"https://docs\.pytorch\.org/docs/stable/generated/torch\.([\w.]+)\.html")
OTHERS = re.compile(
    r"https://arxiv\.org/abs/\d{4}\.\d{4,5}"
    r"|https://docs\.pytorch\.org/vision/stable/generated/torchvision\.[\w.]+\.html"
)


# --- what a page has -----------------------------------------------------------------------------


@pages
def test_a_page_is_whole(page: LayerPage) -> None:
    assert re.fullmatch(r"[^.]*[A-Za-z][^\n]*\.", page.summary)
    assert page.sources
    assert "Output" in dict(page.rules)
    assert all(each.text.endswith(".") for each in page.arguments)


@pages
def test_sections_stand_in_one_order(page: LayerPage) -> None:
    for cls in REGISTRY[page.name].__mro__:
        if issubclass(cls, Layer):
            written = list(parts(cls)[1])
            assert written == [title for title in TITLES if title in written]


@pages
def test_sources_are_pages_or_papers(page: LayerPage) -> None:
    for source in page.sources:
        if source.url is None:
            assert re.search(r" \d{4}( \(\w+\))?$", source.title)
            continue
        assert WEBSITE.fullmatch(source.url)
        if named := PYTORCH.fullmatch(source.url):
            assert callable(reduce(getattr, named[1].split("."), torch))
        else:
            assert OTHERS.fullmatch(source.url)


@pages
def test_a_page_fits_into_a_terminal(page: LayerPage) -> None:
    for width in (40, 80, None):
        shown = text(page, width)
        *lines, sources = shown.split("\n\n")
        assert all(measure(line) <= (width or MOST) for line in "\n".join(lines).splitlines())
        assert [each.title for each in page.sources] == [
            s.split(": ")[0] for s in sources.split("\n")
        ]
        assert all(each.written in shown for each in page.arguments)
        assert example(page.example).line in " ".join(shown.split())


def test_a_page_by_the_name_of_its_layer() -> None:
    assert explained("relu") == RELU
    assert explained("relux") is None


@pages
def test_a_page_in_markdown_has_no_stray_marks(page: LayerPage) -> None:
    shown = markdown(page, "")
    assert shown.count("`") % 2 == 0
    assert all(re.fullmatch(r"\|[^|]+\|[^|]+\|[^|]+\|", line) for line in rows(shown))


def rows(page: str) -> list[str]:
    return [line.replace("\\|", "") for line in page.splitlines() if line.startswith("| `")]


RELU = """\
relu

Rectified linear unit: negative numbers become 0.

Formula  `y = max(0, x)`
Output   as the input
Example  `relu` takes 64x56x56 to 64x56x56.

Nair and Hinton 2010
torch.nn.ReLU: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html"""
FOREIGN = '''
class Bare(Layer):
    """Does something."""
    width: Count
    height: int
    mode: Literal["wide"] = "wide"
'''
BARE = """\
(width, height, mode=wide)

Does something.

  width: a whole number above 0
  height: int
  mode=wide: `wide`"""


# --- kinds of arguments --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Sizes", "Wholes", "Padding", "Margins", "Factor", "Target"])
def test_a_kind_is_what_an_error_asks_for(name: str) -> None:
    form = getattr(fields, name)
    (kind,) = form.__metadata__
    with pytest.raises(ValidationError) as error:
        SchemaValidator(kind.schema).validate_python(object())
    assert error.value.errors()[0]["msg"].startswith(kind.description)


def test_an_argument_in_words() -> None:
    by_name = {each.name: each for each in PAGES["conv"].arguments}
    assert by_name["filters"].kind == "a whole number above 0"
    assert by_name["filters"].default is None
    assert by_name["pad_mode"].kind == "`zeros`, `reflect`, `replicate` or `circular`"
    assert by_name["pad_mode"].written == "pad_mode=zeros"
    assert not by_name["stride"].positional
    momentum = next(each for each in PAGES["batchnorm"].arguments if each.name == "momentum")
    assert momentum.kind == "a number from 0 to 1 or `none`"


def test_a_foreign_layer_may_say_little(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("foreign")
    module.__dict__.update(Layer=Layer, Count=fields.Count, Literal=Literal)
    monkeypatch.setitem(sys.modules, "foreign", module)
    exec(FOREIGN, module.__dict__)
    page = layer_page(module.Bare)
    assert (page.summary, page.example, page.sources) == ("Does something.", "", ())
    kinds = [(each.kind, each.text) for each in page.arguments]
    assert kinds == [("a whole number above 0", ""), ("int", ""), ("`wide`", "")]
    assert text(page) == BARE


# --- examples ------------------------------------------------------------------------------------


@pages
def test_an_example_is_true(page: LayerPage) -> None:
    graph, each = compiled(page.name), example(page.example)
    (node,) = graph.layers
    assert node.layer is not None and node.layer.name == page.name
    assert str(node.output) == each.output
    assert total_parameters(graph) == each.parameters
    assert total_macs(graph) == each.macs


@pytest.mark.parametrize(
    "text",
    ["`relu` makes 3x8x8 of 3x8x8.", "`relu` takes 3x8x8 to 3x8x8", "`add(y)` takes y 3 to 3."],
)
def test_an_example_has_one_form(text: str) -> None:
    with pytest.raises(ValueError, match="is written"):
        example(text)
