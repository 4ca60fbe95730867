"""What stands in the nodes of a figure: units, ports, merges, headers of modules, the title."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import graphviz

from cnnlang.amounts import count
from cnnlang.analysis import costs
from cnnlang.backends.diagram import html
from cnnlang.backends.diagram.letters import width as letters
from cnnlang.backends.diagram.palette import CHIP, DETAIL, NAME, SUBTITLE, TITLE, Theme
from cnnlang.backends.diagram.scopes import Scope, Unit
from cnnlang.backends.diagram.tones import NAMES, SIGNS, Heat, scale
from cnnlang.backends.diagram.words import (
    MERGES,
    Shapes,
    category,
    chip,
    chosen,
    details,
    heading,
    title,
)
from cnnlang.graph import Graph, Node
from cnnlang.layers.tensor import show

NARROW, WIDE = 122, 190
"""Bounds on the least width of a unit in points."""

LETTER = 5.6
"""The mean width of a letter of `DETAIL` size in points."""
GAP = "  "
"""What stands at least between options and the number behind them."""

Attributes = dict[str, Any]


def width(captions: Iterable[str]) -> int:
    """The least width of units: what stands beside the line between two of them fits under them.

    Graphviz bends the line where it does not.
    """
    longest = max((len(each) for each in captions), default=0)
    return int(min(WIDE, max(NARROW, 2 * LETTER * longest)))


@dataclass(frozen=True, slots=True)
class Face:
    """How a unit looks: its colours, the least width of cards, and what is said of its costs."""

    theme: Theme
    width: int
    shapes: Shapes
    note: str = ""


def node(unit: Unit, face: Face) -> Attributes:
    """The Graphviz attributes of a unit."""
    look = {
        "color": face.theme.line[unit.category],
        "fillcolor": face.theme.tint[unit.category],
        "fontcolor": face.theme.ink,
        "tooltip": graphviz.escape(tooltip(unit)),
    }
    return look | form(unit, face)


def form(unit: Unit, face: Face) -> Attributes:
    """Label and outline: by what the unit is."""
    if unit.category == "port":
        return port(unit, face.theme)
    if unit.category == "merge":
        return merge(unit, face)
    if unit.category in ("norm", "activation"):
        marks = chips(unit, face.theme, 1, 0)
        return {"label": html.label(told(marks, unit, face) if face.note or unit.mark else marks)}
    if unit.category == "other" and not unit.parameters:
        return pill(unit, face)
    return {"label": html.label((module if unit.closed else card)(unit, face))}


def told(content: str, unit: Unit, face: Face) -> str:
    """A label between what becomes of it and what it costs, on the colour that says the same."""
    look = {"style": "ROUNDED", "bgcolor": face.theme.tint["other"]}
    cost = html.font(f" {face.note} " if face.note else "", DETAIL, face.theme.ink)
    cells = filter(None, (*signs(unit, face.theme), content, cost))
    return html.table(html.row(*map(html.cell, cells)), **look)


def signs(unit: Unit, theme: Theme) -> list[str]:
    """The badge that says what becomes of a unit, if anything does."""
    return [badge(SIGNS[unit.mark], theme)] if unit.mark in SIGNS else []


def headed(unit: Unit, text: str, theme: Theme) -> str:
    """The heading of a card with its badge; a table in a cell is as wide as it says."""
    written = html.font(text, NAME, theme.ink, bold=True)
    found = signs(unit, theme)
    if not found:
        return written
    wide = int(letters(text, NAME, bold=True)) + 28
    look = {"fixedsize": "TRUE", "width": wide, "height": 18, "align": "LEFT", "cellspacing": 1}
    return html.table(html.row(*map(html.cell, (*found, written))), **look)


def module(unit: Unit, face: Face) -> str:
    """A closed module: name, block and how often, the shape that it makes, what it costs."""
    scope, theme = unit.closed, face.theme
    assert scope is not None
    shape = f"→ {face.shapes.write(unit.output.shape)}"
    rows = [
        pair(
            headed(unit, names(scope), theme),
            html.font(kindred(scope), DETAIL, theme.secondary),
        ),
        pair(html.font(shape, DETAIL, theme.ink), html.font(face.note, DETAIL, theme.ink)),
        pair(html.font(costing(unit), DETAIL, theme.secondary), ""),
        spacer(face.width),
    ]
    return html.table(*rows, **frame(unit, theme), cellspacing=1, cellpadding=2)


def kindred(scope: Scope) -> str:
    """The block of a module and how often it comes: `Bottleneck × 3`, for a row of them too."""
    blocks = [item for item in scope.items if isinstance(item, Scope)]
    title, times = scope.title, scope.repeat.times if scope.repeat else 1
    if not title and len(blocks) == len(scope.items) and len({b.title for b in blocks}) == 1:
        title = blocks[0].title
        times *= sum(each.repeat.times if each.repeat else 1 for each in blocks)
    return f"{title} × {times}".strip() if times > 1 else title


def costing(unit: Unit) -> str:
    """Parameters and MACs of a module, those that it has and that are known."""
    numbers = [f"{count(unit.parameters)} params"] if unit.parameters else []
    numbers += [f"{count(unit.macs)} MACs"] if unit.macs else []
    return " · ".join(numbers) or "no params"


def head(unit: Unit) -> Node:
    assert unit.head is not None
    return unit.head


def port(unit: Unit, theme: Theme) -> Attributes:
    """An input or output: a stadium."""
    named = unit.head is not None and unit.name != "x"
    text = unit.name if named or unit.head is None else "Input"
    return {
        "label": html.label(html.font(text, NAME, theme.ink, bold=True)),
        "shape": "box",
        "style": "rounded,filled" + (",dashed" if text.startswith("Training") else ""),
        "height": "0.3",
        "margin": "0.2,0.04",
    }


def merge(unit: Unit, face: Face) -> Attributes:
    """A merge: its sign or its name, and the chips that follow."""
    layer, theme = head(unit).layer, face.theme
    assert layer is not None
    words = " ".join(layer.caption())
    text = f"{MERGES.get(unit.kind, title(layer).lower())} {words}".strip()
    if unit.kind in MERGES and not (unit.chips or words or face.note or unit.mark):
        label = html.label(html.font(text, 13, theme.ink, bold=True))
        size = {"shape": "circle", "width": "0.3", "fixedsize": "true", "style": "filled"}
        return {"label": label, **size}
    big = 13 if unit.kind in MERGES else DETAIL
    sign = html.cell(html.font(f" {text} ", big, theme.ink, bold=unit.kind in MERGES))
    sign = "".join(map(html.cell, signs(unit, theme))) + sign
    marks = [html.cell(each) for each in map_chips(unit, theme, 1)]
    marks += [html.cell(html.font(f"{face.note} ", DETAIL, theme.ink))] if face.note else []
    return {
        "label": html.label(
            html.table(html.row(sign, *marks), **frame(unit, theme), cellspacing=2, cellpadding=1)
        )
    }


def pill(unit: Unit, face: Face) -> Attributes:
    """A layer that only moves numbers about: small and grey."""
    one, theme = head(unit), face.theme
    assert one.layer is not None
    dropped = one.layer.family == "Regularisation"
    first, *others = said(unit)
    words = [first] if dropped else [heading(one), details(one, None)]
    words += [*others, face.note]
    text = html.font(" · ".join(filter(None, words)), DETAIL, theme.ink)
    label = told(text, unit, replace(face, note="")) if unit.mark in SIGNS else text
    return {
        "label": html.label(label),
        "shape": "box",
        "style": "rounded,filled",
        "height": "0.22",
        "margin": "0.1,0.03",
    }


def card(unit: Unit, face: Face) -> str:
    """A unit proper: its name, its options and parameters, its chips."""
    one, theme = head(unit), face.theme
    assert one.layer is not None
    before = unit.takes[0] if unit.takes else None
    detail = details(one, before, unit.growth)
    numbers = count(unit.parameters) if unit.parameters and not unit.growth else ""
    numbers = face.note or numbers
    rows = [
        pair(
            headed(unit, heading(one, before), theme),
            html.font(unit.name, DETAIL, theme.secondary),
        )
    ]
    if detail or numbers:
        gap = GAP if detail and numbers else ""
        rows.append(
            pair(
                html.font(detail, DETAIL, theme.ink),
                html.font(gap + numbers, DETAIL, theme.secondary),
            )
        )
    if unit.chips:
        rows.append(html.row(html.cell(chips(unit, theme, 0), colspan=2, align="LEFT")))
    rows.append(spacer(face.width))
    return html.table(*rows, **frame(unit, theme), cellspacing=1, cellpadding=2)


def spacer(width: int) -> str:
    """A row that makes a table of two columns so wide at least."""
    look = {"colspan": 2, "width": width, "height": 1, "cellpadding": 0, "fixedsize": "TRUE"}
    return html.row(html.cell("", **look))


def pair(left: str, right: str) -> str:
    return html.row(html.cell(left, align="LEFT"), html.cell(right, align="RIGHT"))


def frame(unit: Unit, theme: Theme) -> Attributes:
    """A rounded outline in the colours of the unit."""
    name = unit.category
    return {
        "border": 2 if unit.mark in SIGNS else 1,
        "style": "ROUNDED,DASHED" if unit.mark == "removed" else "ROUNDED",
        "color": theme.line[name],
        "bgcolor": theme.tint[name],
    }


def said(unit: Unit) -> list[str]:
    """The layers of a unit in a word or two each, with what differs in those that it stands for."""
    alike = zip(*(each.nodes for each in (unit, *unit.alike)), strict=True)
    layers = [[node.layer for node in nodes if node.layer] for nodes in alike]
    return [chip(first, others) for first, *others in filter(None, layers)]


def chips(unit: Unit, theme: Theme, padding: int, first: int = 1) -> str:
    """The layers of a unit from one on as chips side by side."""
    cells = [html.cell(each) for each in map_chips(unit, theme, padding, first)]
    return html.table(html.row(*cells), cellspacing=3)


def map_chips(unit: Unit, theme: Theme, padding: int, first: int = 1) -> list[str]:
    pairs = zip(unit.nodes[first:], said(unit)[first:], strict=True)
    return [one_chip(node, text, theme, padding) for node, text in pairs]


def one_chip(node: Node, words: str, theme: Theme, padding: int) -> str:
    """A small rounded box: `BN`, `ReLU`."""
    name = category(node.layer)
    text = html.cell(html.font(f" {words} ", CHIP, theme.ink))
    look = {"color": theme.line[name], "bgcolor": theme.tint[name], "style": "ROUNDED"}
    return html.table(html.row(text), border=1, cellpadding=padding, **look)


# --- frames and title ----------------------------------------------------------------------------


def header(scope: Scope, theme: Theme) -> Attributes:
    """The node at the entrance of a module: its name, its block, its parameters."""
    cells = captions(scope, theme, full=True)
    look = {"style": "ROUNDED", "bgcolor": theme.header, "cellspacing": 2, "cellpadding": 1}
    return {
        "label": html.label(html.table(html.row(*cells), **look)),
        "tooltip": graphviz.escape(about(scope)),
    }


def corner(scope: Scope, theme: Theme, begun: bool = True) -> str:
    """The label in the corner of a module that has no header; `begun` if it begins here."""
    cells = captions(scope, theme, full=False)
    if not begun:
        cells = [cells[0], html.cell(html.font("…", SUBTITLE, theme.secondary))]
    return html.label(html.table(html.row(*cells), cellspacing=3, cellpadding=1))


def captions(scope: Scope, theme: Theme, *, full: bool) -> list[str]:
    """Name, block, how often, parameters: a cell each."""
    repeat = scope.repeat
    number = count(repeat.parameters if repeat else scope.parameters)
    number = "" if number == "0" else f"{number} in all" if repeat else number
    cells = [html.font(names(scope), SUBTITLE, theme.ink, bold=True)]
    cells += [html.font(scope.title, SUBTITLE, theme.secondary)] if full else []
    cells += [badge(f"× {repeat.times}", theme)] if repeat else []
    if repeat and repeat.grows:
        cells += [html.font(f"i = 0 … {repeat.times - 1}", DETAIL, theme.secondary)]
    cells += [html.font("shared" if scope.again else number, DETAIL, theme.secondary)]
    return [html.cell(each) for each in cells if each]


def names(scope: Scope) -> str:
    """The name of a module, `dense_layer1 – 6` for several."""
    if scope.repeat is None:
        return scope.name
    stem = scope.name.rstrip("0123456789")
    return f"{scope.name} – {scope.repeat.last.removeprefix(stem)}"


def badge(text: str, theme: Theme) -> str:
    """A few letters, white on black or the other way round."""
    text = html.cell(html.font(f" {text} ", SUBTITLE, theme.badge_ink, bold=True))
    return html.table(html.row(text), style="ROUNDED", bgcolor=theme.badge)


def about(scope: Scope) -> str:
    """What a module says when one points at it."""
    path = scope.instance.address
    return f"{path}: {scope.instance.title}\n{scope.parameters:,} parameters"


def heading_of(graph: Graph, theme: Theme, shapes: Shapes, heat: Heat | None = None) -> str:
    """The title of the figure: name, input, parameters, MACs, and what the colours say."""
    more = legend(theme, heat) if heat else ""
    return html.label(titled(graph, theme, shapes, graph.name, more))


def titled(graph: Graph, theme: Theme, shapes: Shapes, text: str, more: str = "") -> str:
    """A title with the numbers of a network, and more below."""
    total = costs.total_macs(graph, shapes.given)
    inputs = " + ".join(shapes.write(graph.nodes[i].output.shape) for i in graph.inputs)
    facts = [f"{inputs} input", f"{count(costs.total_parameters(graph))} parameters"]
    facts += [f"{count(total)} MACs"] if total is not None else []
    facts += [f"drawn for {chosen(shapes.given)}"] if shapes.given else []
    name = html.cell(html.font(text, TITLE, theme.ink, bold=True))
    line = html.cell(html.font("  ·  ".join(facts), SUBTITLE, theme.secondary, longest=200))
    gap = html.cell("", height=6)
    rows = [name, line, *([html.cell(more)] if more else []), gap]
    return html.table(*map(html.row, rows), cellpadding=2)


def legend(theme: Theme, heat: Heat) -> str:
    """The shares of a cost that the colours stand for, and the sizes for which it is told."""
    sizes = f" for {chosen(heat.sizes)}" if heat.sizes and heat.measure != "params" else ""
    said = f"Share of {NAMES[heat.measure]}{sizes} "
    told = html.font(said, DETAIL, theme.secondary, longest=80)
    cells = [
        html.cell(html.font(f" {text} ", DETAIL, ink), bgcolor=fill, cellpadding=2)
        for fill, text, ink in scale(theme)
    ]
    return html.table(html.row(html.cell(told), *cells))


def tooltip(unit: Unit) -> str:
    """What a unit says when one points at it: layer, name, shape, receptive field, costs."""
    if unit.closed is None and (unit.head is None or unit.head.layer is None):
        return f"{unit.name} {show(unit.output.shape)}"
    layers = [unit.head, *unit.chips] if unit.head else []
    lines = [f"{each.layer!r}  {'.'.join(each.path)}" for each in layers]
    lines += [f"{unit.closed.names[0]}  {unit.closed.title}".rstrip()] if unit.closed else []
    macs = "MACs depend on the input" if unit.macs is None else f"{unit.macs:,} MACs"
    numbers = f"{unit.parameters:,} parameters, {macs}"
    return "\n".join(
        filter(None, (*lines, f"output {show(unit.output.shape)}", unit.sight, numbers))
    )
