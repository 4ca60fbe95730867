"""The examples of the pages, tried: what cnnlang says of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

from cnnlang.analysis.lints import RULES
from cnnlang.compilation import Settings, check_source, compile_source
from cnnlang.configuration import understand
from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.explanations import Program
from cnnlang.sources import LARGEST, decode, fetch, read
from cnnlang.syntax import ast

BYTES: dict[str, Callable[[], bytes]] = {
    "large.cnn": lambda: bytes(LARGEST + 1),
    "latin.cnn": lambda: "# größe\n".encode("latin-1"),
}
"""The files that the calls of the command line read."""


@cache
def told(programs: tuple[Program, ...]) -> list[Diagnostic]:
    """What is told of the last program; it may use the ones before it."""
    *others, program = programs
    if program.language == "toml":
        text, table = program.text, tomllib.loads(program.text)["tool"]["cnnlang"]
        return understand(Path(), table, Source("pyproject.toml", text))[1]
    if program.language == "console":
        return called(program.text.split()[-1])
    source = Source(program.name, program.full)
    found = {each.name: Source(each.name, each.full) for each in others}

    def find(node: ast.Use) -> Source | str:
        if not node.quoted:
            return fetch(node)
        files = found | {source.name: source}
        return files.get(node.origin, "there is no such file")

    words = dict(pairwise(program.words))
    if "--select" in words:
        chosen = words["--select"]
        return check_source(source, find, frozenset(RULES if chosen == "ALL" else (chosen,)))
    if not any(word.startswith("--") for word in program.words):
        return check_source(source, find)
    return compile_source(source, find, network(program), settings(program))[1]


def called(name: str) -> list[Diagnostic]:
    """What is told of a file that cannot be read."""
    return decode(name, BYTES[name]())[1] if name in BYTES else read(name)[1]


def network(program: Program) -> str | None:
    """The network that is asked for."""
    return dict(pairwise(program.words)).get("--network")


def settings(program: Program) -> Settings:
    """The shapes that are set from outside."""
    given = dict(pairwise(program.words)).get("--input")
    if given is None:
        return Settings()
    name, equals, shape = given.rpartition("=")
    return Settings(shapes={name if equals else 0: tuple(map(int, shape.split("x")))})
