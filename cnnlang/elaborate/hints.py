"""Did you mean: the nearest known name, looked for within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice, takewhile

from cnnlang.diagnostics import suggest
from cnnlang.diagnostics.model import Edit, Fix, Span
from cnnlang.layers import foreign
from cnnlang.layers.base import REGISTRY
from cnnlang.records import replace
from cnnlang.syntax import ast

CANDIDATES = 200
LONGEST = 32
WORDS = {"True": "true", "False": "false", '"same"': "same", '"valid"': "valid"}
"""Values as other tools write them, and as they are written here."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely stands for; the first `CANDIDATES` are compared."""
    if len(name) > LONGEST:
        return None
    return suggest.nearest(name, islice((k for k in known if len(k) <= LONGEST), CANDIDATES))


def meant(name: str, known: Iterable[str]) -> str | None:
    """As `nearest`, for layers: what other tools call by this name comes first."""
    return foreign.ours(name) or nearest(name, known)


def respelt(
    name: str, near: str | None, known: Iterable[str], span: Span, mark: str = ""
) -> tuple[Fix, ...]:
    """The fix that writes the name that was meant; safe where it is that name with a slip.

    `mark` is what follows the name in what is said: `=` for an argument.
    """
    if near is None:
        return ()
    few = list(islice((k for k in known if len(k) <= LONGEST), CANDIDATES))
    return (
        Fix(f"write `{near}{mark}`", (Edit(span, near),), safe=suggest.is_slip(name, near, few)),
    )


def relayered(call: ast.Call, near: str | None, known: Iterable[str]) -> tuple[Fix, ...]:
    """The fixes of a layer by an unknown name: the call of another tool in our words comes first.

    The name alone is put right safely only where the arguments mean the same here.
    """
    named = respelt(call.name, near, known, call.name_span)
    there = foreign.layer(call.name)
    if there is None or not call.arguments:
        return named
    text = translation(call.arguments, there)
    plain = f"{near}{call.span.text[len(call.name) :]}"
    if text == plain or call.group is not None:
        return named
    if text is None:
        return () if there.order is None else tuple(replace(each, safe=False) for each in named)
    words = f"{there.tool}'s `{call.span.text}` is `{text}`{inferred(call.arguments, there)}"
    return (Fix(words, (Edit(call.span, text),)),)


def inferred(arguments: Sequence[ast.Argument], there: foreign.Foreign) -> str:
    """Why an argument is gone."""
    given = {each for each, _ in pairs(arguments, there)}
    gone = next((each for each in ("channels", "features") if f"in_{each}" in given), None)
    return f": incoming {gone} are inferred" if gone else ""


def pairs(arguments: Sequence[ast.Argument], there: foreign.Foreign) -> list[tuple[str, str]]:
    """The arguments of another tool with our names, as they are written here."""
    fields = REGISTRY[there.ours].fields
    order = iter(there.order or ())
    found = []
    for each in arguments:
        name = each.name or next(order, "")
        name = name if name in fields else foreign.argument(name, fields) or name
        text = each.value.span.text
        found.append((name, WORDS.get(text, text)))
    return found


def translation(arguments: Sequence[ast.Argument], there: foreign.Foreign) -> str | None:
    """The call of another tool in our words, None if it has something that we lack."""
    layer = REGISTRY[there.ours]
    listed = pairs(arguments, there)
    given = dict(listed)
    if there.order is None or len(given) < len(listed):
        return None
    if not set(given) <= {*layer.fields, *foreign.NEEDLESS}:
        return None
    given = {name: text for name, text in given.items() if name not in foreign.NEEDLESS}
    leading = list(takewhile(given.__contains__, layer.positional))
    if any(value is ... and name not in given for name, value in layer.fields.items()):
        return None
    texts = [given.pop(name) for name in leading]
    texts += [f"{name}={text}" for name, text in given.items()]
    return f"{there.ours}({', '.join(texts)})" if texts else there.ours
