"""The revenue of customers by currency, as far as amounts named one."""

from msgspec import Struct


class Revenue(Struct):
    """What the amounts of a customer in one currency come to; the fields are the columns, in order.

    net, lifetime: hundredths of the currency's unit. is_counted: whether they are part of the customer's figures.
    """

    customer: int
    currency: str
    net: int = 0
    lifetime: int = 0
    is_counted: bool = False


class Revenues:
    """The revenues that a transaction has loaded or made, and the currency of the site.

    currency: None while none is set, and where no command of the transaction names an amount. is_new: whether this
    transaction sets it. changed: (customer, currency) of those to write.
    """

    def __init__(self) -> None:
        self.currency: str | None = None
        self.is_new = False
        self.changed: set[tuple[int, str]] = set()
        self.rows: dict[tuple[int, str], Revenue] = {}

    def add(self, row: Revenue) -> None:
        """Take in a loaded row."""
        self.rows.setdefault((row.customer, row.currency), row)

    def of(self, customer: int) -> list[Revenue]:
        """The revenues of a customer."""
        return [row for (owner, _), row in self.rows.items() if owner == customer]

    def touch(self, customer: int, currency: str) -> Revenue:
        """The revenue of a customer in one currency, about to be changed; a new one counts if it is the site's."""
        key = (customer, currency)
        self.changed.add(key)
        if key not in self.rows:
            self.rows[key] = Revenue(customer, currency, is_counted=currency == self.currency)
        return self.rows[key]

    def set_currency(self, currency: str) -> None:
        """Set the currency of the site."""
        self.currency, self.is_new = currency, True

    def forget(self, customer: int) -> None:
        """Drop the revenues of a customer who is being deleted."""
        for row in self.of(customer):
            del self.rows[row.customer, row.currency]
            self.changed.discard((row.customer, row.currency))
