"""`cnnlang diff`: files, networks of the library, versions in git, and how it is all written."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

import pytest
from calls import Call, invoke
from click import unstyle
from click.shell_completion import ShellComplete

from cnnlang.cli import revisions
from cnnlang.cli.group import command

OLD = """\
network N(classes = 10) {
    input 3x16x16
    stem: conv(8, 3x3, padding=1) -> relu
    body: stack { conv(8, 3x3, padding=1) -> batchnorm -> relu }
    global_avgpool -> flatten
    fc: dense(classes)
}
"""
NEW = OLD.replace("stem: conv(8", "stem: conv(16").replace(
    "    global_avgpool", "    extra: stack { conv(8, 1x1) -> relu }\n    global_avgpool"
)

SHAPES = (
    "stem.weight 8x3x3x3 -> 16x3x3x3",
    "stem.bias 8 -> 16",
    "body.0.weight 8x8x3x3 -> 8x16x3x3",
)

TEXT = f"""\
N (old.cnn) -> N (new.cnn)

Parameters          914      -> 1,786     +872 (+95.4 %)
MACs                202,832  -> 421,968   +219,136 (+108.0 %)
Training, batch 32  1.35 MiB -> 1.85 MiB  +515 KiB (+37.3 %)
Layers              8        -> 10        +2 (+25.0 %)
Input               3x16x16
Output              10

~ stem   filters 8 -> 16; output 8x16x16 -> 16x16x16; +224 parameters
+ extra  2 layers, 72 parameters
body.0 follows: other weights for what flows in, +576 parameters

Weights  8 of 13 tensors load (114 of 1.79k parameters, 6.4 %)
  missing            2  extra.* (2)
  another shape      3  {", ".join(SHAPES)}
"""

MARKDOWN = """\
### `N (old.cnn) -> N (new.cnn)`

| | before | after | difference |
|---|--:|--:|--:|
| Parameters | 914 | 1,786 | +872 (+95.4 %) |
| MACs | 202,832 | 421,968 | +219,136 (+108.0 %) |
| Training, batch 32 | 1.35 MiB | 1.85 MiB | +515 KiB (+37.3 %) |
| Layers | 8 | 10 | +2 (+25.0 %) |
| Input | 3x16x16 | 3x16x16 |  |
| Output | 10 | 10 |  |

| | layer | change |
|---|---|---|
| ~ | `stem` | `filters 8 -> 16; output 8x16x16 -> 16x16x16; +224 parameters` |
| + | `extra` | `2 layers, 72 parameters` |

body.0 follows: other weights for what flows in, +576 parameters.

**Weights:** 8 of 13 tensors load (114 of 1.79k parameters, 6.4 %).

<details><summary>missing: 2</summary>

- `extra.* (2)`

</details>
<details><summary>another shape: 3</summary>

- `stem.weight 8x3x3x3 -> 16x3x3x3`
- `stem.bias 8 -> 16`
- `body.0.weight 8x8x3x3 -> 8x16x3x3`

</details>
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `cnnlang diff` in a folder with an old and a new file."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("old.cnn", OLD), ("new.cnn", NEW)):
        (tmp_path / name).write_text(text)

    return partial(invoke, "diff")


# --- what is written -----------------------------------------------------------------------------


def test_text(call: Call) -> None:
    found = call("old.cnn", "new.cnn")
    assert (found.exit_code, found.stdout, found.stderr) == (0, TEXT, "")


def test_markdown(call: Call) -> None:
    assert call("old.cnn", "new.cnn", "--format", "markdown").stdout == MARKDOWN


def test_json(call: Call) -> None:
    found = json.loads(call("old.cnn", "new.cnn", "--format", "json").stdout)
    assert (found["before"]["file"], found["after"]["file"]) == ("old.cnn", "new.cnn")
    statuses = [
        (each["status"], (each["after"] or each["before"])["name"]) for each in found["changes"]
    ]
    assert statuses == [
        ("changed", "stem"),
        ("follows", "body.0"),
        ("added", "extra.0"),
        ("added", "extra.1"),
    ]
    assert found["changes"][0]["arguments"] == [{"name": "filters", "before": "8", "after": "16"}]
    assert found["weights"]["missing"] == ["extra.0.weight", "extra.0.bias"]


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_nothing_differs(call: Call, format: str) -> None:
    found = call("old.cnn", "old.cnn", "--format", format)
    assert (found.exit_code, found.stdout.rstrip(".\n")) == (0, "N is the same in both")


def test_two_names_of_one_network(call: Call) -> None:
    Path("two.cnn").write_text(f"{OLD}network M = N(10)\n")
    found = call("two.cnn", "two.cnn", "N", "M")
    assert found.stdout == "N and M are the same but for their names\n"


def test_on_a_terminal_there_are_colours_and_no_line_is_too_long(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnlang.cli.diff.colourful", lambda stream: True)
    monkeypatch.setattr("cnnlang.cli.diff.room", lambda stream: 70)
    found = call("old.cnn", "new.cnn", color=True).stdout
    assert "\x1b[32m+ extra" in found
    assert "\x1b[33m~ stem" in found
    assert max(map(len, unstyle(found).splitlines())) <= 70


def test_the_size_that_macs_depend_on_is_asked_for(call: Call) -> None:
    Path("free.cnn").write_text(OLD.replace("3x16x16", "3xHxW"))
    assert "MACs depend on H and W: --input gives the size\n" in call("free.cnn", "new.cnn").stdout
    assert "depend" not in call("free.cnn", "new.cnn", "--input", "3x16x16").stdout


def test_what_is_set_is_set_in_both(call: Call) -> None:
    found = call("old.cnn", "new.cnn", "--set", "classes=5", "--format", "json")
    assert json.loads(found.stdout)["before"]["outputs"] == [[5]]
    assert json.loads(found.stdout)["after"]["outputs"] == [[5]]


def test_nothing_in_a_table_is_markup(call: Call) -> None:
    extern = 'extern Odd(t="a"): [C, H, W] -> [C, H, W] from "odd:Odd"\nnetwork N { input 3x8x8\n'
    for name, text in (("a.cnn", "x|y`z"), ("b.cnn", "<b>|")):
        Path(name).write_text(f'{extern} Odd(t="{text}")\n}}\n')
    rows = call("a.cnn", "b.cnn", "--format", "markdown").stdout.splitlines()
    (row,) = [row for row in rows if row.startswith("| ~ ")]
    assert row == r"| ~ | `odd1` | `Odd(t=x\|y'z) -> Odd(t=<b>\|)` |"


def test_long_lists_are_cut_in_a_comment(call: Call) -> None:
    for name, channels in (("a.cnn", 4), ("b.cnn", 8)):
        body = "\n".join(f"c{i}: conv({channels}, 1x1)" for i in range(100))
        Path(name).write_text(f"network N {{ input 3x8x8\n{body}\n}}\n")
    found = call("a.cnn", "b.cnn", "--format", "markdown").stdout
    assert "| | | 40 more |" in found
    assert "- 140 more" in found
    assert len(found) < 65_536


def test_renamed_modules_and_layers_that_are_counted_on_are_one_line(call: Call) -> None:
    body = "a: stack { conv(8, 1x1) -> batchnorm }\n" + "conv(8, 1x1)\n" * 3
    Path("a.cnn").write_text(f"network N {{ input 3x8x8\n{body}}}\n")
    Path("b.cnn").write_text(f"network N {{ input 3x8x8\nconv(3, 1x1)\nb{body[1:]}}}\n")
    lines = call("a.cnn", "b.cnn").stdout.splitlines()
    assert [line for line in lines if line.startswith(("+", "-", "~"))] == [
        "+ conv1                             conv(3, 1x1), 12 parameters",
        "~ a -> b                            renamed, 2 layers",
        "~ conv1 to conv3 -> conv2 to conv4  renamed, 3 layers",
    ]


FLOWS = """\
network N {{
    input 8x8x8
    a: relu
    b: relu
    conv(8, 1x1) -> add({})
    c: conv(8, 1x1)
    output {}
}}
"""


def test_flows_and_outputs_that_are_others(call: Call) -> None:
    Path("a.cnn").write_text(FLOWS.format("a", "c"))
    Path("b.cnn").write_text(
        FLOWS.format("b", "b").replace("c:", "longer_than_any_column_of_names_can_be:")
    )
    assert call("a.cnn", "b.cnn").stdout.split("\n\n")[2].splitlines() == [
        "~ add1  takes conv1 and a -> conv1 and b",
        "~ c -> longer_than_any_column_of_names_can_be",
        "        renamed",
        "the network returns c -> b",
    ]


# --- what can be compared ------------------------------------------------------------------------


def test_the_library(call: Call) -> None:
    found = call("zoo:resnet18", "zoo:resnet34")
    assert found.exit_code == 0
    assert "+ layer4.2  7 layers, 4,720,640 parameters\n" in found.stdout


def test_standard_input_is_one_side(call: Call) -> None:
    assert "(<stdin>)" not in call("old.cnn", "-", input=NEW).stdout
    assert "N (old.cnn) -> N (-)" in call("old.cnn", "-", input=NEW).stdout
    found = call("-", "-", input=NEW)
    assert (found.exit_code, "only once" in found.stderr) == (2, True)


def test_errors_are_told_and_nothing_is_compared(call: Call) -> None:
    Path("bad.cnn").write_text(NEW.replace("dense", "densee"))
    found = call("old.cnn", "bad.cnn")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "bad.cnn:7" in found.stderr
    assert call("absent.cnn", "old.cnn").exit_code == 1
    assert call("old.cnn", "new.cnn", "M").exit_code == 1
    assert call("old.cnn").exit_code == 2


def test_exit_codes_of_diff(call: Call) -> None:
    assert call("old.cnn", "old.cnn", "--exit-code").exit_code == 0
    assert call("old.cnn", "new.cnn", "--exit-code").exit_code == 1
    assert call("old.cnn", "absent.cnn", "--exit-code").exit_code == 2


def test_networks_are_completed_from_the_side_that_they_are_of(call: Call) -> None:
    Path("two.cnn").write_text(f"{OLD}network Other = N(3)\n")
    complete = ShellComplete(command, {}, "cnnlang", "_CNNLANG_COMPLETE")
    found = complete.get_completions(["diff", "old.cnn", "two.cnn"], "")
    assert [each.value for each in found] == ["N"]
    found = complete.get_completions(["diff", "old.cnn", "two.cnn", "N"], "")
    assert [each.value for each in found] == ["N", "Other"]


# --- versions ------------------------------------------------------------------------------------


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(call: Call) -> None:
    """A file and one that it uses, both of which have changed since they were committed."""
    nets = Path("nets")
    (nets / "parts").mkdir(parents=True)
    (nets / "net.cnn").write_text('use B from "parts/b.cnn"\nnetwork N { input 3x8x8\n B(4) }\n')
    (nets / "parts" / "b.cnn").write_text("block B(n) { conv(n, 3x3) }\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    (nets / "parts" / "b.cnn").write_text("block B(n) { conv(n, 5x5) }\n")
    git("add", ".")


KERNEL = "~ b1.conv1  kernel 3x3 -> 5x5"


@pytest.mark.usefixtures("repository")
def test_a_version_and_what_it_uses_are_of_one_revision(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KERNEL in call("main:nets/net.cnn", "nets/net.cnn").stdout
    assert KERNEL in call("HEAD:nets/net.cnn", ":nets/net.cnn").stdout
    assert call(":nets/net.cnn", "nets/net.cnn").stdout == "N is the same in both\n"
    monkeypatch.chdir("nets")
    assert KERNEL in call("HEAD:./net.cnn", "net.cnn").stdout
    assert KERNEL in call("HEAD:nets/net.cnn", "net.cnn").stdout


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere:nets/net.cnn", "git knows no revision nowhere"),
        ("--all:nets/net.cnn", "git knows no revision --all"),
        ("HEAD:absent.cnn", "HEAD has no such file"),
        ("HEAD:nets", "HEAD has no such file"),
        ("HEAD:../net.cnn", "'../net.cnn' is outside repository"),
        (":absent.cnn", "the index has no such file"),
        ("HEAD:", "this is no path"),
        ("HEAD:a\nHEAD:b", "this is no path"),
        ("a\0b:c.cnn", "this is no path"),
    ],
)
def test_a_version_that_cannot_be_had(call: Call, name: str, words: str) -> None:
    found = call("--", name, "nets/net.cnn")
    assert found.exit_code == 1
    assert found.stderr.startswith("error[P090]: cannot read ")
    assert words in found.stderr


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("../../b.cnn", "outside of the repository"),
        ("/b.cnn", "relative to this one"),
        ("absent.cnn", "HEAD has no such file"),
        ("latin.cnn", "not UTF-8"),
    ],
)
def test_what_a_version_cannot_use(call: Call, origin: str, words: str) -> None:
    Path("nets/net.cnn").write_text(f'use B from "{origin}"\nnetwork N {{ input 3x8x8\n B(4) }}\n')
    Path("nets/latin.cnn").write_bytes("# é".encode("latin-1"))
    git("add", ".")
    git("commit", "-q", "-m", "second")
    found = call("HEAD:nets/net.cnn", "old.cnn")
    assert found.exit_code == 1
    assert "HEAD:nets/net.cnn:1:" in found.stderr
    assert words in found.stderr


@pytest.mark.usefixtures("repository")
def test_a_version_may_use_the_library(call: Call) -> None:
    text = "use Basic from std.resnet\nnetwork N { input 8x8x8\n Basic(8) }\n"
    Path("nets/net.cnn").write_text(text)
    git("add", ".")
    assert call(":nets/net.cnn", "nets/net.cnn").stdout == "N is the same in both\n"


@pytest.mark.usefixtures("repository")
def test_a_version_that_is_too_large(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "LARGEST", 10)
    assert "it is larger than" in call("HEAD:nets/net.cnn", "nets/net.cnn").stderr


def test_without_a_repository_without_git_and_without_an_answer(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    assert "not a git repository" in call("HEAD:old.cnn", "new.cnn").stderr

    def slow(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("git", 60)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", slow)
        assert "git does not answer" in call("HEAD:old.cnn", "new.cnn").stderr
    monkeypatch.setenv("PATH", "")
    found = call("HEAD:old.cnn", "new.cnn")
    assert (found.exit_code, "there is no git on this machine" in found.stderr) == (1, True)


def test_a_file_with_a_colon_in_its_name_is_a_file(call: Call) -> None:
    Path("a:b.cnn").write_text(OLD)
    assert call("a:b.cnn", "old.cnn").stdout == "N is the same in both\n"
    assert not revisions.is_revision("C:\\nets\\net.cnn")
    assert not revisions.is_revision("zoo:resnet18")
    assert revisions.is_revision("a:" + "b" * 5000)
