"""The search key, character by character out of Unicode's own names: slow, and sharing no code with the program."""

import unicodedata

ALPHABETS = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")
SHOWING_NOTHING = (
    {0x34F, 0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0, 0x17B4, 0x17B5}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0000, 0xE1000))
)
"""What is dropped beside the characters of Unicode's categories Cf and Cc."""

SEEN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, *range(0xFFF9, 0xFFFC), 0x110BD, 0x110CD}
"""Characters of Cf that show something."""

LETTERS = {"\u0131": "i", "\u0237": "j", "\u00e6": "ae", "\u0153": "oe"}


PUNCTUATION = {
    "'": (
        *("LEFT SINGLE QUOTATION MARK", "RIGHT SINGLE QUOTATION MARK", "SINGLE HIGH-REVERSED-9 QUOTATION MARK"),
        *("PRIME", "MODIFIER LETTER TURNED COMMA", "MODIFIER LETTER APOSTROPHE", "MODIFIER LETTER REVERSED COMMA"),
        *("GRAVE ACCENT", "GREEK VARIA"),
    ),
    "-": (*("HYPHEN", "NON-BREAKING HYPHEN", "FIGURE DASH", "EN DASH", "EM DASH", "HORIZONTAL BAR", "MINUS SIGN"),),
}
_PLAIN_PUNCTUATION = {unicodedata.lookup(name): plain for plain, names in PUNCTUATION.items() for name in names}


def search_key_of(text: str) -> str:
    found: list[str] = []
    text = _with_plain_punctuation(unicodedata.normalize("NFKD", _with_plain_punctuation(text)))
    seen = "".join(char for char in text if not _shows_nothing(char))
    is_accent = False
    for char in unicodedata.normalize("NFKD", seen):
        if unicodedata.category(char) in ("Mn", "Me") and _is_removed(char, [" "] if is_accent else found):
            if char == "\u0301" and found[-1:] == [" "]:  # an acute accent that stands alone is an apostrophe
                found[-1] = "'"
                is_accent = True
            continue
        is_accent = False
        if char.isspace() or unicodedata.normalize("NFKD", char) == " ":
            found.append(" ")
        else:
            found += unicodedata.normalize("NFKD", char.casefold())
    plain = unicodedata.normalize("NFC", "".join(_plain(char) for char in found))
    return " ".join(plain.split())


def _with_plain_punctuation(text: str) -> str:
    return "".join(_PLAIN_PUNCTUATION.get(char, char) for char in text)


def _shows_nothing(char: str) -> bool:
    if char.isspace():
        return False
    return ord(char) in SHOWING_NOTHING or (unicodedata.category(char) in ("Cf", "Cc") and ord(char) not in SEEN)


def _is_removed(mark: str, before: list[str]) -> bool:
    base = before[-1] if before else " "
    if _alphabet(mark) not in ("COMBINING", *ALPHABETS) or "KATAKANA" in unicodedata.name(mark):
        return False
    return base == " " or (_alphabet(base) in ALPHABETS and unicodedata.category(base)[0] != "M")


def _plain(char: str) -> str:
    words = unicodedata.name(char, "").split()
    if words[:3] == ["LATIN", "SMALL", "LETTER"] and words[4:5] == ["WITH"] and len(words[3]) == 1:
        return words[3].lower()
    return LETTERS.get(char, char)


def _alphabet(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
