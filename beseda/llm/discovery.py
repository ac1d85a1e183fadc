"""Discovery of model servers on this machine, so that a local server needs no settings."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yarl import URL

from beseda.core.errors import RemoteError
from beseda.core.foreign_json import load_json
from beseda.http.client import HttpClient
from beseda.http.endpoints import CHAT_ENDPOINTS, Endpoint
from beseda.llm.openai_compatible import choose_chat_model, list_models

_PROBE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that answered with an OpenAI-like list of models."""

    endpoint: Endpoint
    base_url: str
    model: str


def list_usual_addresses() -> list[str]:
    """Return the base URLs at the usual ports of local servers, in the table's order."""
    ports = dict.fromkeys(port for row in CHAT_ENDPOINTS for port in row.local.ports)
    return [f"http://127.0.0.1:{port}/v1" for port in ports]


async def find_local_servers(http: HttpClient, addresses: Sequence[str] | None = None) -> list[FoundServer]:
    """Return the servers that answer at `addresses` (default: the usual ports). All are queried in parallel, for half a
    second.
    """
    urls = list_usual_addresses() if addresses is None else addresses
    found = await asyncio.gather(*(_probe(http, url) for url in urls))
    return [server for server in found if server is not None]


async def _probe(http: HttpClient, base_url: str) -> FoundServer | None:
    url = URL(base_url) / "models"
    try:
        answer = await http.get(url, {"Accept": "application/json"}, wait=_PROBE_SECONDS)
    except RemoteError:
        return None
    models = list_models(answer.body) if answer.status == 200 else []
    if not models:
        return None
    row = _recognise(url.port or 0, load_json(answer.body))
    return FoundServer(row, base_url, choose_chat_model(models))


def _recognise(port: int, listing: dict[str, Any]) -> Endpoint:
    """Return the row of the server's kind, by the owner in its list of models, else by the port."""
    owner = str(listing["data"][0].get("owned_by", ""))
    local = [row for row in CHAT_ENDPOINTS if row.is_local]
    by_owner = [row for row in local if owner in row.local.owner_marks]
    by_port = [row for row in local if port in row.local.ports]
    return (by_owner or by_port or [row for row in local if row.local.takes_any_model])[0]
