"""Tables of events, and exports of orders and payments, as events."""

import json
from pathlib import Path
from typing import Any

import pytest

from regulars.importing.columns.mapping import MappingError, parse_map
from regulars.importing.columns.vocabularies import EVENTS
from regulars.importing.inputs import Asked, open_input

AT = "2026-01-02T03:04:05+00:00"


def events(path: Path, text: str, **asked: Any) -> list[dict[str, Any]]:
    path.write_text(text)
    with open_input(str(path), "activity", Asked(**asked)) as source:
        return [json.loads(line.raw) for line in source if line.record is None or line.record.refusal is None]


def refusals(path: Path, **asked: Any) -> dict[int, tuple[str, int]]:
    with open_input(str(path), "activity", Asked(**asked)) as source:
        found = [line.record for line in source if line.record is not None]
    return {each.line: (each.refusal.sentence, len(each.others)) for each in found if each.refusal is not None}


def test_one_line_an_event(tmp_path: Path) -> None:
    text = (
        "event,email,timestamp,revenue,order_id,product_ids,page\n"
        'purchase,a@example.com,2026-01-02 03:04:05,"€ 1.204,50",A-1,x;y,\n'
        "visit,a@example.com,2026-01-02 03:04:05,,,,/home\n"
    )
    assert events(tmp_path / "e.csv", text) == [
        {
            "event": "purchase", "email": "a@example.com", "timestamp": AT, "revenue": 1204.5, "order_id": "A-1",
            "product_ids": ["x", "y"],
        },
        {"event": "visit", "email": "a@example.com", "timestamp": AT, "page": "/home"},
    ]  # fmt: skip


def test_a_table_without_a_column_for_the_event(tmp_path: Path) -> None:
    text = "Wann;Mail;Seite\n31.12.2025;a@example.com;/\n"
    path = tmp_path / "e.csv"
    with pytest.raises(MappingError, match="timestamp"):
        events(path, text)
    targets = parse_map("Wann=timestamp", EVENTS.parse)
    assert events(path, text, targets=targets, event="visit") == [
        {"event": "visit", "email": "a@example.com", "timestamp": "2025-12-31T00:00:00+00:00", "Seite": "/"}
    ]
    assert events(path, text, targets=targets) == []
    assert "which event all lines are" in refusals(path, targets=targets)[2][0]


def test_the_lines_of_an_order_are_one_purchase(tmp_path: Path) -> None:
    text = (
        "Name,Email,Financial Status,Paid at,Currency,Total,Discount Code,Created at,Lineitem name,Lineitem sku,"
        "Refunded Amount\n"
        "#1001,a@example.com,partially_refunded,2026-01-02,EUR,30.00,SPRING,2026-01-02 03:04:05 +0000,Mug,mug,10.00\n"
        "#1001,a@example.com,,,,,,,Pot,pot,\n"
        "#1002,b@example.com,pending,,EUR,5.00,,2026-01-02 03:04:05 +0000,Mug,mug,0.00\n"
        "#1003,c@example.com,puzzling,,EUR,5.00,,2026-01-02 03:04:05 +0000,Mug,mug,0.00\n"
        "#1003,c@example.com,,,,,,,Pot,pot,\n"
    )
    path = tmp_path / "orders_export.csv"
    assert [each | {"Lineitem name": ""} for each in events(path, text)] == [
        {
            "event": "purchase", "email": "a@example.com", "order_id": "#1001", "revenue": 30, "currency": "EUR",
            "coupon": "SPRING", "timestamp": AT, "product_ids": ["mug", "pot"], "Lineitem name": "",
        },
        {
            "event": "refund", "email": "a@example.com", "order_id": "#1001", "revenue": 10, "currency": "EUR",
            "timestamp": AT, "Lineitem name": "",
        },
    ]  # fmt: skip
    ((line, (sentence, others)),) = refusals(path).items()
    assert (line, others) == (5, 1)
    assert "status" in sentence


def test_payments_of_stripe(tmp_path: Path) -> None:
    text = (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Customer Email\n"
        'ch_1,2026-01-02 03:04:05,"1,200.00",0.00,eur,Paid,cus_1,a@example.com\n'
        "ch_2,2026-01-02 03:04:05,5.00,0.00,eur,Failed,cus_1,a@example.com\n"
    )
    assert events(tmp_path / "p.csv", text) == [
        {
            "event": "purchase", "email": "a@example.com", "order_id": "ch_1", "revenue": 1200, "currency": "eur",
            "timestamp": AT, "stripe_id": "cus_1",
        },
    ]  # fmt: skip


def test_orders_of_woocommerce(tmp_path: Path) -> None:
    text = (
        "Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,SKU,Coupon Code\n"
        "7,wc-completed,2026-01-02 03:04:05,a@example.com,30.00,mug,\n"
        "7,wc-completed,2026-01-02 03:04:05,a@example.com,30.00,pot,\n"
        "8,Cancelled,2026-01-02 03:04:05,a@example.com,30.00,pot,\n"
    )
    assert events(tmp_path / "w.csv", text) == [
        {
            "event": "purchase", "email": "a@example.com", "order_id": "7", "revenue": 30, "timestamp": AT,
            "product_ids": ["mug", "pot"],
        },
    ]  # fmt: skip
