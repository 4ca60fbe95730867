"""The codes of everything that layers complain about, with one line on each.

S1xx: the layer cannot stand where it stands, because of the tensors that flow in. A2xx: its
arguments are wrong wherever it stands. S117 to S120 belong to elaboration.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "S101": "A kernel is larger than the padded input",
    "S102": "An option has numbers for more or fewer axes than the map has",
    "S103": "A layer needs a feature map, channels first, of a certain number of axes",
    "S104": "A dense layer needs a flat tensor or a named axis",
    "S105": "A size that weights or rounding depend on must be fixed",
    "S106": "A layer needs real numbers or integers, and got the other",
    "S107": "A layer leaves nothing of its input",
    "S108": "Output padding is not below the stride or the dilation",
    "S110": "Declared and incoming channels differ",
    "S111": "Channels do not come out even in the groups",
    "S112": "Padding reflects or wraps around more than there is",
    "S113": "Declared and incoming features differ",
    "S114": "The number of features depends on the size of the input",
    "S115": "The padding index is not in the table",
    "S116": "The tensor has no such axis",
    "S121": "Tensors differ in their axes",
    "S122": "The last axis to flatten comes before the first",
    "S123": "A permutation does not name each axis once",
    "S124": "A slice lies outside of its axis",
    "S125": "A size is not divisible as the layer needs it",
    "S126": "A shape holds another number of elements",
    "S127": "A scale rounds unevenly on a free dimension",
    "S128": "A way to interpolate does not fit the number of axes",
    "S129": "A map cannot be cropped or padded to the size wanted",
    "S130": "A layer cannot normalise over these axes",
    "S131": "One value alone has no variance",
    "S132": "An unpooling does not belong to the tensor it names",
    "S133": "Two tensors cannot be multiplied as matrices",
    "S134": "An average over three axes needs a map that holds a window before padding",
    "S135": "Tensors to be combined number by number have different shapes",
    "S136": "Padding is more than half of a pooling window",
    "S137": "Tensors to be laid behind one another differ in another axis",
    "S138": "Softmax over a single number",
    "A201": "An argument is missing",
    "A202": "The layer has no such argument",
    "A203": "An argument has a wrong value",
    "A204": "Too many arguments without a name",
    "A205": "An argument is given twice",
    "A206": "An argument depends on a free dimension",
    "A207": "One of several arguments is needed, and only one",
    "A208": "Arguments do not go together",
}
