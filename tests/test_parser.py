"""What the parser makes of a text: small programs and their trees, mistakes and their messages."""

from __future__ import annotations

import gc
import inspect
import logging
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from cnnlang.diagnostics.model import Diagnostic, Source
from cnnlang.syntax import ast
from cnnlang.syntax.brackets import MOST, NESTING
from cnnlang.syntax.build import Builder
from cnnlang.syntax.codes import CODES
from cnnlang.syntax.generation import FILE, generate, written
from cnnlang.syntax.lexical import LONGEST
from cnnlang.syntax.parser import parse
from cnnlang.syntax.tables import automaton, lexicon, locate, tables

EXAMPLES = sorted(Path(__file__).parents[1].glob("examples/*.cnn"))


def read(text: str) -> ast.File:
    """The tree of a text without mistakes."""
    file, errors = parse(Source("net.cnn", dedent(text)))
    assert errors == []
    return file


def body(text: str) -> tuple[ast.Statement, ...]:
    """The statements of a network that holds `text`."""
    (network,) = read(f"network N {{\n{text}\n}}").definitions
    assert isinstance(network, ast.Network)
    return network.body.statements


def steps(text: str) -> tuple[ast.Step, ...]:
    (chain,) = body(text)
    assert isinstance(chain, ast.Chain)
    return chain.steps


def call(text: str) -> ast.Call:
    (step,) = steps(text)
    assert isinstance(step.element, ast.Call)
    return step.element


def value(text: str) -> ast.Expression:
    (let,) = read(f"let x = {text}").definitions
    assert isinstance(let, ast.Let)
    return let.value


def show(node: ast.Expression) -> str:
    """An expression with every operation in parentheses."""
    match node:
        case ast.Number(value=number):
            return str(number)
        case ast.Name(name=name):
            return name
        case ast.Unary(operator=sign, operand=operand):
            return f"({sign} {show(operand)})"
        case ast.Binary(operator=sign, left=left, right=right):
            return f"({show(left)} {sign} {show(right)})"
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            return f"({show(then)} if {show(condition)} else {show(otherwise)})"
        case ast.Index(base=base, index=index):
            return f"{show(base)}[{show(index)}]"
        case ast.Sequence(items=items, brackets=brackets):
            return brackets[0] + ", ".join(map(show, items)) + brackets[1]
        case ast.Apply(function=function, arguments=arguments):
            return f"{function}({', '.join(show(each.value) for each in arguments)})"
    return node.span.text


def told(text: str) -> list[str]:
    """The mistakes of a text: place, code and headline of each."""
    _, errors = parse(Source("net.cnn", dedent(text)))
    return [place(error) for error in errors]


def place(error: Diagnostic) -> str:
    assert error.span is not None
    return f"{error.span.line}:{error.span.column} {error.code} {error.message}"


def told_inside(text: str) -> list[str]:
    """The mistakes of statements in a network; their lines count from 1."""
    _, errors = parse(Source("net.cnn", f"network N {{\n{text}\n}}"))
    lines = [place(error).split(":", 1) for error in errors]
    return [f"{int(number) - 1}:{rest}" for number, rest in lines]


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_parses(path: Path) -> None:
    file, errors = parse(Source(path.name, path.read_text(encoding="utf-8")))
    assert errors == []
    assert file.definitions


def test_a_file_is_a_list_of_definitions() -> None:
    file = read("""
        use Basic, Bottleneck as Wide from "blocks/resnet.cnn"
        use Unit from std.resnet
        extern Blur(filt=4): [C, H], [C] -> [C, (H + 1) // 2] from "pkg:Class"
        let width = 64
        fn half(v, by = 2) = v // by
        default conv(bias=false)
        block Pair(width, stride = 1) { relu }
        network Net { relu }
        network Small(p = 1) = Net(p, depth=3)
    """)
    kinds = [type(definition).__name__ for definition in file.definitions]
    shown = " ".join(kinds)
    assert shown == "Use Use Extern Let Function Default Block Network Variant"
    first, second, extern, *_, variant = file.definitions
    assert isinstance(first, ast.Use) and isinstance(second, ast.Use)
    assert [(used.name, used.alias) for used in first.names] == [
        ("Basic", None),
        ("Bottleneck", "Wide"),
    ]
    assert (first.origin, first.quoted) == ("blocks/resnet.cnn", True)
    assert (second.origin, second.quoted) == ("std.resnet", False)
    assert isinstance(extern, ast.Extern)
    assert [show(shape) for shape in extern.inputs] == ["[C, H]", "[C]"]
    assert (show(extern.output), extern.target) == ("[C, ((H + 1) // 2)]", "pkg:Class")
    assert isinstance(variant, ast.Variant)
    assert (variant.call.function, [p.name for p in variant.parameters]) == ("Net", ["p"])


def test_an_empty_file_and_one_of_comments_hold_nothing() -> None:
    assert read("").definitions == read("# nothing\n\n").definitions == ()


def test_windows_lines_and_a_byte_order_mark_in_front_are_accepted() -> None:
    assert len(read("\ufefflet a = 1\r\nlet b = 2\r\n").definitions) == 2


# --- statements ----------------------------------------------------------------------------------


def test_inputs_have_a_shape_and_perhaps_a_name_and_a_type() -> None:
    plain, named, tokens = body("input 3xHxW\ninput left: 1x28x28\ninput tokens: [T] of int")
    assert isinstance(plain, ast.Input) and isinstance(plain.shape, ast.Size)
    assert (plain.name, plain.shape.parts, plain.dtype) == (None, (3, "H", "W"), "float")
    assert isinstance(named, ast.Input) and isinstance(tokens, ast.Input)
    assert (named.name, tokens.name, tokens.dtype) == ("left", "tokens", "int")
    assert tokens.dtype_span is not None and tokens.dtype_span.text == "int"


def test_outputs_may_be_those_of_training() -> None:
    always, training, name = body("output a, b\noutput training a, aux\noutput training")
    assert isinstance(always, ast.Output) and isinstance(training, ast.Output)
    assert (always.training, training.training) == (False, True)
    assert [name.name for name in training.names] == ["a", "aux"]
    assert isinstance(name, ast.Output) and name.names[0].name == "training"


def test_soft_words_are_plain_names_elsewhere() -> None:
    chain = steps("as -> of -> training(of=1)")
    assert [step.element.span.text for step in chain] == ["as", "of", "training(of=1)"]
    (used,) = read("use as as of from as.of").definitions
    assert isinstance(used, ast.Use)
    assert (used.names[0].name, used.names[0].alias, used.origin) == ("as", "of", "as.of")


def test_reserved_words_end_where_the_word_ends() -> None:
    names = [step.element.span.text for step in steps("networkNet -> input_1 -> format -> inner")]
    assert names == ["networkNet", "input_1", "format", "inner"]


def test_a_chain_goes_on_over_lines_and_a_statement_ends_with_its_line() -> None:
    first, second = body("a\n  -> b\n\n  -> # on\n c(1,\n 2)\nd")
    assert isinstance(first, ast.Chain) and isinstance(second, ast.Chain)
    assert (len(first.steps), len(second.steps)) == (3, 1)


def test_labels_are_names_strings_or_hold_expressions() -> None:
    labels = [step.label for step in steps('a: x -> "b-0": x -> c{i + 1}_{j}: x -> "d{i}-0": x')]
    shown = [
        (["".join(p) if isinstance(p, str) else show(p) for p in label.parts], label.quoted)
        for label in labels
        if label
    ]
    assert shown == [
        (["a"], False),
        (["b-0"], True),
        (["c", "(i + 1)", "_", "j"], False),
        (["d", "i", "-0"], True),
    ]
    assert [label.span.text for label in labels if label][2:] == ["c{i + 1}_{j}", '"d{i}-0"']


def test_a_call_tells_no_parentheses_from_empty_ones() -> None:
    assert call("relu").arguments is None
    assert call("relu()").arguments == ()
    assert [a.name for a in call("conv(64, 3x3, padding=1,)").arguments or ()] == [
        None,
        None,
        "padding",
    ]


def test_branches_take_the_lines_up_to_the_next_bar() -> None:
    group = call("concat {\n let w = 3\n| identity\n| conv(w)\n relu -> tanh\n}").group
    assert group is not None
    let, identity, two = group
    assert isinstance(let, ast.Let)
    assert isinstance(identity, ast.Branch) and len(identity.body.statements) == 1
    assert isinstance(two, ast.Branch) and len(two.body.statements) == 2
    assert two.span.text == "| conv(w)\n relu -> tanh"


def test_loops_and_choices_in_a_group_hold_branches_again() -> None:
    text = """concat(axis=1) {
        | a
          repeat 2 { b }
        for k in [3, 4] { | conv(k) }
        repeat 2 { | c }
        if k { | d } else if j { | e } else { | f }
    }"""
    group = call(text).group
    assert group is not None
    kinds = [type(item).__name__ for item in group]
    assert kinds == ["Branch", "BranchFor", "BranchRepeat", "BranchIf"]
    choice = group[-1]
    assert isinstance(choice, ast.BranchIf) and isinstance(choice.otherwise[0], ast.BranchIf)


def test_residuals_stacks_and_shared_pieces() -> None:
    residual, stack, body_, piece = body("""
        residual { a }
        shortcut { b }
        s: stack { a -> b } -> c
        shared e { a }
        shared f = Encoder(128)
    """)
    assert isinstance(residual, ast.Chain)
    both = residual.steps[0].element
    assert isinstance(both, ast.Residual) and both.shortcut is not None
    assert isinstance(stack, ast.Chain) and isinstance(stack.steps[0].element, ast.Stack)
    assert isinstance(body_, ast.Shared) and body_.call is None
    assert isinstance(piece, ast.Shared) and piece.call is not None


def test_repeat_for_and_if() -> None:
    repeat, loop, choice = body("""
        repeat n - 1 { a }
        for i, n in enumerate([1, 2]) { a }
        if a { b }
        # between
        else if c { d } else { e }
    """)
    assert isinstance(repeat, ast.Repeat) and show(repeat.count) == "(n - 1)"
    assert isinstance(loop, ast.For) and [name.name for name in loop.targets] == ["i", "n"]
    assert isinstance(choice, ast.If) and choice.otherwise is not None
    (again,) = choice.otherwise.statements
    assert isinstance(again, ast.If) and again.otherwise is not None


# --- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("64", 64),
        ("1_000_000", 1_000_000),
        ("0.5", 0.5),
        ("1e-6", 1e-6),
        ("5M", 5_000_000),
        ("4.2G", 4_200_000_000),
        ("3.6M", 3_600_000),
        ("8GiB", 8 * 2**30),
        ("1.5K", 1500),
        ("1.23456K", 1234.56),
    ],
)
def test_numbers(text: str, number: float) -> None:
    node = value(text)
    assert isinstance(node, ast.Number)
    assert (node.value, type(node.value)) == (number, type(number))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a // b % c / d", "(((a // b) % c) / d)"),
        ("-a ** -b ** c", "(- (a ** (- (b ** c))))"),
        ("(a + b) * c", "((a + b) * c)"),
        ("a or b and not c == d", "(a or (b and (not (c == d))))"),
        ("a < b and c >= d or e != f", "(((a < b) and (c >= d)) or (e != f))"),
        ("a if b else c if d else e", "(a if b else (c if d else e))"),
        ("2 * f(a, k=b)[c][1] + 3", "((2 * f(a, b)[c][1]) + 3)"),
        ("[1, (2,), (3), (), []]", "[1, (2), 3, (), []]"),
        ("in.channels // 2", "(in.channels // 2)"),
    ],
)
def test_operators_have_the_precedence_of_python(text: str, tree: str) -> None:
    assert show(value(text)) == tree


def test_a_size_is_numbers_and_single_capital_letters() -> None:
    sizes = [value(text) for text in ("3x3", "1x32x32", "3xHxW")]
    assert [size.parts for size in sizes if isinstance(size, ast.Size)] == [
        (3, 3),
        (1, 32, 32),
        (3, "H", "W"),
    ]


def test_strings_know_three_escapes() -> None:
    node = value(r'"a\"b\\c\nd"')
    assert isinstance(node, ast.Text)
    assert node.value == 'a"b\\c\nd'


def test_spans_are_those_of_the_text() -> None:
    node = value("min(a, (b + c) * 2)")
    assert isinstance(node, ast.Apply)
    assert node.name_span.text == "min"
    product = node.arguments[1].value
    assert isinstance(product, ast.Binary)
    assert (product.span.text, product.left.span.text) == ("(b + c) * 2", "(b + c)")


# --- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("conv(64, 3x3 -> relu", ["1:13 P002 expected `)` to close the `(` at line 2 before `->`"]),
        ("conv(64,\n  3x3\nrelu", ["2:6 P002 expected `)` to close the `(` at line 2"]),
        ("conv(3])", ["1:7 P004 `]` closes nothing"]),
        ("conv([3)])", ["1:8 P004 `)` closes nothing"]),
        ("conv(1, 2]", ["1:10 P005 expected `)` to close the `(` at line 2, found `]`"]),
        ("conv(64 3x3)", ["1:9 P020 expected `,` or `)` before `3x3`"]),
        ("conv (6; 5)", ["1:8 P014 `;` does not separate arguments"]),
        ("a -> b;", ["1:7 P014 `;` is not a sign of the language"]),
        ("a => b", ["1:3 P014 `=>` is not a sign of the language"]),
        ("a → b", ["1:3 P014 `→` is not a sign of the language"]),
        ("a b", ["1:3 P020 expected `->` or a new line before `b`"]),
        ("a ->", ["2:1 P015 expected a layer after `->`, found `}`"]),
        ("conv(padding=)", ["1:14 P015 expected a value after `=`, found `)`"]),
        ("conv(padding: 1)", ["1:13 P021 expected `=`, found `:`"]),
        ("if a = 3 { b }", ["1:6 P021 expected `==`, found `=`"]),
        ("if a: { b }", ["1:5 P021 expected `{`, found `:`"]),
        ("if a { b } elif c { d }", ["1:12 P024 `elif` does not begin a definition or statement"]),
        ("else { b }", ["1:1 P018 `else` does not follow an `if`"]),
        ("reapeat 3 { a }", ["1:1 P024 `reapeat` does not begin a definition or statement"]),
        ("for i of x { a }", ["1:7 P001 expected `in`, found `of`"]),
        ("let block = 3", ["1:5 P011 `block` is a reserved word and cannot be a name"]),
        ("x = 3", ["1:3 P001 `=` cannot stand in a chain"]),
        ("let a = b < c < d", ["1:15 P016 comparisons cannot be chained"]),
        ("let a = 1 + not b", ["1:13 P017 `not` cannot follow `+`"]),
        ("input 3x3x", ["1:7 P010 `3x3x` is not a size"]),
        ("conv(3×3)", ["1:6 P010 `3×3` is not a size"]),
        ("let a = 12abc", ["1:9 P009 `12abc` is neither a number nor a name"]),
        (
            "let a = " + "1" * 31,
            ["1:9 P009 this number is too large; a number has at most 30 digits"],
        ),
        ('"a: b', ["1:1 P007 this string is not closed on its line"]),
        ('let a = f("b)', ["1:11 P007 this string is not closed on its line"]),
        (r'let a = "\q"', [r"1:10 P008 `\q` is not an escape"]),
        ("'a': b", ["1:1 P014 a string stands in double quotes"]),
        ("naïve", ["1:1 P006 `naïve` is not a name"]),
        (
            "a \0\0 -> b",
            ["1:3 P006 U+0000 (control character) and 1 more cannot stand in a program"],
        ),
        ("a \ufeff", ["1:3 P006 U+FEFF (zero width no-break space) cannot stand in a program"]),
        ("concat { a -> b }", ["1:10 P019 expected `|` before this branch"]),
        ("stack { | a }", ["1:9 P019 a branch stands where a statement is needed"]),
        (" block B { a }", ["1:2 P018 `block` stands inside braces"]),
    ],
)
def test_a_mistake_in_a_statement_has_its_message(text: str, messages: list[str]) -> None:
    assert told_inside(text) == messages


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("network { a }", ["1:9 P015 expected a name after `network`, found `{`"]),
        ("network A\n{\n a\n}", ["1:10 P001 expected `{` before the end of the line"]),
        ("network V = Base", ["1:17 P001 expected `(`, found the end of the file"]),
        ("netwrok A { b }", ["1:1 P024 `netwrok` does not begin a definition or statement"]),
        ("conv(3)\nrelu\ntanh", ["1:1 P018 expected a definition, found `conv`"]),
        ("block B(a b) { c }", ["1:11 P020 expected `,` or `)` before `b`"]),
        ("fn f = 3", ["1:6 P001 expected `(`, found `=`"]),
        ("let x =", ["1:8 P015 expected a value after `=`, found the end of the file"]),
        ("use A form std.b", ["1:7 P001 expected `from`, found `form`"]),
        ("use A from", ["1:11 P015 expected a name after `from`, found the end of the file"]),
        (
            "extern B: [C] -> [C] from D",
            ['1:27 P015 expected a string in `"` after `from`, found `D`'],
        ),
        ("network A {\n a", ["2:3 P003 expected `}` to close the `{` at line 1"]),
        ("let a = 1 }", ["1:11 P004 `}` closes nothing"]),
    ],
)
def test_a_mistake_in_a_definition_has_its_message(text: str, messages: list[str]) -> None:
    assert told(text) == messages


def test_a_missing_brace_names_the_one_that_was_left_open() -> None:
    text = "network A {\n    residual {\n        a\n    b\n}\nnetwork B { c }"
    file, (error,) = parse(Source("net.cnn", text))
    assert place(error) == "5:2 P003 expected `}` to close the `{` at line 2 before `network`"
    (related,) = error.related
    assert (related.span.line, related.label) == (2, "this `{` is never closed")
    assert [getattr(each, "name", "") for each in file.definitions] == ["A", "B"]


def test_help_and_edits_say_what_would_mend_it() -> None:
    _, (error,) = parse(Source("net.cnn", "network N { a => b }"))
    assert error.help == "layers are chained with `->`"
    assert [(edit.span.text, edit.text) for edit in error.edits] == [("=>", "->")]


def test_one_open_bracket_does_not_swallow_the_lines_below() -> None:
    text = "network N {\n  a(1\n" + "  b(2)\n" * 300 + "  c -> d\n}"
    file, (error,) = parse(Source("net.cnn", text))
    assert place(error) == "2:6 P002 expected `)` to close the `(` at line 2"
    (network,) = file.definitions
    assert isinstance(network, ast.Network) and len(network.body.statements) == 302


def test_independent_mistakes_are_all_reported_and_the_rest_is_read() -> None:
    text = dedent("""
        network A {
            conv(64 3x3) -> relu
            repeat { a }
            dense(10 -> relu
            let in = 3
            tanh
        }
        block B { conv(] }
        let width = 3
    """)
    file, errors = parse(Source("net.cnn", text))
    assert [error.code for error in errors] == ["P020", "P015", "P002", "P011", "P005"]
    assert [getattr(each, "name", "") for each in file.definitions] == ["A", "B", "width"]
    network = file.definitions[0]
    assert isinstance(network, ast.Network) and len(network.body.statements) == 3


def test_every_code_in_the_messages_has_a_title() -> None:
    used = set()
    for path in Path(__file__).parents[1].glob("cnnlang/syntax/*.py"):
        text = path.read_text(encoding="utf-8")
        used |= {f"P{part[:3]}" for part in text.split('"P')[1:] if part[:3].isdigit()}
    assert used == set(CODES)


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "let x = " + "(" * 300 + "1" + ")" * 300,
        "let x = " + "[" * 300,
        "let x = 1" + " + 1" * 300,
        "let x = " + "-" * 300 + "1",
        "let x = a" + "[0]" * 300,
        "let x = " + "1 if a else " * 300 + "2",
        "network N {" + "stack {\n" * 300 + "}\n" * 301,
        "network N {\nif a { b }" + " else if a { b }" * 300 + "\n}",
    ],
)
def test_too_deep_nesting_is_one_error(text: str) -> None:
    assert [message.split(" ", 1)[1] for message in told(text)] == [
        f"P012 this is nested more than {NESTING} levels deep"
    ]


def test_deep_nesting_does_not_reach_pythons_recursion() -> None:
    text = "network N {" + "stack {\n" * 190 + "a(" + "(" * 5 + "1" + ")" * 6 + "}\n" * 190 + "}"
    depth, limit = len(inspect.stack()), sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 60)
    try:
        _, errors = parse(Source("net.cnn", text))
    finally:
        sys.setrecursionlimit(limit)
    assert errors == []


def test_a_text_too_long_is_one_error() -> None:
    (message,) = told("a" * (LONGEST + 1))
    assert "P013 the text is too long: 16.0 Mi characters, at most 16 Mi are read" in message


def test_a_text_of_nothing_but_errors_is_given_up() -> None:
    messages = told("}" * 100_000)
    assert len(messages) == MOST + 1
    assert messages[-1].endswith(
        "there are more than 500 errors; the rest of the text was not read"
    )


def test_ten_thousand_lines_are_parsed_without_an_error() -> None:
    line = "    conv(64, 3x3, padding=1) -> batchnorm -> relu\n"
    source = Source("net.cnn", "network N {\n" + line * 10_000 + "}\n")
    file, errors = parse(source)
    assert errors == []
    assert len(file.definitions[0].body.statements) == 10_000


def test_the_garbage_collector_is_left_as_it_was() -> None:
    parse(Source("net.cnn", "let a = 1"))
    assert gc.isenabled()
    gc.disable()
    try:
        parse(Source("net.cnn", "let a = ("))
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- the grammar ---------------------------------------------------------------------------------


def test_the_grammar_has_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    from lark import Lark, logger

    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(caplog.handler)
    try:
        text = locate().read_text(encoding="utf-8")
        Lark(text, parser="lalr", lexer="basic", start="file", debug=True)
    finally:
        logger.removeHandler(caplog.handler)
        logger.setLevel(level)
    assert "onflict" not in caplog.text


def test_the_automaton_that_is_kept_is_that_of_the_grammar() -> None:
    """Otherwise: `python -m cnnlang.syntax.generation`."""
    made = generate(locate().read_text(encoding="utf-8"))
    assert FILE.read_text(encoding="utf-8") == written(made)


def test_another_grammar_has_another_automaton(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = automaton()
    changed = tmp_path / "changed.lark"
    changed.write_text(locate().read_text(encoding="utf-8") + "// changed\n", encoding="utf-8")
    monkeypatch.setattr("cnnlang.syntax.tables.locate", lambda: changed)
    made = automaton.__wrapped__()
    assert made.checksum != kept.checksum
    assert made._replace(checksum=kept.checksum) == kept


def test_every_rule_of_the_grammar_is_built() -> None:
    assert [name for name in tables().actions if not hasattr(Builder, name)] == []
    rules = {entry for row in tables().rows for entry in row.values() if not isinstance(entry, int)}
    assert all(rule.size == 1 for rule in rules if rule.action is None)


def test_only_structure_is_reserved() -> None:
    words = """network block input output shared stack residual shortcut repeat for in if else
        let fn default use from extern require true false and or not"""
    assert set(lexicon().keywords) == set(words.split())
