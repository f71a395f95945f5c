"""Forty questions: each kind of filter alone, combinations of three to six, all sorts, first, 100th and last page."""

from typing import Final

from msgspec import Struct

from regulars.audience.filters.catalogue import BY_NAME, audience_of, parse
from regulars.audience.filters.predicates import Predicate
from regulars.audience.filters.sorts import Sort

PAGE: Final = 25


class Question(Struct, frozen=True):
    """One question: filters, an order, and a page; 0 is the last one."""

    filters: tuple[tuple[str, str], ...]
    sort: str = "-created_at"
    page: int = 1

    @property
    def text(self) -> str:
        """The question as a line of the table."""
        filters = " ".join(f"{name}={value}" for name, value in self.filters) or "everybody"
        shown = "last page" if not self.page else "" if self.page == 1 else f"page {self.page}"
        order = "" if self.sort == "-created_at" else self.sort
        return " ".join(part for part in (filters, order, shown) if part)

    @property
    def order(self) -> Sort:
        """The order of its page."""
        return Sort(self.sort.removeprefix("-"), self.sort.startswith("-"))

    def skip(self, total: int) -> int:
        """How many of so many matches stand before its page."""
        return (self.page - 1) * PAGE if self.page else max(total - 1, 0) // PAGE * PAGE

    def predicate(self, now: int) -> Predicate:
        """Its filters at a time (ms UTC), hidden customers left out as the API does."""
        parts = [parse(BY_NAME[name], value, now) for name, value in self.filters]
        return audience_of(parts, hidden_asked=any(name == "is_hidden" for name, _ in self.filters))


def _q(text: str, sort: str = "-created_at", page: int = 1) -> Question:
    filters = tuple((name, value) for name, _, value in (part.partition("=") for part in text.split(";") if part))
    return Question(filters, sort, page)


QUESTIONS: Final = (
    _q("created_in_last=30"),
    _q("inactive_in_last=90"),
    _q("subscribed=true"),
    _q("never_subscribed=true"),
    _q("is_hidden=true"),
    _q("search=anna"),
    _q("search=olivia jnes"),
    _q("name_contains=taylor"),
    _q("email_contains=gmail.com"),
    _q("phone_number_contains=4930"),
    _q("address_line_1_contains=street 12"),
    _q("address_city_contains=ber"),
    _q("address_zip_contains=10"),
    _q("has_tag_id=7"),
    _q("has_all_tag_id=1,2,3"),
    _q("has_no_tag_id=7,8"),
    _q("net_revenue_greater_than=100", "-net_revenue"),
    _q("net_revenue_equal_to=0", "net_revenue"),
    _q("sent_email_broadcast_id=7"),
    _q("no_opened_email_broadcast_id=7"),
    _q("used_coupon_code=nothing"),
    _q("healthy_contacts_with_open_data=true"),
    _q("inactive_contacts_with_open_data=true"),
    _q("", "name", 100),
    _q("", "-net_revenue", 100),
    _q("sent_email_broadcast_id=7;no_opened_email_broadcast_id=7;has_tag_id=3", "-net_revenue"),
    _q("sent_email_broadcast_id=7;no_opened_email_broadcast_id=7;email_contains=gmail.com", "email"),
    _q("subscribed=true;opened_email_in_last=30;has_product_id=4", "last_request_at"),
    _q("subscribed=true;opened_email_in_last=30;has_product_id=4;net_revenue_greater_than=50", "-last_request_at", 100),
    _q("created_in_last=365;has_no_offer_id=1;is_hard_bouncing=false", "name", 100),
    _q("created_in_last=365;has_no_offer_id=1;is_hard_bouncing=false", "-name", 0),
    _q("address_country_contains=germany;subscribed=true;has_active_product_id=2", "email", 0),
    _q("search=smith;created_in_last=180;subscribed=true"),
    _q("name_contains=an;email_contains=company;active_in_last=60", "net_revenue", 100),
    _q("not_opened_email_in_last=90;not_clicked_email_in_last=90;sent_email_broadcast_id=1,2,3", "-created_at", 100),
    _q("clicked_email_broadcast_id=7;has_tag_id=1,2;address_city_contains=paris;subscribed=true"),
    _q("healthy_contacts_with_open_data=true;has_all_tag_id=1,2;net_revenue_greater_than=0", "-net_revenue"),
    _q("inactive_in_last=180;unsubscribed_in_last=365;has_product_id=1,2,3", "created_at", 0),
    _q("passive_contacts_with_open_data=true;no_sent_email_broadcast_id=50;address_zip_contains=10;is_suppressed=false"),
    _q("subscribed=true;not_in_group_id=1;delivered_email_in_last=30;no_bounced_email_broadcast_id=9;has_no_tag_id=5;"
       "created_in_last=600", "last_request_at", 0),
)  # fmt: skip
