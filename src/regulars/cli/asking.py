"""`regulars ask`: a question about customers, answered from the command line."""

import asyncio
import time
from typing import Annotated, Any, Final

import typer

from regulars.cli.options import NEAREST, AsJson, Database, SiteNumber
from regulars.cli.output import FailedError, note, show, show_table
from regulars.cli.session import chosen_site, opened, snapshot_folder
from regulars.settings import Settings
from regulars.store.reads import lines_by_number

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
  anna smith                        words: search in name and address
  sample 10%                        a fixed sample

Join conditions with and, or, not and brackets. docs/questions.md has the whole language.

\b
Examples:
  regulars ask 'tag:vip and not opened:broadcast/8 and revenue > 100'
  regulars ask 'is subscribed and created in last 30d' --count
"""


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question as text.")],
    count: Annotated[bool, typer.Option("--count", help="Print only how many customers match.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many customers to print.")] = 20,
    site: SiteNumber = None,
    as_json: AsJson = False,
    database: Database = NEAREST,  # type: ignore[assignment]
) -> None:
    """Ask which customers match a question (see HELP)."""
    # The index brings NumPy along, 0.2 s that no other command needs.
    from regulars.audience.filters.catalogue import Engagement, Moment
    from regulars.audience.page_slice import PageSlice
    from regulars.audience.questions.faults import BadQuestionError
    from regulars.audience.questions.selecting import customers_of
    from regulars.audience.questions.text_form import parse_question
    from regulars.audience.service import Audience
    from regulars.audience.snapshot_directory import SnapshotDirectory
    from regulars.domain.identity import public_number
    from regulars.domain.moments import now_ms
    from regulars.domain.money import decimal_text

    try:
        node = parse_question(question)
    except BadQuestionError as error:
        fault = error.faults[0]
        pointer = (
            "" if fault.offset is None else f"\n  {question}\n  {' ' * fault.offset}{'^' * max(fault.length or 1, 1)}"
        )
        raise FailedError(f"{fault.detail}{pointer}") from None
    settings = Settings.from_environment()
    engagement = Engagement(settings.healthy_days, settings.passive_days, settings.unengaged_days)
    folder = snapshot_folder(database)

    async def work() -> tuple[int, list[dict[str, Any]], float]:
        async with opened(database) as store:
            chosen = await chosen_site(store, site)
            directory = None if folder is None else SnapshotDirectory(folder)
            audience = Audience(store.changes, directory=directory, load_wait=float("inf"), save_every=float("inf"))
            try:
                began = time.perf_counter()
                predicate = customers_of(node, Moment(now_ms(), engagement))
                asking = audience.ask(chosen.id, predicate, page_slice=PageSlice(0, 0 if count else limit))
                async with asking as answer:
                    (lines,) = await answer.snapshot.read([lines_by_number(chosen.id, answer.numbers)])
                    rows = [
                        {
                            "id": public_number(chosen.id, line.number),
                            "email": line.email,
                            "name": line.name,
                            "revenue": decimal_text(line.net_revenue),
                        }
                        for line in lines
                    ]
                    return answer.total, rows, time.perf_counter() - began
            finally:
                await audience.close()

    total, rows, seconds = asyncio.run(work())
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
