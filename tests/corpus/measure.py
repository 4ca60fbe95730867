"""How much of the corpus is found, where, and whether what is proposed mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from corpus.cases import Case
from corpus.translation import Translation, Unsayable, translated

from cnnlang.compilation import Settings, check_source, compile_source
from cnnlang.diagnostics.model import Diagnostic, Edit, Severity, Source
from cnnlang.sources import fetch

ROUNDS = 5
"""A network with one mistake is mended in fewer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case; `reason` is why it cannot be said, and then nothing else is known.

    `errors` are those of the program, `at` the layer on whose line the first one is. `mended` is
    true if edits that are proposed leave no error. `lints` are the names of the lints that were
    found. `shape` is what comes out, None with errors. `rest` has the errors that are left after
    the fix of the corpus, None where there is no such fix; `fixed_shape` is what then comes out.
    """

    case: Case
    reason: str = ""
    errors: tuple[Diagnostic, ...] = ()
    at: str | None = None
    mended: bool = False
    lints: frozenset[str] = frozenset()
    shape: list[int] | None = None
    rest: tuple[Diagnostic, ...] | None = None
    fixed_shape: list[int] | None = None

    @property
    def found(self) -> bool:
        return bool(self.errors)

    @property
    def unlinted(self) -> list[str]:
        """The lints that are missed; where PyTorch only deserves one, an error is as good."""
        told = self.found or bool(self.reason)
        return [] if told else [name for name in self.case.lints if name not in self.lints]

    @property
    def placed(self) -> bool:
        return self.at == self.case.error_at


def examine(case: Case) -> Outcome:
    """Translate a case, check it, try what is proposed, and what the corpus proposes."""
    try:
        program = translated(case)
    except Unsayable as reason:
        return Outcome(case, str(reason))
    source = Source(f"{case.id}.cnn", program.text)
    found = check(source)
    errors = tuple(each for each in found if each.severity is Severity.ERROR)
    rest, fixed_shape = after_fix(case)
    return Outcome(
        case,
        "",
        errors,
        layer_at(program, errors[0]) if errors else None,
        bool(errors) and mends(source),
        frozenset(names()[each.code] for each in found if each.code in names()),
        result(source),
        rest,
        fixed_shape,
    )


def after_fix(case: Case) -> tuple[tuple[Diagnostic, ...] | None, list[int] | None]:
    """The errors that are left, and what comes out, after the fix of the corpus."""
    if case.patch is None:
        return None, None
    try:
        source = Source(f"{case.id}.cnn", translated(case.mended()).text)
    except Unsayable:
        return None, None
    left = [each for each in check(source) if each.severity is Severity.ERROR]
    return tuple(left), result(source)


def check(source: Source) -> list[Diagnostic]:
    """What is told of a program, with all lints that there are."""
    return (
        check_source(source, fetch, frozenset(names())) if names() else check_source(source, fetch)
    )


def names() -> dict[str, str]:
    """The lints by code; none where there are none."""
    if find_spec("cnnlang.analysis.lints") is None:
        return {}
    rules = import_module("cnnlang.analysis.lints").RULES
    return {code: rule.name for code, rule in rules.items()}


def mends(source: Source) -> bool:
    """True if no error is left when the edits of the first one are carried out, time and again."""
    for _ in range(ROUNDS):
        errors = [each for each in check(source) if each.severity is Severity.ERROR]
        if not errors or not errors[0].edits:
            return not errors
        source = applied(source, errors[0].edits)
    return False


def layer_at(program: Translation, error: Diagnostic) -> str | None:
    """The layer on whose line an error begins."""
    if error.span is None:
        return None
    return next((name for name, line in program.lines.items() if line == error.span.line), None)


def applied(source: Source, edits: Iterable[Edit]) -> Source:
    """The source with some edits carried out."""
    text = source.text
    for edit in sorted(edits, key=lambda each: each.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return Source(source.name, text)


def result(source: Source) -> list[int] | None:
    """The shape of what comes out, without the batch."""
    graph, _ = compile_source(source, fetch, None, Settings())
    return list(graph.nodes[graph.outputs[0]].output.shape) if graph else None  # type: ignore[arg-type]


# --- figures -------------------------------------------------------------------------------------


def table(outcomes: list[Outcome]) -> str:
    """The figures, and then every case that falls short."""
    said = [each for each in outcomes if not each.reason]
    wrong = [each for each in said if each.case.expect == "error"]
    sound = [each for each in said if each.case.expect == "ok"]
    mended = [each for each in said if each.rest is not None]
    lints = sum(len(each.case.lints) for each in said)
    rows = [
        ("errors found", sum(each.found for each in wrong), len(wrong)),
        ("  at the right layer", sum(each.placed for each in wrong), len(wrong)),
        ("  told alone", sum(len(each.errors) == 1 for each in wrong), len(wrong)),
        ("  with help", sum(bool(e.errors and e.errors[0].help) for e in wrong), len(wrong)),
        ("  with edits that mend", sum(each.mended for each in wrong), len(wrong)),
        ("lints found", lints - sum(len(each.unlinted) for each in said), lints),
        ("correct networks rejected", sum(each.found for each in sound), len(sound)),
        ("mended networks rejected", sum(bool(each.rest) for each in mended), len(mended)),
        ("unsayable", len(outcomes) - len(said), len(outcomes)),
    ]
    figures = [f"{name:<26} {count:>3} of {total:>3}" for name, count, total in rows]
    return "\n".join([*figures, "", *map(line, filter(short, outcomes))])


def short(each: Outcome) -> bool:
    """True if something about a case is to be told."""
    wanting = each.case.expect == "error" and not (each.placed and each.mended)
    return bool(each.reason or wanting or each.rest or each.unlinted)


def line(each: Outcome) -> str:
    """A case in a line: what is wanting."""
    if each.reason:
        return f"{each.case.id}: unsayable: {each.reason}"
    parts = [] if each.case.expect != "error" or each.found else ["no error"]
    if each.found and each.case.expect == "error" and not each.placed:
        parts.append(f"the error is at {each.at}, not at {each.case.error_at}")
    if each.found and each.case.expect == "error" and not each.mended:
        parts.append("no edits mend it")
    parts += [f"after the fix {error}" for error in each.rest or ()]
    parts += [f"no lint {name}" for name in each.unlinted]
    return f"{each.case.id}: {'; '.join(parts)}"
