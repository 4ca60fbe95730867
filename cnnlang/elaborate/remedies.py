"""From what might mend a layer to edits of the text in which it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from cnnlang.diagnostics.model import Edit, Fix, Span
from cnnlang.elaborate.growth import channelled, enlarge, reorder, rerank, resize, retype
from cnnlang.elaborate.sites import Site, ancestor, producer, site_of
from cnnlang.layers.base import Problem
from cnnlang.layers.remedies import (
    Become,
    Enlarge,
    Give,
    Insert,
    Name,
    Omit,
    Precede,
    Remove,
    Reorder,
    Rerank,
    Resize,
    Respell,
    Retype,
    Together,
    Widen,
)
from cnnlang.records import replace
from cnnlang.syntax import ast

WIDEST = 60
"""The longest call that is written out in full."""


def fixes(problem: Problem, site: Site | None) -> tuple[Fix, ...]:
    """The remedies of a problem that can be carried out here, as edits."""
    if site is None:
        return ()
    site = replace(site, field=problem.field)
    first = (fix for each in problem.remedies for fix in RULES[type(each)](each, site))
    return (*first, *branchings(problem, site))


# --- arguments -----------------------------------------------------------------------------------


def give(remedy: Give, site: Site) -> Iterator[Fix]:
    from cnnlang.layers.validation import spell

    text = spell(remedy.value)
    given = site.written(remedy.field)
    if given is None:
        yield fix_of(site, added(site, f"{remedy.field}={text}"), f"{remedy.field}={text}", remedy)
    elif is_literal(given.value, remedy.value):
        short = f"{remedy.field}={text}" if given.name else None
        short = text if remedy.field == site.field and not given.name else short
        yield fix_of(site, Edit(given.value.span, text), short, remedy)


def is_literal(node: ast.Expression, value: Any) -> bool:
    """True for what is written out here, and would not change other uses of a block."""
    match node:
        case ast.Number() | ast.Size() | ast.Truth() | ast.Text():
            return True
        case ast.Sequence():
            return all(is_literal(item, value) for item in node.items)
        case ast.Unary():
            return is_literal(node.operand, value)
        case ast.Name():
            words = isinstance(value, str) or (isinstance(value, tuple) and "channels" in value)
            return words or node.name in ("same", "valid")
    return False


def added(site: Site, text: str) -> Edit:
    """One more argument of a call."""
    call = site.call
    if call.arguments:
        end = call.arguments[-1].span.end
        return Edit(site.span(end, end), f", {text}")
    end = call.name_span.end
    if call.arguments is None:
        return Edit(site.span(end, end), f"({text})")
    at = call.span.source.text.index("(", end) + 1
    return Edit(site.span(at, at), text)


def omit(remedy: Omit, site: Site) -> Iterator[Fix]:
    given = site.written(remedy.field)
    if given is None:
        return
    listed = site.call.arguments or ()
    place = next(i for i, each in enumerate(listed) if each is given)
    start, end = given.span.start, given.span.end
    if place > 0:
        start = listed[place - 1].span.end
    elif len(listed) > 1:
        end = listed[1].span.start
    elif listed == (given,):
        start, end = site.call.name_span.end, start_of_group(site.call)
    yield fix_of(
        site, Edit(site.span(start, end), ""), None, remedy, f"leave out `{given.span.text}`"
    )


def start_of_group(call: ast.Call) -> int:
    """Where a call ends, its branches left out."""
    if call.group is None:
        return call.span.end
    return (
        call.span.source.text.index(")", call.arguments[-1].span.end if call.arguments else 0) + 1
    )


def respell(remedy: Respell, site: Site) -> Iterator[Fix]:
    listed = (a for a in site.call.arguments or () if a.name == remedy.field and a.name_span)
    for each in listed:
        assert each.name_span is not None
        edit = Edit(each.name_span, remedy.name)
        yield fix_of(site, edit, None, remedy, f"write `{remedy.name}=`")


def name(remedy: Name, site: Site) -> Iterator[Fix]:
    listed = [each for each in site.call.arguments or () if each.name is None]
    if remedy.place < len(listed):
        span = listed[remedy.place].span
        edit = Edit(span, f"{remedy.field}={remedy.text or span.text}")
        yield fix_of(site, edit, None, remedy)


def become(remedy: Become, site: Site) -> Iterator[Fix]:
    yield fix_of(site, Edit(site.call.name_span, remedy.name), None, remedy)


def fix_of(site: Site, edit: Edit, short: str | None, remedy: Any, words: str | None = None) -> Fix:
    """A fix by one edit of the call: told by what it adds, or by the call as it is then."""
    whole = applied(site.call.span, edit)
    fits = len(whole) <= WIDEST and "\n" not in whole and site.call.group is None
    text = short or (whole if fits else edit.text.strip(", "))
    return Fix(words or f"write `{text}`", (edit,), getattr(remedy, "safe", False))


def applied(span: Span, *edits: Edit) -> str:
    """The text of a span with edits made in it."""
    text, at = span.text, span.start
    for edit in sorted(edits, key=lambda each: each.span.start, reverse=True):
        text = text[: edit.span.start - at] + edit.text + text[edit.span.end - at :]
    return text


# --- layers before and behind --------------------------------------------------------------------


def insert(remedy: Insert, site: Site) -> Iterator[Fix]:
    if site.step is None:
        return
    named = parametric(remedy, site)
    if named is not None:
        yield from insert(named, site)
    element = site.step.element
    if isinstance(element, ast.Residual):
        yield from beside(element, remedy)
    elif isinstance(element, ast.Call) and element.group:
        yield from behind(element.group, remedy)
    elif remedy.side == 0:
        for text in like_operand(remedy.text, site.call):
            yield before(site.step, text, f"put `{text}` before `{site.call.name}`")


def branchings(problem: Problem, site: Site) -> Iterator[Fix]:
    """Layers behind a named operand of a merge, which needs branches for it."""
    listed = site.call.arguments or ()
    named = [a.value.name for a in listed if a.name is None and isinstance(a.value, ast.Name)]
    if site.call.group is not None:
        return
    options = ", ".join(each.span.text for each in listed if each.name is not None)
    for each in problem.remedies:
        if isinstance(each, Insert) and 0 < each.side <= len(named) and "?" not in each.text:
            ways = ["identity", *named]
            ways[each.side] += f" -> {each.text}"
            head = f"{site.call.name}({options})" if options else site.call.name
            text = f"{head} {{ | {' | '.join(ways)} }}"
            yield Fix(f"write `{text}`", (Edit(site.call.span, text),))


def parametric(remedy: Insert, site: Site) -> Insert | None:
    """The same with the channels as the goal's own layer has them: by the name of a parameter."""
    node = producer(site, remedy.goal) if remedy.goal is not None else None
    where = site_of(site.nodes, node) if node else None
    if node is None or where is None:
        return None
    given = where.written("filters") or where.written("units")
    if given is None or is_literal(given.value, 0) or "\n" in given.value.span.text:
        return None
    text = remedy.text.replace(f"({node.output.channels}", f"({given.value.span.text}", 1)
    return Insert(text, remedy.side)


def like_operand(text: str, call: ast.Call) -> Iterator[str]:
    """A fitting by size also by the name of the one operand, which holds for every size."""
    operands = [each.value for each in call.arguments or () if each.name is None]
    if "size=" in text and len(operands) == 1 and isinstance(operands[0], ast.Name):
        yield re.sub(r"size=[0-9x?]+", f"like={operands[0].name}", text)
    if "?" not in text:
        yield text


def before(step: ast.Step, text: str, words: str) -> Fix:
    """A layer put before a step and its label."""
    at = Span(step.span.source, step.span.start, step.span.start)
    return Fix(words, (Edit(at, f"{text} -> "),))


def beside(node: ast.Residual, remedy: Insert) -> Iterator[Fix]:
    """A layer at the end of one side of a residual."""
    if remedy.side == 0:
        yield from at_end(node.main, remedy.text, "the main path")
    elif node.shortcut is not None:
        yield from at_end(node.shortcut, remedy.text, "the shortcut")
    else:
        at = Span(node.span.source, node.main.span.end, node.main.span.end)
        text = f"shortcut {{ {remedy.text} }}"
        yield Fix(f"give it a shortcut: `{text}`", (Edit(at, f" {text}"),))


def behind(group: tuple[ast.BranchItem, ...], remedy: Insert) -> Iterator[Fix]:
    """A layer at the end of a branch, where branches are simply listed."""
    branches = [each for each in group if isinstance(each, ast.Branch)]
    if len(branches) == len(group) and remedy.side < len(branches):
        place = f"branch {remedy.side + 1}"
        yield from at_end(branches[remedy.side].body, remedy.text, place)


def at_end(body: ast.Body, text: str, where: str) -> Iterator[Fix]:
    last = body.statements[-1] if body.statements else None
    if not isinstance(last, ast.Chain):
        return
    element = last.steps[-1].element
    end = last.span.end
    edit = Edit(Span(last.span.source, end, end), f" -> {text}")
    if isinstance(element, ast.Call) and element.name == "identity":
        edit = Edit(element.span, text)
    yield Fix(f"put `{text}` at the end of {where}", (edit,))


def remove(remedy: Remove, site: Site) -> Iterator[Fix]:
    if not remedy.kinds:
        if site.step is not None:
            yield Fix(f"leave out `{site.call.name}`", (without(site.step),))
        return
    node = ancestor(site, remedy.kinds)
    if node is not None and node.step is not None:
        words = f"leave out the `{node.kind}` in line {node.step.span.line}"
        yield Fix(words, (without(node.step),))


def without(step: ast.Step) -> Edit:
    """A step taken out of its chain, or out of its line."""
    source, start, end = step.span.source, step.span.start, step.span.end
    after = re.compile(r"\s*->\s*").match(source.text, end)
    ahead = re.search(r"\s*->\s*$", source.text[max(0, start - 80) : start])
    if after:
        return Edit(Span(source, start, after.end()), "")
    if ahead:
        return Edit(Span(source, start - len(ahead[0]), end), "")
    return Edit(Span(source, start, end), "identity")


def precede(remedy: Precede, site: Site) -> Iterator[Fix]:
    node = ancestor(site, remedy.kinds)
    if node is not None and node.step is not None and isinstance(node.step.element, ast.Call):
        words = f"put `{remedy.text}` before the `{node.kind}` in line {node.step.span.line}"
        yield before(node.step, remedy.text, words)


def widen(remedy: Widen, site: Site) -> Iterator[Fix]:
    node = producer(site, remedy.side)
    where = site_of(site.nodes, node) if node else None
    if node is not None and node.layer is None:
        yield from channelled(node, remedy.channels)
    if where is None or node is None or node.layer is None:
        return
    field = next(f for f in ("filters", "units") if f in node.layer.fields)
    for each in give(Give(field, remedy.channels), where):
        (edit,) = each.edits
        text = applied(where.call.span, edit)
        yield Fix(f"make {remedy.channels} channels in line {edit.span.line}: `{text}`", (edit,))


def together(remedy: Together, site: Site) -> Iterator[Fix]:
    """The first way to carry out each part, at once."""
    ways = [next(RULES[type(each)](each, site), None) for each in remedy.parts]
    found = [each for each in ways if each is not None]
    if len(found) == len(ways):
        edits = tuple(edit for each in found for edit in each.edits)
        yield Fix(whole(site.call.span, edits) or " and ".join(e.help for e in found), edits)


def whole(span: Span, edits: tuple[Edit, ...]) -> str:
    """A call as edits make it, if they are all in it, and it is short."""
    if not all(span.start <= e.span.start and e.span.end <= span.end for e in edits):
        return ""
    text = applied(span, *edits)
    return f"write `{text}`" if len(text) <= WIDEST and "\n" not in text else ""


RULES: dict[type, Callable[[Any, Site], Iterator[Fix]]] = {
    Give: give,
    Omit: omit,
    Respell: respell,
    Name: name,
    Become: become,
    Insert: insert,
    Remove: remove,
    Precede: precede,
    Widen: widen,
    Enlarge: enlarge,
    Resize: resize,
    Reorder: reorder,
    Rerank: rerank,
    Retype: retype,
    Together: together,
}
