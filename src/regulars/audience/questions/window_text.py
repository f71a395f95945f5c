"""Windows in the text form: "in last 30d", "from 60d ago to 30d ago", "in this month"."""

from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.tokens import TokenReader
from regulars.audience.questions.windows import PERIODS, Window, read_duration, read_time, read_window

_STARTS = ("last", "next", "this", "previous")


def starts_window(tokens: TokenReader) -> bool:
    """Whether a window follows."""
    if tokens.here.word == "in":
        return tokens.following.word in _STARTS
    return tokens.here.word in ("from", "to", "anniversary", *_STARTS) and tokens.following.kind in ("word", "string")


def parse_window(tokens: TokenReader) -> Window:
    """Take a window. Raises BadQuestionError."""
    if tokens.accept("anniversary"):
        tokens.accept("in")
        tokens.expect("next")
        return tokens.value(lambda text: read_window({"anniversary": {"next": text}}), "a number of days such as 7d")
    if tokens.here.word in ("from", "to"):
        return _ends(tokens)
    tokens.accept("in")
    match tokens.expect(*_STARTS):
        case "last":
            return tokens.value(lambda text: read_window({"last": text.lower()}), "a duration such as 30d")
        case "next":
            return tokens.value(lambda text: read_window({"next": text.lower()}), "a duration such as 14d")
        case form:
            return tokens.value(lambda text: read_window({form: text.lower()}), *PERIODS)


def _ends(tokens: TokenReader) -> Window:
    ends: dict[str, str] = {}
    are_ago: set[bool] = set()
    begin = tokens.here
    while (end := tokens.accept("from", "to")) is not None:
        if end in ends:
            tokens.fail("the end of the question")
        is_ago = tokens.following.word == "ago"
        ends[end] = tokens.value(read_duration if is_ago else read_time, "a date", "a duration such as 30d ago")
        if is_ago:
            tokens.expect("ago")
        are_ago.add(is_ago)
        if tokens.here.word != "to":
            break
    if len(are_ago) == 2:
        tokens.fail("both ends as dates, or both as durations with ago")
    try:
        if are_ago == {True}:
            return read_window({"ago": [ends.get("from"), ends.get("to")]})
        return read_window(ends)
    except BadValueError as error:
        tokens.refuse(begin, error)
