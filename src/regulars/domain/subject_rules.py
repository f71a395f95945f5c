"""Whom an event is about: the customer of the email that it names, the owner of its address, or a former one."""

from regulars.domain.activity import Activity
from regulars.domain.address_rules import has_tombstone, is_of_somebody_deleted
from regulars.domain.customer import Person
from regulars.domain.faults import refuse
from regulars.domain.identity import Who
from regulars.domain.mail import Log
from regulars.domain.working import WorkingSet, conflict


def find_named(who: Who, work: WorkingSet) -> Person | None:
    """The customer with these identifiers, if known. A customer_id or uuid outranks the address, maybe an older one."""
    by_id = work.people.find(Who(customer_id=who.customer_id, uuid=who.uuid))
    if len(by_id) > 1:
        raise conflict()
    found = by_id or work.people.find(Who(email_key=who.email_key))
    return work.people.merged.named(work.people.by_number[found.pop()], who) if found else None


def subject_of(activity: Activity, work: WorkingSet) -> Person | None:
    """The customer that an activity is about, None if there is none or the customer was deleted.

    The customer of the email that it names by id and address; else the owner of the address. An address that nobody has
    any more is, in reports of email and of the end of a consent, its only former owner's; else the one's who got the
    only email with that id. Raises RefusedError if only the id of an email names the customer, and not exactly one
    email has it.
    """
    who = activity.who
    mail = named_mail(activity, work)
    if mail is not None and (person := _customer_of(mail.customer, work)) is not None:
        return person
    if is_of_somebody_deleted(who, activity.at, work):
        return None
    found = find_named(who, work)
    if found is not None or not _may_be_elsewhere(activity, work):
        return found
    if activity.kind.is_late:
        numbers = work.addresses.owners(who.email_key or "")
        owners = {each.customer.number: each for number in numbers if (each := _customer_of(number, work)) is not None}
        if owners:
            return owners.popitem()[1] if len(owners) == 1 else None
    only = _only_mail(activity, work)
    return None if only is None else _customer_of(only.customer, work)


def _customer_of(number: int, work: WorkingSet) -> Person | None:
    """The customer under whose number something is kept, as the part that this is."""
    person = work.people.by_number.get(work.people.merged.whole(number))
    return None if person is None else work.people.merged.as_part(person, number)


def is_named_by_id_alone(activity: Activity, person: Person, work: WorkingSet) -> bool:
    """Whether only the id of an email, which went to another address than it says, names the customer."""
    who = activity.who
    if who.email_key is None or find_named(who, work) is not None or named_mail(activity, work) is not None:
        return False
    mail = _only_mail(activity, work)
    numbers = work.people.merged.group(person.customer.number)
    has_had = not work.addresses.owners(who.email_key).isdisjoint(numbers)
    return mail is not None and mail.customer in numbers and mail.address_key is not None and not has_had


def is_of_nobody(activity: Activity, work: WorkingSet) -> bool:
    """Whether an activity without a customer is about a deleted one, so that it creates nobody."""
    who, kind = activity.who, activity.kind
    if is_of_somebody_deleted(who, activity.at, work):
        return True
    is_about_email = kind.mail is not None or kind.of_address
    if is_about_email and has_tombstone(who, work):
        return True
    if not (is_about_email or kind.is_late):
        return False
    if named_mail(activity, work) is not None:
        return True
    return _may_be_elsewhere(activity, work) and _only_mail(activity, work) is not None


def named_mail(activity: Activity, work: WorkingSet) -> Log | None:
    """The known email that an activity is about: by the id and the address that it carries, unless it names a customer.

    Without an address it is the one email of that id. Raises RefusedError if there is none such.
    """
    key, who = activity.log_key, activity.who
    if key is None or work.people.find(Who(customer_id=who.customer_id, uuid=who.uuid)):
        return None
    if who.mail is None:
        return work.history.mail_to(key, who.email_key)
    mails = work.history.mails_of(key)
    if len(mails) != 1:
        which = "Several emails have" if mails else "No email has"
        detail = f"{which} this id: the event has to name the customer by email or customer_id."
        raise refuse("user_identifier_missing", "message_id", detail)
    return mails[0]


def _may_be_elsewhere(activity: Activity, work: WorkingSet) -> bool:
    """Whether the address of an activity may be an older or another one of a customer who has a different one here."""
    who = activity.who
    names_address_only = who.email_key is not None and who.customer_id is None
    return names_address_only and activity.kind.concerns_email and not has_tombstone(who, work)


def _only_mail(activity: Activity, work: WorkingSet) -> Log | None:
    """The only email of the id that an activity carries, if that reports what became of an email."""
    if activity.log_key is None or activity.kind.mail == "sent":
        return None
    mails = work.history.mails_of(activity.log_key)
    return mails[0] if len(mails) == 1 else None
