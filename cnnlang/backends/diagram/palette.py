"""Colours and fonts of the figures: Okabe-Ito accents, with tints for what text stands on.

Colour is only a second cue: the tints are not told apart by every eye, so the name of the layer,
the text of a chip and the outline carry the meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FONT = "Helvetica,Arial,sans-serif"
TITLE, SUBTITLE, NAME, DETAIL, CHIP = 17, 10, 11, 9, 8
"""Sizes of text in points."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure; `line` and `tint` are by category of layer.

    `skip_ink` is the colour of skips dark enough for small letters. `heat` runs from little to
    much, away from the background, its lightness alone telling how far.
    """

    background: str
    ink: str
    secondary: str
    edge: str
    skip: str
    skip_ink: str
    frames: tuple[str, str]
    frame_line: str
    header: str
    badge: str
    badge_ink: str
    line: Mapping[str, str]
    tint: Mapping[str, str]
    heat: tuple[str, ...]

    @property
    def fill(self) -> dict[str, str]:
        """The colours of faces and bars: the yellow of outlines would be too dull there."""
        return {**self.line, "transposed": YELLOW, "port": self.line["other"]}


YELLOW = "#F0E442"

LIGHT = Theme(
    background="#FFFFFF",
    ink="#1B1F24",
    secondary="#57606A",
    edge="#6E7781",
    skip="#D55E00",
    skip_ink="#B34700",
    frames=("#F6F8FA", "#FFFFFF"),
    frame_line="#C4CCD4",
    header="#E3E8ED",
    badge="#24292F",
    badge_ink="#FFFFFF",
    line={
        "conv": "#0072B2",
        "transposed": "#A39A1E",
        "norm": "#56B4E9",
        "activation": "#E69F00",
        "pool": "#009E73",
        "dense": "#CC79A7",
        "merge": "#D55E00",
        "port": "#1B1F24",
        "other": "#5B6670",
        "module": "#57606A",
    },
    tint={
        "conv": "#CCE3F0",
        "transposed": "#F9F4B0",
        "norm": "#DAEEFA",
        "activation": "#F8E6BD",
        "pool": "#C7EAE0",
        "dense": "#F0D7E5",
        "merge": "#F4D5BD",
        "port": "#E8E9E9",
        "other": "#EFF0F1",
        "module": "#E3E8ED",
    },
    heat=("#FFF8DC", "#FEE8A6", "#FECB5F", "#FBA136", "#EF7D1A", "#C24A04", "#822903"),
)

DARK = Theme(
    background="#0D1117",
    ink="#E6EDF3",
    secondary="#B6C2CF",
    edge="#8B949E",
    skip="#FF8A3D",
    skip_ink="#FF8A3D",
    frames=("#161B22", "#0D1117"),
    frame_line="#3D444D",
    header="#262D36",
    badge="#E6EDF3",
    badge_ink="#0D1117",
    line={
        "conv": "#4FA8DC",
        "transposed": "#F0E442",
        "norm": "#8ED0F5",
        "activation": "#F0B429",
        "pool": "#35C79A",
        "dense": "#E09CC1",
        "merge": "#FF8A3D",
        "port": "#E6EDF3",
        "other": "#9AA4AF",
        "module": "#B6C2CF",
    },
    tint={
        "conv": "#213E52",
        "transposed": "#515024",
        "norm": "#24333F",
        "activation": "#51421C",
        "pool": "#18443C",
        "dense": "#4C3B4A",
        "merge": "#563522",
        "port": "#2B3036",
        "other": "#24292F",
        "module": "#262D36",
    },
    heat=("#241A10", "#38250F", "#523210", "#6E4110", "#8E5010", "#E2902A", "#FFDA85"),
)

THEMES = {"light": LIGHT, "dark": DARK}
