"""The overview: how many customers there are, and how many can be emailed."""

from typing import Final

from regulars.http.operation import Operation
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.screen import screen
from regulars.http.pages.signed_in import Viewer


async def show(page: AdminPage, user: Viewer) -> View:
    """The figures of a site."""
    reach = await page.api.post("/v1/questions/reach", {"question": {"all": []}})
    return View(template="overview.html", title="Overview", data={"reach": reach["data"]["attributes"]})


OPERATIONS: Final[tuple[Operation, ...]] = (screen("overview", "/overview", show, "See the overview of a site"),)
"""The operation on the overview."""
