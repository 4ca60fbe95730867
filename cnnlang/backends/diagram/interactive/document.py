"""Puts the page together: pictures, data, style and script in the places of `page.html`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from cnnlang.backends.diagram.interactive.facts import facts
from cnnlang.backends.diagram.interactive.views import colours, views
from cnnlang.graph import Graph

FOLDER = Path(__file__).parent
SCRIPTS = ("model", "viewer", "folding", "panels", "main")
"""The parts of the script, in the order in which they run."""
SCHEMES = {"light": "light", "dark": "dark", "auto": "light dark"}


def page(graph: Graph, style: str, theme: str, direction: str) -> bytes:
    """The page of a network, which opens with the picture of a style.

    Raises `RenderError` if a picture cannot be made.
    """
    shown = views(graph, style, direction)
    links = {each.key: each.links for each in shown}
    data = facts(graph) | {"first": style, "theme": theme.title(), "views": links}
    css = f":root {{ color-scheme: {SCHEMES[theme]}; }}\n{text('page.css')}\n{colours(shown)}"
    script = "\n".join(text(f"{name}.js") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    parts = {
        "policy": policy(css, script),
        "title": escape(graph.name),
        "style": css,
        "script": script,
        "data": harmless(data),
        "pictures": "\n".join(each.svg for each in shown),
    }
    return filled(text("page.html"), parts).encode()


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with its parts, in one go: what a part contains is never a place itself."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def harmless(data: Any) -> str:
    """JSON for a script element: without anything that HTML or JavaScript could take for its own.

    >>> print(harmless("</script>&"))
    "\\u003c/script\\u003e\\u0026"
    """
    found = json.dumps(data, separators=(",", ":"))
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", found)


def policy(css: str, script: str) -> str:
    """What the browser may do with the page: run its script, use its style, and nothing else."""
    return (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(css)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def framed(html: str) -> str:
    """The page inside another one, as a notebook shows it: in a frame that keeps it apart."""
    look = 'width="100%" height="640" style="border:0" sandbox="allow-scripts allow-modals"'
    return f'<iframe {look} title="network" srcdoc="{escape(html)}"></iframe>'
