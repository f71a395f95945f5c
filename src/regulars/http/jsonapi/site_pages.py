"""Pages of what a site has in one fixed order: by `site_id`, `page[size]`, and `page[after]` as links have it."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from regulars.domain.text import whole_number
from regulars.http.call import Call
from regulars.http.jsonapi.failures import ParameterProblem
from regulars.http.jsonapi.paging import DEFAULT_SIZE, PAGE_AFTER, PAGE_SIZE, parse_size
from regulars.http.keyring import Caller
from regulars.http.schema import TEXT, WHOLE, Schema

SITE: Final = "site_id"
_Place = TypeVar("_Place")


def parameters_of(nouns: str, after: str) -> Mapping[str, Schema]:
    """The parameters, for the document. nouns: what is listed. after: what `page[after]` is, as a sentence."""
    return {
        SITE: {**TEXT, "description": "The site; that of the key by default."},
        PAGE_SIZE: {**WHOLE, "description": f"{nouns} in a page."},
        PAGE_AFTER: {**TEXT, "description": after},
    }


def asked_page(
    call: Call, caller: Caller, beginning: _Place, read_place: Callable[[str], _Place]
) -> tuple[int, int, _Place]:
    """The site, the size of the page, and the place behind which it begins. Raises ParameterProblem.

    read_place: reads `page[after]`; raises ValueError with what it must be.
    """
    site, place = caller.site, beginning
    largest = call.services.settings.page_size_limit
    size = min(DEFAULT_SIZE, largest)
    for parameter, text in call.query:
        if parameter == PAGE_SIZE:
            size = parse_size(text, largest)
        elif parameter == SITE:
            site = whole_number(text, longest=16) or 0
            if site not in caller.sites:
                raise ParameterProblem(SITE, f"{SITE} must be a site of the account.")
        elif parameter == PAGE_AFTER:
            try:
                place = read_place(text)
            except ValueError as error:
                raise ParameterProblem(PAGE_AFTER, f"{PAGE_AFTER} {error}.") from None
        else:
            allowed = ", ".join((SITE, PAGE_SIZE, PAGE_AFTER))
            raise ParameterProblem(parameter, f"There is no parameter {parameter}; allowed: {allowed}.")
    return site, size, place


def next_link(address: str, site: int, size: int, after: str | int) -> str:
    """The link to the page after this one."""
    return f"{address}?{SITE}={site}&{PAGE_AFTER}={after}&{PAGE_SIZE}={size}"


def no_parameters(call: Call) -> None:
    """Raise ParameterProblem for any parameter, in a call that has none."""
    for parameter, _ in call.query:
        raise ParameterProblem(parameter, f"There is no parameter {parameter}; this call has none.")
