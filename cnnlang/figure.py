"""Pictures as values of a Python program."""

from __future__ import annotations


class Figure(bytes):
    """A picture as the bytes of its file; SVG, PNG and HTML show themselves in a notebook."""

    format: str

    def __new__(cls, data: bytes, format: str) -> Figure:
        self = super().__new__(cls, data)
        self.format = format
        return self

    def __getnewargs__(self) -> tuple[bytes, str]:  # type: ignore[override]
        return bytes(self), self.format

    def _repr_svg_(self) -> str | None:
        return self.decode() if self.format == "svg" else None

    def _repr_png_(self) -> bytes | None:
        return bytes(self) if self.format == "png" else None

    def _repr_html_(self) -> str | None:
        from cnnlang.backends.diagram.interactive.document import framed

        return framed(self.decode()) if self.format == "html" else None
