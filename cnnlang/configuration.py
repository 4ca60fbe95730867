"""`[tool.cnnlang]` in the nearest `pyproject.toml`: which lints are on for a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cnnlang.analysis.lints import Choice, chosen
from cnnlang.analysis.lints.selection import unknown
from cnnlang.diagnostics.model import Diagnostic, Source, Span
from cnnlang.diagnostics.suggest import nearest
from cnnlang.records import dataclass
from cnnlang.sources import content, decode, reason, shown

FILE = "pyproject.toml"
LISTS = ("select", "extend-select", "ignore")
PER_FILE = "per-file-ignores"
MENTION = re.compile(r"""\btool["']?[ \t]*(\.[ \t]*["']?cnnlang\b|[\]=])""")
"""In every file with a table `tool.cnnlang`: other files are not parsed, whatever is in them."""
HEADER = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*cnnlang\b[^\n]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a `pyproject.toml` says; `folder` is where it is, to which its patterns are relative."""

    folder: Path
    choice: Choice
    per_file: Mapping[str, list[str]]

    def ignored(self, path: Path) -> list[str]:
        """The words that the patterns ignore for a file."""
        known = [path.name]
        if path.is_relative_to(self.folder):
            known.append(path.relative_to(self.folder).as_posix())
        matching = [p for p in self.per_file if any(fnmatchcase(name, p) for name in known)]
        return [word for pattern in matching for word in self.per_file[pattern]]


def lints(name: str, line: Choice | None = None) -> tuple[frozenset[str], list[Diagnostic]]:
    """The codes of the lints that are on for a file, and what is wrong with the configuration.

    What the command line says, `line`, comes after what the file says; what is ignored for single
    files is ignored whatever is selected.
    """
    path = place(name)
    found, problems = find(path) if path is not None else (None, [])
    if found is None or path is None:
        return chosen(line or Choice()), problems
    single = Choice(ignore=found.ignored(path))
    return chosen(found.choice, line or Choice(), single), problems


def place(name: str) -> Path | None:
    """Where a source is, for one from standard input the current folder; None for the library's."""
    if name.startswith("zoo:") or "\0" in name:
        return None
    try:
        return Path.cwd() / "<stdin>" if name == "-" else Path(name).resolve()
    except (OSError, RuntimeError):
        return None


def find(path: Path) -> tuple[Configuration | None, list[Diagnostic]]:
    """The nearest configuration above a file; without one, nothing."""
    for folder in path.parents:
        if (folder / FILE).is_file():
            source, table, problems = load(folder / FILE)
            if problems:
                return None, problems
            if source is not None and table is not None:
                return understand(folder, table, source)
    return None, []


def load(path: Path) -> tuple[Source | None, Any, list[Diagnostic]]:
    """A TOML file and its table `tool.cnnlang`, None if it has none."""
    name = str(shown(path))
    try:
        source, problems = decode(name, content(path))
    except OSError as error:
        return None, None, [Diagnostic("P090", f"cannot read {name}: {reason(error)}")]
    if source is None or not MENTION.search(source.text):
        return source, None, problems
    import tomllib

    try:
        data = tomllib.loads(source.text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        return source, None, [unreadable(source, str(error))]
    except RecursionError:
        return source, None, [unreadable(source, "it is nested too deeply")]
    tool = data.get("tool")
    return source, tool.get("cnnlang") if isinstance(tool, dict) else None, []


def unreadable(source: Source, message: str) -> Diagnostic:
    """The error for a text that is no TOML, at the line that the parser names."""
    line = re.search(r"line (\d+), column (\d+)", message)
    start = 0
    if line and int(line[1]) <= len(source.line_starts):
        start = min(source.line_starts[int(line[1]) - 1] + int(line[2]) - 1, len(source.text))
    said = re.sub(r" \(at .*\)$", "", message)
    return Diagnostic("P094", f"{source.name} is not TOML: {said}", Span(source, start, start))


def understand(
    folder: Path, table: Any, source: Source
) -> tuple[Configuration | None, list[Diagnostic]]:
    """A table as a configuration, or everything that is wrong with it."""
    problems = [
        Diagnostic("P094", message, where(source, at), help=help)
        for message, at, help in faults(table)
    ]
    if problems:
        return None, problems
    select, extend, ignore = (table.get(key) for key in LISTS)
    choice = Choice(select, extend or (), ignore or ())
    return Configuration(folder, choice, table.get(PER_FILE, {})), []


def faults(table: object) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with a table: the message, the word or key that it is about, the help."""
    if not isinstance(table, dict):
        yield "`tool.cnnlang` is a table", "cnnlang", None
        return
    for key, value in table.items():
        if key not in (*LISTS, PER_FILE):
            yield f"`tool.cnnlang` has no setting `{key}`", key, settings(key)
        elif key == PER_FILE and not isinstance(value, dict):
            yield f"`{PER_FILE}` is a table of patterns and lists", PER_FILE, None
        else:
            lists = value if key == PER_FILE else {key: value}
            yield from (fault for name, words in lists.items() for fault in listed(name, words))


def settings(unknown: str) -> str:
    """What to write in place of an unknown setting."""
    near = nearest(unknown, (*LISTS, PER_FILE))
    known = ", ".join((*LISTS, PER_FILE))
    return f"did you mean `{near}`?" if near else f"the settings are {known}"


def listed(key: str, value: object) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with a list of lints."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        yield f"`{key}` is a list of codes or names", key, 'write it as in `["L611", "gridding"]`'
        return
    for word in value:
        if message := unknown(word):
            yield message, word, None


def where(source: Source, word: str) -> Span:
    """The place of a key or a value in the text, at least that of the table."""
    header = HEADER.search(source.text)
    start = header.start() if header else 0
    quoted = re.escape(word)
    pattern = re.compile(rf"""(?<=["']){quoted}(?=["'])|(?<![\w-]){quoted}(?=[ \t]*=)""")
    if match := pattern.search(source.text, start):
        return Span(source, match.start(), match.end())
    return Span(source, *header.span()) if header else Span(source, 0, 0)
