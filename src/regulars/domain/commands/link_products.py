"""LinkProducts: set which products an offer has."""

from msgspec import Struct

from regulars.domain.commands.needs import Needs
from regulars.domain.commands.set_change import SetChange, members_after
from regulars.domain.limits import Limits
from regulars.domain.outcome import Outcome
from regulars.domain.references import Reference
from regulars.domain.working import WorkingSet


class LinkProducts(Struct, frozen=True):
    """Set the products of an existing offer. If one of them does not exist, nothing changes.

    It affects customers who are granted the offer, or lose it, from now on.
    """

    offer: Reference
    products: tuple[Reference, ...]
    change: SetChange

    def declare(self, needs: Needs) -> None:
        """The offer with its products, and the products to be linked."""
        needs.objects.add(("offer", self.offer))
        needs.offers.add(self.offer)
        needs.refer("product", self.products)
        needs.linked_products.update(self.products)

    def weight(self) -> int:
        """One for each product."""
        return len(self.products)

    def rule(self, work: WorkingSet, limits: Limits) -> Outcome:
        """Link and unlink products."""
        (offer,) = work.objects.known("offer", (self.offer,))
        named = {found.number for found in work.objects.known("product", self.products)}
        before = work.objects.products_of.get(offer.number, set())
        after = members_after(before, named, self.change)
        if after == before:
            return Outcome("unchanged", object=offer)
        work.objects.link(offer, after, work.now)
        return Outcome("updated", object=offer)
