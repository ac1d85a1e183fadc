"""A command typed beside a service says which database it took."""

import pytest

from tests.acceptance.program import Program


async def test_keys_name_the_database_they_are_in(beseda: Program) -> None:
    place = str(beseda.folder / "data" / "beseda.db")
    made = await beseda("keys", "create", "crm")
    assert (made.code, made.out.count("\n")) == (0, 1)
    assert place in made.err
    assert made.out.strip() not in made.err
    assert place in (await beseda("keys", "list")).err
    assert place in (await beseda("keys", "revoke", "1")).err
    refused = await beseda("keys", "revoke", "9")
    assert refused.code == 2
    assert f"{place} has no key 9" in refused.err


async def test_json_of_a_key_stays_json(beseda: Program) -> None:
    made = await beseda("keys", "create", "crm", "--json")
    assert made.out.startswith("{")
    assert "beseda.db" in made.err


async def test_password_of_the_database_is_not_shown(beseda: Program) -> None:
    away = beseda.with_environ(DATABASE_URL="postgresql://beseda:hush-hush@127.0.0.1:1/beseda")
    refused = await away("keys", "list")
    assert refused.code != 0
    assert "hush-hush" not in refused.out + refused.err


async def test_migrations_name_the_database(beseda: Program) -> None:
    place = str(beseda.folder / "data" / "beseda.db")
    assert place in (await beseda("db", "upgrade")).out
    assert place in (await beseda("db", "check")).out
    assert place in (await beseda("doctor")).out


@pytest.mark.parametrize("secret", ["$(python3 -c 'import secrets; print(1)')", "`openssl rand -hex 16`"])
async def test_a_command_is_no_secret(beseda: Program, secret: str) -> None:
    (beseda.folder / ".env").write_text(f"BESEDA_EVENTS_SECRET={secret}\n", "utf-8")
    refused = await beseda("keys", "list")
    assert refused.code == 2
    assert "BESEDA_EVENTS_SECRET" in refused.err
