"""`regulars ask`: a question about customers, answered from the command line."""

import asyncio
import time
from typing import Annotated, Any, Final

import typer

from regulars.audience.filters.catalogue import Engagement
from regulars.cli.answering import answering, question_of
from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, note, show, show_table
from regulars.cli.session import chosen_site, opened, snapshot_folder
from regulars.settings import Settings

MOST: Final = 10_000

HELP: Final = """Ask which customers match a question.

\b
Conditions:
  is subscribed                     a state
  tag:vip   offer:(1, spring)       tied to an object, by number or key; several: to any of them
  tag all (a, b)   tag none (a, b)  to all of them, to none of them
  revenue > 100   city = "Berlin"   a field; also != >= < <= between starts ends in (a, b)
  name:anna                         a part of a text
  created in last 30d               a time; also from 2026-01-01 to 2026-02-01, in this month
  has phone                         a field that is set
  opened:broadcast/8                an email; also sent, delivered, clicked, bounced, dropped
  did purchase >= 3 in last 90d     what they did; also sum(purchase.revenue) > 500
  anna smith                        words: search in name and address
  sample 10%                        a fixed sample
  in audience/dormant   in list/7   in a saved audience or a list

Join conditions with and, or, not and brackets. docs/questions.md has the whole language.

\b
Examples:
  regulars ask 'tag:vip and not opened:broadcast/8 and revenue > 100'
  regulars ask 'is subscribed and created in last 30d' --count
  regulars ask --audience dormant --reach
  regulars ask --audience dormant --why anna@example.com
"""


def ask(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="The question as text.")] = None,
    audience: Annotated[
        str | None, typer.Option("--audience", help="Ask about the customers of this audience, by number or key.")
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Print only how many customers match.")] = False,
    reach: Annotated[bool, typer.Option("--reach", help="Print how many of them can get marketing email.")] = False,
    why: Annotated[
        str | None, typer.Option("--why", metavar="ADDRESS", help="Explain why this customer matches, or does not.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many customers to print.")] = 20,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Ask which customers match a question (see HELP)."""
    if count + reach + (why is not None) > 1:
        raise FailedError("Use one of --count, --reach and --why.")
    node = question_of(question, audience)
    settings = Settings.from_environment()
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    folder = snapshot_folder(database)

    async def work() -> tuple[Any, float]:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            began = time.perf_counter()
            async with answering(store, chosen, node, engagement, folder) as answers:
                if reach:
                    found: Any = await answers.reach()
                elif why is not None:
                    found = await answers.why(why)
                else:
                    found = await answers.customers(0 if count else limit)
                return found, time.perf_counter() - began

    found, seconds = asyncio.run(work())
    if reach:
        excluded = [{"reason": each.reason, "first": each.first, "any": each.any_} for each in found.excluded]
        if as_json:
            show({"matched": found.matched, "reachable": found.reachable, "excluded": excluded}, as_json=True)
            return
        show_table(excluded, as_json=False, empty="")
        note(f"{found.matched:,} match, {found.reachable:,} of them can get marketing email.")
    elif why is not None:
        if as_json:
            show(found, as_json=True)
            return
        show_table(found["conditions"], as_json=False, empty="The question has no conditions.")
        changes = "" if found["changes_at"] is None else f" Changes at {found['changes_at']} by itself."
        note(f"{why} {'matches' if found['in'] else 'does not match'}.{changes}")
    else:
        _customers(*found, seconds=seconds, count=count, as_json=as_json)


def _customers(total: int, rows: list[dict[str, Any]], *, seconds: float, count: bool, as_json: bool) -> None:
    if count:
        show({"total": total}, as_json=True) if as_json else typer.echo(total)
        return
    if as_json:
        show({"total": total, "customers": rows}, as_json=True)
        return
    show_table(rows, as_json=False, empty="Nobody matches.")
    if total:
        more = f", the first {len(rows)} of them shown" if total > len(rows) else ""
        noun = "customer matches" if total == 1 else "customers match"
        note(f"{total:,} {noun}{more} ({seconds:.1f} s with loading the index).")
