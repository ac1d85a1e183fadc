"""`beseda doctor`: a line for each part, what is wrong with it and how to mend it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, read_settings, run_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from beseda.config import Settings

_PATIENCE = 10.0  # seconds for each part


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one part. `needed` says whether the bots can run without it."""

    part: str
    ok: bool
    detail: str
    needed: bool = True


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False, config: ConfigOption = None
) -> None:
    """Check tokens, model, speech, database, Redis and ffmpeg: a line each, exit 1 if a needed one fails."""
    import orjson

    findings = run_async(_examine(read_settings(config)))
    if as_json:
        typer.echo(orjson.dumps(findings, option=orjson.OPT_INDENT_2).decode())
    else:
        for finding in findings:
            mark = "✓" if finding.ok else "✗" if finding.needed else "!"
            typer.echo(f"{mark} {finding.part:<22} {finding.detail}")
    if any(finding.needed and not finding.ok for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: "Settings") -> list[Finding]:
    import asyncio

    checks: list[Callable[[Settings], Awaitable[list[Finding]]]] = [
        _check_bots,
        _check_model,
        _check_speech,
        _check_database,
        _check_redis,
        _check_ffmpeg,
    ]
    found = await asyncio.gather(*(_guard(check, settings) for check in checks))
    return [finding for findings in found for finding in findings]


async def _guard(check: "Callable[[Settings], Awaitable[list[Finding]]]", settings: "Settings") -> list[Finding]:
    import asyncio

    from beseda.errors import BesedaError

    part = check.__name__.removeprefix("_check_")
    try:
        return await asyncio.wait_for(check(settings), _PATIENCE)
    except TimeoutError:
        return [Finding(part, False, f"no answer within {_PATIENCE:.0f} s")]
    except BesedaError as error:
        return [Finding(part, False, str(error))]


async def _check_bots(settings: "Settings") -> list[Finding]:
    from beseda.bots.catalog import Catalog

    names = Catalog([settings.bots_dir]).names()
    tokens = {name: token for name in names if (token := settings.bot_token(name))}
    if not tokens:
        return [Finding("bot tokens", True, "none: `beseda run` starts the sandbox (BOT_TOKEN is for Telegram)", False)]
    return [await _check_token(name, token, settings.telegram_api_url) for name, token in tokens.items()]


async def _check_token(name: str, token: str, server: str) -> Finding:
    from beseda.errors import TelegramError, TelegramUnauthorizedError
    from beseda.telegram.client import BotApi

    part = f"token of {name}"
    async with BotApi(token, server=server, timeout=_PATIENCE) as api:
        try:
            me = await api.call("getMe")
        except TelegramUnauthorizedError:
            return Finding(part, False, "Telegram does not know it: copy it again from @BotFather")
        except TelegramError as error:
            return Finding(part, False, f"{server} cannot be reached: {error.detail}")
    return Finding(part, True, f"@{me['username']}")


async def _check_model(settings: "Settings") -> list[Finding]:
    from beseda.bootstrap import llm_settings
    from beseda.kit.clock import SystemClock
    from beseda.llm.registry import choose_model

    model = await choose_model(llm_settings(settings), SystemClock())
    try:
        health = await model.check()
    finally:
        await model.close()
    return [Finding("model", health.ok, f"{model.name}: {health.detail}")]


async def _check_speech(settings: "Settings") -> list[Finding]:
    from beseda.bootstrap import speech_settings
    from beseda.speech.registry import build_transcriber

    transcriber = build_transcriber(speech_settings(settings))
    try:
        health = await transcriber.check()
    finally:
        await transcriber.close()
    return [Finding("speech", health.ok, f"{transcriber.name}: {health.detail}", needed=bool(settings.speech))]


async def _check_database(settings: "Settings") -> list[Finding]:
    from urllib.parse import urlsplit

    from beseda.storage.sql.migrate import check

    problems = await check(settings.database())
    place = urlsplit(settings.database()).scheme
    # A database that is not there yet, or not up to date, is brought up to date by `run` itself.
    return [Finding("database", not problems, "; ".join(problems) or f"{place}, up to date", needed=False)]


async def _check_redis(settings: "Settings") -> list[Finding]:
    if not settings.redis_url:
        return [Finding("redis", True, "not set up: hot history lives in this process (REDIS_URL)", needed=False)]
    from beseda.storage.redis.connection import open_redis

    redis = await open_redis(settings.redis_url)
    await redis.aclose()
    return [Finding("redis", True, "answers")]


async def _check_ffmpeg(_: "Settings") -> list[Finding]:
    from beseda.audio.ffmpeg import find_ffmpeg
    from beseda.errors import ToolError

    try:
        return [Finding("ffmpeg", True, str(find_ffmpeg()), needed=False)]
    except ToolError as error:
        return [Finding("ffmpeg", False, f"{error.detail}; voice messages need it", needed=False)]
