"""The objects of a transaction: found by number, key or name, created, changed and deleted."""

import secrets
from collections import Counter
from collections.abc import Sequence

from regulars.domain.faults import Fault, RefusedError, refuse
from regulars.domain.object_kinds import OBJECT_KIND, LinkSide
from regulars.domain.objects import OWN_NUMBERS, RelatedObject, new_key
from regulars.domain.references import Reference
from regulars.domain.relations import KIND_CODES, KINDS


class Objects:
    """The objects that a transaction has loaded or created, and the products of its offers.

    by_reference: by (kind, number) and (kind, key). by_name: the numbers, by (kind, folded name). last_numbers: the
    last number of ours that each kind has given out. saved: the objects to write, by (code of the kind, number).
    products_of: the products of each loaded offer. links: (offer, product) that were put in (True) or taken out.
    growth: by the code of a kind, how many more there are.
    recreated: (code of the kind, number) of objects that were deleted and are created again.
    """

    def __init__(self) -> None:
        self.by_reference: dict[tuple[str, Reference], RelatedObject] = {}
        self.by_name: dict[tuple[str, str], int] = {}
        self.last_numbers: dict[str, int] = {}
        self.saved: dict[tuple[int, int], RelatedObject] = {}
        self.products_of: dict[int, set[int]] = {}
        self.links: dict[tuple[int, int], bool] = {}
        self.growth: Counter[int] = Counter()
        self.recreated: set[tuple[int, int]] = set()

    def add(self, found: RelatedObject) -> None:
        """Add a loaded or new object, under its number and its key."""
        kind = KINDS[found.kind - 1]
        self.by_reference[kind, found.number] = found
        if found.key is not None:
            self.by_reference[kind, found.key] = found
        if found.name_key is not None and found.deleted_at is None:
            self.by_name[kind, found.name_key] = found.number

    def find(self, kind: str, reference: Reference) -> RelatedObject | None:
        """The object that a reference names, None if it does not exist or was deleted."""
        found = self.by_reference.get((kind, reference))
        return None if found is None or found.deleted_at is not None else found

    def known(self, kind: str, references: Sequence[Reference]) -> list[RelatedObject]:
        """The objects that references name. Raises RefusedError that names each of those that are not there."""
        found = [self.find(kind, reference) for reference in references]
        faults = [
            Fault(kind if len(found) == 1 else f"{kind}.{place}", f"The {kind} {reference!r} does not exist.")
            for place, (item, reference) in enumerate(zip(found, references, strict=True))
            if item is None
        ]
        if faults:
            raise RefusedError("object_not_found", faults)
        return [item for item in found if item is not None]

    def key_of(self, kind: str, number: int) -> str | None:
        """The key of an object, None where it has none or is not loaded."""
        found = self.by_reference.get((kind, number))
        return None if found is None else found.key

    def refuse_unknown_number(self, field: str, kind: str, reference: Reference) -> None:
        """Raises RefusedError for a number that only the server assigns and never did: callers cannot create it.

        To be called before a command changes anything.
        """
        if isinstance(reference, int) and reference in OWN_NUMBERS and (kind, reference) not in self.by_reference:
            kept = f"numbers from {OWN_NUMBERS.start} to {OWN_NUMBERS.stop - 1} are assigned by the server"
            raise refuse("invalid", field, f"The {kind} {reference} does not exist, and {kept}.")

    def refer(self, kind: str, reference: Reference, now: int) -> int:
        """The number of the object that a reference names; it is created, at `now` (ms), if it is not there."""
        found = self.find(kind, reference)
        return (found or self.create(kind, reference, now)).number

    def create(self, kind: str, reference: Reference | None, now: int) -> RelatedObject:
        """A new object, created at `now` (ms), under the number or key of the reference."""
        if isinstance(reference, int):
            number, key = reference, None
        else:
            number = self.last_numbers.get(kind, OWN_NUMBERS.start) + 1
            key = reference if reference is not None else new_key(kind)
        stale = self.by_reference.get((kind, reference)) if reference is not None else None
        if stale is not None:
            number, key = stale.number, stale.key
            self.recreated.add((KIND_CODES[kind], number))
        elif not isinstance(reference, int):
            if number not in OWN_NUMBERS:
                # An older version let callers take the last of our numbers: go on with random ones, which nobody has.
                number = secrets.choice(OWN_NUMBERS)
            else:
                self.last_numbers[kind] = number
        found = RelatedObject(
            kind=KIND_CODES[kind],
            number=number,
            key=key,
            name=None,
            name_key=None,
            description=None,
            created_at=now,
            updated_at=now,
        )
        self.add(found)
        self.save(found)
        self.growth[found.kind] += 1
        return found

    def save(self, found: RelatedObject) -> None:
        """Note that an object is to be written."""
        self.saved[found.kind, found.number] = found

    def delete(self, found: RelatedObject, now: int) -> None:
        """Delete an object at `now` (ms): its row stays, so that nothing else gets its number."""
        self.forget_name(found)
        found.deleted_at = found.updated_at = now
        found.name = found.name_key = found.description = None
        self.save(found)
        self.growth[found.kind] -= 1

    def forget_name(self, found: RelatedObject) -> None:
        """Free an object's name."""
        if found.name_key is not None:
            self.by_name.pop((KINDS[found.kind - 1], found.name_key), None)

    def link(self, offer: RelatedObject, products: set[int], now: int) -> None:
        """Set the products of an offer from `now` (ms) on."""
        before = self.products_of.get(offer.number, set())
        self.links.update({(offer.number, product): product in products for product in before ^ products})
        self.products_of[offer.number] = products
        offer.updated_at = now
        self.save(offer)

    def unlink(self, kind: str, number: int) -> None:
        """An object is being deleted: an offer loses its products, and no offer has the product any more."""
        side = OBJECT_KIND[kind].link_side
        if side is None:
            return
        if side is LinkSide.OFFER:
            self.products_of.pop(number, None)
        else:
            for products in self.products_of.values():
                products.discard(number)
        self.links = {link: held for link, held in self.links.items() if link[side] != number}
