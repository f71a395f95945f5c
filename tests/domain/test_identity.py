"""Identity: addresses, ids, uuids and numbers."""

import unicodedata
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.identity import (
    NUMBER_LIMIT,
    address_key,
    bare_address,
    new_uuid,
    parse_address,
    parse_customer_id,
    parse_uuid,
    public_number,
    split_number,
    uuid_text,
)
from regulars.domain.text import fold, is_storable


@pytest.mark.parametrize(
    ("sent", "shown", "key"),
    [
        (" Matt@SendWithUs.com ", "matt@sendwithus.com", "matt@sendwithus.com"),
        ("a+b@example.com", "a+b@example.com", "a+b@example.com"),
        ("o'brien!#$%@example.com", "o'brien!#$%@example.com", "o'brien!#$%@example.com"),
        ('"Quoted Name"@example.com', '"quoted name"@example.com', '"quoted name"@example.com'),
        ("STRASSE@example.com", "strasse@example.com", "strasse@example.com"),
        ("straße@example.com", "straße@example.com", "strasse@example.com"),
        ("ZOË@example.com", "zoë@example.com", "zoë@example.com"),
        ("zoe\u0308@example.com", "zo\u00eb@example.com", "zo\u00eb@example.com"),
        ("\u03aa\u0301@x.com", "\u0390@x.com", "\u0390@x.com".casefold()),
        ("anna@bücher.example", "anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@xn--bcher-kva.example", "anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@B\u00dcCHER\u3002example", "anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("a@faß.example", "a@faß.example", "a@xn--fa-hia.example"),
        ("a@fass.example", "a@fass.example", "a@fass.example"),
        ("a@\uff45xample.com", "a@example.com", "a@example.com"),
        ("a@xn--i-7iq.example", "a@xn--i-7iq.example", "a@xn--i-7iq.example"),
        ("\u200b\ufeffa@example.com\u2060", "a@example.com", "a@example.com"),
        ("\u202aa@example.com\u202c\u200e", "a@example.com", "a@example.com"),
        ("y" * 64 + "@example.com", "y" * 64 + "@example.com", "y" * 64 + "@example.com"),
        ("anna@host.invalid", "anna@host.invalid", "anna@host.invalid"),
        ("anna@[127.0.0.1]", "anna@[127.0.0.1]", "anna@[127.0.0.1]"),
    ],
)
def test_an_address_is_shown_in_lower_case_and_compared_folded(sent: str, shown: str, key: str) -> None:
    assert parse_address(sent, longest=256) == (shown, key)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, True, [], {}, "", "   ", "anna", "anna@", "@example.com", "a b@example.com", "a@b@example.com"),
        *(
            "a..b@example.com",
            ".a@example.com",
            "a@-example.com",
            "a@example..com",
            "a\0@example.com",
            "a@exa\0mple.com",
        ),
        *("b@1.2.3.4", "b@123", "b@example.1", "b@1.2.3.4 ", "b@\uff11.2.3.4"),
        *("a\ud800@example.com", "a@\udfff.com", "x" * 300 + "@example.com"),
        *("a@" + "b" * 300 + ".com", "anna@example.com\nbcc: x", "<anna@example.com>", "a,b@example.com"),
        *("y" * 65 + "@example.com", "é" * 33 + "@example.com", "a\u200bb@example.com"),
    ],
)
def test_what_is_no_address_is_refused_in_words(value: object) -> None:
    with pytest.raises(ValueError, match="must be an email address"):
        parse_address(value, longest=256)


def test_the_longest_address_is_a_setting() -> None:
    address = "a@" + ".".join(["b" * 60] * 4) + ".example"
    assert parse_address(address, longest=len(address)) == (address, address)
    with pytest.raises(ValueError, match=f"at most {len(address) - 1} characters"):
        parse_address(address, longest=len(address) - 1)


@given(st.text(max_size=40) | st.builds("{}@{}.com".format, st.text(max_size=10), st.text(max_size=10)))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        shown, key = parse_address(text, longest=256)
    except ValueError as error:
        assert str(error).startswith("must be an email address")
    else:
        assert key == address_key(shown)
        assert parse_address(shown, longest=256) == (shown, key)
        assert parse_address(key, longest=256)[1] == key
        assert is_storable(shown)


@pytest.mark.parametrize("domain", ["bücher.example", "faß.example", "пример.испытание", "例え.テスト", "example.com"])
def test_one_mailbox_has_one_key_however_its_domain_is_written(domain: str) -> None:
    ascii_domain = domain.encode("punycode") and ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in domain.split(".")
    )
    keys = {parse_address(f"kim@{each}", longest=256)[1] for each in (domain, domain.upper(), ascii_domain)}
    assert keys == {f"kim@{ascii_domain}"} or "ß" in domain  # whose capital is another letter


@given(st.text())
def test_folded_text_is_casefold_of_nfc(text: str) -> None:
    assert fold(text) == unicodedata.normalize("NFC", text).casefold()


@given(st.text(st.characters(exclude_categories=[])))
def test_storable_text_is_text_that_utf8_holds(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        assert not is_storable(text)
    else:
        assert is_storable(text) == ("\0" not in text)


def test_a_customer_id_is_printable_text_or_a_whole_number() -> None:
    assert parse_customer_id(" C-1 ", longest=128) == "C-1"
    assert parse_customer_id(42, longest=128) == "42"
    assert parse_customer_id("x" * 128, longest=128) == "x" * 128
    refused: list[object] = ["", " ", "x" * 129, "a\0", "a\nb", "\ud800", True, 1.5, None, [], 10**200]
    for value in refused:
        with pytest.raises(ValueError, match="must be"):
            parse_customer_id(value, longest=128)


def test_a_uuid_is_read_in_any_spelling_and_shown_in_one() -> None:
    text = "06743da2-9589-4c01-afda-e3d85e487fa7"
    for spelling in (text, text.upper(), text.replace("-", ""), f" {{{text}}} "):
        assert uuid_text(parse_uuid(spelling)) == text
    for value in (None, 5, "", "06743da2", text + "0", text.encode()):
        with pytest.raises(ValueError, match="must be a UUID"):
            parse_uuid(value)


def test_new_uuids_are_of_version_7_and_ascend_with_time() -> None:
    made = [new_uuid() for _ in range(100)]
    assert len(set(made)) == 100
    assert [value[:6] for value in made] == sorted(value[:6] for value in made)
    for value in made:
        read = uuid.UUID(bytes=value)
        assert (read.version, read.variant) == (7, uuid.RFC_4122)


@given(st.integers(1, 2**21 - 1), st.integers(1, 2**32 - 1))
def test_a_public_number_names_its_site(site: int, number: int) -> None:
    public = public_number(site, number)
    assert split_number(public) == (site, number)
    assert public < NUMBER_LIMIT


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("a@x.org", "a@x.org"),
        ("Anna Smith <a@x.org>", "a@x.org"),
        ('"Smith, Anna" < a@x.org > ', "a@x.org"),
        ("<a@x.org>", "a@x.org"),
        ("mailto:a@x.org", "a@x.org"),
        ("Anna <MAILTO:a@x.org>", "a@x.org"),
        ("mailto:a%2Bb@x.org?subject=Hello", "a+b@x.org"),
        ("Anna <a@x.org> <b@x.org>", "Anna <a@x.org> <b@x.org>"),
        ("Anna <nobody>", "Anna <nobody>"),
        (None, None),
        (7, 7),
    ],
)
def test_an_address_is_taken_out_of_what_stands_around_it(given: object, address: object) -> None:
    assert bare_address(given) == address
