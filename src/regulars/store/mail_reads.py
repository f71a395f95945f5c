"""Which email logs a batch needs, and how the events of the batch name them."""

from collections.abc import Iterable

from regulars.domain.commands import Needs
from regulars.domain.mail import Log, identify_log, own_number
from regulars.domain.restored_activity import identity_of_ref
from regulars.domain.working import WorkingSet
from regulars.domain.working.history import History
from regulars.store.candidates import Candidates
from regulars.store.engine import Row


def named_mails(needs: Needs) -> set[tuple[str, str]]:
    """(address, id) of the emails that are named by both."""
    return {
        (need.who.email_key, need.key)
        for need in needs.mails
        if need.who.email_key is not None and need.key is not None
    }


def lone_keys(needs: Needs) -> set[str]:
    """The ids of emails that are all that names a customer."""
    return {need.who.mail for need in needs.mails if need.who.mail is not None}


def unmatched_keys(needs: Needs, history: History) -> set[str]:
    """The ids that may name a customer, although no email with the id went to the address that is named with it."""
    return {
        need.key
        for need in needs.mails
        if need.by_key and need.key is not None and history.mail_to(need.key, need.who.email_key) is None
    }


def own_mails(needs: Needs, site: int) -> dict[int, set[str]]:
    """The numbers of our own by which emails are named, and the ids that these are."""
    found: dict[int, set[str]] = {}
    for need in needs.mails:
        number = None if need.key is None else own_number(need.key, site)
        if number is not None and need.key is not None:
            found.setdefault(number, set()).add(need.key)
    return found


def note_mails(history: History, *answers: Iterable[Row]) -> None:
    """Take in emails that were found by their id."""
    for row in (row for rows in answers for row in rows):
        log = Log(*row)
        history.note_mail(history.logs.setdefault(log.identity, log), log.key)


def mail_identities(
    needs: Needs, work: WorkingSet, candidates: Candidates, site: int
) -> tuple[set[str], dict[int, dict[int, bytes]]]:
    """The identities (hex) of emails, and {log number from one of our own keys: {customer: identity}}."""
    present = work.objects.by_reference
    identities = {identity.hex() for identity in needs.log_identities}
    own: dict[int, dict[int, bytes]] = {}
    for need in needs.mails:
        objects = {named[0]: present[named].number for named in need.objects if named in present}
        at = work.now if need.at is None else min(need.at, work.now)
        numbered = None if need.key is None else own_number(need.key, site)
        for customer in candidates.group(need.who):
            identity = identify_log(need.key, customer, objects, at)
            identities.add(identity.hex())
            if need.ref is not None:
                identities.add(identity_of_ref(need.ref, customer).hex())
            if numbered is not None:
                own.setdefault(numbered, {})[customer] = identity
    return identities, own
