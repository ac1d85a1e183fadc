"""`beseda doctor`: a line for each part, with its problem and the way to solve it."""

import contextlib
from typing import TYPE_CHECKING

import typer

from beseda.cli.doctor_system import CheckResult, check_database, check_disk, check_webhook
from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async
from beseda.core.errors import BesedaError, SettingsError, TelegramError, TelegramUnauthorizedError, ToolError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from beseda.bots.catalog import Catalog
    from beseda.config import Settings
    from beseda.engine.bot import BotProfile
    from beseda.llm.base import ChatModel

_SHORTEST_TALK = 64  # tokens: a short question with a short answer
_PATIENCE = 10.0  # seconds for each part


def doctor(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Check bots, tokens, model, speech, database, Redis, broker, ffmpeg: a line each, exit 1 if a needed one fails."""
    from beseda.cli.output import print_json

    findings = run_async(_examine(read_settings(config)))
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            mark = "✓" if finding.ok else "✗" if finding.needed else "!"
            typer.echo(f"{mark} {finding.part:<22} {' '.join(finding.detail.split())}")
    if any(finding.needed and not finding.ok for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: "Settings") -> list[CheckResult]:
    import asyncio

    checks: list[tuple[str, Awaitable[list[CheckResult]], str]] = [
        ("bots", _check_bots(settings), "BESEDA_BOTS says which run"),
        ("model", _check_model(settings), "BESEDA_MODEL says which one answers"),
        ("bots' models", _check_own_models(settings), "bot.yaml says which model a bot has of its own"),
        ("speech", _check_speech(settings), "BESEDA_SPEECH says which one listens"),
        ("storage", check_disk(settings), "STORAGE_DIR says where"),
        ("database", check_database(settings), "DATABASE_URL says where it is"),
        ("redis", _check_redis(settings), "REDIS_URL says where it is"),
        ("broker", _check_broker(settings), "jobs wait meanwhile; CELERY_BROKER_URL says where it is"),
        ("ffmpeg", _check_ffmpeg(), "voice messages need it"),
        ("languages", _check_languages(), "BESEDA_LOCALES_DIR says where yours are"),
    ]
    found = await asyncio.gather(*(_guard(part, check, hint) for part, check, hint in checks))
    return [finding for findings in found for finding in findings]


async def _guard(part: str, check: "Awaitable[list[CheckResult]]", hint: str) -> list[CheckResult]:
    import asyncio
    import logging

    from beseda.core.logs import scrub

    try:
        return await asyncio.wait_for(check, _PATIENCE)
    except TimeoutError:
        return [CheckResult(part, False, f"no answer within {_PATIENCE:.0f} s; {hint}")]
    except BesedaError as error:
        return [CheckResult(part, False, f"{error}; {hint}")]
    except Exception as error:  # one part's bug hides no other part's finding
        logging.getLogger(__name__).debug("the check of %s failed", part, exc_info=True)
        return [CheckResult(part, False, scrub(f"unexpected {type(error).__name__}: {error}; {hint}"))]


async def _check_bots(settings: "Settings") -> list[CheckResult]:
    import asyncio

    from beseda.bots.catalog import Catalog
    from beseda.cli.run_options import find_tokens, name_variable

    catalog = Catalog([settings.bots_dir])
    tokens = find_tokens(settings, catalog)
    names = _list_running(settings, catalog)
    findings = []
    for name in names:
        try:
            catalog.load(name)
            findings.append(CheckResult(f"bot {name}", True, str(catalog.folder(name))))
        except SettingsError as error:
            findings.append(CheckResult(f"bot {name}", False, error.detail))
    if not tokens:
        detail = "none: `beseda run` starts the sandbox (BOT_TOKEN is for Telegram)"
        return [*findings, CheckResult("bot tokens", True, detail, needed=False)]
    missing = [
        CheckResult(f"token of {name}", False, f"none: set {name_variable(name)}")
        for name in names
        if name not in tokens
    ]
    known = [_check_token(settings, name, token) for name, token in tokens.items() if name in names]
    checked = [finding for found in await asyncio.gather(*known) for finding in found]
    return [*findings, *missing, *checked]


def _list_running(settings: "Settings", catalog: "Catalog") -> list[str]:
    from beseda.cli.run_options import find_tokens

    return list(dict.fromkeys(settings.bots)) or list(find_tokens(settings, catalog)) or catalog.names()


async def _check_token(settings: "Settings", name: str, token: str) -> list[CheckResult]:
    from beseda.telegram.client import BotApi

    part, server = f"token of {name}", settings.telegram_api_url
    # It ends before the guard does, so that the finding names the server.
    async with BotApi(token, server=server, timeout=_PATIENCE - 1) as api:
        try:
            me = await api.call("getMe")
            webhook = await api.call("getWebhookInfo")
        except TelegramUnauthorizedError:
            return [CheckResult(part, False, "Telegram does not know it: copy it again from @BotFather")]
        except TelegramError as error:
            return [
                CheckResult(part, False, f"{server} does not answer: {error.detail}; TELEGRAM_API_URL names another")
            ]
    return [CheckResult(part, True, f"@{me['username']}"), *check_webhook(settings, name, webhook)]


async def _check_model(settings: "Settings") -> list[CheckResult]:
    from beseda.app_settings import llm_settings
    from beseda.core.clock import SystemClock
    from beseda.http.client import HttpClient
    from beseda.llm.registry import choose_model

    profiles = [profile for profile in _load_running(settings) if not profile.model]
    async with HttpClient() as http:
        model = await choose_model(llm_settings(settings), SystemClock(), http)
        return await _look_at_model("model", model, profiles)


async def _look_at_model(part: str, model: "ChatModel", profiles: "Sequence[BotProfile]") -> list[CheckResult]:
    """Return the result of a model's check, and a finding for each bot with instructions that are too long for it."""
    health = await model.check()
    named = {name.partition(":")[2] for name in model.name.split(",")}
    known = "" if health.model in named else health.model
    size = f"reads {health.context:,} tokens" if health.context else ""
    detail = ", ".join(filter(None, [_name_once(model.name, health.detail), known, size]))
    finding = CheckResult(part, health.ok, detail)
    if not health.context:
        return [finding]
    return [finding, *filter(None, [await _measure_instructions(model, one, health.context) for one in profiles])]


async def _measure_instructions(model: "ChatModel", profile: "BotProfile", context: int) -> CheckResult | None:
    """Return a finding if a bot's instructions take more than half of the context, else None."""
    from beseda.llm.fitting import count_texts
    from beseda.llm.token_estimate import estimate_tokens

    (tokens,) = await count_texts([profile.persona], model) or [estimate_tokens(profile.persona)]
    if tokens <= context // 2:
        return None
    detail = (
        f"the model reads {context:,} tokens, and the instructions of {profile.name} alone take {tokens:,}: "
        "start its server with a larger context (llama-server: -c 8192)"
    )
    return CheckResult(f"context for {profile.name}", False, detail, needed=tokens > context - _SHORTEST_TALK)


def _load_running(settings: "Settings") -> "list[BotProfile]":
    """Return the profiles of the bots that run here. Bots with a broken folder are left out: another check reports
    them.
    """
    from beseda.bots.catalog import Catalog

    catalog = Catalog([settings.bots_dir])
    profiles = []
    for name in _list_running(settings, catalog):
        with contextlib.suppress(SettingsError):
            profiles.append(catalog.load(name))
    return profiles


async def _check_own_models(settings: "Settings") -> list[CheckResult]:
    """Return the findings for the models that single bots have instead of the program's, if they are set up here."""
    import asyncio

    bots: dict[str, list[BotProfile]] = {}
    for profile in _load_running(settings):
        if profile.model:
            bots.setdefault(profile.model, []).append(profile)
    found = await asyncio.gather(*(_check_own_model(settings, spec, profiles) for spec, profiles in bots.items()))
    return [finding for findings in found for finding in findings]


async def _check_own_model(settings: "Settings", spec: str, profiles: "Sequence[BotProfile]") -> list[CheckResult]:
    from beseda.app_settings import llm_settings
    from beseda.core.clock import SystemClock
    from beseda.http.client import HttpClient
    from beseda.llm.provider import choose_configured
    from beseda.llm.registry import choose_model

    part = f"model of {', '.join(profile.name for profile in profiles)}"
    try:
        chosen = await choose_configured(spec, llm_settings(settings))
        if chosen is None:
            return []  # the model of all bots answers
        async with HttpClient() as http:
            return await _look_at_model(part, await choose_model(chosen, SystemClock(), http), profiles)
    except BesedaError as error:
        return [CheckResult(part, False, str(error))]


async def _check_speech(settings: "Settings") -> list[CheckResult]:
    from beseda.app_settings import speech_settings
    from beseda.speech.registry import build_transcriber

    transcriber = build_transcriber(speech_settings(settings))
    try:
        health = await transcriber.check()
    finally:
        await transcriber.close()
    detail = _name_once(transcriber.name, health.detail)
    # A recogniser that is only the default may be absent: the bots ask for text then.
    return [CheckResult("speech", health.ok, detail, needed=bool(settings.speech))]


def _name_once(name: str, detail: str) -> str:
    """Return `detail` with the name of the part before it, unless it already begins with that name."""
    twice = f"{name}: {name}"
    return f"{name}: {detail}".replace(twice, name, 1)


async def _check_redis(settings: "Settings") -> list[CheckResult]:
    if not settings.redis_url:
        return [CheckResult("redis", True, "not set up: recent messages are in this process (REDIS_URL)", needed=False)]
    from beseda.ephemeral.redis.connection import open_redis

    redis = await open_redis(settings.redis_url)
    await redis.aclose()
    return [CheckResult("redis", True, "answers")]


async def _check_broker(settings: "Settings") -> list[CheckResult]:
    if not settings.celery_broker_url:
        return [CheckResult("broker", True, "not set up: jobs run beside the bots (CELERY_BROKER_URL)", needed=False)]
    from beseda.engine.jobs.broker import Broker

    broker = Broker(settings.celery_broker_url)
    try:
        await broker.check()
    finally:
        await broker.close()
    return [CheckResult("broker", True, "answers; `beseda worker` does the jobs")]


async def _check_ffmpeg() -> list[CheckResult]:
    from beseda.audio.ffmpeg import find_ffmpeg

    try:
        return [CheckResult("ffmpeg", True, str(find_ffmpeg()), needed=False)]
    except ToolError as error:
        return [CheckResult("ffmpeg", False, f"{error.detail}; voice messages need it", needed=False)]


async def _check_languages() -> list[CheckResult]:
    """Report how much of each language is translated that Beseda does not bring with it."""
    from beseda.locales.check import count_translated, list_added

    findings = []
    for language in list_added():
        done, total = count_translated(language)
        detail = f"{done} of {total} texts; people read the others in English"
        findings.append(CheckResult(f"language {language}", True, detail, needed=False))
    return findings
