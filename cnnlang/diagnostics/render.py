"""One entrance to all renderers, each imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cnnlang.diagnostics.model import Diagnostic, Rule
from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """What a renderer may want to know besides the diagnostics."""

    colour: bool
    width: int
    version: str
    rules: Mapping[str, Rule]


def render(
    diagnostics: list[Diagnostic],
    format: str,
    *,
    colour: bool = False,
    width: int = 100,
    version: str,
    rules: Mapping[str, Rule] | None = None,
) -> str:
    """The diagnostics in `format` (a key of `FORMATS`), without a newline at the end.

    `colour` and `width` (in columns) matter to `text`; `version` (of cnnlang) and `rules`,
    which describe the codes, to `sarif`.
    """
    return FORMATS[format](diagnostics, Look(colour, width, version, rules or {}))


def as_text(diagnostics: list[Diagnostic], look: Look) -> str:
    """Headline, snippets, notes, help: for people."""
    if not diagnostics:
        return ""
    from cnnlang.diagnostics import text

    return text.render(diagnostics, colour=look.colour, width=look.width)


def as_concise(diagnostics: list[Diagnostic], look: Look) -> str:
    """A line each: for tools that read lines."""
    from cnnlang.diagnostics import concise

    return concise.render(diagnostics)


def as_json(diagnostics: list[Diagnostic], look: Look) -> str:
    """One JSON document: for programs."""
    from cnnlang.diagnostics import jsonout

    return jsonout.render(diagnostics)


def as_sarif(diagnostics: list[Diagnostic], look: Look) -> str:
    """One SARIF log: for code scanning."""
    from cnnlang.diagnostics import sarif

    return sarif.render(diagnostics, version=look.version, rules=look.rules)


def as_github(diagnostics: list[Diagnostic], look: Look) -> str:
    """A workflow command each: for GitHub's runners."""
    from cnnlang.diagnostics import github

    return github.render(diagnostics)


FORMATS: dict[str, Callable[[list[Diagnostic], Look], str]] = {
    "text": as_text,
    "concise": as_concise,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
