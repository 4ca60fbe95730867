"""The codes of syntax diagnostics: stable, one title each, never reused."""

from __future__ import annotations

CODES: dict[str, str] = {
    "P001": "the text does not follow the form of the language",
    "P002": "a round or square bracket is not closed",
    "P003": "a brace is not closed",
    "P004": "a bracket closes nothing",
    "P005": "a bracket is closed by one of another kind",
    "P006": "a character that cannot stand in a program",
    "P007": "a string is not closed on its line",
    "P008": "an unknown escape in a string",
    "P009": "a number that cannot be read",
    "P010": "a size that cannot be read",
    "P011": "a reserved word stands where a name is needed",
    "P012": "the text is nested too deeply",
    "P013": "the text is too long",
    "P014": "a sign of another language",
    "P015": "a value or a layer is missing",
    "P016": "comparisons are chained",
    "P017": "`not` stands inside an operation that binds closer",
    "P018": "a definition or a statement stands in the wrong place",
    "P019": "branches and statements are mixed up",
    "P020": "a comma or a new line is missing",
    "P021": "`=` and `==` or `:` are mixed up",
    "P022": "the formatter would have changed the program",
    "P023": "there are too many errors",
    "P024": "a word that does not begin a definition or statement",
}
