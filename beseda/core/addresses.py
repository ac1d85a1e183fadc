"""Query parameters of DATABASE_URL, REDIS_URL and CELERY_BROKER_URL, checked before a library reads them."""

import difflib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SWITCHES: Mapping[str, bool] = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
_WRITABLE = ("any", "read-write", "primary")
# What may be said, and what each parameter takes; None is any text. Names are libpq's
# (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS); `ssl` is SQLAlchemy's,
# `pgbouncer` and `schema` are Prisma's, which providers print, too.
_POSTGRES: Mapping[str, tuple[str, ...] | None] = {
    "application_name": None,
    "channel_binding": ("disable", "prefer", "require"),
    "client_encoding": ("utf8", "utf-8", "auto"),
    "connect_timeout": None,
    "fallback_application_name": None,
    "gssencmode": ("disable", "prefer"),
    "host": None,
    "options": None,
    "passfile": None,
    "pgbouncer": tuple(SWITCHES),
    "port": None,
    "schema": None,
    "ssl": (*SSL_MODES, *SWITCHES),
    "sslcert": None,
    "sslkey": None,
    "sslmode": SSL_MODES,
    "sslpassword": None,
    "sslrootcert": None,
    "target_session_attrs": _WRITABLE,
}
_CERT_REQUIREMENTS = ("none", "optional", "required")
_REDIS_TLS: Mapping[str, tuple[str, ...] | None] = {
    "ssl_ca_certs": None,
    "ssl_cert_reqs": _CERT_REQUIREMENTS,
    "ssl_certfile": None,
    "ssl_check_hostname": tuple(SWITCHES),
    "ssl_keyfile": None,
}
_REDIS = {"client_name": None, "db": None, "protocol": ("2", "3"), **_REDIS_TLS}
_NUMBERS = {"connect_timeout", "db", "port"}
_LONGEST_NUMBER = 5  # digits
_SECRETS = {"password", "user", "dbname", "username"}


def read_query(address: str) -> dict[str, str]:
    """Return the query parameters that have a value. If one is repeated, the last value counts, as in libpq."""
    return {name: value for name, value in parse_qsl(urlsplit(address).query) if value}


def find_database_fault(address: str) -> str:
    """Return a sentence that describes the fault in a database address, or an empty string if there is none."""
    parts = urlsplit(address)
    if parts.scheme.startswith("sqlite"):
        return _find_fault(address, {})
    if "," in parts.netloc:
        return "several hosts are not supported: name one, or put a proxy such as HAProxy before them"
    query = read_query(address)
    if fault := _find_fault(address, _POSTGRES):
        return fault
    if query.get("sslmode") == "verify-ca" and "sslrootcert" not in query:
        return "sslmode=verify-ca needs sslrootcert; verify-full trusts the certificates of this system"
    return ""


def find_redis_fault(address: str) -> str:
    """Return a sentence that describes the fault in a Redis address, or an empty string if there is none."""
    parts = urlsplit(address)
    encrypted = parts.scheme == "rediss"
    if not encrypted and (names := [name for name in read_query(address) if name.startswith("ssl_")]):
        return f"{names[0]} is for rediss:// addresses: this one is not encrypted"
    number = parts.path.strip("/")
    if parts.scheme != "unix" and number and not (number.isascii() and number.isdigit()):
        return "the path is the number of a database, as in redis://host:6379/0"
    return _find_fault(address, _REDIS)


def find_broker_fault(address: str) -> str:
    """Return a sentence that describes the fault in a broker address, or an empty string if there is none."""
    return find_redis_fault(address) or _find_fault(address, _REDIS_TLS)


def write_redis_address(address: str) -> str:
    """Return a Redis address with TLS parameters that every library reads in the same way: certificates are checked.

    kombu does not check certificates if the query has no `ssl_` parameter, and reads every value of a switch except
    `false` as true (`kombu.utils.url.parse_url`, `kombu.Connection._init_params`).
    """
    parts = urlsplit(address)
    if parts.scheme != "rediss":
        return address
    query = {"ssl_cert_reqs": "required", **read_query(address)}
    query["ssl_cert_reqs"] = query["ssl_cert_reqs"].lower()
    if "ssl_check_hostname" in query:
        query["ssl_check_hostname"] = str(SWITCHES[query["ssl_check_hostname"].lower()]).lower()
    return urlunsplit(parts._replace(query=urlencode(query)))


def _find_fault(address: str, known: Mapping[str, tuple[str, ...] | None]) -> str:
    for name, value in parse_qsl(urlsplit(address).query, keep_blank_values=True):
        if name not in known:
            return _describe_unknown(name, list(known))
        choices = known[name]
        if value and choices is not None and value.lower() not in choices:
            return f"{name} takes {', '.join(choices)}"
        if value and name in _NUMBERS and not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
            return f"{name} takes a whole number"
    return ""


def _describe_unknown(name: str, known: list[str]) -> str:
    if name in _SECRETS:
        return f"{name} does not belong into the query: write name:password@host/database"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    shown = "".join(character for character in name if character.isprintable())[:40]
    hint = f"; did you mean {near[0]}" if near else "; take it out"
    return f"the parameter {shown!r} is not supported{hint}"
