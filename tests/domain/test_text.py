"""Text: what is searched for is found however it was written, and what looks the same is the same."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regulars.domain.text import composed, is_blank, search_key, trim, whole_number
from tests.search_keys import search_key_of

anything = st.text(st.characters(exclude_categories=["Cs"]))
marked = st.lists(
    st.sampled_from(
        [*"aAlLoOiIsSe \u0131\u0130\u0142\u00f8\u00e9\u0439\u304b\uac00\u1100\u1161\u0915\u05d0\u0627\u03b1\u3000\n"]
    )
    | st.sampled_from(
        [
            *"`\u00b4\u1fef\u1ffd\uff40\u2019\u0149\u2032\u2033\u2011\u2212\uff07\u0300\u0307\u0327\u0336\u05b8\u064e\u0654\u3099\u093c\u093f\u200b\u200d\ufe0f\u00a0"
        ]
    ),
    max_size=8,
).map("".join)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *(("José García", "jose garcia"), ("Jose\u0301", "jose"), ("Łukasz", "lukasz"), ("Søren", "soren")),
        *(("Пётр", "петр"), ("Андрей", "андреи"), ("Işık", "isik"), ("ISIK", "isik"), ("ışık", "isik")),
        *(("İbrahim", "ibrahim"), ("Ærø", "aero"), ("Straße", "strasse"), ("Αθήνα", "αθηνα"), ("שָׁלוֹם", "שלום")),
        *(("مُحَمَّد", "محمد"), ("أحمد", "احمد"), ("ﬁne ²", "fine 2"), ("ＡＢＣ", "abc"), ("ﾊﾟﾝ", "パン")),
        *(("John  Smith", "john smith"), ("Jane\u00a0Smith", "jane smith"), ("山田\u3000太郎", "山田 太郎")),
        *(("Jo\u200bhanna", "johanna"), ("\u2066Kim\u2069 ", "kim"), ("\u200b", ""), ("\u0301", ""), ("", "")),
        *(
            ("O\u2019Brien", "o'brien"),
            ("O\u02bcNeill", "o'neill"),
            ("O`Neill", "o'neill"),
            ("O\u00b4Neill", "o'neill"),
            ("O\uff40Neill \u00e9", "o'neill e"),
            ("Anna\u2013Lena", "anna-lena"),
            ("a\uff0db", "a-b"),
        ),
        # Marks of other scripts are vowels, or letters of their own.
        *(("が", "が"), ("か\u3099", "が"), ("नमस्ते", "नमस्ते"), ("한국", "한국"), ("한국".encode().decode(), "한국")),
    ],
)
def test_search_keys(text: str, key: str) -> None:
    assert search_key(text) == key


@given(marked)
@example("a\u0085\u0301b")
@example("O\u00b4Brien")
@example("\u3099\u200b\u0336")
def test_the_search_key_is_what_unicode_says_and_that_of_itself(text: str) -> None:
    key = search_key(text)
    assert key == search_key_of(text)
    assert search_key(key) == key


@given(anything | marked)
def test_one_search_key_for_all_forms_of_a_text(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert search_key(unicodedata.normalize(form, text)) == search_key(text)


def test_every_character_has_the_key_that_unicode_says() -> None:
    letters = [char for char in map(chr, range(0x3400)) if unicodedata.category(char)[0] not in "MC"]
    assert [char for char in letters if search_key(char) != search_key_of(char)] == []


def test_what_shows_nothing_is_blank_and_trimmed() -> None:
    for nothing in ("", " ", "\u200b", "\ufeff\u00a0\u3000", "\u2800", "\u3164", "\u202e\u202c"):
        assert is_blank(nothing)
        assert trim(f"{nothing}Kim Lee{nothing}") == "Kim Lee"
    for something in ("x", "é", "\u200bx", "\u0301"):
        assert not is_blank(something)
    assert trim("\u2764\ufe0f ") == "\u2764\ufe0f"  # a selector belongs to the heart before it
    assert not is_blank(None)
    assert not is_blank(0)


@given(anything)
def test_composed_text_is_nfc(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("123", 123)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text, longest=3) == number


@pytest.mark.parametrize("text", ["", "1234", "-1", "+1", "1.0", " 1", "1_0", "²", "٣", "1" * 10_000])
def test_anything_else_is_no_number(text: str) -> None:
    assert whole_number(text, longest=3) is None
