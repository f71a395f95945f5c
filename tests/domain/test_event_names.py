"""Names that mean an event of the catalogue are taken for it."""

import pytest

from regulars.domain.activity import parse_activity
from regulars.domain.event_names import MEANT, as_meant
from regulars.domain.events import EVENTS
from regulars.domain.faults import RefusedError

from .memory import NOW, MemorySite

ANNA = "anna@example.com"


@pytest.mark.parametrize(
    "name",
    [
        *("Unsubscribed", "unsubscribe", "email_Unsubscribed", "email_unsubscribe", "EMAIL-UNSUBSCRIBED", "opt_out"),
        *("EmailUnsubscribed", "emailUnsubscribe", "unsubscribes", "list-unsubscribe", "marked_as_spam"),
        *("email_complaint", "Complaint", "email_complained", "spamreport", "Email_Spam_Report", "unsub"),
    ],
)
def test_a_name_that_means_an_end_of_consent_ends_it(name: str) -> None:
    site = MemorySite()
    site.upsert(email=ANNA, unsubscribed=False)
    site.record(name, {"email": ANNA})
    assert not site.person(ANNA).has("subscribed")
    assert list(site.work.history.activities)[-1].name in EVENTS


@pytest.mark.parametrize("name", ["hard_bounce", "Email_Hard_Bounced", "HARD-BOUNCE", "hardbounce"])
def test_a_hard_bounce_is_one_by_its_name(name: str) -> None:
    site = MemorySite()
    site.record(name, {"email": ANNA})
    assert site.person(ANNA).has("hard_bouncing")


@pytest.mark.parametrize(
    "name", ["open", "delivered", "Purchase", "clicked", "wished", "optimist", "spam", "unsubscribe2"]
)
def test_names_that_may_be_the_callers_own_stay(name: str) -> None:
    assert as_meant({"event": name})["event"] == name


def test_each_name_means_an_event_with_fields_that_it_reads() -> None:
    for name, (meant, implied) in MEANT.items():
        assert name == name.lower()
        read = parse_activity(
            {"event": name, "email": ANNA, "newsletter_id": "n", "sequence_id": "s", **implied}, now=NOW
        )
        assert read.name == meant


@pytest.mark.parametrize(
    ("given", "is_hard"),
    [
        *((each, True) for each in ("hard", "Hard", "Permanent", "HARD_BOUNCE", "hard bounce", "HardBounce")),
        *((each, False) for each in ("soft", "Soft", "Transient", "temporary", "Undetermined", "SoftBounce", "")),
    ],
)
def test_types_of_bounces_are_taken_in_the_words_of_providers(given: str, is_hard: bool) -> None:
    site = MemorySite()
    site.record("email_bounced", {"email": ANNA, "bounce_type": given})
    assert site.person(ANNA).has("hard_bouncing") == is_hard


@pytest.mark.parametrize("given", ["hardest", "x" * 100, 5, ["hard"]])
def test_other_types_of_bounces_are_refused(given: object) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_activity({"event": "email_bounced", "email": ANNA, "bounce_type": given}, now=NOW)
    assert [fault.field for fault in refused.value.faults] == ["bounce_type"]
