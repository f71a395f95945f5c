"""Candidates: the stored customers that a command of a batch may affect."""

from collections.abc import Iterable

from regulars.domain.customer import Customer
from regulars.domain.identity import Who
from regulars.domain.working.people import People

_Identifier = tuple[str, str | bytes | int]


class Candidates:
    """The stored customers that each command may affect, as an earlier command may give a customer its identifiers."""

    def __init__(self, named: Iterable[Who], people: People) -> None:
        self._merged = people.merged
        self._parents: dict[_Identifier, _Identifier] = {}
        self._customers: dict[_Identifier, list[int]] = {}
        known = [_who_of(person.customer) for person in people.by_number.values()]
        parts = [(_who_of(part), ("number", part.merged_into or 0)) for part in people.merged.rows.values()]
        connected = [_identifiers(who) for who in (*named, *known)]
        for identifiers in (*connected, *([*_identifiers(who), whole] for who, whole in parts)):
            for other in identifiers[1:]:
                self._parents[self._root(other)] = self._root(identifiers[0])
        for who in known:
            self._customers.setdefault(self._root(("number", who.number or 0)), []).append(who.number or 0)

    def of(self, who: Who) -> list[int]:
        """All stored customers that commands of the batch connect to these identifiers."""
        identifiers = _identifiers(who)
        return self._customers.get(self._root(identifiers[0]), []) if identifiers else []

    def group(self, who: Who) -> list[int]:
        """The numbers under which rows of these customers are kept: those of their parts, too."""
        return [each for number in self.of(who) for each in self._merged.group(number)]

    def _root(self, identifier: _Identifier) -> _Identifier:
        parents = self._parents
        while (parent := parents.get(identifier, identifier)) != identifier:
            parents[identifier] = parents.get(parent, parent)
            identifier = parent
        return identifier


def _who_of(customer: Customer) -> Who:
    c = customer
    return Who(email_key=c.email_key, customer_id=c.customer_id, uuid=c.uuid, number=c.number)


def _identifiers(who: Who) -> list[_Identifier]:
    named = (("email", who.email_key), ("id", who.customer_id), ("uuid", who.uuid))
    listed = (*named, ("number", who.number), ("mail", who.mail))
    return [(kind, value) for kind, value in listed if value is not None]
