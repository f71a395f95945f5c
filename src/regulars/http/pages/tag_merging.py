"""Merging two tags: choose the other one, see what it does, do it. A bulk action changes the customers."""

from typing import Any, Final

from starlette.responses import Response

from regulars.http.errors import Problem
from regulars.http.operation import Operation
from regulars.http.pages.customer_actions import object_named
from regulars.http.pages.forms import FormData
from regulars.http.pages.objects import named_by, other_tags, sizes_of
from regulars.http.pages.page import AdminPage, View
from regulars.http.pages.reconfirming import confirm
from regulars.http.pages.screen import action, screen
from regulars.http.pages.signed_in import Editor

_REFERRING: Final = ("any_of", "all_of", "none_of")
_HIDDEN_OR_NOT: Final = {"any": [{"is": "hidden"}, {"not": {"is": "hidden"}}]}


async def ask(page: AdminPage, user: Editor) -> View:
    """What merging the tag into another would do."""
    return await _view(page, FormData(list(page.call.query)))


async def merge(page: AdminPage, user: Editor) -> View | Response:
    """Let the audiences that name the tag name the other one, and begin to give that to the customers."""
    form = await page.form()
    await confirm(page, user, form)
    old = await _tag(page, page.segment("object"))
    new = await _other(page, form, old)
    if form.errors or new is None:
        return await _view(page, form, 422)
    try:
        for each in await named_by(page, "tag", _ids(old)):
            await _rename(page, each["id"], old, new)
        preview = await page.api.post("/v1/bulk_actions/preview", _body(old, new))
        if not preview["data"]["attributes"]["customers"]:
            return page.redirect(
                page.url(f"/objects/contact_tags/{old['id']}"), f"Nobody has “{old['name']}”. It can be deleted."
            )
        made = await page.api.post("/v1/bulk_actions", _body(old, new))
    except Problem as error:
        form.refuse_faults(error)
        return await _view(page, form, 422)
    return page.redirect(page.url(f"/bulk-actions/{made['data']['id']}"), "The merge has begun.")


def renamed(question: Any, ids: set[str], by: int | str) -> Any:
    """A question that names one tag where it named another. ids: the id and the key of that one."""
    if isinstance(question, list):
        return [renamed(each, ids, by) for each in question]
    if not isinstance(question, dict):
        return question
    if question.get("has") == "tag":
        named = {name: question[name] for name in _REFERRING if name in question}
        changed = {
            name: list(dict.fromkeys(by if str(each) in ids else each for each in found))
            for name, found in named.items()
        }
        return {**question, **changed}
    return {name: renamed(each, ids, by) for name, each in question.items()}


async def _rename(page: AdminPage, audience: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Let the question of an audience name the other tag."""
    path = f"/v1/audiences/{audience}"
    question = (await page.api.get(path, {"fields[audiences]": "question"}))["data"]["attributes"]["question"]
    attributes = {"question": renamed(question, _ids(old), new["key"] or int(new["id"]))}
    await page.api.patch(path, {"data": {"type": "audiences", "id": audience, "attributes": attributes}})


def _ids(tag: dict[str, Any]) -> set[str]:
    return {tag["id"], *([tag["key"]] if tag["key"] else [])}


def _body(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The bulk action that merges them, of hidden customers, too."""
    return {
        "q": f"tag:{old['id']} and (is hidden or not is hidden)",
        "action": {"type": "replace_tag", "tag": old["id"], "by": new["id"]},
    }


async def _tag(page: AdminPage, key: str) -> dict[str, Any]:
    """A tag by its id or key, percent-encoded: its id, name and key. Raises Problem if there is none."""
    assert page.user is not None
    found = (await page.api.get(f"/v1/contact_tags/{key}", {"filter[site_id]": page.user.current.id}))["data"]
    return {"id": found["id"], "name": found["attributes"]["name"], "key": found["attributes"]["key"]}


async def _other(page: AdminPage, form: FormData, old: dict[str, Any]) -> dict[str, Any] | None:
    """The tag that the form names by its id, key or name; None if there is none, which is noted in the form."""
    given = form["into"]
    offered = {each["id"] for each in await other_tags(page, old["id"])}
    number = given if given in {old["id"], *offered} else await object_named(page, "contact_tags", given)
    if number == old["id"]:
        form.refuse("into", "Choose another tag than this one.")
    elif number is None:
        form.refuse("into", f"There is no tag “{given}”." if given else "Choose the other tag.")
    else:
        return await _tag(page, number)
    return None


async def _view(page: AdminPage, form: FormData, status: int = 200) -> View:
    old = await _tag(page, page.segment("object"))
    new = await _other(page, form, old)
    effect: dict[str, Any] = {}
    if new is not None:
        both = {"all": [{"has": "tag", "all_of": [int(old["id"]), int(new["id"])]}, _HIDDEN_OR_NOT]}
        preview = (await page.api.post("/v1/bulk_actions/preview", _body(old, new)))["data"]["attributes"]
        effect = {
            "customers": preview["customers"],
            "sample": preview["sample"],
            "both": (await sizes_of(page, [both]))[0],
            "named_by": await named_by(page, "tag", _ids(old)),
        }
    return View(
        template="tag_merge.html",
        title=f"Merge “{old['name']}”" + (f" into “{new['name']}”" if new else ""),
        data={"tag": old, "into": new, **effect},
        more={"form": form, "others": await other_tags(page, old["id"]), "start": f"/objects/contact_tags/{old['id']}"},
        status=status,
    )


_MERGE: Final = "/objects/contact_tags/{object}/merge"
OPERATIONS: Final[tuple[Operation, ...]] = (
    screen("tag.ask_merge", _MERGE, ask, "See what merging a tag into another does"),
    action("tag.merge", _MERGE, merge, "Merge a tag into another"),
)
"""The operations that merge tags."""
