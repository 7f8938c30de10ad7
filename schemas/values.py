"""What CTP calls the types of its fields, and the values of those that are one of a few characters.

The binding keeps both: the type of each field as an annotation that SWIG wrote, the values as
constants (THOST_FTDC_D_Buy). Which type a constant belongs to, only the order of the header tells:
the first one of each type is announced by the type's name.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from . import binding

_CLASS: Final = re.compile(
    r"^class CThostFtdc(\w+)Field\(object\):\n(.*?)(?=^class |\Z)", re.M | re.S
)
_FIELD: Final = re.compile(r'^    (\w+): "TThostFtdc(\w+)Type" = property', re.M)
_CONSTANT: Final = re.compile(r'^(THOST_FTDC_\w+) = \w+\.\w+\n(?:r"""(.*?)""")?', re.M | re.S)
_ANNOUNCED: Final = re.compile(r"TFtdc(\w+)Type\b", re.ASCII)


class Vocabulary(msgspec.Struct, frozen=True):
    """Names as CTP spells them, without what all have in common.

    types   by struct and field: "Direction" of TThostFtdcDirectionType
    values  by type and name: {"Direction": {"Buy": "0", "Sell": "1"}}
    """

    types: dict[str, dict[str, str]]
    values: dict[str, dict[str, str]]


def load(name: str = binding.DEFAULT) -> Vocabulary:
    """From the binding's trader module, which has every struct.

    Raises BindingError, LocaleError.
    """
    text = binding.find(name).td.read_text("utf-8")
    types = {found[1]: dict(_FIELD.findall(found[2])) for found in _CLASS.finditer(text)}
    constants = vars(binding.load(name).tdapi)
    values: dict[str, dict[str, str]] = {}
    kind = ""
    for constant, note in _CONSTANT.findall(text):
        if (announced := _ANNOUNCED.search(note)) is not None:
            kind = announced[1]
        value = constants[constant]
        if isinstance(value, str) and len(value) == 1:
            values.setdefault(kind, {})[constant.split("_", 3)[3]] = value
    return Vocabulary(types, values)
