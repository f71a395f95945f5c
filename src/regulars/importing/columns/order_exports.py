"""Known exports of orders and payments: a `purchase` for each paid order, and a `refund` for what was paid back."""

from collections.abc import Collection
from typing import Final, Literal

from regulars.importing.columns.dates import Order
from regulars.importing.columns.exporters import Exporter
from regulars.importing.columns.names import folded
from regulars.importing.columns.targets import Target, attribute


def _export(
    name: str,
    title: str,
    signs: tuple[Collection[str], ...],
    columns: dict[str, str],
    note: str,
    order: Order | None = None,
    free: dict[str, str] | None = None,
) -> Exporter:
    targets = {folded(column): Target(field) for column, field in columns.items()}
    targets.update((folded(column), attribute(key)) for column, key in (free or {}).items())
    return Exporter(
        name=name,
        title=title,
        signs=tuple(frozenset(map(folded, each)) for each in signs),
        columns=targets,
        order=order,
        note=note,
    )


_ONLY_PAID: Final = "each paid order becomes a purchase, and what was paid back a refund; unpaid orders are left out"

ORDER_EXPORTS: Final = (
    _export(
        "shopify-orders",
        "Shopify orders",
        ({"Financial Status", "Lineitem name"}, {"Financial Status", "Paid at"}),
        {
            "Name": "order_id",
            "Email": "email",
            "Financial Status": "status",
            "Created at": "timestamp",
            "Total": "revenue",
            "Refunded Amount": "refunded",
            "Currency": "currency",
            "Lineitem sku": "product_ids",
            "Discount Code": "coupon",
            **dict.fromkeys(
                (
                    "Paid at",
                    "Subtotal",
                    "Shipping",
                    "Taxes",
                    "Lineitem price",
                    "Lineitem quantity",
                    "Id",
                    "Cancelled at",
                ),
                "ignore",
            ),
        },
        f"{_ONLY_PAID}. The lines of an order are one event",
    ),
    _export(
        "woocommerce-orders",
        "WooCommerce orders",
        (
            {"Order Number", "Order Status", "Email (Billing)"},
            {"Order ID", "Order Status", "Billing Email Address"},
            {"order_number", "order_status", "billing_email"},
            {"order_id", "status", "billing_email"},
        ),
        {
            "Order Number": "order_id",
            "Order ID": "order_id",
            "Order Status": "status",
            "status": "status",
            "Order Date": "timestamp",
            "date": "timestamp",
            "date_created": "timestamp",
            "Email (Billing)": "email",
            "Billing Email Address": "email",
            "billing_email": "email",
            "Order Total Amount": "revenue",
            "Order Total": "revenue",
            "Order Refund Amount": "refunded",
            "refunded_total": "refunded",
            "SKU": "product_ids",
            "Coupon Code": "coupon",
            "Currency": "currency",
            "order_currency": "currency",
        },
        f"{_ONLY_PAID}. The lines of an order are one event",
    ),
    _export(
        "stripe-payments",
        "Stripe payments",
        ({"id", "Amount Refunded", "Customer Email"}, {"id", "Captured", "Customer Email"}),
        {
            "id": "order_id",
            "Created (UTC)": "timestamp",
            "Created date (UTC)": "timestamp",
            "Amount": "revenue",
            "Amount Refunded": "refunded",
            "Currency": "currency",
            "Status": "status",
            "Customer Email": "email",
            **dict.fromkeys(("Fee", "Converted Amount", "Converted Currency", "Captured", "Taxes On Fee"), "ignore"),
        },
        "each successful payment becomes a purchase, and what was paid back a refund; others are left out",
        free={"Customer ID": "stripe_id", "Description": "description"},
    ),
)

Payment = Literal["paid", "unpaid"]
_WORDS: Final[dict[Payment, tuple[str, ...]]] = {
    "paid": (
        *("paid", "partially_paid", "partially_refunded", "refunded", "succeeded", "completed", "complete"),
        *(
            "processing",
            "on-hold-paid",
            "partial refund",
            "refund",
            "shipped",
            "delivered",
            "bezahlt",
            "payé",
            "pagado",
        ),
    ),
    "unpaid": (
        *(
            "pending",
            "voided",
            "authorized",
            "expired",
            "unpaid",
            "failed",
            "canceled",
            "cancelled",
            "on-hold",
            "draft",
        ),
        *("pending payment", "requires_payment_method", "requires_action", "incomplete", "blocked", "checkout-draft"),
        *("trash", "disputed", "offen", "storniert"),
    ),
}
_PAYMENTS: Final = {folded(word): state for state, words in _WORDS.items() for word in words}


def order_export_of(header: Collection[str]) -> Exporter | None:
    """The program that exported orders with these columns."""
    names = set(map(folded, header))
    return next((each for each in ORDER_EXPORTS if any(signs <= names for signs in each.signs)), None)


def payment_of(status: str) -> Payment | None:
    """Whether an order with this status is paid, None if the word is not known."""
    word = folded(status)
    return _PAYMENTS.get(word) or _PAYMENTS.get(word.removeprefix("wc"))
