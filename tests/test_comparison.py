"""What `compare` says of two networks: laws, and pairs whose difference is known."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnlang
from cnnlang.analysis.alignment import DIFFERENCES, align, common
from cnnlang.analysis.comparison import Change, Comparison, Version, compare
from cnnlang.backends.comparison.lines import entries, folded, numbered, shift, stripped
from cnnlang.backends.module import instantiate
from cnnlang.compilation import Settings, compile_source
from cnnlang.diagnostics.model import Source
from cnnlang.graph import Graph
from cnnlang.sources import fetch, meant, read

pytestmark = pytest.mark.usefixtures("one_thread")

# --- networks ------------------------------------------------------------------------------------


def network(body: str, before: str = "", head: str = "input 3x32x32") -> Graph:
    """The graph of a network with this body."""
    return program(f"{before}\nnetwork N {{\n{head}\n{body}\n}}\n")


def program(text: str) -> Graph:
    graph, found = compile_source(Source("net.cnn", text), fetch, None, Settings())
    assert graph is not None, found
    return graph


def zoo(name: str) -> Graph:
    source, _ = read(f"zoo:{name}")
    assert source is not None
    shapes = Settings(shapes={0: (3, 224, 224)})
    graph, found = compile_source(source, fetch, meant(f"zoo:{name}"), shapes)
    assert graph is not None, found
    return graph


def told(comparison: Comparison) -> list[str]:
    """The changes in short: `+ conv1`, `~ conv1 filters 8 -> 16`, `= fc` for what follows."""
    return [line(each) for each in comparison.changes]


def line(change: Change) -> str:
    signs = {"added": "+", "removed": "-", "changed": "~", "follows": "="}
    names = [v.name for v in (change.before, change.after) if v]
    words = [f"{a.name} {a.before} -> {a.after}" for a in change.arguments]
    if change.inputs:
        words.append("takes " + " -> ".join(map(" ".join, change.inputs)))
    words += ["reshaped"] * change.reshaped
    return " ".join([signs[change.status], " -> ".join(dict.fromkeys(names)), *words])


def difference(before: str, after: str) -> list[str]:
    return told(compare(network(before), network(after)))


# --- laws ----------------------------------------------------------------------------------------

LAYERS = st.sampled_from(
    [
        "conv(8, 3x3, padding=1)",
        "conv(8, 3x3, padding=1, bias=false)",
        "conv(16, 3x3, padding=1)",
        "a{0}: conv(8, 1x1)",
        "b{0}: batchnorm",
        "relu",
        "gelu",
        "maxpool(2x2, stride=1)",
        "residual {{ conv(in.channels, 3x3, padding=1) -> relu }}",
        "concat {{ | identity | conv(4, 1x1) }}",
        "s{0}: stack {{ conv(8, 1x1) -> batchnorm }}",
        "Block(8)",
        "conv(3, 1x1) -> embed",
    ]
)
BLOCK = "block Block(n) { conv(n, 3x3, padding=1) -> batchnorm -> relu }"


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A few layers, some with names of their own, one perhaps applied twice."""
    drawn = draw(st.lists(LAYERS, max_size=8))
    return "\n".join(text.format(draw(st.integers(0, 9)) * 10 + i) for i, text in enumerate(drawn))


def drawn(body: str) -> Graph:
    return network(f"shared embed {{ conv(3, 1x1) }}\nembed\n{body}", BLOCK)


Facts = tuple[object, ...]


def facts(change: Change) -> Facts:
    """What is told of a change."""
    arguments = [(a.name, a.before, a.after) for a in change.arguments]
    sides = change.before, change.after
    return *sides, change.status, arguments, change.inputs, change.reshaped, change.module


def turned(change: Change) -> Facts:
    """What is told of a change from the other side."""
    status = {"added": "removed", "removed": "added"}.get(change.status, change.status)
    arguments = [(a.name, a.after, a.before) for a in change.arguments]
    inputs = change.inputs and change.inputs[::-1]
    sides = change.after, change.before
    return *sides, status, arguments, inputs, change.reshaped, change.module


@settings(deadline=None, max_examples=40)
@given(body=bodies())
def test_a_network_does_not_differ_from_itself(body: str) -> None:
    found = compare(drawn(body), drawn(body))
    assert found.equal
    assert found.weights.loaded == found.weights.wanted == found.before.parameters


@settings(deadline=None, max_examples=60)
@given(before=bodies(), after=bodies())
def test_two_networks_differ_by_their_totals_and_the_other_way_round(
    before: str, after: str
) -> None:
    there, back = (compare(drawn(a), drawn(b)) for a, b in ((before, after), (after, before)))
    assert sorted(map(repr, map(facts, there.changes))) == sorted(
        map(repr, map(turned, back.changes))
    )
    growth = there.after.parameters - there.before.parameters
    assert sum(each.parameters for each in there.changes) == growth
    layers = there.after.layers - there.before.layers
    assert sum((c.before is None) - (c.after is None) for c in there.changes) == layers
    assert there.weights.missing == back.weights.unexpected
    assert there.equal == back.equal


@settings(deadline=None, max_examples=15)
@given(before=bodies(), after=bodies())
def test_what_loads_is_what_torch_loads(before: str, after: str) -> None:
    found = compare(drawn(before), drawn(after)).weights
    old, new = instantiate(drawn(before)).state_dict(), instantiate(drawn(after))
    misshapen = {each.name for each in found.misshapen}
    shapes = {name: tensor.shape for name, tensor in new.state_dict().items()}
    assert {n for n, t in old.items() if shapes.get(n, t.shape) != t.shape} == misshapen
    result = new.load_state_dict({k: v for k, v in old.items() if k not in misshapen}, strict=False)
    missing = {name for name in (*found.missing, *misshapen) if not name.endswith(COUNTER)}
    assert {name for name in result.missing_keys if not name.endswith(COUNTER)} == missing
    assert set(result.unexpected_keys) == set(found.unexpected)
    assert set(found.same) == set(old) - misshapen - set(found.unexpected)
    wanted = {name: weight.numel() for name, weight in new.named_parameters()}
    assert found.wanted == sum(wanted.values())
    assert found.loaded == sum(wanted.get(name, 0) for name in found.same)


COUNTER = "num_batches_tracked"
"""PyTorch waits for it only where the checkpoint has the layer."""


def longest(a: list[int], b: list[int]) -> int:
    """The length of a longest common subsequence, by the table."""
    row = [0] * (len(b) + 1)
    for x in a:
        new = [0]
        for j, y in enumerate(b):
            new.append(row[j] + 1 if x == y else max(row[j + 1], new[-1]))
        row = new
    return row[-1]


SEQUENCES = st.lists(st.integers(0, 3), max_size=12)


@given(a=SEQUENCES, b=SEQUENCES)
def test_a_longest_common_subsequence_is_found(a: list[int], b: list[int]) -> None:
    pairs = common(a, b)
    assert len(pairs) == longest(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))


def test_sequences_that_differ_too_much_are_not_aligned() -> None:
    ones, twos = [1] * DIFFERENCES, [2] * DIFFERENCES
    assert common([0, *ones], [0, *twos]) == []


# --- one change ---------------------------------------------------------------------------------

CHAIN = """\
conv(8, 3x3, padding=1) -> relu
conv(16, 3x3, padding=1) -> relu
global_avgpool -> flatten
dense(10)
"""


def test_a_layer_inserted_into_a_chain_is_the_only_one_that_is_new() -> None:
    assert difference(CHAIN, "conv(4, 1x1) -> relu\n" + CHAIN) == [
        "+ conv1",
        "+ relu1",
        "~ conv1 -> conv2",
        "~ conv2 -> conv3",
    ]


def test_a_changed_argument() -> None:
    after = CHAIN.replace("conv(16, 3x3", "conv(32, 5x5")
    assert difference(CHAIN, after) == [
        "~ conv2 filters 16 -> 32 kernel 3x3 -> 5x5 reshaped",
        "= dense1",
    ]


def test_one_number_stands_for_all_axes() -> None:
    after = CHAIN.replace("3x3", "3").replace("padding=1", "padding=[[1, 1], [1, 1]]")
    assert difference(CHAIN, after) == []


def test_shapes_are_told_where_they_begin_to_change() -> None:
    after = CHAIN.replace("conv(8, 3x3, padding=1)", "conv(8, 3x3, stride=2, padding=1)")
    assert difference(CHAIN, after) == ["~ conv1 stride 1 -> 2 reshaped"]
    assert difference(CHAIN.replace("padding=1", "padding=0"), CHAIN) == [
        "~ conv1 padding 0 -> 1 reshaped",
        "~ conv2 padding 0 -> 1 reshaped",
    ]


def test_another_layer_at_the_same_place() -> None:
    assert difference(CHAIN, CHAIN.replace("relu", "gelu")) == [
        "~ relu1 -> gelu1 layer relu -> gelu",
        "~ relu2 -> gelu2 layer relu -> gelu",
    ]


def test_a_name_that_is_kept_is_the_same_layer_whatever_it_is() -> None:
    assert difference("act: relu", "act: leaky_relu(0.2)") == [
        "~ act layer relu -> leaky_relu(0.2)"
    ]


def test_a_renamed_module_is_told_as_renamed() -> None:
    before, after = (
        f"{name}: stack {{ conv(8, 1x1) -> batchnorm -> relu }}" for name in ("a", "b")
    )
    assert difference(before, after) == ["~ a.0 -> b.0", "~ a.1 -> b.1"]
    found = compare(network(before), network(after)).weights
    assert ("a.0.weight", "b.0.weight") in found.renamed
    assert len(found.renamed) == len(found.missing) == len(found.unexpected) == 7


def test_a_renamed_layer_with_other_weights_is_told_by_itself() -> None:
    before = "a: conv(8, 1x1)\nb: conv(8, 1x1)\nc: conv(8, 1x1)"
    after = "conv(4, 1x1)\nd: conv(8, 1x1)\ne: conv(8, 1x1)\nf: conv(8, 1x1)"
    told = [(e.sign, e.name, e.detail) for e in entries(compare(network(before), network(after)))]
    assert told == [
        ("+", "conv1", "conv(4, 1x1), 16 parameters"),
        ("~", "a -> d", "renamed; +8 parameters"),
        ("~", "b -> e", "renamed"),
        ("~", "c -> f", "renamed"),
    ]


def test_names_that_count_say_nothing_without_weights() -> None:
    found = compare(network("relu -> conv(4, 1x1)"), network("relu -> relu -> conv(4, 1x1)"))
    assert told(found) == ["+ relu2"]


def test_a_label_is_told_and_a_label_left_out_too() -> None:
    assert difference("relu", "act: relu") == ["~ relu1 -> act"]
    assert difference("act: relu", "relu") == ["~ act -> relu1"]


def test_a_layer_that_takes_another_tensor() -> None:
    before = "a: conv(8, 1x1)\nb: conv(8, 1x1)\nconv(8, 1x1) -> add({})"
    assert difference(before.format("a"), before.format("b")) == ["~ add1 takes conv3 a -> conv3 b"]


def test_an_operand_more() -> None:
    before = "a: conv(8, 1x1)\nb: conv(8, 1x1)\nconcat(a{})\nconv(4, 1x1)"
    assert difference(before.format(""), before.format(", x")) == [
        "~ concat1 takes b a -> b a x reshaped",
        "= conv3",
    ]


def test_a_layer_that_is_added_on_the_way_does_not_rewire_what_follows() -> None:
    before = "a: conv(8, 1x1)\nconv(8, 1x1) -> add(a)"
    assert difference(before, before.replace("-> add", "-> dropout(0.5) -> add")) == ["+ dropout1"]


def test_a_named_operand_may_have_another_name() -> None:
    before = "{0}: conv(8, 3x3)\nmaxpool(2x2) -> upsample(2) -> crop(like={0})"
    assert difference(before.format("a"), before.format("b")) == ["~ a -> b"]


def test_inputs() -> None:
    left = network("global_avgpool", head="input 3x32x32")
    right = network("global_avgpool", head="input 1x28x28")
    assert told(compare(left, right)) == ["~ x type 3x32x32 -> 1x28x28 reshaped"]
    named = network("global_avgpool", head="input image: 3x32x32")
    assert told(compare(left, named)) == ["~ x -> image"]


def test_inputs_in_another_order_and_outputs_from_other_layers() -> None:
    two = "left -> conv(4, 1x1) -> add(right) \n a: relu"
    heads = "input left: 4x8x8\ninput right: 4x8x8", "input right: 4x8x8\ninput left: 4x8x8"
    found = compare(network(two, head=heads[0]), network(two, head=heads[1]))
    assert (found.equal, found.inputs) == (False, (("left", "right"), ("right", "left")))
    body = "a: relu\nb: relu\noutput {}"
    found = compare(network(body.format("a")), network(body.format("b")))
    assert (found.changes, found.outputs) == ((), (("a",), ("b",)))
    training = compare(network(body.format("b")), network(body.format("b\noutput training b, a")))
    assert training.outputs == (("b",), ("b", "b", "a"))


def test_shared_weights_count_once() -> None:
    body = "shared e {{ conv(3, 1x1) }}\n{}"
    found = compare(network(body.format("e")), network(body.format("e -> e")))
    assert [each.parameters for each in found.changes] == [0]
    assert found.weights.whole


def test_weights_of_extern_modules_are_not_known() -> None:
    extern = 'extern Blur(filt=4): [C, H, W] -> [C, H, W] from "blurs:{}"'
    before = network("Blur(filt=3)", extern.format("BlurPool"))
    after = network("Blur(filt=5)", extern.format("BlurPool"))
    found = compare(before, after)
    assert told(found) == ["~ blur1 layer Blur(filt=3) -> Blur(filt=5)"]
    assert found.weights.extern == ("blur1",)


def test_macs_are_not_known_while_a_size_is_free() -> None:
    found = compare(*[network("conv(4, 1x1)", head=f"input {s}") for s in ("3xHxW", "3x8x8")])
    assert (found.before.macs, found.after.macs, found.before.free) == (None, 768, ("H", "W"))


def test_a_checkpoint_is_loaded_under_the_new_names(tmp_path: Path) -> None:
    old, new = tmp_path / "old.cnn", tmp_path / "new.cnn"
    body = "network N {{ input 3x8x8\n{0} conv(4, 1x1) -> relu\n conv(4, 1x1)\n}}\n"
    old.write_text(body.format(""))
    new.write_text(body.format("conv(3, 3x3)\n"))
    found = cnnlang.compare(old, new)
    assert found.weights.renamed[0] == ("conv1.weight", "conv2.weight")
    match = {after: before for before, after in found.weights.renamed}
    weights = cnnlang.load(old).state_dict()
    model = cnnlang.load(new)
    with pytest.warns(UserWarning, match="2 of another shape"):
        cnnlang.load_weights(model, weights, match=match, strict=False)
    assert all(torch.equal(model.state_dict()[a], weights[b]) for a, b in match.items())


# --- pairs from the library ----------------------------------------------------------------------


def test_resnet34_has_more_blocks_than_resnet18() -> None:
    found = compare(zoo("resnet18"), zoo("resnet34"))
    assert {each.status for each in found.changes} == {"added"}
    assert sorted({each.module for each in found.changes}) == [
        "layer1.2",
        *("layer2.2", "layer2.3"),
        *("layer3.2", "layer3.3", "layer3.4", "layer3.5"),
        "layer4.2",
    ]
    assert len(found.weights.same) == 122
    assert not found.weights.unexpected
    assert sum(each.parameters for each in found.changes) == 21_797_672 - 11_689_512


def test_the_two_mobilenets_share_their_stem() -> None:
    found = compare(zoo("mobilenet_v3_large"), zoo("mobilenet_v3_small"))
    names = {v.name for c in found.changes for v in (c.before, c.after) if isinstance(v, Version)}
    assert not any(name.startswith("features.0.") for name in names)
    assert "~ features.1.block.0.0 stride 1 -> 2 reshaped" in told(found)
    assert sum(each.parameters for each in found.changes) == 2_542_856 - 5_483_032


def test_vgg_with_normalisation_keeps_every_convolution() -> None:
    before, after = zoo("vgg11"), zoo("vgg11_bn")
    pairs = align(before, after)
    convs = [(n, after.nodes[pairs[n.index]]) for n in before.layers if n.kind == "conv"]
    assert all(old.layer == new.layer for old, new in convs)
    found = compare(before, after)
    assert {c.after.kind for c in found.changes if c.status == "added" and c.after} == {"batchnorm"}
    assert ("features.3.weight", "features.4.weight") in found.weights.renamed


# --- words ---------------------------------------------------------------------------------------


def test_words_that_lines_are_made_of() -> None:
    assert stripped("a.b.conv1", "x.b.conv1") == ("a", "x")
    assert stripped("conv1", "a.conv1") == ("conv1", "a.conv1")
    assert shift("conv9", "conv11") == shift("conv10", "conv12") != shift("conv9", "conv10")
    assert numbered("a" * 3 + "1" * 5_000) == ("aaa" + "1" * 4_991, "1" * 9)
    assert folded(["a.x", "a.y", "b.x", "c"], {"a.x", "a.y", "b.x", "b.z", "c"}) == [
        "a.* (2)",
        "b.x",
        "c",
    ]
