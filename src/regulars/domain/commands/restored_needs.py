"""What a restored customer needs to be loaded."""

from collections.abc import Iterable

from regulars.domain.audiences import KIND as AUDIENCE
from regulars.domain.commands.needs import Needs, TieNeed
from regulars.domain.identity import Who
from regulars.domain.relations import BY_NAME, PROFILE_RELATIONS_END
from regulars.domain.restored import Restored, RestoredTie
from regulars.domain.text import fold


def declare_restored(restored: Restored, who: Who, needs: Needs) -> None:
    """The objects, the ties to them and the former addresses."""
    for relation, ties in _by_relation(restored.all_ties).items():
        kind = BY_NAME[relation].kind
        if kind is None:
            continue
        references = tuple(tie.reference for tie in ties if tie.reference is not None)
        names = [tie.name for tie in ties if tie.name is not None]
        needs.object_names.update((kind, fold(name)) for name in names)
        needs.new_objects.add(kind)
        needs.refer(kind, references)
        if kind == AUDIENCE:
            needs.audiences.update(references)
        if BY_NAME[relation].code >= PROFILE_RELATIONS_END:  # the others come with the customer
            replaced = relation if any(tie.may_be_named for tie in ties) else None
            needs.tie(TieNeed(who, kind, references, frozenset([relation]), replaced=replaced))
    needs.addresses.update(row.email_key for row in restored.former)
    needs.people += restored.aliases
    needs.consent_requests.update(request.number for request in restored.requests)


def _by_relation(ties: Iterable[RestoredTie]) -> dict[str, list[RestoredTie]]:
    found: dict[str, list[RestoredTie]] = {}
    for tie in ties:
        found.setdefault(tie.relation, []).append(tie)
    return found
