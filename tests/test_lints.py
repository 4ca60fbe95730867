"""Lints: what they say is so in PyTorch, their edits do no harm, and they can be chosen.

What each rule finds and leaves alone is told in `tests/spec/lints.md`.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
import torch
from calls import Call, invoke
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec.pages import cases, finder
from torch import nn

import cnnlang
from cnnlang.analysis.lints import RULES, Choice, chosen, usual
from cnnlang.analysis.lints.net import Net
from cnnlang.analysis.lints.windows import dead, dropped
from cnnlang.backends.module import instantiate
from cnnlang.compilation import Settings, check_source, compile_source
from cnnlang.diagnostics.model import Diagnostic, Severity, Source
from cnnlang.graph import Graph
from cnnlang.sources import STANDARD, fetch
from cnnlang.syntax.format import format_source

ROOT = Path(__file__).parents[1]
ALL = frozenset(RULES)


def graph(text: str) -> Graph:
    found, problems = compile_source(Source("net.cnn", text), fetch, None, Settings())
    assert found is not None, problems
    return found


def net(body: str, input: str = "8x16x16") -> str:
    return f"network N {{\n    input {input}\n    {body}\n}}\n"


def codes(text: str, on: frozenset[str] = ALL) -> list[str]:
    found = check_source(Source("net.cnn", text), fetch, on)
    return [each.code for each in found if each.code != "V401"]


def module(text: str) -> nn.Module:
    torch.manual_seed(0)
    return instantiate(graph(text))


# --- the registry --------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_an_example_gives_its_code_and_no_other(rule: object) -> None:
    assert codes(rule.example) == [rule.code]  # type: ignore[attr-defined]


def test_rules_are_told_apart_and_explained() -> None:
    rules = list(RULES.values())
    for field in ("code", "title", "condition", "why", "example"):
        values = [getattr(rule, field) for rule in rules]
        assert len(set(values)) == len(values), field
        assert all(values), field
    assert all(re.fullmatch(r"[a-z]+[0-9a-z]*(-[0-9a-z]+)*", rule.name) for rule in rules)
    assert all(re.fullmatch(r"L6[0-9]{2}", rule.code) for rule in rules)


def test_messages_are_short() -> None:
    for rule in RULES.values():
        for each in check_source(Source("net.cnn", rule.example), fetch, ALL):
            assert len(each.message) <= 90, each.message


# --- edits ---------------------------------------------------------------------------------------


def applied(text: str, each: Diagnostic) -> str:
    """The text after the edits of a diagnostic."""
    for edit in sorted(each.edits, key=lambda e: -e.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


EDITED = [
    ("conv(8, 3x3) -> batchnorm -> relu", "conv(8, 3x3, bias=false) -> batchnorm -> relu"),
    ("conv(8, 3x3,) -> batchnorm", "conv(8, 3x3, bias=false,) -> batchnorm"),
    ("conv(8, 3x3, bias=true) -> batchnorm", "conv(8, 3x3, bias=false) -> batchnorm"),
    ("c: conv(8, 3x3) -> b: batchnorm", "c: conv(8, 3x3, bias=false) -> b: batchnorm"),
    ("flatten -> dense(8) -> batchnorm", "flatten -> dense(8, bias=false) -> batchnorm"),
    ("relu -> relu -> sigmoid", "relu -> sigmoid"),
    ("relu\n    relu\n    sigmoid", "relu\n    sigmoid"),
    ("dropout(0) -> conv(8, 1x1)", "conv(8, 1x1)"),
    ("conv(8, 1x1)\n        -> dropout(0)\n        -> tanh", "conv(8, 1x1)\n        -> tanh"),
    ("conv(8, 1x1)\n        -> dropout(0) -> tanh", "conv(8, 1x1)\n        -> tanh"),
    ("maxpool(1)\n    conv(8, 1x1) -> upsample(1)", "conv(8, 1x1) -> upsample(1)"),
]


@pytest.mark.parametrize("before, after", EDITED, ids=[before for before, _ in EDITED])
def test_safe_edits_mend_and_compute_the_same(before: str, after: str) -> None:
    text = net(before)
    found = check_source(Source("net.cnn", text), fetch, frozenset(("L611", "L642")))
    first = found[0]
    assert first.safe
    assert applied(text, first) == net(after)
    assert len(codes(net(after), frozenset(("L611", "L642")))) == len(found) - 1
    old, new = module(text), module(net(after))
    new.load_state_dict(old.state_dict(), strict=False)
    assert set(new.state_dict()) <= set(old.state_dict())
    x = torch.randn(4, 8, 16, 16)
    torch.testing.assert_close(new(x), old(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        "let n = false\n    conv(8, 3x3)\n    if n { relu }\n    batchnorm",
        "stack { relu -> relu -> conv(8, 1x1) }",
        "let b = true\n    conv(8, 3x3, bias=b) -> batchnorm",
        "shared c = conv(8, 1x1)\n    c -> batchnorm -> c -> batchnorm",
        "add { | relu -> relu | relu }\n",
        "adaptive_avgpool(16x16)",
        "relu -> twice: relu\n    conv(8, 1x1) -> add(twice)",
        "let n = false\n    c: conv(8, 3x3) -> batchnorm\n    if n { add(c) }",
    ],
)
def test_edits_that_may_change_something_are_not_safe(body: str) -> None:
    found = check_source(Source("net.cnn", net(body)), fetch, frozenset(("L611", "L642")))
    assert found
    assert not any(each.safe for each in found) or body.startswith("add")


@pytest.mark.parametrize(
    "body",
    [
        "conv(8, 1x1) ->\n    dropout(0)",
        "conv(8, 1x1) -> # on\n    dropout(0)",
        "conv(8, 1x1)\n    -> dropout(0) # why\n    -> tanh",
        "repeat 2 { dropout(0) }",
        "twice: dropout(0)",
        "add { | dropout(0)\n | tanh }",
    ],
)
def test_what_cannot_be_cut_out_is_left(body: str) -> None:
    (found,) = check_source(Source("net.cnn", net(body)), fetch, frozenset(("L642",)))
    assert found.edits == ()


def test_an_edit_of_a_text_that_is_right_elsewhere_is_not_proposed() -> None:
    text = "block B(norm) {\n    conv(8, 1x1)\n    if norm { batchnorm }\n}\n" + net(
        "B(true) -> B(false)"
    )
    (found,) = check_source(Source("net.cnn", text), fetch, frozenset(("L611",)))
    assert (found.edits, found.safe, found.help) == ((), False, None)
    assert "1 of the 2 layers" in found.notes[-1]


# --- PyTorch agrees ------------------------------------------------------------------------------

WINDOWS = st.tuples(
    st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 6)
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(WINDOWS, st.integers(0, 2))
def test_windows_read_what_the_gradient_says(
    window: tuple[int, int, int, int, int], more: int
) -> None:
    """Dead taps, dropped ends, skipped positions and blind outputs of every convolution."""
    size, k, s, d, p = window
    if size + 2 * p + more < d * (k - 1) + 1:
        return
    made = net(f"conv(1, {k}, stride={s}, dilation={d}, padding=[[{p}, {p + more}]])", f"1x{size}")
    found = Net(graph(made))
    (axis,) = found.axes(found.nodes[1])
    x = torch.ones(1, 1, size, dtype=torch.double, requires_grad=True)
    w = torch.ones(1, 1, k, dtype=torch.double, requires_grad=True)
    y = nn.functional.conv1d(nn.functional.pad(x, (p, p + more)), w, stride=s, dilation=d)
    y.sum().backward()
    assert x.grad is not None
    assert w.grad is not None
    assert dead(found, axis) == int((w.grad == 0).sum())
    blind = int((y.detach()[0, 0] == 0).sum())
    if s <= k and d == 1:
        assert dropped(found, axis) == int((x.grad == 0).sum())
    hit = "L622" in codes(made)
    assert not hit or blind
    assert hit or not bool(y.detach()[0, 0, 0] == 0 or y.detach()[0, 0, -1] == 0) or d > 1
    skips = not {"L625", "L626"}.isdisjoint(codes(made))
    assert not skips or bool((x.grad == 0).any())
    if p == more == 0 and d == 1:
        last = (y.shape[-1] - 1) * s + k
        assert skips == bool((x.grad[..., :last] == 0).any())


def test_a_bias_before_a_norm_has_no_gradient() -> None:
    """Of batch, instance and single-channel group norm; of others it has one."""
    norms = {
        "batchnorm": True,
        "instancenorm": True,
        "groupnorm(8)": True,
        "groupnorm(4)": False,
        "layernorm(channels)": False,
        "rmsnorm(channels)": False,
    }
    for norm, told in norms.items():
        text = net(f"conv(8, 3x3) -> {norm}")
        assert (codes(text, frozenset(("L611",))) == ["L611"]) is told
        made = module(text).double()
        weight = torch.randn(8, dtype=torch.double)
        (made(torch.randn(4, 8, 16, 16).double()) ** 3 * weight[:, None, None]).sum().backward()
        grad = made.get_parameter("conv1.bias").grad
        assert grad is not None
        assert (float(grad.abs().max()) < 1e-9) is told, norm


@pytest.mark.parametrize(
    "layer", ["groupnorm(8)", "layernorm(width)", "rmsnorm(width)", "l2norm(width)"]
)
def test_a_norm_of_one_number_passes_no_gradient(layer: str) -> None:
    text = net(f"{layer}", "8x1x1")
    assert "L612" in codes(text)
    x = torch.randn(2, 8, 1, 1, dtype=torch.double, requires_grad=True)
    (module(text).double()(x) ** 3).sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().max()) < 1e-4


@pytest.mark.parametrize(
    "rates, share",
    [
        ((2, 2, 2), 29),
        ((4, 4), 9),
        ((2, 4, 8), 27),
        ((2, 3), 67),
        ((1, 2, 5), 100),
        ((1, 2, 2), 100),
    ],
)
def test_gridding_is_what_the_gradient_covers(rates: tuple[int, ...], share: int) -> None:
    body = " -> ".join(f"conv(1, 3x3, padding={d}, dilation={d}, bias=false)" for d in rates)
    text = net(body, "1x65x65")
    span = 2 * sum(rates) + 1
    made = module(text)
    for weight in made.parameters():
        nn.init.ones_(weight)
    x = torch.ones(1, 1, 65, 65, requires_grad=True)
    made(x)[0, 0, 32, 32].backward()
    assert x.grad is not None
    assert round(100 * int((x.grad != 0).sum()) / span**2) == share
    found = check_source(Source("net.cnn", text), fetch, frozenset(("L631",)))
    said = [f"read {share} % of the {span}x{span} positions" in each.message for each in found]
    assert said == ([True] if share < 100 else [])


@pytest.mark.parametrize("k", range(1, 7))
@pytest.mark.parametrize("s", range(1, 4))
@pytest.mark.parametrize("d", range(1, 4))
def test_overlaps_of_transposed_patches(k: int, s: int, d: int) -> None:
    """The inner outputs sum as many patches as they say; none where all sum equally many."""
    size = 24
    y = nn.functional.conv_transpose1d(
        torch.ones(1, 1, size), torch.ones(1, 1, k), stride=s, dilation=d
    )
    edge = d * (k - 1) + 1
    depths = set(y[0, 0, edge : (size - 1) * s].int().tolist()) if edge < (size - 1) * s else set()
    text = net(f"conv_transpose(1, {k}, stride={s}, dilation={d})", f"1x{size}")
    found = check_source(Source("net.cnn", text), fetch, frozenset(("L632", "L633")))
    wanted = [] if len(depths) == 1 else ["L633" if 0 in depths else "L632"]
    assert [each.code for each in found] == wanted
    if wanted == ["L632"]:
        assert f"{min(depths)} or {max(depths)} deep" in found[0].message


def test_maps_that_are_rounded_up_and_down_differ_where_it_is_said() -> None:
    text = net(
        "maxpool(2x2, ceil=true) -> add { | maxpool(2x2, ceil=true) | avgpool(2x2) }", "8x64x64"
    )
    (found,) = check_source(Source("net.cnn", text), fetch, frozenset(("L673",)))
    assert found.label == "where height of the input is 1 more than a multiple of 4"
    for size in range(8, 24):
        problems = compile_source(
            Source("net.cnn", text), fetch, None, Settings(shapes={0: (8, size, 64)})
        )[1]
        assert [each.code for each in problems] == (["S135"] if size % 4 in (1, 2) else [])


def test_a_scale_rounds_as_pytorch_rounds() -> None:
    assert nn.functional.interpolate(torch.ones(1, 1, 45), scale_factor=1.4).shape[-1] == 62


def test_linear_maps_in_a_row_are_one() -> None:
    made = module(net("dense(8, bias=false) -> dense(4, bias=false)", "6")).double()
    first, second = made.parameters()
    x = torch.randn(5, 6).double()
    torch.testing.assert_close(made(x), x @ (second @ first).T)


# --- nothing breaks them -------------------------------------------------------------------------

PROGRAMS = [case for page in sorted((ROOT / "tests" / "spec").glob("*.md")) for case in cases(page)]


def test_every_program_of_the_specification_can_be_looked_at() -> None:
    for case in PROGRAMS:
        found = check_source(case.source, finder(case.files), ALL)
        errors = [each for each in found if each.severity is Severity.ERROR]
        assert not errors or not any(each.code in RULES for each in found), case.id


def test_a_file_with_errors_is_not_looked_at() -> None:
    text = net("conv(8, 3x3) -> batchnorm") + net("convv(8, 3x3)  # ignore: S1").replace("N", "M")
    assert codes(text) == ["N114"]


# --- choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choices, wanted",
    [
        ([Choice()], usual()),
        ([Choice(("gridding",))], {"L631"}),
        ([Choice(("L63",))], {"L631", "L632", "L633"}),
        ([Choice(("border-drop",))], {"L623", "L624"}),
        ([Choice(("L63",), ignore=("L632",))], {"L631", "L633"}),
        ([Choice(("L632",), ignore=("L63",))], {"L632"}),
        ([Choice(("L632",), ignore=("checkerboard",))], set()),
        ([Choice(("ALL",), ignore=("L",))], set()),
        ([Choice((), extend=("L611",))], {"L611"}),
        ([Choice(extend=("L613",))], usual() | {"L613"}),
        ([Choice(("L611",), ignore=("L632",)), Choice(("L632",))], {"L632"}),
        ([Choice(("L611",)), Choice(ignore=("L6",))], set()),
        ([Choice(("ALL",))], ALL),
    ],
)
def test_the_narrower_word_wins(choices: list[Choice], wanted: set[str]) -> None:
    assert chosen(*choices) == wanted


def test_the_library_and_the_examples_are_clean() -> None:
    files = [*sorted(STANDARD.glob("*.cnn")), *sorted((ROOT / "examples").glob("*.cnn"))]
    assert [
        str(each) for file in files for each in cnnlang.check(file) if each.code != "V401"
    ] == []


def test_what_is_found_in_the_library_is_not_told_to_its_users() -> None:
    text = "use Unit from std.unit\n" + net("Unit")

    def find(node: object) -> Source:
        return Source("std.unit", "block Unit { conv(8, 3x3) -> batchnorm }\n")

    assert check_source(Source("net.cnn", text), find, ALL) == []
    own = Source("std.unit", "block Unit { conv(8, 3x3) -> batchnorm }\n" + net("Unit"))
    assert [each.code for each in check_source(own, find, ALL)] == ["L611"]


def test_what_is_found_in_a_file_of_ones_own_is_told_there() -> None:
    text = 'use Unit, Known from "unit.cnn"\n' + net("Unit -> relu -> Known")

    def find(node: object) -> Source:
        return Source(
            "unit.cnn",
            "block Unit { conv(8, 3x3) -> batchnorm }\n"
            "block Known { conv(8, 3x3) -> batchnorm }  # ignore: L611 because it is known\n",
        )

    (found,) = check_source(Source("net.cnn", text), find, ALL)
    assert str(found).startswith("unit.cnn:1:14: warning[L611]")
    assert (found.edits, found.safe) == ((), False)  # who else uses it is not known


LONG = "init=kaiming_normal(mode=fan_out, nonlinearity=relu), bias_init=zeros"


@pytest.mark.parametrize(
    "body",
    [
        "conv(8,3x3)->batchnorm # ignore: L611 because so",
        f"conv(8, 3x3, padding=same, {LONG}) -> batchnorm -> relu # ignore: L611 because so",
        "conv(8, 3x3) -> batchnorm -> relu -> conv(8, 3x3) -> batchnorm -> relu -> conv(8, 3x3)"
        " -> batchnorm # ignore: L611 because so",
        "# ignore: L611 because so\n  conv(8, 3x3)\n  -> batchnorm",
        "conv(8, # ignore: L611 because so\n 3x3) -> batchnorm",
        "concat { # first\n | conv(8, 3x3) -> batchnorm # ignore: L611 because so\n"
        "# ignore: L611 because so\n | conv(8, 3x3) -> batchnorm }",
        "repeat 2 { conv(8, 3x3) -> batchnorm } # ignore: L611 because so",
        "conv(8, 3x3) -> # ignore: L611 because so\n batchnorm",
    ],
)
def test_the_formatter_keeps_what_a_comment_covers(body: str) -> None:
    on = frozenset(("L611", "L601", "L602", "L603"))
    assert codes(net(body), on) == []
    text, _ = format_source(Source("net.cnn", net(body)))
    assert text is not None
    assert codes(text, on) == []
    assert codes(text.replace("# ignore", "# sic"), on) != []


def test_a_comment_that_is_not_needed_can_be_taken_out() -> None:
    text = net("conv(8, 3x3) -> relu  # ignore: L611 because it was so\n    relu -> conv(8, 1x1)")
    (found,) = check_source(Source("net.cnn", text), fetch, frozenset(("L601", "L611")))
    assert found.safe
    assert applied(text, found) == net("conv(8, 3x3) -> relu\n    relu -> conv(8, 1x1)")
    text = net("relu\n    # ignore: L611 because it was so\n    conv(8, 1x1)")
    (found,) = check_source(Source("net.cnn", text), fetch, frozenset(("L601", "L611")))
    assert applied(text, found) == net("relu\n    conv(8, 1x1)")


# --- the command line ----------------------------------------------------------------------------

BIASED = net("conv(8, 3x3) -> batchnorm -> relu -> conv_transpose(8, 3x3, stride=2)")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `cnnlang check` in an empty folder with a network that two lints find."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net.cnn").write_text(BIASED)

    return partial(invoke, "check", "--format", "concise")


def told(result: Result) -> list[str]:
    return re.findall(r"\[(\w+)\]", result.output)


def test_warnings_fail_only_where_it_is_asked_for(call: Call) -> None:
    found = call("nets/net.cnn")
    assert (found.exit_code, told(found)) == (0, ["L611", "L632"])
    assert call("nets/net.cnn", "--strict").exit_code == 1
    assert call("nets/net.cnn", "--strict", "--ignore", "L611,checkerboard").exit_code == 0
    assert told(call("nets/net.cnn", "--quiet")) == []
    assert told(call("nets/net.cnn", "--quiet", "--strict")) == ["L611", "L632"]


def test_lints_are_chosen_on_the_command_line(call: Call) -> None:
    assert told(call("nets/net.cnn", "--select", "L63")) == ["L632"]
    assert told(call("nets/net.cnn", "--select", "L63", "--select", "bias-before-norm")) == [
        "L611",
        "L632",
    ]
    assert told(call("nets/net.cnn", "--ignore", "L6")) == []
    assert told(call("nets/net.cnn", "--extend-select", "ALL", "--ignore", "L632")) == ["L611"]
    wrong = call("nets/net.cnn", "--select", "bias-befor-norm")
    assert wrong.exit_code == 2
    assert "did you mean `bias-before-norm`?" in wrong.output


def configure(text: str, folder: str = ".") -> None:
    Path(folder, "pyproject.toml").write_text(text)


def test_lints_are_chosen_in_the_nearest_configuration(call: Call) -> None:
    configure('[tool.cnnlang]\nselect = ["checkerboard"]\n')
    assert told(call("nets/net.cnn")) == ["L632"]
    assert told(call("nets/net.cnn", "--extend-select", "L611")) == ["L611", "L632"]
    assert told(call("nets/net.cnn", "--select", "L611")) == ["L611"]
    assert told(call("-", input=BIASED)) == ["L632"]
    configure("[tool.other]\nselect = 3\n", "nets")
    assert told(call("nets/net.cnn")) == ["L632"]
    configure('[tool.cnnlang]\nignore = ["L63"]\n', "nets")
    assert told(call("nets/net.cnn")) == ["L611"]
    assert told(call("-", input=BIASED)) == ["L632"]


def test_lints_are_ignored_for_some_files(call: Call) -> None:
    configure('[tool.cnnlang.per-file-ignores]\n"nets/*.cnn" = ["L611"]\n"other.cnn" = ["ALL"]\n')
    assert told(call("nets/net.cnn")) == ["L632"]
    assert told(call("nets/net.cnn", "--select", "L611")) == []
    configure('[tool.cnnlang.per-file-ignores]\n"net.cnn" = ["L6"]\n')
    assert told(call("nets/net.cnn")) == []
    assert told(call("-", input=BIASED)) == ["L611", "L632"]


@pytest.mark.parametrize(
    "text, message, place",
    [
        ("[tool.cnnlang]\nselct = []", "error[P094]: `tool.cnnlang` has no setting `selct`", "2:1"),
        ('[tool.cnnlang]\nselect = ["gridin"]', "error[P094]: there is no lint `gridin`", "2:12"),
        ('[tool.cnnlang]\nignore = "L611"', "error[P094]: `ignore` is a list of codes", "2:1"),
        ("[tool.cnnlang]\nextend-select = [3]", "error[P094]: `extend-select` is a list", "2:1"),
        (
            "[tool.cnnlang]\nper-file-ignores = []",
            "error[P094]: `per-file-ignores` is a table",
            "2:1",
        ),
        (
            '[tool.cnnlang.per-file-ignores]\n"a.cnn" = ["L999"]',
            "error[P094]: there is no lint",
            "2:13",
        ),
        ("[tool]\ncnnlang = 3", "error[P094]: `tool.cnnlang` is a table", "2:1"),
        (
            "[tool.cnnlang]\nselect = [",
            "error[P094]: pyproject.toml is not TOML",
            "pyproject.toml:",
        ),
        (
            "[tool.cnnlang]\n" + "[" * 5000,
            "error[P094]: pyproject.toml is not TOML",
            "pyproject.toml:",
        ),
        ("\udcff", "error[P092]: pyproject.toml is not UTF-8 text", "byte 0"),
    ],
)
def test_a_wrong_configuration_is_told_in_place(
    call: Call, text: str, message: str, place: str
) -> None:
    Path("pyproject.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    found = call("nets/net.cnn")
    assert found.exit_code == 2
    assert message in found.output
    assert place in found.output
    assert cnnlang.check("nets/net.cnn")[0].code in message


def test_python_chooses_too(call: Call) -> None:
    assert [each.code for each in cnnlang.check("nets/net.cnn")] == ["L611", "L632"]
    assert [each.code for each in cnnlang.check("nets/net.cnn", select=["gridding"])] == []
    assert [each.code for each in cnnlang.check("nets/net.cnn", ignore=["L611"])] == ["L632"]
    with pytest.raises(ValueError, match="no lint `L999`"):
        cnnlang.check("nets/net.cnn", extend_select=["L999"])


def test_the_library_is_checked_without_a_configuration(call: Call) -> None:
    configure("[tool.cnnlang]\nselct = []\n")
    assert call("zoo:lenet5").exit_code == 0
