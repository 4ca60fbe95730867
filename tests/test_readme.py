"""The README says what is true: its programs are checked, its errors are those that are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnnlang
from cnnlang.cli.group import command
from cnnlang.diagnostics.text import render
from cnnlang.layers import REGISTRY

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```cnn\n(.*?)```\n(?:\n```output\n(.*?)```)?", README, re.DOTALL)


@pytest.mark.parametrize(("program", "output"), PROGRAMS)
def test_a_program_of_the_readme_does_what_is_said(tmp_path, monkeypatch, program, output):
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(program)
    assert render(cnnlang.check("net.cnn")).strip() == output.strip()


def test_there_are_two_commands_that_do_their_own_set_up():
    for mark in ("main command", "test command"):
        (command,) = re.findall(rf"<!-- {mark} -->\n```bash\n(.*?)```", README, re.DOTALL)
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")


@pytest.mark.parametrize("target", sorted(set(re.findall(r'(?:\]\(|src=")([^)"#:]+)[)"]', README))))
def test_a_link_of_the_readme_leads_somewhere(target):
    assert (ROOT / target).exists()


def test_the_number_of_parameters_in_the_readme_is_the_one_that_summary_prints():
    found = cnnlang.summarise(ROOT / "examples" / "lenet5.cnn").as_dict()
    assert f"{found['parameters']:,} parameters and {found['macs']:,}" in README.replace("\n", " ")


CONSOLE = re.findall(r"```console\n\$ cnnlang ([^\n]*)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("call", "output"), CONSOLE)
def test_a_command_of_the_readme_prints_what_is_said(monkeypatch, call, output):
    """Every line that is shown is printed, in this order; lines between them may be left out."""
    monkeypatch.chdir(ROOT)
    printed = iter(CliRunner().invoke(command, call.split()).output.splitlines())
    assert [line for line in output.splitlines() if line not in printed] == []


def test_the_readme_counts_the_layers():
    assert f"[{len(REGISTRY)} layers]" in README
