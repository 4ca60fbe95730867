"""What a network is made of: every layer with its output shape, parameters and MACs.

`summary` works the numbers out once; `Summary.as_dict` and `table` only write them down.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cnnlang import amounts
from cnnlang.amounts import count
from cnnlang.analysis import costs
from cnnlang.analysis.fields import Field, Fields, receptive, words
from cnnlang.analysis.ordinary import suggestion, usual_shapes, usual_sizes
from cnnlang.backends.usage import Usage
from cnnlang.backends.usage import lines as usage_lines
from cnnlang.diagnostics.colours import escaped
from cnnlang.graph import Enter, Graph, Instance, Node, walk
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass, replace
from cnnlang.sizes import Shape


@dataclass(frozen=True, slots=True)
class Row:
    """A layer where it is applied, or a module with all that is in it (`group`).

    `name` is the path of the module; `level` says how deep it stands. `parameters` of a shared
    module count where it is first applied. `macs` is None if it depends on a free dimension.
    `saved` are the bytes that autograd saves, if a batch was given.
    """

    level: int
    name: str
    kind: str
    detail: str
    output: Tensor
    parameters: int
    macs: int | None
    field: Fields
    group: bool = False
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Port:
    """An input of the network."""

    name: str
    tensor: Tensor


@dataclass(frozen=True, slots=True)
class Summary:
    """A network in numbers; `rows` in the order of the file, a module before what is in it.

    `macs` counts one sample in inference, None while it depends on `free` dimensions. `usual` are
    input shapes for which the network is valid. `usage` is its memory, if that was asked for.
    """

    network: str
    inputs: tuple[Port, ...]
    outputs: tuple[Tensor, ...]
    parameters: int
    macs: int | None
    rows: tuple[Row, ...]
    free: tuple[str, ...]
    usual: tuple[tuple[int, ...], ...]
    usage: Usage | None = None

    @property
    def layers(self) -> list[Row]:
        """The rows that are layers."""
        return [row for row in self.rows if not row.group]

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data; the schema is `grammar/summary.schema.json`."""
        return {
            "version": 1,
            "network": self.network,
            "inputs": [
                {"name": p.name, "shape": plain(p.tensor.shape), "dtype": p.tensor.dtype}
                for p in self.inputs
            ],
            "outputs": [plain(tensor.shape) for tensor in self.outputs],
            "parameters": self.parameters,
            "macs": self.macs,
            "memory": self.usage and self.usage.as_dict(),
            "layers": [
                {
                    "name": row.name,
                    "kind": row.kind,
                    "output": plain(row.output.shape),
                    "parameters": row.parameters,
                    "macs": row.macs,
                    "receptive_field": {name: spelled(f) for name, f in row.field.items()},
                    **({"saved": row.saved} if self.usage else {}),
                }
                for row in self.layers
            ],
        }


def plain(shape: Shape) -> list[int | str]:
    """A shape as JSON has it."""
    return [size if isinstance(size, int) else str(size) for size in shape]


def spelled(axes: tuple[Field, ...]) -> list[dict[str, Any]]:
    """A receptive field as JSON has it, an axis each; `size` is "all" for the whole axis."""
    return [
        {
            "axis": each.axis,
            "size": "all" if each.whole else each.size,
            "jump": None if each.jump is None else plain_number(each.jump),
            "start": each.start,
            "exact": each.exact,
        }
        for each in axes
    ]


def plain_number(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


def summary(graph: Graph, usage: Usage | None = None) -> Summary:
    """The numbers of a network, in time linear in its layers; with its memory, if that is given."""
    nodes = graph.nodes
    return Summary(
        graph.name,
        tuple(Port(nodes[i].name, nodes[i].output) for i in graph.inputs),
        tuple(nodes[i].output for i in graph.outputs),
        costs.total_parameters(graph),
        costs.total_macs(graph),
        tuple(listed(graph, usage)),
        tuple(graph.free),
        tuple(usual_shapes(graph).values()),
        usage,
    )


def listed(graph: Graph, usage: Usage | None) -> list[Row]:
    """The rows, every module told with the sums of what is in it."""
    own = {node.index for node in costs.owners(graph)}
    fields = receptive(graph, usual_sizes(graph))
    rows: list[Row] = []
    open_: list[Sums] = []
    seen: set[tuple[str, ...]] = set()
    for level, item in walk(graph.root):
        while len(open_) > level:
            close(rows, open_)
        if isinstance(item, Enter):
            open_.append(Sums(len(rows)))
            field = fields[item.instance.output]
            rows.append(module(graph, item.instance, level, item.instance.path in seen, field))
            seen.add(item.instance.path)
        else:
            saved = usage.layer(item.node) if usage else 0
            rows.append(layer(graph, graph.nodes[item.node], level, own, fields[item.node], saved))
            if open_:
                open_[-1].add(rows[-1])
    while open_:
        close(rows, open_)
    return rows


@dataclass(slots=True)
class Sums:
    """A module whose rows are being listed: the place of its own row, and what it holds so far."""

    place: int
    parameters: int = 0
    macs: int | None = 0
    saved: int = 0

    def add(self, row: Row) -> None:
        self.parameters += row.parameters
        self.saved += row.saved
        known = self.macs is not None and row.macs is not None
        self.macs = (self.macs or 0) + (row.macs or 0) if known else None


def close(rows: list[Row], open_: list[Sums]) -> None:
    """The innermost open module is complete: its sums go into its row and those around it."""
    done = open_.pop()
    row = replace(rows[done.place], parameters=done.parameters, macs=done.macs, saved=done.saved)
    rows[done.place] = row
    if open_:
        open_[-1].add(row)


def layer(graph: Graph, node: Node, level: int, own: set[int], field: Fields, saved: int) -> Row:
    """The row of a layer; parameters count where the node owns them."""
    count = costs.macs(graph, node)
    return Row(
        level,
        node.address,
        node.kind,
        window(node),
        node.output,
        costs.parameters(graph, node) if node.index in own else 0,
        count if isinstance(count, int) else None,
        field,
        saved=saved,
    )


def window(node: Node) -> str:
    """The size of the kernel of a layer that has one: `3×3`, a number an axis."""
    layer = node.layer
    if layer is None or "kernel" not in type(layer).fields:
        return ""
    size, axes = layer.caption()[0], len(node.output.shape) - 1
    return "×".join([size] * axes) if size.isdecimal() else size


def module(graph: Graph, instance: Instance, level: int, again: bool, field: Fields) -> Row:
    """The row of a module before its sums are known; `again` if its weights were told before."""
    output = graph.nodes[instance.output].output
    kind = instance.title if instance.kind == "block" else instance.kind
    return Row(level, instance.address, kind, "again" if again else "", output, 0, 0, field, True)


# --- the table -----------------------------------------------------------------------------------

HEADS = ("Layer", "Kind", "Output", "Field", "Parameters", "MACs", "Saved")
NUMBERS = 3
"""The last columns hold numbers, the others texts; the last of all is there for memory alone."""
GAP = "  "
LEAST = 12
ROOMY = 80
"""The least width for the column of receptive fields."""


def table(
    summary: Summary, depth: int | None = None, width: int | None = None, colour: bool = False
) -> str:
    """The summary as text: a row a layer, modules folded below `depth`, then the totals.

    `width` is the room in columns (None for no limit); `colour` adds ANSI escapes.
    """
    rows = [row for row in summary.rows if depth is None or row.level < depth]
    cells = [HEADS, *map(port, summary.inputs), *map(line, rows)]
    numbers = NUMBERS - (summary.usage is None)
    if summary.usage is None:
        cells = [each[:-1] for each in cells]
    if width is not None and width < ROOMY:
        cells = [(*each[:3], *each[4:]) for each in cells]
    widths = fitted(cells, width, numbers)
    heavy = [False] * len(summary.inputs) + [row.group for row in rows]
    head = paint(aligned(cells[0], widths, numbers), "1", colour)
    body = [
        paint(aligned(each, widths, numbers), "36" if group else "", colour)
        for each, group in zip(cells[1:], heavy, strict=True)
    ]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    title = paint(summary.network, "1", colour)
    return "\n".join([title, "", head, rule, *body, rule, *totals(summary)])


def port(each: Port) -> tuple[str, ...]:
    kind = "input" if each.tensor.dtype == "float" else f"input of {each.tensor.dtype}"
    return (each.name, kind, str(each.tensor), "", "", "", "")


def line(row: Row) -> tuple[str, ...]:
    """The cells of a row; the name without the modules around it, indented by its level."""
    name = "  " * row.level + row.name.rpartition(".")[2]
    macs = "?" if row.macs is None else count(row.macs) if row.macs else ""
    kind = f"{row.kind} {row.detail}".rstrip()
    parameters = f"{row.parameters:,}" if row.parameters else ""
    saved = amounts.memory(row.saved) if row.saved else ""
    return (name, kind, str(row.output), words(row.field), parameters, macs, saved)


def fitted(rows: list[tuple[str, ...]], width: int | None, numbers: int) -> list[int]:
    """The widths of the columns: as wide as their cells, the widest of the texts cut if need be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while width is not None and sum(widths) + len(GAP) * (len(widths) - 1) > width:
        widest = max(range(len(widths) - numbers), key=lambda i: widths[i])
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return widths


def aligned(cells: tuple[str, ...], widths: list[int], numbers: int) -> str:
    """Texts to the left, numbers to the right; what does not fit ends in `…`."""
    cut = [c if len(c) <= w else c[: w - 1] + "…" for c, w in zip(cells, widths, strict=True)]
    texts = [f"{c:<{w}}" for c, w in zip(cut[:-numbers], widths[:-numbers], strict=True)]
    right = [f"{c:>{w}}" for c, w in zip(cut[-numbers:], widths[-numbers:], strict=True)]
    return GAP.join([*texts, *right]).rstrip()


def paint(text: str, code: str, colour: bool) -> str:
    return escaped(text, code) if colour else text


def totals(summary: Summary) -> list[str]:
    """The lines under the table."""
    lines = [f"Parameters  {summary.parameters:,}"]
    lines += [f"Layers      {len(summary.layers):,}"]
    outputs = ", ".join(map(str, summary.outputs))
    lines += [f"Output      {outputs}"]
    if summary.macs is not None:
        lines += [f"MACs        {summary.macs:,} ({count(summary.macs)}, one sample)"]
        return lines + (usage_lines(summary.usage) if summary.usage else [])
    names = ", ".join(summary.free)
    return [*lines, f"MACs        depend on {names}: give {suggestion(summary.usual)}"]
