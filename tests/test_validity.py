"""The sizes for which a network is valid, against trying every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlang.analysis.validity import every, restrict, valid_sizes
from cnnlang.api import check, compile_file
from cnnlang.sizes import Free, free

H = free("H")


def conditions() -> st.SearchStrategy[list[tuple[Free, bool]]]:
    """Comparisons as checks make them: at least, equal, and divisible."""
    shift = st.integers(-40, 40)
    inside = st.builds(
        lambda d, s, a: H // d * a + s, st.integers(1, 6), shift, st.sampled_from((-2, -1, 1, 2))
    )
    equal = st.builds(lambda d, s: H // d + s, st.integers(1, 6), st.integers(-30, 0))
    whole = st.builds(lambda d, s: (H + s) - (H + s) // d * d, st.integers(2, 6), st.integers(0, 5))
    return st.lists(
        st.one_of(
            st.tuples(inside, st.just(False)),
            st.tuples(equal, st.just(True)),
            st.tuples(whole, st.just(True)),
        ),
        max_size=4,
    )


@given(conditions())
def test_the_set_holds_exactly_the_sizes_that_meet_all_conditions(given_conditions):
    sizes = every("H")
    for value, zero in given_conditions:
        sizes = restrict(sizes, value, zero)
    for x in range(1, 400):
        met = all((v(x) == 0 if zero else v(x) >= 0) for v, zero in given_conditions)
        assert (x in sizes) is met
    found = [x for x in range(1, 4000) if x in sizes]
    assert sizes.empty is (not found)
    if found:
        assert sizes.least == found[0]
        assert sizes.greatest in (None, found[-1])


def test_zero_is_never_a_size():
    assert 0 not in every("H")
    assert every("H").everything


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("maxpool(2x2)", "N takes H and W >= 2"),
        ("a: conv(4, 3x3)\n conv(4, 3x3) -> conv(4, 3x3)", "N takes H and W >= 7"),
        (
            "residual { maxpool(2x2) -> conv_transpose(3, 2x2, stride=2) }",
            "N takes H and W each a multiple of 2",
        ),
        (
            "residual { maxpool(4x4) -> maxpool(4x4) -> upsample(16) }",
            "N takes H and W each a multiple of 16",
        ),
    ],
)
def test_the_note_says_for_which_sizes_a_network_is_valid(tmp_path, network, words):
    file = tmp_path / "n.cnn"
    file.write_text(f"network N {{\n input 3xHxW\n {network}\n}}\n")
    assert [each.message.replace("`", "") for each in check(file, select=[])] == [words]


def test_branches_of_stride_two_and_three_meet_where_both_agree(tmp_path):
    file = tmp_path / "n.cnn"
    file.write_text(
        "network N {\n input 3xHxW\n add {\n"
        "  | conv(4, 2x2, stride=2) -> conv(4, 3x3, stride=3)\n"
        "  | conv(4, 3x3, stride=3) -> conv(4, 2x2, stride=2)\n }\n}\n"
    )
    graph, _ = compile_file(file)
    sizes = valid_sizes(graph)[0]["H"]
    assert sizes.least == 6
    assert all((x in sizes) is (x >= 6) for x in range(1, 100))


def test_conditions_that_no_size_meets_together_are_an_error_with_both_places(tmp_path):
    file = tmp_path / "n.cnn"
    file.write_text(
        "network N {\n input 1xL\n concat {\n"
        "  | flatten -> dense(4, in_features=8)\n"
        "  | maxpool(2) -> flatten -> dense(4, in_features=5)\n }\n}\n"
    )
    (found,) = check(file)
    assert (found.code, found.span.line, found.related[0].label) == ("S113", 5, "this leaves L = 8")


def test_a_flattened_head_fixes_the_size(tmp_path):
    file = tmp_path / "n.cnn"
    file.write_text(
        "network N {\n input 1xL\n conv(4, 5) -> maxpool(2) -> flatten\n"
        " dense(3, in_features=40)\n}\n"
    )
    assert [each.message for each in check(file, select=[])] == ["`N` takes L from 24 to 25"]


def test_unet_takes_multiples_of_sixteen():
    graph, _ = compile_file("examples/unet.cnn", "UNet")
    sets = valid_sizes(graph)[0]
    assert [x for x in range(1, 100) if x in sets["H"]] == [16, 32, 48, 64, 80, 96]
    assert str(sets["W"]) == "W a multiple of 16"
