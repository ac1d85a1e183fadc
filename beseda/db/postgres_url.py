"""Conversion of query parameters of libpq and of hosting providers into arguments of asyncpg."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from beseda.core.addresses import SWITCHES, find_database_fault, read_query
from beseda.core.errors import SettingsError
from beseda.db.failure import ConnectionFault, find_connection_fault

_CONNECT_SECONDS = 5.0
_SHORTEST_TIMEOUT = 2.0  # seconds: libpq makes anything shorter of it
_LONGEST_TIMEOUT = 60.0  # seconds: whatever leaves the process has a bound
# A pooler that refuses them gets none of these: https://www.pgbouncer.org/config.html#ignore_startup_parameters
_OURS = {
    "jit": "off",  # compiling a plan takes longer than any query of ours
    # A process that was stopped in the middle of a transaction would hold its locks until it goes on.
    "idle_in_transaction_session_timeout": "15s",
}
_UNPREPARED: Mapping[str, Any] = {
    # In transaction mode the next statement may reach another server, so none is kept, and none has a name.
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """An address without its query, and the arguments derived from the query."""

    url: URL
    arguments: Mapping[str, Any]


def read_address(url: URL) -> PostgresAddress:
    """Return the connection address and arguments. Raises SettingsError, without the password, for unsupported ones."""
    address = url.render_as_string(hide_password=False)
    if fault := find_database_fault(address):
        raise SettingsError(f"DATABASE_URL: {fault}")
    query = read_query(address)
    pooled = SWITCHES.get(query.get("pgbouncer", "").lower(), False)
    arguments: dict[str, Any] = {
        "timeout": _read_timeout(query),
        "server_settings": _read_settings(query) | ({} if pooled else _OURS),
        "ssl": _read_tls(query),
        "async_creator_fn": _Connector(_name_tls(query)),
        **(_UNPREPARED if pooled else {}),
    }
    arguments |= {name: query[name] for name in ("passfile", "target_session_attrs") if name in query}
    bare = url.set(
        query={},
        host=query.get("host", url.host),
        port=int(query["port"]) if "port" in query else url.port,
    )
    return PostgresAddress(bare, arguments)


def _read_timeout(query: Mapping[str, str]) -> float:
    seconds = float(query.get("connect_timeout", 0))
    return min(max(seconds, _SHORTEST_TIMEOUT), _LONGEST_TIMEOUT) if seconds else _CONNECT_SECONDS


def _read_settings(query: Mapping[str, str]) -> dict[str, str]:
    name = query.get("application_name") or query.get("fallback_application_name") or "beseda"
    settings = {"application_name": name}
    if "options" in query:
        settings["options"] = query["options"]
    if "schema" in query:
        settings["search_path"] = query["schema"]
    return settings


def _name_tls(query: Mapping[str, str]) -> str:
    """Return libpq's name of the TLS mode. The default is that of asyncpg, `prefer`."""
    asked = query.get("sslmode") or query.get("ssl") or "prefer"
    return {True: "require", False: "disable"}[SWITCHES[asked.lower()]] if asked.lower() in SWITCHES else asked.lower()


def _read_tls(query: Mapping[str, str]) -> ssl.SSLContext | str | bool:
    """Return the mode for asyncpg, or a context if a certificate is to be verified or presented.

    `channel_binding=require` protects against a man in the middle. asyncpg has no channel binding; verifying the
    server's certificate and name gives the same protection.
    """
    mode, root = _name_tls(query), query.get("sslrootcert", "")
    strict = query.get("channel_binding") == "require"
    if mode == "disable" and strict:
        raise SettingsError("DATABASE_URL: channel_binding=require needs TLS, and sslmode=disable forbids it")
    if mode == "disable":
        return False
    verified = strict or mode.startswith("verify") or (mode == "require" and root)
    if not verified and "sslcert" not in query:
        return mode
    try:
        context = ssl.create_default_context(cafile=root if root and root != "system" else None)
        if "sslcert" in query:
            context.load_cert_chain(query["sslcert"], query.get("sslkey"), query.get("sslpassword"))
    except OSError as error:  # ssl.SSLError is one, too
        names = ", ".join(name for name in ("sslrootcert", "sslcert", "sslkey") if name in query)
        raise SettingsError(
            f"DATABASE_URL: a file of {names} cannot be used: {error.strerror or error.reason}"
            if isinstance(error, ssl.SSLError)
            else f"DATABASE_URL: a file of {names} cannot be read: {error.strerror}"
        ) from error
    context.check_hostname = strict or mode == "verify-full" or root == "system"
    if not verified:
        context.verify_mode = ssl.CERT_NONE
    return context


class _Connector:
    """Opens connections. Its errors name the parameter that helps."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    async def __call__(self, **arguments: Any) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(**arguments)
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or "TLS failed"
            raise ConnectionError(
                f"the server's certificate is not trusted ({reason}): "
                "sslrootcert in DATABASE_URL names the file of its authority"
            ) from error
        except ConnectionError as error:
            if find_connection_fault(error) is not ConnectionFault.NO_TLS:
                raise
            raise ConnectionError(
                f"the server offers no TLS, and DATABASE_URL says sslmode={self._mode}: sslmode=disable goes without"
            ) from error
        except asyncpg.PostgresError as error:
            if find_connection_fault(error) is not ConnectionFault.NO_PARAMETERS:
                raise
            raise SettingsError(
                f"DATABASE_URL: a pooler such as PgBouncer stands before the database and refuses what we ask for "
                f"({str(error).splitlines()[0]}): add pgbouncer=true to the address"
            ) from error
