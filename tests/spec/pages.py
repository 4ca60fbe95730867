"""The pages of the specification: their fences, and the programs that these make."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from cnnlang.analysis.lints import Choice, chosen
from cnnlang.cli.options import settings as read_settings
from cnnlang.cli.options import shapes as read_shapes
from cnnlang.compilation import Settings
from cnnlang.diagnostics.model import Source
from cnnlang.elaborate.files import Fetch
from cnnlang.sources import fetch
from cnnlang.syntax import ast

FENCE = re.compile(r"^```(cnn|output)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Fence:
    """A fence of a page: its language, the words after it, its text and where that begins."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


@dataclass
class Case:
    """A program, what it is to print, and the other files of its page."""

    page: Path
    program: Fence
    files: Mapping[str, str]
    outputs: list[Fence] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.page.name}:{self.program.line}"

    @property
    def source(self) -> Source:
        return Source(title(self.program) or f"{self.page.stem}.cnn", self.program.text)

    @property
    def settings(self) -> Settings:
        """What `--set` and `--input` after the word `cnn` set from outside."""
        words = self.program.words
        given = {name: tuple(after(words, name)) for name in ("--set", "--input")}
        parameters = read_settings(None, None, given["--set"])  # type: ignore[arg-type]
        return Settings(parameters, read_shapes(None, None, given["--input"]))  # type: ignore[arg-type]

    @property
    def lints(self) -> frozenset[str]:
        """The lints that `--select` after the word `cnn` turns on; none without it."""
        words = tuple(after(self.program.words, "--select"))
        return chosen(Choice(words)) if words else frozenset()


def after(words: tuple[str, ...], option: str) -> Iterator[str]:
    return (value for name, value in pairwise(words) if name == option)


def title(fence: Fence) -> str | None:
    """The file name of a fence, if it has one."""
    return next((word for word in fence.words if word.endswith(".cnn")), None)


def cases(page: Path) -> list[Case]:
    """The programs of a page in order, each with the output fences that follow it."""
    found: list[Case] = []
    files: dict[str, str] = {}
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start(3)) + 1
        fence = Fence(match[1], tuple(match[2].split()), match[3], line)
        if fence.language == "output":
            found[-1].outputs.append(fence)
            continue
        found.append(Case(page, fence, files))
        files.update({name: fence.text} if (name := title(fence)) else {})
    return found


def finder(files: Mapping[str, str]) -> Fetch:
    """`use "file"` finds the named fences of the page; `use ... from std` the real library."""

    def find(node: ast.Use) -> Source | str:
        if not node.quoted:
            return fetch(node)
        folder = posixpath.dirname(node.span.source.name)
        name = posixpath.normpath(posixpath.join(folder, node.origin))
        return Source(name, files[name]) if name in files else "there is no such file"

    return find
