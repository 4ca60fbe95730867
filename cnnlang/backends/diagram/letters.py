"""How wide a text is in Helvetica, Arial or Arimo, which are alike letter by letter."""

from __future__ import annotations

# Widths in thousandths of the size of the letters, from space to tilde.
_REGULAR = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
_BOLD = (
    *(278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611),
    *(975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556),
    *(333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611),
    *(611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584),
)
_SIGNS = {"×": 584, "→": 1000, "·": 333, "–": 556, "…": 1000, "²": 333, "³": 333, "−": 584}
_OTHER = 667


class _Table(dict[str, int]):
    """The widths by letter; a letter that is not in it is as wide as most capitals."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__(_SIGNS, **{chr(ord(" ") + i): wide for i, wide in enumerate(widths)})

    def __missing__(self, letter: str) -> int:
        return _OTHER


_TABLES = {False: _Table(_REGULAR), True: _Table(_BOLD)}


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a text in points, for letters of `size` points."""
    return sum(map(_TABLES[bold].__getitem__, text)) * size / 1000
