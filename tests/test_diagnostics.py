"""How a diagnostic is written down: for people, for tools that read lines, for programs.

Every snapshot here was read by someone before it became a test.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnlang.diagnostics import (
    Diagnostic,
    Edit,
    Related,
    Severity,
    Source,
    Span,
    has_errors,
    nearest,
)
from cnnlang.diagnostics.cells import clean, measure, wrap
from cnnlang.diagnostics.render import FORMATS, render
from cnnlang.diagnostics.sarif import reference

PACKAGE = Path(__file__).parents[1] / "cnnlang" / "diagnostics"

NET = Source(
    "net.cnn",
    dedent("""\
        model Net {
          residual {
            left: conv(64, 3x3, padding=1)

            conv(32, 3x3, padding=1) -> add(left)
          }
        }
        """),
)


def at(source: Source, text: str) -> Span:
    """The span of the first `text` in `source`."""
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def source(text: str, name: str = "net.cnn") -> Source:
    return Source(name, dedent(text))


def error(span: Span | None, label: str = "", *related: Related, **rest: Any) -> Diagnostic:
    return Diagnostic("S100", "no", span, label, related, **rest)


def shown(diagnostic: Diagnostic, width: int = 100) -> str:
    """The text of a diagnostic, framed like the snapshots."""
    return "\n" + render([diagnostic], "text", width=width, version="0.1") + "\n"


def snippet(*args: Any, width: int = 100) -> str:
    """The text of an error without its headline."""
    return shown(error(*args), width).replace("error[S100]: no\n", "")


def snapshot(text: str) -> str:
    """A snapshot without the indentation of this file."""
    return text.replace("\n" + " " * 8, "\n")


OPERANDS = Diagnostic(
    code="S104",
    message="`add` needs operands of one shape, got 64x32x32 and 32x32x32",
    span=at(NET, "add(left)"),
    label="channels differ: 32 and 64",
    related=(Related(at(NET, "left: conv(64, 3x3, padding=1)"), "`left` is 64x32x32"),),
    notes=("height and width agree",),
    help="project one side with `conv(64, 1x1)`, or stack the channels with `concat`",
    edits=(Edit(at(NET, "add(left)"), "concat(left)"),),
)
UNUSED = Diagnostic("L201", "`left` is never used", at(NET, "left"), severity=Severity.WARNING)
NO_MODEL = Diagnostic("S001", "no model in `lib.cnn`", severity=Severity.NOTE)
ALL = [OPERANDS, UNUSED, NO_MODEL]


# --- The data ----------------------------------------------------------------------------------


def test_lines_and_columns_count_from_1_and_in_characters() -> None:
    span = at(NET, "add(left)")
    assert (span.line, span.column, span.end_line, span.end_column) == (5, 33, 5, 42)
    assert at(NET, "left").to(at(NET, "3x3")).text == "left: conv(64, 3x3"
    assert source("畳み x\n").position(3) == (1, 4)


def test_warnings_and_notes_are_no_errors() -> None:
    assert has_errors(ALL)
    assert not has_errors([UNUSED, NO_MODEL])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kernal", "kernel"),
        ("MaxPool", "max_pool"),
        ("cnov", "conv"),
        ("padd", "pad"),
        ("transformer", None),
    ],
)
def test_a_mistyped_name_finds_its_neighbour(typed: str, meant: str | None) -> None:
    assert nearest(typed, ["conv", "kernel", "max_pool", "pad", "relu"]) == meant


# --- For people --------------------------------------------------------------------------------


def test_a_diagnostic_shows_where_and_why_and_what_to_do() -> None:
    assert shown(OPERANDS) == snapshot("""
        error[S104]: `add` needs operands of one shape, got 64x32x32 and 32x32x32
          --> net.cnn:5:33
           |
         3 |     left: conv(64, 3x3, padding=1)
           |     ------------------------------ `left` is 64x32x32
         5 |     conv(32, 3x3, padding=1) -> add(left)
           |                                 ^^^^^^^^^ channels differ: 32 and 64
           = note: height and width agree
           = help: project one side with `conv(64, 1x1)`, or stack the channels with `concat`
        """)


def test_a_blank_line_parts_two_and_no_span_means_no_snippet() -> None:
    assert "\n" + render([UNUSED, NO_MODEL], "text", version="0.1") + "\n" == snapshot("""
        warning[L201]: `left` is never used
          --> net.cnn:3:5
           |
         3 |     left: conv(64, 3x3, padding=1)
           |     ^^^^

        note[S001]: no model in `lib.cnn`
        """)


CALLS = source("conv(32) -> add(left, right)\n")


def test_labels_on_one_line_hang_below_from_right_to_left() -> None:
    assert snippet(
        at(CALLS, "add"),
        "needs one shape",
        Related(at(CALLS, "conv(32)"), "this is 32x32x32"),
        Related(at(CALLS, "left"), "this is 64x32x32"),
        Related(at(CALLS, "right"), "this is 16x32x32"),
    ) == snapshot("""
          --> net.cnn:1:13
           |
         1 | conv(32) -> add(left, right)
           | --------    ^^^ ----  ----- this is 16x32x32
           | |           |   |
           | |           |   this is 64x32x32
           | |           needs one shape
           | this is 32x32x32
        """)


def test_underlines_that_overlap_get_rows_of_their_own() -> None:
    assert snippet(
        at(CALLS, "left"),
        "used here",
        Related(at(CALLS, "add(left, right)"), "in this sum"),
        Related(at(CALLS, "left"), "and here"),
    ) == snapshot("""
          --> net.cnn:1:17
           |
         1 | conv(32) -> add(left, right)
           |                 ^^^^ used here
           |                 ---- and here
           |             ---------------- in this sum
        """)


def test_a_label_without_room_moves_below_and_to_the_left() -> None:
    assert snippet(
        at(CALLS, "left"),
        "channels differ: 32 here and 64 there",
        Related(at(CALLS, "conv(32)"), "because of this"),
        width=40,
    ) == snapshot("""
          --> net.cnn:1:17
           |
         1 | conv(32) -> add(left, right)
           | --------        ^^^^
           | |               |
           | |   channels differ: 32 here and 64
           | |   there
           | because of this
        """)


def test_an_empty_span_is_one_caret() -> None:
    assert snippet(Span(CALLS, 9, 9), "expected an operand") == snapshot("""
          --> net.cnn:1:10
           |
         1 | conv(32) -> add(left, right)
           |          ^ expected an operand
        """)


def test_the_end_of_a_file_can_be_marked() -> None:
    unclosed = source("model M {\n  relu")
    end = Span(unclosed, len(unclosed.text), len(unclosed.text))
    assert snippet(end, "expected `}`", Related(at(unclosed, "{"), "opened here")) == snapshot("""
          --> net.cnn:2:7
           |
         1 | model M {
           |         - opened here
         2 |   relu
           |       ^ expected `}`
        """)


def test_an_empty_file_can_be_marked() -> None:
    assert snippet(Span(source(""), 0, 0), "expected `model`") == snapshot("""
          --> net.cnn:1:1
           |
         1 |
           | ^ expected `model`
        """)


BLOCK = source("""\
    block cell(c) {
      conv(c)

      relu
      conv(c)
    }
    cell(1)
    """)


def test_of_a_long_span_the_first_and_the_last_line_are_shown() -> None:
    whole = Span(BLOCK, 0, BLOCK.text.index("cell(1)"))
    call = Related(at(BLOCK, "cell(1)"), "called here")
    assert snippet(whole, "defined here", call) == snapshot("""
          --> net.cnn:1:1
           |
         1 | block cell(c) {
           | ^^^^^^^^^^^^^^^ defined here
        ...
         6 | }
           | ^
         7 | cell(1)
           | ------- called here
        """)


def test_of_a_span_of_three_lines_all_are_shown() -> None:
    body = Span(BLOCK, BLOCK.text.index("relu"), BLOCK.text.index("\ncell(1)"))
    assert snippet(body, "the last three") == snapshot("""
          --> net.cnn:4:3
           |
         4 |   relu
           |   ^^^^ the last three
         5 |   conv(c)
           |   ^^^^^^^
         6 | }
           | ^
        """)


def test_a_gap_of_one_line_is_shown_and_a_longer_one_left_out() -> None:
    lines = source("".join(f"line{number}\n" for number in range(1, 13)))
    related = [Related(at(lines, text), text.strip()) for text in ("line1\n", "line4", "line12")]
    assert snippet(at(lines, "line3"), "here", *related) == snapshot("""
           --> net.cnn:3:1
            |
          1 | line1
            | ----- line1
          2 | line2
          3 | line3
            | ^^^^^ here
          4 | line4
            | ----- line4
        ...
         12 | line12
            | ------ line12
        """)


def test_another_file_has_an_arrow_of_its_own() -> None:
    library = source("block cell(c) {\n  conv(d)\n}\n", "lib/cells.cnn")
    use = source("model M {\n  cell(32)\n}\n")
    related = Related(at(use, "cell(32)"), "instantiated here")
    assert snippet(at(library, "d"), "unknown name", related) == snapshot("""
          --> lib/cells.cnn:2:8
           |
         2 |   conv(d)
           |        ^ unknown name
          --> net.cnn:2:3
           |
         2 |   cell(32)
           |   -------- instantiated here
        """)


def test_wide_letters_combining_marks_and_tabs_take_their_columns() -> None:
    wide = source("# 畳み込み: conv(64)\n#\tcafe\u0301 conv(32)\n")
    assert snippet(
        at(wide, "conv(64)"),
        "after wide letters",
        Related(at(wide, "畳み"), "two, each of two columns"),
        Related(at(wide, "conv(32)"), "after a tab and a combining mark"),
        Related(at(wide, "\u0301"), "marked at its letter"),
    ) == snapshot("""
          --> net.cnn:1:9
           |
         1 | # 畳み込み: conv(64)
           |   ----      ^^^^^^^^ after wide letters
           |   |
           |   two, each of two columns
         2 | #    cafe\u0301 conv(32)
           |         - -------- after a tab and a combining mark
           |         |
           |         marked at its letter
        """)


def test_control_characters_are_shown_and_never_obeyed() -> None:
    hostile = source("conv(\x1b[31m\u202e64\x7f)\r\nrelu\r\n", "a\x07.cnn")
    assert snippet(
        at(hostile, "64"),
        "not \x1b[0m red",
        Related(at(hostile, "\u202e"), "turns the text around"),
        Related(at(hostile, "relu\r\n"), "the end of a line is no part of it"),
    ) == snapshot(r"""
          --> a\x07.cnn:1:12
           |
         1 | conv(\x1b[31m\u202e64\x7f)
           |              ------^^ not \x1b[0m red
           |              |
           |              turns the text around
         2 | relu
           | ---- the end of a line is no part of it
        """)


LONG = source("a = 1, " * 100_000 + "conv(99)" + ", b = 2" * 100_000)


def test_a_very_long_line_is_cut_around_the_span() -> None:
    assert snippet(
        at(LONG, "conv(99)"),
        "too wide",
        Related(Span(LONG, 0, 5), "far to the left"),
        Related(Span(LONG, 1_400_000, 1_400_001), "right"),
        width=72,
    ) == snapshot("""
          --> net.cnn:1:700001
           |
         1 | ...= 1, a = 1, a = 1, a = 1, conv(99), b = 2, b = 2, b = 2, b =...
           | ---                          ^^^^^^^^                          ---
           | |                            |                                 |
           | |                            |                                right
           | |                            too wide
           | far to the left
        """)


def test_a_very_long_span_is_cut_at_its_end() -> None:
    assert snippet(Span(LONG, 7, 1_000_000), "all of this", width=60) == snapshot("""
          --> net.cnn:1:8
           |
         1 | a = 1, a = 1, a = 1, a = 1, a = 1, a = 1, a = 1, ...
           |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |        |
           |        all of this
        """)


def test_prose_is_wrapped_under_its_first_line() -> None:
    assert shown(
        Diagnostic(
            "S100",
            "a headline of many words that goes on and on\nand a second line",
            notes=("one two three four five six seven eight",),
            help="averyveryveryveryveryverylongwordwithoutspaces",
        ),
        width=40,
    ) == snapshot("""
        error[S100]: a headline of many words
                     that goes on and on
                     and a second line
           = note: one two three four five six
                   seven eight
           = help: averyveryveryveryveryverylong
                   wordwithoutspaces
        """)


def test_colour_only_on_demand() -> None:
    def colour(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m"

    related = Related(at(CALLS, "conv(32)"), "32 channels")
    assert render(
        [error(at(CALLS, "left"), "64", related)], "text", colour=True, version="0.1"
    ) == (
        f"{colour('error[S100]', '1;31')}: no\n"
        f"{colour('  -->', '34')} net.cnn:1:17\n"
        f"{colour('   |', '34')}\n"
        f"{colour(' 1 |', '34')} conv(32) -> add(left, right)\n"
        f"{colour('   |', '34')} {colour('--------', '34')}        {colour('^^^^', '1;31')}"
        f" {colour('64', '1;31')}\n"
        f"{colour('   |', '34')} {colour('|', '34')}\n"
        f"{colour('   |', '34')} {colour('32 channels', '34')}"
    )


def test_prose_breaks_at_spaces_or_where_it_must() -> None:
    assert wrap("channels differ: 32 and 64", 16) == ["channels differ:", "32 and 64"]
    assert wrap("畳み込み", 5) == ["畳み", "込み"]
    assert wrap("", 5) == [""]


# --- For tools that read lines -----------------------------------------------------------------


def test_concise_is_a_line_each() -> None:
    assert "\n" + render(ALL, "concise", version="0.1") + "\n" == snapshot("""
        net.cnn:5:33: error[S104]: `add` needs operands of one shape, got 64x32x32 and 32x32x32
        net.cnn:3:5: warning[L201]: `left` is never used
        note[S001]: no model in `lib.cnn`
        """)


def test_github_gets_workflow_commands() -> None:
    first, second, third = render(ALL, "github", version="0.1").split("\n")
    assert first == (
        "::error file=net.cnn,line=5,col=33,endLine=5,endColumn=42,title=cnnlang S104::"
        "`add` needs operands of one shape, got 64x32x32 and 32x32x32%0A"
        "channels differ: 32 and 64%0A"
        "note: height and width agree%0A"
        "help: project one side with `conv(64, 1x1)`, or stack the channels with `concat`"
    )
    assert second == (
        "::warning file=net.cnn,line=3,col=5,endLine=3,endColumn=9,title=cnnlang L201::"
        "`left` is never used"
    )
    assert third == "::notice title=cnnlang S001::no model in `lib.cnn`"


def test_github_escapes_what_would_end_a_command_or_a_property() -> None:
    odd = source("x", "50%,a:b\n.cnn")
    command = render(
        [Diagnostic("S1", "100%: a,b\r\n::error::", Span(odd, 0, 1))], "github", version=""
    )
    assert command == (
        "::error file=50%25%2Ca%3Ab%0A.cnn,line=1,col=1,endLine=1,endColumn=2,title=cnnlang S1::"
        "100%25: a,b%0D%0A::error::"
    )


def test_github_is_given_no_columns_over_several_lines() -> None:
    whole = error(Span(NET, 0, len(NET.text)))
    assert render([whole], "github", version="") == (
        "::error file=net.cnn,line=1,endLine=8,title=cnnlang S100::no"
    )


# --- For programs ------------------------------------------------------------------------------


def test_json_says_everything() -> None:
    document = json.loads(render([OPERANDS, NO_MODEL], "json", version="0.1"))
    add = {
        "start": {"line": 5, "column": 33, "offset": 93},
        "end": {"line": 5, "column": 42, "offset": 102},
    }
    left = {
        "start": {"line": 3, "column": 5, "offset": 29},
        "end": {"line": 3, "column": 35, "offset": 59},
    }
    assert document == {
        "version": 1,
        "diagnostics": [
            {
                "code": "S104",
                "severity": "error",
                "message": "`add` needs operands of one shape, got 64x32x32 and 32x32x32",
                "label": "channels differ: 32 and 64",
                "file": "net.cnn",
                "range": add,
                "related": [{"message": "`left` is 64x32x32", "file": "net.cnn", "range": left}],
                "notes": ["height and width agree"],
                "help": "project one side with `conv(64, 1x1)`, "
                "or stack the channels with `concat`",
                "edits": [{"file": "net.cnn", "range": add, "text": "concat(left)"}],
                "safe": False,
                "layer": None,
            },
            {
                "code": "S001",
                "severity": "note",
                "message": "no model in `lib.cnn`",
                "label": "",
                "file": None,
                "range": None,
                "related": [],
                "notes": [],
                "help": None,
                "edits": [],
                "safe": False,
                "layer": None,
            },
        ],
    }


def test_sarif_is_a_log_of_one_run() -> None:
    document = json.loads(render([OPERANDS, UNUSED, UNUSED], "sarif", version="0.1"))
    (run,) = document["runs"]
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("/sarif-schema-2.1.0.json")
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["tool"] == {
        "driver": {
            "name": "cnnlang",
            "version": "0.1",
            "rules": [{"id": "S104"}, {"id": "L201"}],
        }
    }
    assert [each["ruleIndex"] for each in run["results"]] == [0, 1, 1]
    add = {"startLine": 5, "startColumn": 33, "endLine": 5, "endColumn": 42}
    left = {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 35}
    net = {"uri": "net.cnn"}
    text = "project one side with `conv(64, 1x1)`, or stack the channels with `concat`"
    assert run["results"][0] == {
        "ruleId": "S104",
        "ruleIndex": 0,
        "level": "error",
        "message": {
            "text": "`add` needs operands of one shape, got 64x32x32 and 32x32x32\n"
            "channels differ: 32 and 64\n"
            "note: height and width agree\n"
            f"help: {text}"
        },
        "locations": [
            {
                "physicalLocation": {"artifactLocation": net, "region": add},
                "message": {"text": "channels differ: 32 and 64"},
            }
        ],
        "relatedLocations": [
            {
                "physicalLocation": {"artifactLocation": net, "region": left},
                "message": {"text": "`left` is 64x32x32"},
            }
        ],
        "fixes": [
            {
                "description": {"text": text},
                "artifactChanges": [
                    {
                        "artifactLocation": net,
                        "replacements": [
                            {"deletedRegion": add, "insertedContent": {"text": "concat(left)"}}
                        ],
                    }
                ],
            }
        ],
    }


def test_sarif_without_a_place_or_without_results_is_still_a_log() -> None:
    (run,) = json.loads(render([NO_MODEL], "sarif", version="0.1"))["runs"]
    message = {"text": "no model in `lib.cnn`"}
    assert run["results"] == [
        {"ruleId": "S001", "ruleIndex": 0, "level": "note", "message": message}
    ]
    assert json.loads(render([], "sarif", version="0.1"))["runs"][0]["results"] == []


def test_sarif_has_each_related_place_once() -> None:
    left, right = Related(at(CALLS, "left"), "here"), Related(at(CALLS, "right"), "here")
    log = json.loads(render([error(None, "", left, right, left)], "sarif", version="0.1"))
    places = [each["physicalLocation"] for each in log["runs"][0]["results"][0]["relatedLocations"]]
    assert [each["region"]["startColumn"] for each in places] == [17, 23]


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("nets/a.cnn", "nets/a.cnn"),
        ("my nets\\a.cnn", "my%20nets/a.cnn"),
        ("100%:網.cnn", "100%25%3A%E7%B6%B2.cnn"),
        ("<stdin>", "%3Cstdin%3E"),
        ("/home/me/a.cnn", "file:///home/me/a.cnn"),
        ("C:\\nets\\a.cnn", "file:///C:/nets/a.cnn"),
        ("\\\\server\\nets\\a.cnn", "file://server/nets/a.cnn"),
    ],
)
def test_sarif_names_files_by_uri_references(name: str, uri: str) -> None:
    assert reference(name) == uri


# --- Laws --------------------------------------------------------------------------------------

HARD = "ab \t\n\r\x00\x1b\x7f\x85網ｗe\u0301\u200b\u202e\u2028\ud800{"
TEXTS = st.text(st.sampled_from(HARD) | st.characters(exclude_categories=()), max_size=40)
LONG_TEXTS = st.builds(lambda text, count: text * count, TEXTS, st.sampled_from([1, 1, 1, 200]))


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Any stretch of any text, at times beyond its end."""
    file = Source(draw(st.sampled_from(["net.cnn", "a\x1bb.cnn"])), draw(LONG_TEXTS))
    offsets = st.integers(0, len(file.text) + 2)
    start, end = sorted((draw(offsets), draw(offsets)))
    return Span(file, start, end)


@st.composite
def diagnostics(draw: st.DrawFn) -> Diagnostic:
    """Any diagnostic, its related places often in the file of its span."""
    primary = draw(spans())
    offsets = st.integers(0, len(primary.source.text))
    nearby = st.builds(lambda a, b: Span(primary.source, min(a, b), max(a, b)), offsets, offsets)
    related = st.lists(st.builds(Related, nearby | spans(), TEXTS), max_size=4)
    edit = st.builds(Edit, nearby, TEXTS)
    return Diagnostic(
        code="S100",
        message=draw(TEXTS),
        span=draw(st.sampled_from([primary, None])),
        label=draw(TEXTS),
        related=tuple(draw(related)),
        notes=tuple(draw(st.lists(TEXTS, max_size=2))),
        help=draw(st.none() | TEXTS),
        edits=tuple(draw(st.lists(edit, max_size=2))),
        severity=draw(st.sampled_from(Severity)),
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(diagnostics(), max_size=2), format=st.sampled_from(sorted(FORMATS)))
def test_no_format_ever_raises_or_lets_a_control_character_through(
    found: list[Diagnostic], format: str
) -> None:
    text = render(found, format, version="0.1")
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c != "\n"]
    if format in {"json", "sarif"}:
        json.loads(text)
    if format in {"concise", "github"} and found:
        assert len(text.split("\n")) == len(found)


@given(diagnostic=diagnostics(), width=st.integers(40, 100))
def test_no_line_is_wider_than_asked(diagnostic: Diagnostic, width: int) -> None:
    lines = render([diagnostic], "text", width=width, version="0.1").split("\n")
    assert max(map(measure, lines)) <= width


@given(text=st.text("ab (網ｗ\t\x1b", min_size=1, max_size=30), data=st.data())
def test_what_is_underlined_is_what_was_meant(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = Span(Source("net.cnn", text), start, end)
    line, carets = render([error(span)], "text", width=200, version="0.1").split("\n")[3:5]
    columns = [column for char in line for column in (char, "")[: measure(char)]]
    under = [column for column, sign in zip(columns, carets, strict=False) if sign == "^"]
    assert "".join(under).rstrip(" ") == clean(span.text).rstrip(" ")


# --- The house ---------------------------------------------------------------------------------


def test_the_ground_floor_imports_nothing_but_the_standard_library() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                own = name.startswith(("cnnlang.diagnostics", "cnnlang.records"))
                assert own or name.split(".")[0] in sys.stdlib_module_names, (path.name, name)


def test_importing_the_package_loads_no_renderer() -> None:
    program = dedent(f"""
        import sys, types
        cnnlang = sys.modules["cnnlang"] = types.ModuleType("cnnlang")
        cnnlang.__path__ = [{str(PACKAGE.parent)!r}]
        import cnnlang.diagnostics, cnnlang.diagnostics.render
        print(*sorted(name for name in sys.modules if name.startswith("cnnlang.diagnostics.")))
        print({{"json", "unicodedata", "urllib.parse"}} & set(sys.modules))
        """)
    command = [sys.executable, "-I", "-S", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[:2] == [
        "cnnlang.diagnostics.model cnnlang.diagnostics.render cnnlang.diagnostics.suggest",
        "set()",
    ]
