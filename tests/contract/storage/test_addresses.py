"""Addresses as providers print them: libpq's parameters are obeyed or refused in a line, a pooler is worked with."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from beseda.config import load_settings
from beseda.core.addresses import find_broker_fault, find_database_fault, find_redis_fault
from beseda.core.errors import BrokerUnavailableError, SettingsError, StorageError
from beseda.db import migrate
from beseda.db.database import Database
from beseda.engine.jobs.broker import Broker
from beseda.ephemeral.redis.connection import open_redis
from tests.parts.pgbouncer import run_pgbouncer
from tests.parts.postgres import PostgresServer
from tests.parts.redis import RedisServer

TLS = Path(__file__).parents[2] / "samples" / "tls"


@pytest.fixture(scope="module")
def encrypted() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.enable_tls(TLS / "server.pem")
        yield server
    finally:
        server.close()


async def ask(url: str, sql: str) -> str:
    database = await Database.open(url)
    try:
        return str(await database.read(lambda connection: connection.execute(text(sql)).scalar_one()))
    finally:
        await database.close()


PLAIN = {
    "nothing": "",
    "disable": "?sslmode=disable",
    "prefer": "?sslmode=prefer",
    "allow": "?sslmode=allow&channel_binding=prefer&gssencmode=disable",
    "ssl": "?ssl=false",
    "empty": "?sslmode=",
    "libpq": "?connect_timeout=10&application_name=b&target_session_attrs=read-write&client_encoding=utf8",
    "prisma": "?pgbouncer=true&schema=public",
    "twice": "?sslmode=require&sslmode=disable",
}


@pytest.mark.parametrize("query", PLAIN.values(), ids=PLAIN)
async def test_parameters_of_libpq_are_obeyed(query: str, postgres: PostgresServer) -> None:
    url = postgres.create_database()
    await migrate.upgrade(url + query)
    assert await migrate.check(url + query) == []
    assert await ask(url + query, "SELECT 1") == "1"


async def test_names_and_options_reach_the_server(postgres: PostgresServer) -> None:
    url = f"{postgres.create_database()}?application_name=mine&options=-c%20statement_timeout%3D7s&schema=elsewhere"
    assert await ask(url, "SELECT current_setting('application_name')") == "mine"
    assert await ask(url, "SELECT current_setting('statement_timeout')") == "7s"
    assert await ask(url, "SELECT current_setting('search_path')") == "elsewhere"


ENCRYPTED = {
    "require": "?sslmode=require",
    "ssl": "?ssl=require",
    "authority": f"?sslmode=verify-full&sslrootcert={TLS / 'authority.pem'}",
    "verify-ca": f"?sslmode=verify-ca&sslrootcert={TLS / 'authority.pem'}",
    "binding": f"?sslmode=require&channel_binding=require&sslrootcert={TLS / 'authority.pem'}",
    "own-certificate": f"?sslmode=require&sslcert={TLS / 'server.pem'}&sslkey={TLS / 'server.pem'}",
}


@pytest.mark.parametrize("query", ENCRYPTED.values(), ids=ENCRYPTED)
async def test_connections_are_encrypted_as_asked(query: str, encrypted: PostgresServer) -> None:
    url = encrypted.create_database() + query
    assert await ask(url, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "True"


UNTRUSTED = {
    "system": ("?sslmode=verify-full", "certificate is not trusted"),
    "other": (f"?sslmode=verify-full&sslrootcert={TLS / 'other.pem'}", "sslrootcert in DATABASE_URL"),
    "binding": ("?sslmode=require&channel_binding=require", "certificate is not trusted"),
}


@pytest.mark.parametrize(("query", "words"), UNTRUSTED.values(), ids=UNTRUSTED)
async def test_a_certificate_that_is_not_trusted_is_named(query: str, words: str, encrypted: PostgresServer) -> None:
    with pytest.raises(StorageError, match=words):
        await ask(encrypted.create_database() + query, "SELECT 1")


async def test_a_server_without_tls_is_named_with_the_mode(postgres: PostgresServer) -> None:
    with pytest.raises(StorageError, match="offers no TLS, and DATABASE_URL says sslmode=require"):
        await ask(postgres.create_database() + "?sslmode=require", "SELECT 1")


@pytest.mark.parametrize(
    "query",
    [
        "?sslmode=verify-full&sslrootcert=/none.pem",
        "?sslmode=require&sslcert=/none.pem",
        "?sslmode=disable&channel_binding=require",
    ],
)
async def test_files_and_wishes_that_cannot_be_are_settings(query: str, postgres: PostgresServer) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: "):
        await ask(postgres.create_database() + query, "SELECT 1")


REFUSED = {
    "mode": ("postgresql://h/b?sslmode=strict", "sslmode takes disable, allow, prefer"),
    "unknown": ("postgresql://h/b?connection_limit=1", "'connection_limit' is not supported; take it out"),
    "near": ("postgresql://h/b?ssl_mode=require", "did you mean sslmode"),
    "number": ("postgresql://h/b?connect_timeout=ten", "connect_timeout takes a whole number"),
    "standby": ("postgresql://h/b?target_session_attrs=standby", "target_session_attrs takes any, read-write, primary"),
    "password": ("postgresql://h/b?password=secret", "password does not belong into the query"),
    "hosts": ("postgresql://u:p@h1:1,h2:2/b", "several hosts"),
    "authority": ("postgresql://h/b?sslmode=verify-ca", "verify-ca needs sslrootcert"),
    "sqlite": ("sqlite:///b.db?timeout=5", "'timeout' is not supported"),
}


@pytest.mark.parametrize(("url", "words"), REFUSED.values(), ids=REFUSED)
def test_other_parameters_are_refused_in_a_sentence(url: str, words: str) -> None:
    assert words in find_database_fault(url)
    assert "secret" not in find_database_fault(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://h/0?db=x", "db takes a whole number"),
        ("redis://h/0?sslmode=require", "'sslmode' is not supported"),
        ("redis://h/0?ssl_cert_reqs=none", "ssl_cert_reqs is for rediss://"),
        ("rediss://h/0?ssl_cert_reqs=maybe", "ssl_cert_reqs takes none, optional, required"),
        ("rediss://h/0?ssl_cert_reqs=CERT_NONE", "ssl_cert_reqs takes none, optional, required"),
        ("redis://h/main", "the path is the number of a database"),
        ("redis://h/0?password=x", "password does not belong into the query"),
    ],
)
def test_parameters_of_redis_are_refused_in_a_sentence(url: str, words: str) -> None:
    assert words in find_redis_fault(url)
    assert words in find_broker_fault(url)


@pytest.fixture(scope="module")
def encrypted_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), TLS / "server.pem")
    yield server
    server.stop()


_OURS, _OTHERS = f"ssl_ca_certs={TLS / 'authority.pem'}", f"ssl_ca_certs={TLS / 'other.pem'}"
# The certificate is that of localhost and 127.0.0.1; 127.0.0.2 leads to the same server.
TRUST = {
    "authority": ("127.0.0.1", f"?{_OURS}", True),
    "system": ("127.0.0.1", "", False),
    "other": ("127.0.0.1", f"?{_OTHERS}", False),
    "none": ("127.0.0.1", "?ssl_cert_reqs=none", True),
    "other-host": ("127.0.0.2", f"?{_OURS}", False),
    "other-host-true": ("127.0.0.2", f"?{_OURS}&ssl_check_hostname=true", False),
    "other-host-1": ("127.0.0.2", f"?{_OURS}&ssl_check_hostname=1", False),
    "unchecked-false": ("127.0.0.2", f"?{_OURS}&ssl_check_hostname=false", True),
    "unchecked-0": ("127.0.0.2", f"?{_OURS}&ssl_check_hostname=0", True),
    "unchecked-off": ("127.0.0.2", f"?{_OURS}&ssl_check_hostname=off", True),
    "unchecked-other": ("127.0.0.2", f"?{_OTHERS}&ssl_check_hostname=off", False),
}


@pytest.mark.parametrize(("host", "query", "trusted"), TRUST.values(), ids=TRUST)
async def test_redis_and_broker_check_certificates_as_asked(
    host: str, query: str, encrypted_redis: RedisServer, *, trusted: bool
) -> None:
    url = f"rediss://{host}:{encrypted_redis.port}/0{query}"
    settings = load_settings(None, {}, {"REDIS_URL": url, "CELERY_BROKER_URL": url})
    assert settings.redis_url is not None
    assert settings.celery_broker_url is not None
    broker = Broker(settings.celery_broker_url)
    try:
        with contextlib.nullcontext() if trusted else pytest.raises(StorageError, match="certificate"):
            await (await open_redis(settings.redis_url)).aclose()
        with contextlib.nullcontext() if trusted else pytest.raises(BrokerUnavailableError):
            assert await broker.send("light", [1]) == 1
    finally:
        await broker.close()


async def test_a_pooler_that_refuses_start_up_parameters_is_named_with_the_cure(postgres: PostgresServer) -> None:
    name = postgres.create_database().rpartition("/")[2]
    with run_pgbouncer(postgres.port) as port, pytest.raises(SettingsError, match="add pgbouncer=true"):
        await migrate.upgrade(f"postgresql://beseda@127.0.0.1:{port}/{name}")


async def test_a_pooler_in_transaction_mode_is_worked_with(postgres: PostgresServer) -> None:
    name = postgres.create_database().rpartition("/")[2]
    with run_pgbouncer(postgres.port) as port:
        url = f"postgresql://beseda@127.0.0.1:{port}/{name}?pgbouncer=true"
        await migrate.upgrade(url)
        assert await migrate.check(url) == []
        database = await Database.open(url)
        try:
            found = await asyncio.gather(*(database.read(count_bots) for _ in range(60)))
        finally:
            await database.close()
    assert found == [0] * 60


def count_bots(connection: object) -> int:
    return int(connection.execute(text("SELECT count(*) FROM updates WHERE bot = :bot"), {"bot": "b"}).scalar_one())  # type: ignore[attr-defined]
