"""Diagnostics as SARIF 2.1.0, for code scanning and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cnnlang.diagnostics.jsonout import dump
from cnnlang.diagnostics.model import Diagnostic, Edit, Rule, Source, Span
from cnnlang.diagnostics.words import full_text

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
HELP = "The message at each place says what was found, what was needed, and what would mend it."


def render(diagnostics: list[Diagnostic], *, version: str, rules: Mapping[str, Rule] = {}) -> str:
    """The log of one run of cnnlang `version`, as JSON; `rules` describes the codes."""
    codes = list(dict.fromkeys(each.code for each in diagnostics))
    levels = {each.code: each.severity.value for each in reversed(diagnostics)}
    driver = {
        "name": "cnnlang",
        "version": version,
        "rules": [described(code, levels[code], rules.get(code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [result(each, codes.index(each.code)) for each in diagnostics],
    }
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def described(code: str, level: str, rule: Rule | None) -> dict[str, Any]:
    """A rule; GitHub wants all three texts.

    https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
    """
    if rule is None:
        return {"id": code}
    text = f"{rule.title[0].upper()}{rule.title[1:]}."
    return {
        "id": code,
        "name": identifier(rule.title),
        "shortDescription": {"text": text},
        "fullDescription": {"text": f"{text} {rule.about}"},
        "help": {"text": f"{rule.about} {HELP}"},
        "defaultConfiguration": {"level": level},
    }


def identifier(title: str) -> str:
    """A title as a name for programs.

    >>> identifier("A kernel is larger than the padded input")
    'KernelIsLargerThanPaddedInput'
    """
    words = re.findall(r"[A-Za-z0-9]+", title)
    return "".join(w[0].upper() + w[1:] for w in words if w.lower() not in ("a", "an", "the"))


def result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    """One diagnostic; `index` is that of its code among the rules."""
    parts = {
        "locations": [location(diagnostic.span, diagnostic.label)] if diagnostic.span else [],
        "relatedLocations": related_locations(diagnostic),
        "fixes": [fix(diagnostic)] if diagnostic.edits else [],
    }
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity.value,
        "message": {"text": full_text(diagnostic)},
        **{name: part for name, part in parts.items() if part},
    }


def related_locations(diagnostic: Diagnostic) -> list[dict[str, Any]]:
    """The related places, each once: SARIF has them as a set."""
    found: list[dict[str, Any]] = []
    for each in diagnostic.related:
        place = location(each.span, each.label)
        if place not in found:
            found.append(place)
    return found


def location(span: Span, label: str) -> dict[str, Any]:
    """A place, and what is said there."""
    physical = {"artifactLocation": artifact(span.source), "region": region(span)}
    message = {"message": {"text": label}} if label else {}
    return {"physicalLocation": physical, **message}


def region(span: Span) -> dict[str, int]:
    """A span as lines and columns from 1, the end exclusive."""
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def artifact(source: Source) -> dict[str, str]:
    """The file of a source."""
    return {"uri": reference(source.name)}


def reference(name: str) -> str:
    r"""A file's name as a URI reference; an absolute one gets the scheme `file`.

    >>> reference("my nets\\a.cnn"), reference("C:\\a.cnn"), reference("/a.cnn")
    ('my%20nets/a.cnn', 'file:///C:/a.cnn', 'file:///a.cnn')
    """
    path = name.replace("\\", "/")
    drive, rest = (path[:2], path[2:]) if path[1:3] == ":/" else ("", path)
    quoted = quote(rest, safe="/", errors="surrogatepass")
    if drive:
        return f"file:///{drive}{quoted}"
    if quoted.startswith("//"):
        return f"file:{quoted}"
    return f"file://{quoted}" if quoted.startswith("/") else quoted


def fix(diagnostic: Diagnostic) -> dict[str, Any]:
    """The edits, grouped by the file they change."""
    changes: dict[str, dict[str, Any]] = {}
    for edit in diagnostic.edits:
        file = artifact(edit.span.source)
        change = changes.setdefault(file["uri"], {"artifactLocation": file, "replacements": []})
        change["replacements"].append(replacement(edit))
    description = {"description": {"text": diagnostic.help}} if diagnostic.help else {}
    return {**description, "artifactChanges": list(changes.values())}


def replacement(edit: Edit) -> dict[str, Any]:
    """One edit."""
    return {"deletedRegion": region(edit.span), "insertedContent": {"text": edit.text}}
