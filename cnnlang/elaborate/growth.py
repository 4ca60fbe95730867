"""Inputs that might mend a layer: other sizes, other axes, integers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from cnnlang.diagnostics.model import Edit, Fix, Span
from cnnlang.elaborate.sites import Site, producer, site_of
from cnnlang.graph import Node
from cnnlang.layers.base import LayerError, Need
from cnnlang.layers.remedies import Enlarge, Reorder, Rerank, Resize, Retype
from cnnlang.layers.tensor import Tensor, image
from cnnlang.records import replace
from cnnlang.sizes import Size, SizeLimit

LARGEST = 4096
"""The largest input that is looked for."""
DOUBLED = (1, 2, 4)
"""Times the smallest input for a layer; those behind it may need more."""
SIZES_TRIED = 3
"""Sizes near the one that is written, for those behind the layer may need another."""
NEAR, FEW = 64, 300
"""How far another size is looked for, and among how many layers at most."""
IMAGES = (1, 3, 4)
"""Channels of an image."""
MANY = 1000
"""Layers, beyond which no larger input is looked for."""
SIZES = re.compile(r"[0-9]+(x[0-9]+)+(?=\s|$)")


def retype(remedy: Retype, site: Site) -> Iterator[Fix]:
    node = site.nodes[site.inputs[0]]
    source, start, end = node.span.source, node.span.start, node.span.end
    said = re.search(r"\s+of\s+(float|int)$", node.span.text)
    if node.layer is not None or (said and said[1] == remedy.dtype):
        return
    if remedy.dtype == "int" and said is None:
        edit = Edit(Span(source, end, end), " of int")
        yield Fix(f"declare integers: `{node.span.text} of int`", (edit,))
    elif remedy.dtype == "float" and said is not None:
        kept = node.span.text[: said.start()]
        yield Fix(
            f"declare real numbers: `{kept}`", (Edit(Span(source, start + len(kept), end), ""),)
        )


def enlarge(remedy: Enlarge, site: Site) -> Iterator[Fix]:
    node = only_input(site)
    size = least(site, node.output) if node else None
    if node is not None and size is not None:
        for times in DOUBLED:
            yield started(node, grown(node.output, times * size), "a larger input")


def resize(remedy: Resize, site: Site) -> Iterator[Fix]:
    node = only_input(site)
    if node is None or len(site.nodes) > FEW:
        return
    shifts = (shift for n in range(1, NEAR) for shift in (n, -n))
    found = (moved(node.output, shift) for shift in shifts)
    standing = (x for x in found if x is not None and stands(site, x))
    for near in islice(standing, SIZES_TRIED):
        yield started(node, near, "another input")


def reorder(remedy: Reorder, site: Site) -> Iterator[Fix]:
    node = only_input(site)
    if node is None:
        return
    for place in reversed(range(1, node.output.rank)):
        first, *axes = node.output.shape
        channels = axes.pop(place - 1)
        wanted = channels == remedy.channels if remedy.channels else is_image(first, channels)
        if wanted:
            x = node.output.resized((channels, first, *axes))
            fix = started(node, x, "channels first")
            yield replace(fix, edits=(*fix.edits, *declared(site, node, channels)))


def is_image(first: Size, channels: Size) -> bool:
    """True if sizes are likely those of a map and of the channels of an image."""
    return isinstance(first, int) and first > max(IMAGES) and channels in IMAGES


def declared(site: Site, node: Node, channels: Size) -> Iterator[Edit]:
    """Declared channels of an input put right in the layers that take them."""
    before = (site_of(site.nodes, each) for each in site.nodes)
    for where in (*filter(None, before), site):
        given = where.written("in_channels")
        if given and producer(where, 0) is node:
            yield Edit(given.value.span, str(channels))


def rerank(remedy: Rerank, site: Site) -> Iterator[Fix]:
    node = only_input(site)
    shape = node.output.shape if node else ()
    if node is not None and remedy.rank == len(shape) + 1 and shape[0] not in IMAGES:
        yield started(node, image(1, *shape), "one channel")
    if node is not None and remedy.rank == len(shape) - 1 and shape[1] in IMAGES:
        yield started(node, image(*shape[1:]), "one image, for the batch is never written")


def channelled(node: Node, channels: int) -> Iterator[Fix]:
    """An input with so many channels."""
    found = re.match(r"(input(?:\s+\w+\s*:)?\s*\[?)([0-9]+)(?=x|\s|,|\]|$)", node.span.text)
    if found and int(found[2]) == node.output.channels:
        start, end = (node.span.start + at for at in found.span(2))
        edit = Edit(Span(node.span.source, start, end), str(channels))
        yield Fix(f"start from {channels} channels", (edit,))


def only_input(site: Site) -> Node | None:
    """The one input of a network, if its sizes are written out."""
    inputs = [node for node in site.nodes if node.layer is None]
    if len(inputs) != 1 or len(site.nodes) > MANY or site.layer is None:
        return None
    written = SIZES.search(inputs[0].span.text)
    return inputs[0] if written and str(inputs[0].output) == written[0] else None


def started(node: Node, x: Tensor, what: str) -> Fix:
    """An input written with other sizes."""
    written = SIZES.search(node.span.text)
    assert written is not None
    start = node.span.start + written.start()
    edit = Edit(Span(node.span.source, start, start + len(written[0])), str(x))
    return Fix(f"start from {what}: `{x}`", (edit,))


def moved(x: Tensor, shift: int) -> Tensor | None:
    """A map with every axis so much longer, None if one would be gone."""
    sizes = [n + shift for n in x.shape[1:] if isinstance(n, int)]
    return x.resized((x.shape[0], *sizes)) if min(sizes, default=0) > 0 else None


def grown(x: Tensor, size: int) -> Tensor:
    """A map with no axis below a size."""
    channels, *axes = x.shape
    return x.resized((channels, *(max(size, n) for n in axes if isinstance(n, int))))


def least(site: Site, x: Tensor) -> int | None:
    """The smallest size of all axes for which every layer up to this one can stand."""
    low = min(n for n in x.shape[1:] if isinstance(n, int))
    high = 2 * low
    while not stands(site, grown(x, high)):
        low, high = high, 2 * high
        if high > LARGEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stands(site, grown(x, middle)) else (middle, high)
    return high


def stands(site: Site, x: Tensor) -> bool:
    """True if the layer and all before it can stand with another input."""
    outputs: list[Tensor] = []
    need = Need()
    try:
        for node in site.nodes:
            tensors = tuple(outputs[i] for i in node.inputs)
            outputs.append(x if node.layer is None else node.layer.output(tensors, need))
        if site.layer is not None:
            site.layer.output(tuple(outputs[i] for i in site.inputs), need)
    except (LayerError, SizeLimit):
        return False
    return True
