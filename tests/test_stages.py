"""Stages for pipelining: cut at block boundaries, where one tensor flows, and balanced."""

from __future__ import annotations

from itertools import pairwise

import pytest

import cnnlang
from cnnlang.api import compile_file

IMAGE = {0: (3, 224, 224)}


def begins(*arguments, **options):
    return [stage.begin for stage in cnnlang.stages(*arguments, **options)]


def written(folder, body):
    path = folder / "net.cnn"
    path.write_text(f"network N {{ input 3x16x16\n {body}\n}}\n")
    return path


# --- balance ---------------------------------------------------------------------------------

BALANCED = {
    "resnet50": (2, 0.6),
    "resnet152": (4, 0.35),
    "densenet121": (3, 0.4),
    "convnext_tiny": (2, 0.65),
}
"""Into how many stages, and the largest share of work or memory that any of them may have."""


@pytest.mark.parametrize("name", BALANCED)
def test_no_stage_has_much_more_than_its_share(name):
    number, most = BALANCED[name]
    found = cnnlang.stages(f"zoo:{name}", number=number, batch=8, shapes=IMAGE)
    for amounts in ([each.macs for each in found], [each.memory for each in found]):
        assert len(amounts) == number
        assert max(amounts) <= most * sum(amounts)


def test_all_work_is_in_some_stage():
    found = cnnlang.stages("zoo:resnet50", number=3, batch=8, shapes=IMAGE)
    assert sum(each.macs for each in found) == 4_089_184_256
    assert found[0].begin == ""
    assert found[0].shape == (3, 224, 224)


def test_unequal_parts_are_cut_where_the_heaviest_is_lightest(tmp_path):
    """By brute force over every choice of two cuts."""
    layers = [f"c{i}: conv({n}, 3x3, padding=1)" for i, n in enumerate((4, 64, 2, 32, 8, 48, 16))]
    path = written(tmp_path, "\n".join(layers))
    costs = [each.macs for each in cnnlang.stages(path, number=7)]
    memory = [each.memory for each in cnnlang.stages(path, number=7)]

    def heaviest(*cuts):
        ends = (0, *cuts, 7)
        return max(
            sum(each[a:b]) / sum(each) for each in (costs, memory) for a, b in pairwise(ends)
        )

    best = min(heaviest(a, b) for a in range(1, 6) for b in range(a + 1, 7))
    chosen = [int(name.removeprefix("c")) for name in begins(path, number=3)[1:]]
    assert heaviest(*chosen) == pytest.approx(best)


# --- where it is cut -------------------------------------------------------------------------


def test_blocks_stay_whole_while_there_are_enough_of_them():
    for name in begins("zoo:resnet50", number=8, shapes=IMAGE)[1:]:
        assert name.count(".") <= 1


def test_a_block_is_cut_open_where_there_is_no_other_way(tmp_path):
    path = tmp_path / "net.cnn"
    path.write_text(
        "block B { a: conv(8, 3x3)\n b: conv(8, 3x3) }\nnetwork N { input 3x16x16\n body: B }\n"
    )
    assert begins(path) == ["", "body.b"]


def test_one_stage_is_the_network():
    assert begins("zoo:alexnet", number=1, shapes=IMAGE) == [""]


# --- where it cannot be ----------------------------------------------------------------------

REFUSED = {
    "a skip": "a: conv(3, 1x1)\n conv(3, 1x1)\n conv(3, 1x1)\n add(a)",
    "a second output": "a: conv(3, 1x1)\n b: conv(3, 1x1)\n conv(3, 1x1)\n output a, b",
    "shared weights": "shared s { c: conv(3, 1x1) }\n s\n b: conv(3, 1x1)\n s",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_nothing_but_one_tensor_may_cross(tmp_path, body):
    with pytest.raises(ValueError, match="N cannot be cut into 3 stages"):
        cnnlang.stages(written(tmp_path, body), number=3)


def test_a_network_full_of_skips_says_where_it_can_be_cut():
    with pytest.raises(ValueError) as caught:
        cnnlang.stages("examples/unet.cnn", "UNet", 9, shapes={0: (3, 64, 64)})
    assert str(caught.value) == (
        "UNet cannot be cut into 9 stages: one tensor alone flows on only before "
        "`level1.double1.conv2`, `level1.double2`, `level1.double2.conv2`, `conv1`; elsewhere "
        "skips, outputs or shared weights cross the cut"
    )


def test_sizes_must_be_known():
    with pytest.raises(ValueError, match="depends on the free dimensions H, W"):
        cnnlang.stages("zoo:resnet18")


def test_there_is_one_stage_at_least():
    with pytest.raises(ValueError, match="`number` is a whole number from 1 on, not 0"):
        cnnlang.stages("zoo:resnet18", number=0, shapes=IMAGE)


def test_every_stage_begins_with_a_module_of_the_network():
    module = cnnlang.load("zoo:densenet121", device="meta")
    for name in begins("zoo:densenet121", number=6, shapes=IMAGE):
        module.get_submodule(name)


def test_a_long_chain_is_cut(tmp_path):
    """Two thousand layers are as many places to cut."""
    path = written(tmp_path, "\n".join(["conv(3, 1x1)"] * 2000))
    assert len(compile_file(path)[0].layers) == 2000
    assert len(begins(path, number=16)) == 16
