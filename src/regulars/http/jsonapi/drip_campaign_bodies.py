"""What a caller writes of a drip campaign's plan, judged; and the schema of it."""

from typing import Any, Final

from regulars.domain.commands import PlanChange
from regulars.domain.drip_campaigns import LONGEST_DELAY, MOST_STEPS
from regulars.domain.faults import Fault
from regulars.domain.limits import Limits
from regulars.domain.references import Reference, parse_reference
from regulars.http.jsonapi.bodies import ResourceBody, refused
from regulars.http.schema import TEXT, WHOLE, YES_OR_NO, Schema, either, listed, or_null, record, such_as

_KNOWN: Final = ("id", "delay_seconds", "template_id")


def plan_change(body: ResourceBody, limits: Limits) -> PlanChange:
    """The change of the plan that the attributes ask for; those that are absent stay. Raises Problem."""
    faults: list[Fault] = []
    given = body.attributes
    enabled = given.get("enabled")
    if "enabled" in given and not isinstance(enabled, bool):
        faults.append(_fault("enabled", "must be true or false"))
    trigger: tuple[Reference | None] | None = None
    if "trigger_email_id" in given:
        value = given["trigger_email_id"]
        trigger = (None if value is None else _template(value, "trigger_email_id", limits, faults),)
    steps = _steps(given["steps"], limits, faults) if "steps" in given else None
    if faults:
        raise refused(faults, "unprocessable")
    return PlanChange(enabled=enabled, trigger_template=trigger, steps=steps)


def _steps(value: Any, limits: Limits, faults: list[Fault]) -> tuple[tuple[int, Reference], ...]:
    if not isinstance(value, list) or len(value) > MOST_STEPS:
        faults.append(_fault("steps", f"must be a list of at most {MOST_STEPS} steps"))
        return ()
    found = []
    for place, step in enumerate(value):
        where = f"steps.{place}"
        if not isinstance(step, dict):
            faults.append(_fault(where, "must be an object with delay_seconds and template_id"))
            continue
        unknown = [name for name in step if name not in _KNOWN]
        allowed = f"is unknown. Allowed: {', '.join(_KNOWN)}"
        faults += [_fault(f"{where}.{name}", allowed) for name in unknown]
        delay = step.get("delay_seconds")
        if not isinstance(delay, int) or isinstance(delay, bool) or not 0 <= delay <= LONGEST_DELAY:
            faults.append(_fault(f"{where}.delay_seconds", f"must be a whole number from 0 to {LONGEST_DELAY}"))
            delay = 0
        template = _template(step.get("template_id"), f"{where}.template_id", limits, faults)
        if template is not None:
            found.append((delay, template))
    return tuple(found)


def _template(value: Any, where: str, limits: Limits, faults: list[Fault]) -> Reference | None:
    try:
        return parse_reference(value, "template", longest=limits.object_key)
    except ValueError as error:
        faults.append(_fault(where, str(error)))
        return None


def _fault(attribute: str, detail: str) -> Fault:
    return Fault(f"data.attributes.{attribute}", detail)


def plan_schemas() -> dict[str, Schema]:
    """The attributes of a plan, as callers write them."""
    template = such_as(either(TEXT, WHOLE), "tem_welcome")
    delay = {
        "type": "integer",
        "minimum": 0,
        "maximum": LONGEST_DELAY,
        "description": "Seconds after the previous step. For the first step: after the activation.",
        "examples": [86400],
    }
    return {
        "enabled": such_as(YES_OR_NO, True),
        "trigger_email_id": {
            **or_null(template),
            "description": "The template whose emails start the campaign. It is only stored.",
            "examples": [None],
        },
        "steps": listed(record({"delay_seconds": delay, "template_id": template}), MOST_STEPS),
    }
