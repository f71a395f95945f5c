"""Two accounts with customers, and what plain Python knows of them."""

from typing import Any, Final

import httpx

from ...in_process import InProcess

NAMES: Final = ("Anna Meier", "bob", "Çelik", "Émile", "anna meier", None, "Zoë", "Ärzte", "42")
COUNT: Final = 60


def people() -> list[dict[str, Any]]:
    """Customers with ties in every order: names shared, missing revenue, nobody seen."""
    found = []
    for i in range(COUNT):
        person: dict[str, Any] = {"email": f"user{i * 7 % COUNT:02d}@{'gmail.com' if i % 3 else 'web.de'}"}
        if name := NAMES[i % len(NAMES)]:
            person["name"] = name
        if i % 4 == 0:
            person["customer_id"] = f"c-{i}"
        found.append(person)
    return found


class Api:
    """A caller of /v1."""

    def __init__(self, app: InProcess, secret: str | None) -> None:
        self.app = app
        self.headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        url = path if path.startswith("http") else f"http://regulars.example{path}"
        return self.app.request(httpx.Request(method, url, headers=headers, **more))

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """`headers` are headers; everything else of `parameters` comes as `params`."""
        return self.send("GET", path, **parameters)

    def document(self, path: str, **parameters: Any) -> dict[str, Any]:
        reply = self.get(path, **parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()  # type: ignore[no-any-return]

    def error(self, path: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
        reply = self.get(path, **parameters)
        assert reply.headers["content-type"] == "application/vnd.api+json"
        (error,) = reply.json()["errors"]
        assert error["status"] == str(reply.status_code)
        return reply.status_code, error


class World:
    """`one` has a single site with people in it, `many` two sites, `other` is somebody else."""

    def __init__(self, app: InProcess) -> None:
        self.app = app
        self.key, self.secret = app.secret("one", "main")
        self.one = Api(app, self.secret)
        self.many = Api(app, app.secret("many", "first")[1])
        self.many_second = Api(app, app.secret("many", "second")[1])
        self.other = Api(app, app.secret("other", "main")[1])
        self.nobody = Api(app, None)
        for person in people():
            self.save(self.one, person)
        for i in range(0, COUNT, 5):
            self.happens(
                self.one,
                {
                    "event": "purchase",
                    "email": people()[i]["email"],
                    "revenue": str(10 + i % 15),
                    "offer_id": str(1 + i % 3),
                    "product_ids": ["course"],
                },
            )
        self.save(self.one, {"customer_id": "only-an-id"})
        self.save(self.many, {"email": "first@many.example"})
        self.save(self.many_second, {"email": "second@many.example"})
        self.save(self.other, {"email": "user00@gmail.com", "name": "Somebody Else"})
        self.happens(self.other, {"event": "purchase", "email": "user00@gmail.com", "revenue": "1", "offer_id": "9"})

    @staticmethod
    def save(api: Api, person: dict[str, Any]) -> None:
        assert api.send("POST", "/api/v1/customers", json=person).status_code == 200

    @staticmethod
    def happens(api: Api, event: dict[str, Any]) -> None:
        assert api.send("POST", "/api/v1/event", json=event).status_code == 200


def every(api: Api, path: str = "/v1/customers?page[size]=100") -> list[dict[str, Any]]:
    """The resources of a list, page after page by the links."""
    found: list[dict[str, Any]] = []
    while path:
        document = api.document(path)
        found += document["data"]
        path = document["links"]["next"]
    return found
