"""What the columns of a table may mean: customers on one side, events and orders on the other."""

from collections.abc import Callable, Collection
from typing import Final

from msgspec import Struct

from regulars.domain.events import REFERENCE_FIELDS
from regulars.importing.columns.exporters import Exporter, exporter_of
from regulars.importing.columns.names import BY_NAME, folded, target_of
from regulars.importing.columns.order_exports import order_export_of
from regulars.importing.columns.targets import Target, attribute, parse_target


class Vocabulary(Struct, frozen=True, kw_only=True):
    """How columns are recognised: by the header, by the name of a column, or as a caller states it (`parse`).

    required: of each of these sets, one field must be there. missing: what to say if none is.
    """

    exporter_of: Callable[[Collection[str]], Exporter | None]
    target_of: Callable[[str], Target | None]
    parse: Callable[[str], Target]
    required: tuple[frozenset[str], ...]
    missing: tuple[str, ...]


EVENT_FIELDS: Final[dict[str, str]] = {
    "event": "the name of the event",
    "timestamp": "when it was",
    "event_uuid": "an id by which a repeat is recognised",
    "order_id": "the order",
    "revenue": "the amount",
    "currency": "the currency of the amount",
    "product_ids": "products, separated by commas, semicolons or bars",
    "refunded": "the part of the amount that was paid back: a second event `refund`",
    "status": "whether an order is paid, such as paid, pending or cancelled",
    **{name: f"the number or key of the {kind}" for name, kind in REFERENCE_FIELDS.items()},
}
"""The fields of events that columns can fill; other columns are fields of the event with their own name."""

_WHO: Final = ("email", "customer_id", "uuid")
_EVENT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "event": ("event", "event name", "type", "event type", "action", "ereignis", "événement", "evento"),
    "timestamp": (
        *("timestamp", "time", "date", "occurred at", "event time", "created at", "created", "paid at", "order date"),
        *(
            "date created",
            "datum",
            "zeitpunkt",
            "zeit",
            "bestelldatum",
            "date de commande",
            "fecha",
            "data",
            "besteldatum",
        ),
    ),
    "event_uuid": ("event uuid", "event id"),
    "order_id": (
        *("order", "order id", "order number", "order no", "order #", "bestellnummer", "bestellung", "auftragsnummer"),
        *("numéro de commande", "commande", "número de pedido", "pedido", "numero ordine", "ordine", "ordernummer"),
    ),
    "revenue": (
        *("revenue", "amount", "total", "order total", "value", "price", "betrag", "summe", "gesamt", "gesamtbetrag"),
        *("montant", "importe", "valor", "importo", "totale", "bedrag", "totaal"),
    ),
    "currency": ("currency", "währung", "devise", "moneda", "moeda", "valuta"),
    "product_ids": (
        "product ids",
        "product id",
        "products",
        "product",
        "sku",
        "produkt",
        "produit",
        "producto",
        "prodotto",
    ),
    "coupon": ("coupon", "coupon code", "discount code", "gutschein", "code promo", "cupón", "cupom", "buono"),
}
_BY_EVENT_NAME: Final = {folded(name): Target(field) for field, names in _EVENT_NAMES.items() for name in names}


def _event_target_of(name: str) -> Target | None:
    key = folded(name)
    found = _BY_EVENT_NAME.get(key)
    if found is None and name in EVENT_FIELDS:
        found = Target(name)
    person = BY_NAME.get(key)
    return found or (person if person is not None and person.field in _WHO else None)


def _parse_event_target(text: str) -> Target:
    text = text.strip()
    if text in EVENT_FIELDS or text in _WHO or text == "ignore":
        return Target(text)
    if ":" in text:
        return parse_target(text)
    return attribute(text)


CUSTOMERS: Final = Vocabulary(
    exporter_of=exporter_of,
    target_of=target_of,
    parse=parse_target,
    required=(frozenset(_WHO),),
    missing=('no column has the address of a customer; say which it is with --map "COLUMN=email"',),
)
EVENTS: Final = Vocabulary(
    exporter_of=order_export_of,
    target_of=_event_target_of,
    parse=_parse_event_target,
    required=(frozenset(_WHO), frozenset({"timestamp"})),
    missing=(
        'no column has the address of a customer; say which it is with --map "COLUMN=email"',
        'no column says when the events were; say which it is with --map "COLUMN=timestamp"',
    ),
)
