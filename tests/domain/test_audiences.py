"""Saved audiences: versions, and references that never close a circle, whatever is saved and deleted in any order."""

from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.audiences import MOST_NESTING, Referring, nesting, path_between, users_of
from regulars.domain.commands import ChangeListMember, DefinitionChange, DeleteAudience, SaveAudience, SaveObject
from regulars.domain.identity import Who
from regulars.domain.outcome import Outcome

from .memory import MemorySite

NAMES = st.sampled_from([f"a{n}" for n in range(12)])


def save(site: MemorySite, key: str, *refers: str, is_new: bool = True, question: str = "{}") -> Outcome:
    """Create an audience, or change its question."""
    item = SaveObject(kind="audience", key=key, name=key) if is_new else SaveObject(kind="audience", reference=key)
    return site.do(SaveAudience(item, DefinitionChange(question=question + " " * len(refers), refers=refers)))


def code(outcome: Outcome) -> str | None:
    return None if outcome.refusal is None else outcome.refusal.code


def reaches(graph: dict[str, set[str]], start: str, end: str) -> bool:
    """Whether references lead from one audience to another: by brute force."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            waiting += graph[here]
    return False


def depth(graph: dict[str, set[str]], start: str) -> int:
    """How many audiences the longest chain from this one has."""
    return 1 + max((depth(graph, each) for each in graph[start]), default=0)


@given(st.lists(st.tuples(st.booleans(), NAMES, st.frozensets(NAMES, max_size=2)), max_size=40))
def test_no_circle_and_no_long_chain_is_ever_saved(steps: list[tuple[bool, str, frozenset[str]]]) -> None:
    site = MemorySite()
    graph: dict[str, set[str]] = {}
    for place, (is_deleted, name, refers) in enumerate(steps):
        if is_deleted:
            expected = (
                "object_not_found"
                if name not in graph
                else "audience_in_use"
                if any(name in each for each in graph.values())
                else None
            )
            assert code(site.do(DeleteAudience(name))) == expected
            if expected is None:
                del graph[name]
            continue
        is_new = name not in graph
        found = code(save(site, name, *sorted(refers), is_new=is_new, question=f"{place}"))
        if not refers <= graph.keys():
            assert found == "unknown_audience"
            continue
        after = {**graph, name: set(refers)}
        is_circle = any(reaches(graph, each, name) for each in refers)
        if is_circle or max(depth(after, each) for each in after) > MOST_NESTING:
            assert found == "audience_circle"
        else:
            assert found is None
            graph = after


def test_versions_count_changes_of_the_question() -> None:
    site = MemorySite()
    saved = save(site, "a", question="1")
    assert saved.object is not None
    number = saved.object.number

    def change(**more: object) -> tuple[str, int]:
        item = SaveObject(kind="audience", reference="a")
        verdict = site.do(SaveAudience(item, DefinitionChange(**more))).verdict  # type: ignore[arg-type]
        return verdict, site.work.audiences.definitions[number].version

    assert change(question="1") == ("unchanged", 1)
    assert change(question="2") == ("updated", 2)
    assert change(watched=True) == ("updated", 2)
    assert change(watched=True) == ("unchanged", 2)


def test_only_lists_have_members() -> None:
    site = MemorySite()
    site.upsert(email="a@example.com")
    who = Who(email_key="a@example.com")
    save(site, "dynamic")
    site.do(SaveAudience(SaveObject(kind="audience", key="list", name="list"), DefinitionChange(kind="list")))
    assert code(site.do(ChangeListMember(who, "dynamic", True))) == "not_a_list"
    assert code(site.do(ChangeListMember(Who(email_key="b@example.com"), "list", True))) == "customer_not_found"
    assert [site.do(ChangeListMember(who, "list", each)).verdict for each in (True, True, False, False)] == [
        "updated",
        "unchanged",
        "updated",
        "unchanged",
    ]


def test_ways_between_audiences() -> None:
    graph = {1: Referring("one", (2, 3)), 2: Referring("two", (3,))}
    assert path_between(graph, [1], 3) in ([1, 3], [1, 2, 3])
    assert path_between(graph, [3], 1) is None
    assert users_of(graph, 3) == ["one", "two"]
    assert nesting(graph) == 3
