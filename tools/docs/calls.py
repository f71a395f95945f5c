"""Tables of all calls of the three vendors, and of our own, for docs/compatibility.md."""

from collections.abc import Callable
from functools import partial
from typing import Final

from regulars.http.compatibility import OWN, VENDORS, VendorCall, place, served
from tools.docs.markdown import code, table


def _overview() -> str:
    return table(
        ("vendor", "have", "of", "listed calls"),
        [(each.name, str(sum(map(_is_here, each.calls))), str(len(each.calls)), each.scope) for each in VENDORS],
    )


def _table(calls: tuple[VendorCall, ...]) -> str:
    return table(
        ("call", "what it does", "here", "notes"),
        [
            (code(f"{call.method} {call.path}"), call.does, "**have**" if _is_here(call) else "not yet", call.note)
            for call in calls
        ],
    )


def _is_here(call: VendorCall) -> bool:
    return place(call.method, call.path) in served()


PARTS: Final[dict[str, Callable[[], str]]] = {
    "calls": _overview,
    **{f"calls-{each.name.lower()}": partial(_table, each.calls) for each in VENDORS},
    "calls-own": partial(_table, OWN),
}
