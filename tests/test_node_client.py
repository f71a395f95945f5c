"""Sendwithus's client for Node.js, version 6.0.2 from npm, against a live server."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .running_server import Server, make_database

PACKAGE = "sendwithus@6.0.2"
SCRIPT = Path(__file__).with_name("sendwithus_client.js")
INSTALL_SECONDS = 60

pytestmark = pytest.mark.xdist_group("node")


class Reply(NamedTuple):
    """What the client tells its callback."""

    error: str | None
    result: Any


@pytest.fixture(scope="module")
def modules(pytestconfig: pytest.Config) -> Path:
    """The folder of the client's package, installed once and kept in pytest's cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js and npm are not installed")
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("npm-" + PACKAGE.replace("@", "-"))
    found = folder / "node_modules"
    if not (folder / "installed").exists():
        command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        try:
            subprocess.run([*command, PACKAGE], check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"npm cannot install {PACKAGE}: {error}")
        (folder / "installed").touch()
    return found


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[tuple[Server, str]]:
    path = tmp_path_factory.mktemp("node") / "regulars.db"
    key = make_database(path)
    with Server(path) as server:
        yield server, key


def called(modules: Path, server: Server, key: str, *calls: Sequence[Any]) -> list[Reply]:
    """What the client tells of these calls, each [method, arguments]."""
    done = subprocess.run(
        ["node", str(SCRIPT), f"http://127.0.0.1:{server.port}", key],
        input=json.dumps(calls).encode(),
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "NODE_PATH": str(modules), "NODE_NO_WARNINGS": "1"},
    )
    return [Reply(**each) for each in json.loads(done.stdout)]


def test_customers_and_drip_campaigns(modules: Path, live: tuple[Server, str]) -> None:
    server, key = live
    plan = {"name": "Welcome", "key": "dc_welcome", "steps": [{"delay_seconds": 60, "template_id": "tem_hello"}]}
    with server.caller(key) as caller:
        data = {"type": "drip_campaigns", "attributes": plan}
        assert caller.call("POST", "/v1/drip_campaigns", {"data": data}).status == 201
    who = {"recipient_address": "node+1@example.com"}
    calls: list[list[Any]] = [
        ["customersUpdateOrCreate", {"email": "node+1@example.com", "data": {"first_name": "Nora"}}],
        ["dripCampaignList"],
        ["dripCampaignDetails", "dc_welcome"],
        ["dripCampaignActivate", "dc_welcome", who],
        ["dripCampaignDeactivateAll", who],
        ["batch", [{"path": "customers/node+1@example.com", "method": "GET"}]],
        ["customersDelete", "node+1@example.com"],
    ]
    saved, campaigns, campaign, activated, ended, batch, deleted = called(modules, server, key, *calls)
    assert all(reply.error is None for reply in (saved, campaigns, campaign, activated, ended, batch, deleted))
    assert (saved.result["success"], saved.result["customer"]["data"]) == (True, {"first_name": "Nora"})
    assert campaigns.result == [campaign.result]
    assert (campaign.result["id"], campaign.result["enabled"]) == ("dc_welcome", True)
    assert campaign.result["drip_steps"][0]["delay_seconds"] == 60
    assert activated.result["drip_campaign"] == {"id": "dc_welcome", "name": "Welcome"}
    assert ended.result["unsubscribed_count"] == 1
    assert batch.result[0]["body"]["customer"]["email"] == "node+1@example.com"
    assert deleted.result["success"] is True


def test_errors_reach_the_callback(modules: Path, live: tuple[Server, str]) -> None:
    """They are plain text: the client takes any JSON for a success."""
    server, key = live
    calls: list[list[Any]] = [
        ["customersUpdateOrCreate", {"email": "nonsense"}],
        ["dripCampaignDetails", "dc_unknown"],
        ["dripCampaignActivate", "dc_unknown", {"recipient_address": "a@example.com"}],
        # A slip of the client: it sends DELETE without a body, so that nobody knows whom to remove.
        ["dripCampaignDeactivate", "dc_unknown", {"recipient_address": "a@example.com"}],
    ]
    assert all(reply.error for reply in called(modules, server, key, *calls))
    assert all(reply.error for reply in called(modules, server, "rg_unknown", *calls[:2]))
