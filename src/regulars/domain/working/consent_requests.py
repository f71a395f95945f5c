"""The requests for consent of a transaction: those that are loaded, and those to write."""

from typing import Final

from msgspec import Struct

MARKETING: Final = 0
"""As a newsletter: the request is about marketing email."""


class ConsentRequest(Struct, frozen=True):
    """A request for consent by double opt-in; the fields are the columns, in order.

    number: random. newsletter: its number, or MARKETING. at, expires_at: ms. open_until: expires_at while nobody has
    confirmed it and it has not expired, else None. wording: what the customer is asked to agree to. channel, actor: who
    asked, as in `Actor`.
    """

    number: int
    customer: int
    newsletter: int
    at: int
    expires_at: int
    open_until: int | None
    wording: str
    channel: int
    actor: int | None
    confirmed_at: int | None = None


class ConsentRequests:
    """by_number: the requests that commands name. added, changed: those to write. removed: stored ones to delete."""

    def __init__(self) -> None:
        self.by_number: dict[int, ConsentRequest] = {}
        self.added: dict[int, ConsentRequest] = {}
        self.changed: dict[int, ConsentRequest] = {}
        self.removed: set[int] = set()

    def add(self, request: ConsentRequest) -> None:
        """Note a new request."""
        self.by_number[request.number] = self.added[request.number] = request

    def change(self, request: ConsentRequest) -> None:
        """Note a changed one."""
        self.by_number[request.number] = request
        (self.added if request.number in self.added else self.changed)[request.number] = request

    def remove(self, request: ConsentRequest) -> None:
        """Note that a stored one is to be deleted."""
        self.by_number.pop(request.number, None)
        self.changed.pop(request.number, None)
        self.removed.add(request.number)

    def forget(self, customer: int) -> None:
        """Drop those of a customer who is being deleted."""
        for requests in (self.by_number, self.added, self.changed):
            for number in [number for number, each in requests.items() if each.customer == customer]:
                del requests[number]

    def is_clean(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.added or self.changed or self.removed)
