"""The sizes for which a network is valid, against trying every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlang.analysis.products import singles
from cnnlang.analysis.sizesets import SizeSet, every, restrict
from cnnlang.analysis.validity import together, valid_sizes
from cnnlang.api import check, compile_file
from cnnlang.elaborate.limits import Budget
from cnnlang.layers.base import Condition, Problem
from cnnlang.sizes import Free, at, free

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


@given(conditions(), st.integers(1, 500))
def test_the_nearest_sizes_are_the_nearest(given_conditions, size):
    sizes = every("H")
    for value, zero in given_conditions:
        sizes = restrict(sizes, value, zero)
    below = [x for x in range(1, size + 1) if x in sizes]
    above = [x for x in range(size, 4000) if x in sizes]
    assert sizes.below(size) == (below[-1] if below else None)
    assert sizes.above(size) == (above[0] if above else None)


def parts() -> st.SearchStrategy[Free]:
    """Sizes of maps that never shrink where the input grows."""
    return st.builds(
        lambda d, s, a: (H + s) // d * a, st.integers(1, 5), st.integers(0, 9), st.integers(1, 3)
    )


@given(parts(), parts(), st.integers(1, 400), st.booleans(), st.integers(1, 20))
def test_a_product_of_one_dimension_is_solved(a, b, wanted, zero, least):
    value = 3 * a * b - wanted
    sizes = restrict(every("H"), H - least, False)
    found = singles(Condition(value, zero, Problem("S113", "")), {"H": sizes})
    assert found is not None
    for function, exact in found:
        sizes = restrict(sizes, function, exact)
    for x in range(1, 300):
        size = at(value, {"H": x})
        assert (x in sizes) is (x >= least and (size == 0 if zero else size >= 0))


@pytest.mark.parametrize(
    ("value", "zero", "solved"),
    [
        (H * free("W") * 2 - 2, True, True),
        (H * free("W") * 2 - 4, True, False),
        (H * free("W") - 4, False, False),
        (H + free("W"), True, False),
        ((9 - H) * H - 4, True, False),
        ((H * H) // 3 - 4, True, False),
    ],
)
def test_what_no_single_dimension_decides_stays_open(value, zero, solved):
    sets = {"H": every("H"), "W": every("W")}
    found = singles(Condition(value, zero, Problem("S113", "")), sets)
    assert (found is not None) is solved


def test_zero_is_never_a_size():
    assert 0 not in every("H")
    assert every("H").everything


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("maxpool(2x2)", "N takes H and W >= 2 (maxpool at line 3)"),
        ("a: conv(4, 3x3)\n conv(4, 3x3) -> conv(4, 3x3)", "N takes H and W >= 7 (conv at line 4)"),
        (
            "residual { maxpool(2x2) -> conv_transpose(3, 2x2, stride=2) }",
            "N takes H and W each a multiple of 2 (add at line 3 joins line 2)",
        ),
        (
            "residual { maxpool(4x4) -> maxpool(4x4) -> upsample(16) }",
            "N takes H and W each a multiple of 16 (add at line 3 joins line 2)",
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
    assert [each.message for each in check(file, select=[])] == [
        "`N` takes L from 24 to 25 (`dense` at line 4)"
    ]


def test_unet_takes_multiples_of_sixteen():
    graph, _ = compile_file("examples/unet.cnn", "UNet")
    sets = valid_sizes(graph)[0]
    assert [x for x in range(1, 100) if x in sets["H"]] == [16, 32, 48, 64, 80, 96]
    assert str(sets["W"]) == "W a multiple of 16"


def test_what_training_alone_needs_is_told_apart(tmp_path):
    file = tmp_path / "n.cnn"
    file.write_text(
        "network N {\n input 3xHxW\n output out\n output training out, aux\n"
        " aux: conv(4, 9x9)\n x -> out: conv(4, 3x3)\n}\n"
    )
    (note,) = check(file)
    assert note.message == "`N` takes H and W >= 9 (`conv` at line 5), in evaluation H and W >= 3"


def test_the_place_is_named_with_its_file(tmp_path):
    (tmp_path / "b.cnn").write_text("block B { maxpool(4x4) }\n")
    file = tmp_path / "n.cnn"
    file.write_text('use B from "b.cnn"\nnetwork N {\n input 3xHxW\n B\n}\n')
    (note,) = check(file)
    assert note.message.endswith("b.cnn)")
    assert "(`maxpool` at line 1 of " in note.message


def test_both_paths_and_where_they_part_are_shown(tmp_path):
    file = tmp_path / "n.cnn"
    file.write_text(
        "network N {\n input 3xHxW\n a: conv(3, 1x1)\n maxpool(2x2)\n upsample(2)\n add(a)\n}\n"
    )
    (note,) = check(file)
    assert [(each.span.line, each.label.split(",")[0]) for each in note.related] == [
        (6, "`add` needs tensors of one shape"),
        (5, "this is 3 x 2*(H//2) x 2*(W//2)"),
        (3, "this is 3xHxW"),
        (4, "the paths part here"),
    ]


@pytest.mark.parametrize(
    ("body", "shape", "note"),
    [
        ("residual { maxpool(2x2) -> upsample(2) }", "3x30x30", None),
        (
            "residual { maxpool(2x2) -> upsample(2) }",
            "3x31x30",
            "31 is not valid for H; nearest 30 (crop 1) or 32 (pad 1)",
        ),
        ("conv(4, 9x9)", "3x4x5", "4 is not valid for H; nearest 9 (pad 5)"),
        ("conv(4, 3x3) -> add(x)", "3x4x4", None),
        ("conv(5, 1x1) -> add(x)", "3x4x4", None),
        ("conv(4, 9x9) -> flatten -> dense(4)", "3x4x4", None),
    ],
)
def test_an_error_of_shape_tells_the_nearest_sizes(tmp_path, body, shape, note):
    file = tmp_path / "n.cnn"
    file.write_text(f"network N {{\n input {shape}\n {body}\n}}\n")
    found = [each for problem in check(file) for each in problem.notes if "not valid" in each]
    assert found[:1] == ([note] if note else [])


def test_advice_takes_no_more_than_half_of_the_steps_that_are_left():
    budget = Budget()
    budget.steps = 101
    with budget.aside():
        assert budget.steps == 50
        budget.steps = -3
    assert budget.steps == 51


def test_maps_that_grow_apart_inside_a_block_are_told_with_the_calls(tmp_path):
    path = tmp_path / "net.cnn"
    path.write_text(
        "block Unit(n) { residual { conv(n, 3x3, stride=2, padding=1) } }\n"
        "block Stage(n) { stack { Unit(n) } }\n"
        "network N {\n    input 8xHxW\n    Stage(8)\n}\n"
    )
    (found,) = check(path)
    assert (found.code, found.layer) == ("S135", "stage1.stack1.0.add1")
    labels = [(each.span.line, each.label) for each in found.related]
    assert {(2, "called here"), (5, "called here"), (4, "this is 8xHxW")} <= set(labels)
    assert "they agree for H = 1 only" in found.notes


@pytest.mark.parametrize(
    ("intervals", "words"),
    [
        (((1, 1),), "D = 1, H = 1 and W = 1"),
        (((1, 3),), "D, H and W from 1 to 3"),
        (((5, None),), "D, H and W >= 5"),
        (((1, None), (1, 0)), "D, H and W each a multiple of 2"),
    ],
)
def test_sets_that_are_alike_are_told_together(intervals, words):
    assert together({symbol: SizeSet(symbol, intervals) for symbol in "DHW"}) == words
