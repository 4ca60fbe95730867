"""The canonical layout: laws that hold for every text, and what it looks like."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlang.diagnostics.model import Source
from cnnlang.syntax.compare import same_meaning
from cnnlang.syntax.format import format_source
from cnnlang.syntax.parser import parse

EXAMPLES = sorted(Path(__file__).parents[1].glob("examples/*.cnn"))

# One of everything, as a base for random changes.
MIXTURE = """
use A, B as C from "path.cnn"
extern Blur(filt=4, stride=2): [C, H], [C] -> [C, (H + 1) // 2] from "pkg:Class"
fn divisible(v, by = 8) = max(by, int(v + by / 2) // by * by)
let table = [(1, 2, "a"), (1,), (), [], (4, (6 + 7) * -8 ** -2, not true or 1 if 2 else 3)]
network V(p = 1) = Base(p, x=[1, 2, 3][0])
network N(a, b = 3x3) {
    input tokens: [T] of int
    shared e { conv(3) }
    "b-0": relu -> layer{a + 1}_{b}: conv(3) -> "x-{a}-{b + 1}": relu
    concat(axis=1) {
        let z = 3
        | conv(3)
          relu
          repeat 3 { relu -> conv(3) }
        | relu
        for i in range(3) {
            | conv(i)
            if i == 3 { | relu } else { | tanh }
        }
    } -> relu
    residual { conv(64) -> relu } shortcut { conv(64, 1x1) -> batchnorm }
    if a == 1 { conv(3) } else if a == 2 { conv(4) } else { relu }
    output training a, b
    require memory(batch=32) <= 8GiB and output == [10]
}
"""


def fmt(text: str) -> str:
    """The canonical layout of a text that parses."""
    result, errors = format_source(Source("net.cnn", text))
    assert errors == []
    assert result is not None
    return result


def becomes(text: str, expected: str) -> None:
    """`text` in its canonical layout is `expected`."""
    assert fmt(dedent(text).lstrip("\n")) == dedent(expected).lstrip("\n")


def stays(text: str) -> None:
    becomes(text, text)


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_in_the_canonical_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert fmt(text) == text


def test_variables_of_a_loop_take_no_trailing_comma() -> None:
    becomes(
        "block B(all) {\n    for i, ( # note\nn, m) in all { conv(n, m) }\n}\n",
        "block B(all) {\n    for i, (  # note\n        n, m\n    ) in all { conv(n, m) }\n}\n",
    )


def hold(text: str) -> None:
    """The laws: formatting twice is formatting once, and tree and comments are kept."""
    source = Source("before.cnn", text)
    file, errors = parse(source)
    result, problems = format_source(source)
    assert problems == errors
    if errors:
        assert result is None
        return
    assert result is not None
    again, _ = parse(Source("after.cnn", result))
    assert same_meaning(file, again)
    assert fmt(result) == result
    assert result.count("#") == text.count("#")


TEXTS = [MIXTURE, *(path.read_text(encoding="utf-8") for path in EXAMPLES)]
INSERTED = st.sampled_from(
    [" # note\n", "\n", "\n\n\n", "\n# own line\n", "   ", "\t", "# a\n# b\n"]
)


@st.composite
def scattered(draw: st.DrawFn) -> str:
    """An example with blanks, new lines and comments put between its words."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(INSERTED) + text[at:]
    return text


@settings(max_examples=150, deadline=None)
@given(scattered())
def test_laws_hold_wherever_blanks_and_comments_stand(text: str) -> None:
    hold(text)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(TEXTS), st.integers(1, 40))
def test_laws_hold_for_long_names(text: str, length: int) -> None:
    hold(text.replace("relu", "r" * length).replace("conv", "c" * length))


def test_a_text_that_does_not_parse_is_left_alone() -> None:
    result, errors = format_source(Source("net.cnn", "network {"))
    assert result is None
    assert [error.code for error in errors] == ["P015", "P003"]


def test_meaning_is_compared_without_places() -> None:
    one, other, third = (
        parse(Source("net.cnn", text))[0]
        for text in ("let a = 1 + 2", "\nlet  a=(1+2)", "let a = 1 + 3")
    )
    assert same_meaning(one, other)
    assert not same_meaning(one, third)


# --- layout --------------------------------------------------------------------------------------


def test_blanks_stand_around_operators_and_not_around_named_arguments() -> None:
    becomes(
        """
        block B( p,q=1 ){conv( p*2 ,padding = q)->relu}
        fn f(a,b=8)=-a**-2+max( a ,b )[ 0 ]//( b+1 )
        extern E(k = 1):[C]->[C] from"p:E"
        """,
        """
        block B(p, q = 1) { conv(p * 2, padding=q) -> relu }
        fn f(a, b = 8) = -a ** -2 + max(a, b)[0] // (b + 1)
        extern E(k=1): [C] -> [C] from "p:E"
        """,
    )


def test_numbers_strings_and_sizes_keep_their_spelling() -> None:
    stays("""
        let a = [1_000, 1e-6, 4.20G, 8GiB, 3xHxW, "a\\"b", 0.50]
    """)


def widen(text: str) -> str:
    """Every `W` as a word of thirty letters."""
    return text.replace("W", "w" * 30)


def test_bodies_on_one_line_stay_there_if_they_fit() -> None:
    becomes(
        widen("""
            network N {
                if a {b}   else {c}
                stack { W -> W }
                stack { abcdefghijklmnopqrst -> W -> W }
                residual { W -> W } shortcut { W }
            }
        """),
        widen("""
            network N {
                if a { b } else { c }
                stack { W -> W }
                stack {
                    abcdefghijklmnopqrst -> W -> W
                }
                residual {
                    W -> W
                } shortcut {
                    W
                }
            }
        """),
    )


def test_chains_break_before_arrows_where_they_must_or_where_the_writer_did() -> None:
    becomes(
        widen("""
            network N {
                a ->
                  b -> c
                a -> W -> W -> W -> W -> b
            }
        """),
        widen("""
            network N {
                a
                    -> b -> c
                a -> W -> W
                    -> W -> W -> b
            }
        """),
    )


def test_long_argument_lists_take_a_line_for_each() -> None:
    becomes(
        widen("""
            network N {
                a -> conv(W=1, W=[1, 2], W=3)
            }
            let a = [W, W, W, [1]]
        """),
        widen("""
            network N {
                a
                    -> conv(
                        W=1,
                        W=[1, 2],
                        W=3,
                    )
            }

            let a = [
                W,
                W,
                W,
                [1],
            ]
        """),
    )


def test_rows_of_a_broken_list_stay_as_they_are_and_end_in_a_comma() -> None:
    becomes(
        """
        let kernels = [
            1, 2, 3,
            4, 5, 6
        ]
        let single = (
            1
        )
        """,
        """
        let kernels = [
            1, 2, 3,
            4, 5, 6,
        ]

        let single = (
            1
        )
        """,
    )


def test_aligned_numbers_stay_aligned_and_others_are_not_padded() -> None:
    becomes(
        """
        network N {
            A( 1,   200)
            A(1000, 2)
            B(1, 200)
            B(1000, 2)
            input left:  1x28
            input right: 1x28
        }
        """,
        """
        network N {
            A(   1, 200)
            A(1000,   2)
            B(1, 200)
            B(1000, 2)
            input left:  1x28
            input right: 1x28
        }
        """,
    )


def test_blank_lines_are_single_and_part_definitions() -> None:
    becomes(
        """


        let a = 1
        let b = 2
        network N {

            a



            b

        }
        # about M
        network M {
            a
        }
        """,
        """
        let a = 1
        let b = 2

        network N {
            a

            b
        }

        # about M
        network M {
            a
        }
        """,
    )


def test_a_branch_of_several_lines_is_aligned_behind_its_bar() -> None:
    becomes(
        """
        network N {
            concat { let a = 1
            | b
            c -> stack {
            d }
            | e
            for k in [3, 4] {
            | conv(k) }
            }
        }
        """,
        """
        network N {
            concat {
                let a = 1
                | b
                  c -> stack {
                      d
                  }
                | e
                for k in [3, 4] {
                    | conv(k)
                }
            }
        }
        """,
    )


def test_comments_stay_where_they_belong() -> None:
    stays("""
        # the file
        let a = [  # opened
            # before one
            1,  # one
            2,  # two
            # last
        ]  # closed

        network N(  # parameters
            a, b = 2,  # both
        ) {  # body
            conv(3)  # behind
                # before an arrow
                -> relu
            if a { b }  # then
            # otherwise
            else { c }
            concat {  # branches
                # the first
                | conv(3)
                  # in the branch
                  relu  # still

                # the second
                | relu
            }
            output a,  # one
                b
            # the end
        }
        # after all
    """)


def test_comments_behind_an_arrow_or_a_bar_move_before_it() -> None:
    becomes(
        """
        network N {
            a -> # one
              b
            concat {
                | # two
                c
            }
        }
        """,
        """
        network N {
            a  # one
                -> b
            concat {
                # two
                | c
            }
        }
        """,
    )


def test_labels_with_holes_are_spaced_inside() -> None:
    becomes(
        'network N { a{i+1}_{ j }: b -> "c{ i }-0" : d }',
        'network N { a{i + 1}_{j}: b -> "c{i}-0": d }\n',
    )


def test_windows_lines_become_plain_ones() -> None:
    assert fmt("let a = 1\r\n\r\n# b\r\n") == "let a = 1\n\n# b\n"
