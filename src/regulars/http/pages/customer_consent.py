"""Consent of a person: recorded with its evidence, or asked for with a link for the person (double opt-in)."""

from typing import Any, Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.customer import view
from regulars.http.pages.forms import FormData
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import action
from regulars.http.pages.signed_in import Editor


async def consent(page: AdminPage, user: Editor) -> View | Response:
    """Record that the person gave or ended consent, with the evidence."""
    form = await page.form()
    number = page.segment("customer")
    granted = form["granted"] == "yes"
    if granted and not form["wording"]:
        form.refuse("wording", "Say what the person agreed to, in the words that they saw.")
        return await view(page, form, 422)
    given: dict[str, Any] = {"subscribed": granted, "wording": form["wording"] or None, "proof": form["proof"] or None}
    try:
        reply = await page.api.patch(
            f"/v1/customers/{number}/profile", {"data": {"type": "profiles", "attributes": given}}
        )
    except Problem as error:
        form.refuse_faults(error)
        return await view(page, form, 422)
    ties = reply["data"]["attributes"].get("ties", [])
    holds = any(each["relation"] == "subscribed" and each["holds"] for each in ties)
    if granted and not holds:
        form.refuse("", "The person has ended consent themselves, so only they can give it again.")
        return await view(page, form, 422)
    notice = "Consent is recorded." if granted else "The end of consent is recorded."
    return page.redirect(page.url(f"/customers/{number}"), notice)


async def request(page: AdminPage, user: Editor) -> View:
    """Ask the person for consent: shows the link to send, which is not stored."""
    form = await page.form()
    body: dict[str, Any] = {"wording": form["asked_wording"]}
    if form["newsletter"]:
        body |= {"purpose": "newsletter", "newsletter": form["newsletter"]}
    try:
        made = await page.api.post(f"/v1/customers/{page.segment('customer')}/consents/request", body)
    except Problem as error:
        if error.status == 404 and not form["newsletter"]:
            raise
        form.refuse_faults(error, {"wording": "asked_wording"})
        return await view(page, form, 422)
    return await view(page, FormData([]), asked=made["data"]["attributes"])


OPERATIONS: Final[tuple[Operation, ...]] = (
    action("customer.consent", "/customers/{customer}/consent", consent, "Record consent of a person, or its end"),
    action("customer.request_consent", "/customers/{customer}/consent/request", request, "Ask a person for consent"),
)
"""The operations on consent."""
