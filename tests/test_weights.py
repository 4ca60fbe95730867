"""Trained weights: read safely, matched by name or by order, and copied whole or not at all."""

from __future__ import annotations

import copy
import random
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from test_module import write
from torch import Tensor, nn

from cnnlang import WeightsError, load, load_weights, weights_map
from cnnlang.backends.checkpoint import state_of
from cnnlang.backends.matching import by_name, by_order

SMALL = """
network Small(classes = 10) {
    input 3x8x8
    stem: conv(4, 3x3) -> norm: batchnorm -> relu
    body: stack { conv(4, 3x3, padding=1) -> relu -> conv(6, 3x3) }
    global_avgpool -> flatten
    head: dense(classes)
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, SMALL)


@pytest.fixture
def net(file: Path) -> nn.Module:
    torch.manual_seed(0)
    return load(file)


def state(net: nn.Module) -> dict[str, Tensor]:
    return dict(net.state_dict())


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, b.state_dict()[key]) for key, x in a.state_dict().items())


def refused(net: nn.Module, weights: Any, **options: Any) -> str:
    """What is said when weights do not fit; the module must be what it was."""
    before = copy.deepcopy(net)
    with pytest.raises(WeightsError) as error:
        load_weights(net, weights, **options)
    assert same(net, before)
    return str(error.value)


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.safetensors"])
def test_weights_come_from_a_file(file: Path, net: nn.Module, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(state(net), path)
    else:
        torch.save(net.state_dict(), path)
    for weights in (path, str(path), net.state_dict()):
        assert same(load(file, weights=weights), net)


def test_a_file_may_hold_the_weights_beside_other_things(
    file: Path, net: nn.Module, tmp_path: Path
) -> None:
    torch.save({"epoch": 3, "model": state(net), "optimizer": {"state": {}}}, tmp_path / "run.pth")
    assert same(load(file, weights=tmp_path / "run.pth"), net)
    torch.save({"model": state(net), "ema": state(net)}, tmp_path / "two.pth")
    assert "are several sets: model, ema; give the state_dict of one" in refused(
        net, tmp_path / "two.pth"
    )


def test_names_may_be_wrapped(file: Path, net: nn.Module) -> None:
    wrapped = {f"module._orig_mod.{key}": value for key, value in state(net).items()}
    assert same(load(file, weights=wrapped), net)
    wrapped["extra"] = torch.zeros(1)
    assert "extra" in refused(net, wrapped)


def test_old_checkpoints_lack_the_counters(file: Path, net: nn.Module) -> None:
    old = {key: value for key, value in state(net).items() if not key.endswith("tracked")}
    for match in ("name", "order"):
        assert same(load(file, weights=old, match=match), net)


def test_numbers_become_the_modules_own(file: Path, net: nn.Module) -> None:
    half = {key: v.half() if v.is_floating_point() else v for key, v in state(net).items()}
    loaded = load(file, weights=half, dtype=torch.float64)
    assert loaded.get_parameter("head.weight").dtype == torch.float64
    torch.testing.assert_close(
        loaded.get_parameter("head.weight"), half["head.weight"].double(), rtol=0, atol=0
    )


@pytest.mark.parametrize(
    "content, words",
    [
        (None, "there is no such file"),
        (b"", "it is no checkpoint of PyTorch"),
        (b"hello", "it is no checkpoint of PyTorch"),
        ({"epoch": 3}, "are no state_dict, which is names with tensors"),
        ({}, "are no state_dict"),
        (nn.Linear(1, 1), r"it holds more than weights (torch.nn.modules.linear.Linear)"),
    ],
    ids=str,
)
def test_what_is_no_checkpoint(net: nn.Module, tmp_path: Path, content: Any, words: str) -> None:
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    assert words in refused(net, path)


def test_a_file_never_runs_code(net: nn.Module, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"head.weight": Evil()}, tmp_path / "evil.pt")
    assert "it holds more than weights" in refused(net, tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_what_is_no_safetensors_file(net: nn.Module, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"hello, world")
    assert "it is no safetensors file" in refused(net, tmp_path / "w.safetensors")
    assert "it is a directory" in refused(net, tmp_path)


def test_safetensors_is_an_extra(
    net: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    said = refused(net, tmp_path / "w.safetensors")
    assert "needs the package safetensors: pip install 'cnnlang[safetensors]'" in said


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["new.pt", "old.pt", "w.safetensors"])
def test_a_damaged_file_is_told(net: nn.Module, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "w.safetensors":
        pytest.importorskip("safetensors.torch").save_file(state(net), path)
    else:
        torch.save(state(net), path, _use_new_zipfile_serialization=name == "new.pt")
    whole, dice, read = path.read_bytes(), random.Random(0), 0
    for _ in range(150):
        data = bytearray(whole[: dice.choice([len(whole), dice.randrange(len(whole))])])
        for _ in range(min(3, len(data))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            state_of(path)
            read += 1
        except WeightsError:
            continue
    assert read < 150


def test_weights_that_are_replaced_are_not_drawn_first(file: Path, net: nn.Module) -> None:
    """Drawing random numbers takes the longest of building a module."""
    before = torch.get_rng_state()
    assert same(load(file, weights=state(net)), net)
    assert torch.equal(torch.get_rng_state(), before)
    load(file, weights=state(net), strict=False)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["orthogonal", "xavier_normal", "truncated_normal(std=0.02)"])
def test_no_initialisation_is_run_in_vain(tmp_path: Path, name: str) -> None:
    text = (
        f"network N {{ input 3x8x8\n conv(4, 3x3, init={name}) -> prelu -> flatten -> dense(2) }}"
    )
    first = load(write(tmp_path, text))
    before = torch.get_rng_state()
    assert same(load(tmp_path / "net.cnn", weights=first.state_dict()), first)
    assert torch.equal(torch.get_rng_state(), before)


# --- what does not fit ---------------------------------------------------------------------------


def test_a_mismatch_is_shown_side_by_side(net: nn.Module) -> None:
    other = state(net)
    other["boby.0.weight"] = other.pop("body.0.weight")
    other["head.weight"] = torch.zeros(5, 6)
    other["extra"] = torch.zeros(())
    del other["norm.bias"]
    assert refused(net, other) == (
        "these weights do not fit Small: 2 missing, 2 unexpected, 1 of another shape\n"
        "\n"
        "  network        here     there    checkpoint\n"
        "  head.weight    10x6     5x6      head.weight\n"
        "  body.0.weight  4x4x3x3  4x4x3x3  boby.0.weight   did you mean this?\n"
        "  norm.bias      4        scalar   extra\n"
        "\n"
        "strict=False loads the 10 that fit and leaves the others as they are"
    )


def test_a_long_table_is_cut(net: nn.Module) -> None:
    other = {f"layer{i}.weight": torch.zeros(3) for i in range(40)}
    assert refused(net, other).endswith("\n  and 20 more")


def test_what_fits_is_loaded_where_asked(file: Path, net: nn.Module) -> None:
    fine = load(file, classes=3)
    head = copy.deepcopy(fine.get_submodule("head"))
    with pytest.warns(UserWarning, match="these weights fit in part: 2 of another shape"):
        load_weights(fine, state(net), strict=False)
    assert torch.equal(fine.get_parameter("stem.weight"), net.get_parameter("stem.weight"))
    assert torch.equal(fine.get_parameter("head.bias"), head.bias)
    assert "12 missing, 1 unexpected" in refused(net, {"other": torch.zeros(1)}, strict=False)


def test_nothing_is_said_when_all_fits(file: Path, net: nn.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(file, weights=state(net), strict=False)


def test_integers_are_no_weights(net: nn.Module) -> None:
    whole = {k: v.to(torch.int8) if v.is_floating_point() else v for k, v in state(net).items()}
    assert "`stem.weight` holds torch.int8, not torch.float32" in refused(net, whole)


def test_a_network_without_storage_takes_none(file: Path, net: nn.Module) -> None:
    with pytest.raises(WeightsError, match=r"`stem\.weight` has no storage"):
        load(file, weights=state(net), device="meta")


def test_a_wrong_way_to_match(net: nn.Module) -> None:
    with pytest.raises(ValueError, match="`match` is 'name', 'order', or a mapping"):
        load_weights(net, state(net), match="nmae")


# --- other names ---------------------------------------------------------------------------------


def renamed(net: nn.Module) -> dict[str, Tensor]:
    """The weights under the numbers of their modules."""
    modules = list(dict.fromkeys(key.rpartition(".")[0] for key in net.state_dict()))
    return {
        f"m.{modules.index(key.rpartition('.')[0])}.{key.rpartition('.')[2]}": value
        for key, value in net.state_dict().items()
    }


def test_order_and_shape_say_what_names_do_not(file: Path, net: nn.Module) -> None:
    assert 'order and shapes agree: match="order" loads them' in refused(net, renamed(net))
    assert same(load(file, weights=renamed(net), match="order"), net)
    assert weights_map(net, renamed(net))["norm.running_mean"] == "m.1.running_mean"


def test_safetensors_has_no_order(net: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    pytest.importorskip("safetensors.torch").save_file(renamed(net), path)
    assert "have lost their order, for safetensors sorts tensors" in refused(
        net, path, match="order"
    )
    with pytest.raises(WeightsError, match="lost their order"):
        weights_map(net, path)


def test_a_map_of_names_can_be_given(file: Path, net: nn.Module) -> None:
    found = weights_map(net, renamed(net))
    assert same(load(file, weights=renamed(net), match=found), net)
    modules = {"stem": "m.0", "norm": "m.1", "body.0": "m.2", "body.2": "m.3", "head": "m.4"}
    assert same(load(file, weights=renamed(net), match=modules), net)
    assert "the network has no weight or module `bdy`: did you mean `body`?" in refused(
        net, renamed(net), match={"bdy": "m"}
    )


def test_more_modules_than_the_network_has(net: nn.Module) -> None:
    """What lies between is left over; what could be either of two is refused."""
    more = {"aux.weight": torch.zeros(7, 7), **renamed(net)}
    assert "1 unexpected" in refused(net, more, match="order")
    with pytest.warns(UserWarning, match="1 unexpected"):
        load_weights(net, more, match="order", strict=False)
    twice = OrderedDict(renamed(net))
    twice["copy.weight"], twice["copy.bias"] = torch.zeros(10, 6), torch.zeros(10)
    said = refused(net, twice, match="order")
    assert "`head` could be `m.4` or `copy` of the checkpoint" in said


def test_order_is_refused_where_names_say_otherwise() -> None:
    two = {"a.weight": (4, 4), "b.weight": (4, 4)}
    with pytest.raises(WeightsError, match=r"`a.weight` would get the checkpoint's `b.weight`"):
        by_order(two, dict(reversed(two.items())))
    assert by_name(two, dict(reversed(two.items()))).complete


def test_order_is_refused_where_tensors_of_a_module_look_alike() -> None:
    ours = {"norm.weight": (4,), "norm.bias": (4,)}
    with pytest.raises(WeightsError, match="gamma, beta of `bn` have equal shapes and names"):
        by_order(ours, {"bn.gamma": (4,), "bn.beta": (4,)})
    assert by_order(ours, {"bn.bias": (4,), "bn.weight": (4,)}).pairs == {
        "norm.weight": "bn.weight",
        "norm.bias": "bn.bias",
    }
    unlike = by_order({"fc.weight": (2, 4), "fc.bias": (2,)}, {"d.kernel": (2, 4), "d.b": (2,)})
    assert unlike.pairs == {"fc.weight": "d.kernel", "fc.bias": "d.b"}


def test_an_order_that_does_not_exist() -> None:
    ours = {"a.weight": (4, 3), "b.weight": (5, 4)}
    with pytest.raises(WeightsError, match=r"nothing fits `b` .*goes on with `y` \(weight 6x4\)"):
        by_order(ours, {"x.weight": (4, 3), "y.weight": (6, 4)})
    with pytest.raises(WeightsError, match=r"nothing fits `b` \(weight 5x4\); the checkpoint ends"):
        by_order(ours, {"x.weight": (4, 3)})


def test_examples_take_torchvisions_weights_by_order() -> None:
    """The sample has names of its own; the library has torchvision's."""
    torch.manual_seed(0)
    published = load("zoo:mobilenet_v2").eval()
    ours = load("examples/mobilenet_v2.cnn", weights=published.state_dict(), match="order").eval()
    x = torch.randn(1, 3, 224, 224)
    assert torch.equal(ours(x), published(x))


def test_weights_drawn_between_bounds_are_replaced_like_any_other(tmp_path):
    """`trunc_normal_` draws until all lie between its bounds: it ends though nothing is drawn."""
    path = tmp_path / "net.cnn"
    path.write_text("network N { input 3x8x8\n conv(64, 3x3, init=truncated_normal(std=0.02)) }")
    first = load(path)
    second = load(path, weights=first.state_dict())
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
