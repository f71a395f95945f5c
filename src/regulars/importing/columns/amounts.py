"""Amounts and numbers in cells: with a currency sign, thousands, a decimal point or comma."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?", re.ASCII)
_AROUND: Final = re.compile(r"^(?:[A-Z]{3}|[^\w\s.,()+-])?\s*|\s*(?:[A-Z]{3}|[^\w\s.,()+-])?$")
_POINT: Final = re.compile(r"[+-]?\d{1,3}(?:[,' ]\d{3})*(?:\.\d+)?|[+-]?\d+(?:\.\d+)?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?\d{1,3}(?:[.' ]\d{3})*(?:,\d+)?|[+-]?\d+(?:,\d+)?", re.ASCII)


def read_number(cell: str) -> int | float | None:
    """The number in a cell, None if there is none. Parentheses or a minus make it negative.

    Of a comma and a point, the later one is the decimal sign. A single comma before three digits marks thousands.
    """
    if _PLAIN.fullmatch(cell):
        return float(cell) if "." in cell else int(cell)
    text = cell.strip()
    is_negative = text.startswith("(") and text.endswith(")")
    text = _AROUND.sub("", text.strip("()"))
    if text[:1] == "-":
        is_negative, text = True, _AROUND.sub("", text[1:])
    text = text.replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")
    has_point, has_comma = "." in text, "," in text
    if has_point and has_comma:
        is_comma = text.rfind(",") > text.rfind(".")
    elif has_comma:
        is_comma = text.count(",") == 1 and len(text) - text.find(",") != 4
    else:
        is_comma = text.count(".") > 1
    pattern, decimal = (_COMMA, ",") if is_comma else (_POINT, ".")
    if not pattern.fullmatch(text):
        return None
    thousands = "." if decimal == "," else ","
    plain = text.replace(thousands, "").replace("'", "").replace(" ", "").replace(decimal, ".")
    number = float(plain) if "." in plain else int(plain)
    return -number if is_negative else number
