"""The subjects `search` and `sample`."""

import re
from typing import Any, Final

from regulars.audience.filters.catalogue import BY_NAME, Moment, read
from regulars.audience.filters.predicates import InBucket, Predicate, Sampled
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.tokens import TokenReader, quoted
from regulars.audience.questions.tree import SampleCondition, SearchCondition
from regulars.domain.customer import CONTROL_BUCKETS
from regulars.domain.text import whole_number

LONGEST_SEED: Final = 64
_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%?", re.ASCII)


def read_words(value: Any) -> str:
    """Words to search for. Raises BadValueError."""
    if not isinstance(value, str):
        raise BadValueError("must be a text")
    try:
        read(BY_NAME["search"], value)
    except BadFilterValueError as error:
        raise BadValueError(str(error).removeprefix("search ")) from None
    return " ".join(value.split())


def _parse_search(lead: str, tokens: TokenReader) -> SearchCondition:
    tokens.expect(":", "=")
    return SearchCondition(tokens.value(read_words))


def _search_predicate(condition: SearchCondition, moment: Moment) -> Predicate:
    return read(BY_NAME["search"], condition.words)(moment)


SEARCH: Final = Subject(
    "search",
    SearchCondition,
    (),
    ("search",),
    "Every word is in the name or email address, also with typing errors. Words alone search, too.",
    ({"search": "anna smith"}, 'search:"anna smith"'),
    lambda reader: SearchCondition(reader.get("search", read_words, "")),
    lambda condition: {"search": condition.words},
    _parse_search,
    lambda condition: f"search:{quoted(condition.words)}",
    _search_predicate,
    lambda condition: f"match the search “{condition.words}”",
)


def _percent(value: Any) -> str:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadValueError("must be a percentage from 0.01 to 100 with at most two decimal places")
    hundredths = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if not 1 <= hundredths <= 10_000:
        raise BadValueError("must be a percentage from 0.01 to 100 with at most two decimal places")
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")


def _seed(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_SEED:
        raise BadValueError(f"must be a text of at most {LONGEST_SEED} characters")
    return value


def _bucket(value: Any) -> int:
    number = whole_number(value, longest=3) if isinstance(value, str) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= CONTROL_BUCKETS:
        raise BadValueError(f"must be a control bucket from 1 to {CONTROL_BUCKETS}")
    return number


def _sample(value: Any) -> SampleCondition:
    """From `{"percent": 10, "seed": "a"}`, 10 or `{"bucket": 7}`. Raises BadValueError."""
    if not isinstance(value, dict):
        return SampleCondition(_percent(value))
    if value.keys() == {"bucket"}:
        return SampleCondition(bucket=_bucket(value["bucket"]))
    if "percent" not in value or not value.keys() <= {"percent", "seed"}:
        raise BadValueError(
            'must be {"percent": 10}, with a text as "seed" if another sample is wanted, or {"bucket": 7}'
        )
    return SampleCondition(_percent(value["percent"]), _seed(value.get("seed", "")))


def _read_sample(reader: ObjectReader) -> SampleCondition:
    return reader.get("sample", _sample, SampleCondition("100"))


def _write_sample(condition: SampleCondition) -> dict[str, Any]:
    if condition.bucket is not None:
        return {"sample": {"bucket": condition.bucket}}
    percent = float(condition.percent)
    shown: dict[str, Any] = {"percent": int(percent) if percent.is_integer() else percent}
    return {"sample": {**shown, "seed": condition.seed} if condition.seed else shown}


def _parse_sample(lead: str, tokens: TokenReader) -> SampleCondition:
    if tokens.accept("bucket"):
        return SampleCondition(bucket=tokens.value(_bucket, "a control bucket such as 7"))
    percent = tokens.value(_percent, "a percentage such as 10%, or bucket 7")
    return SampleCondition(percent, tokens.value(_seed) if tokens.accept("seed") else "")


def _print_sample(condition: SampleCondition) -> str:
    if condition.bucket is not None:
        return f"sample bucket {condition.bucket}"
    return f"sample {condition.percent}%" + (f" seed {quoted(condition.seed)}" if condition.seed else "")


def _sample_predicate(condition: SampleCondition, _: Moment) -> Predicate:
    if condition.bucket is not None:
        return InBucket(condition.bucket)
    return Sampled(round(float(condition.percent) * 100), condition.seed)


def _sample_phrase(condition: SampleCondition) -> str:
    if condition.bucket is not None:
        return f"are in control bucket {condition.bucket}"
    return f"are in a sample of {condition.percent} %"


SAMPLE: Final = Subject(
    "sample",
    SampleCondition,
    (),
    ("sample",),
    "A fixed pseudo-random sample. The same seed always gives the same customers. `bucket` selects by control bucket, "
    "1 to 100.",
    ({"sample": {"percent": 10, "seed": "a"}}, 'sample 10% seed "a"'),
    _read_sample,
    _write_sample,
    _parse_sample,
    _print_sample,
    _sample_predicate,
    _sample_phrase,
)
