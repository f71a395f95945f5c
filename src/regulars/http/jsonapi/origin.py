"""Origin: the scheme and host of links, as the caller used them, also behind a trusted proxy."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import Scope

Network = IPv4Network | IPv6Network

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)
_SCHEMES: Final = ("http", "https")
_log = structlog.get_logger("regulars.http")


def origin(scope: Scope, trusted_proxies: tuple[str, ...]) -> str:
    """Such as https://api.example.com. X-Forwarded-Proto and -Host count only when a trusted proxy sends them."""
    scheme: str = scope["scheme"]
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    client: tuple[str, int] | None = scope.get("client")
    if trusted_proxies and client is not None and _is_trusted(client[0], trusted_proxies):
        headers = Headers(scope=scope)
        # Proxies in a row append; the first value is what the caller used.
        scheme = headers.get("x-forwarded-proto", scheme).partition(",")[0].strip().lower()
        host = headers.get("x-forwarded-host", host).partition(",")[0].strip()
        if scheme not in _SCHEMES:
            scheme = scope["scheme"]
    if not _HOST.fullmatch(host):
        host = _own_host(scope)
    return f"{scheme}://{host}"


def client_address(scope: Scope, trusted_proxies: tuple[str, ...]) -> str:
    """The IP address of the client. Of X-Forwarded-For, the last address that is not a trusted proxy's counts."""
    client: tuple[str, int] | None = scope.get("client")
    address = "" if client is None else client[0]
    if trusted_proxies and _is_trusted(address, trusted_proxies):
        hops = [each.strip() for each in Headers(scope=scope).get("x-forwarded-for", "").split(",") if each.strip()]
        for hop in reversed(hops):
            address = hop
            if not _is_trusted(hop, trusted_proxies):
                break
    return address


@lru_cache(maxsize=1024)
def _is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    networks = []
    for text in texts:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            _log.warning("an entry of trusted_proxies is neither an address nor a network and is ignored", value=text)
    return tuple(networks)


def _own_host(scope: Scope) -> str:
    """Where the request arrived, for callers that name no host."""
    host, port = scope.get("server") or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
