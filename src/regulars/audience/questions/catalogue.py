"""The catalogue of subjects: one row each, from which both forms, the predicates, the docs and the tests derive."""

from typing import Any, Final

from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.attributes import ATTRIBUTE
from regulars.audience.questions.subjects.dids import DID
from regulars.audience.questions.subjects.fields import FIELD
from regulars.audience.questions.subjects.filters import FILTER
from regulars.audience.questions.subjects.mails import MAIL
from regulars.audience.questions.subjects.others import SAMPLE, SEARCH
from regulars.audience.questions.subjects.saved import SAVED
from regulars.audience.questions.subjects.sequences import SEQUENCE
from regulars.audience.questions.subjects.states import IS
from regulars.audience.questions.subjects.ties import HAS

SUBJECTS: Final[tuple[Subject, ...]] = (IS, HAS, SAVED, FIELD, ATTRIBUTE, MAIL, DID, SEQUENCE, SEARCH, SAMPLE, FILTER)
"""Every subject."""

BY_NAME: Final = {row.name: row for row in SUBJECTS}
BY_NODE: Final[dict[type[Any], Subject]] = {row.node: row for row in SUBJECTS}
BY_LEAD: Final = {lead: row for row in SUBJECTS for lead in row.leads}
"""The subjects by the words that begin their conditions in the text form; one that ends with a dot is a prefix."""
