"""Options of a run, decided before anything is opened, so that a wrong setting ends the process immediately."""

import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beseda.app_bots import Assignment, Webhook
from beseda.bots.catalog import Catalog
from beseda.config import Settings
from beseda.config.sections.telegram import BOT_TOKEN_VARIABLES
from beseda.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Which bots with which tokens, and whether in a sandbox of their own."""

    settings: Settings
    assignments: Sequence[Assignment]
    in_sandbox: bool
    with_api: bool = False

    @classmethod
    def of(cls, settings: Settings, *, sandbox: bool | None, with_api: bool = False) -> "RunOptions":
        """Decide from settings and the `--sandbox` flag. Raises SettingsError that names the missing setting."""
        catalog = Catalog([settings.bots_dir])
        tokens = find_tokens(settings, catalog)
        in_sandbox = not tokens if sandbox is None else sandbox
        names = list(dict.fromkeys(settings.bots)) or (catalog.names() if in_sandbox else list(tokens))
        profiles = [catalog.load(name) for name in names]
        if in_sandbox:
            _refuse_open_host(settings.host)
            # In the form of Telegram: the number of the bot, a colon, a secret.
            numbers = enumerate(names, 7_100_000_001)
            tokens = {name: f"{number}:{secrets.token_urlsafe(26)}" for number, name in numbers}
        if missing := [name for name in names or ["assistant"] if name not in tokens]:
            raise SettingsError(
                f"the bot {missing[0]!r} has no token: set {name_variable(missing[0])} (or BOT_TOKEN) to the one from "
                "@BotFather; `beseda run --sandbox` needs none"
            )
        _refuse_doubles(tokens, names)
        several = len(names) > 1
        return cls(
            settings,
            [
                Assignment(profile, catalog.router(name), tokens[name], name if several else "")
                for name, profile in zip(names, profiles, strict=True)
            ],
            in_sandbox,
            with_api,
        )

    @property
    def keeps_schedule(self) -> bool:
        """Whether this process enqueues scheduled jobs: with a broker only `run` and `beat` do, without one every
        process.
        """
        return self.with_api or not self.settings.celery_broker_url

    @property
    def role(self) -> str:
        """The command that this process was started with: `run` or `bot`."""
        return "run" if self.with_api else "bot"

    @property
    def webhook(self) -> Webhook | None:
        """The webhook that receives updates, or None if the bots poll. In the sandbox they always poll."""
        address, secret = self.settings.public_url, self.settings.webhook_secret
        return Webhook(address, secret) if address and secret and not self.in_sandbox else None


def find_tokens(settings: Settings, catalog: Catalog) -> dict[str, str]:
    """Return the tokens that are set, by the names of their bots."""
    return {name: token for name in catalog.names() if (token := settings.bot_token(name))}


def name_variable(bot: str) -> str:
    """Return the environment variable for a bot's own token."""
    documented = [variable for variable, owner in BOT_TOKEN_VARIABLES.items() if owner == bot]
    return documented[0] if documented else f"{bot.upper().replace('-', '_')}_BOT_TOKEN"


def _refuse_doubles(tokens: Mapping[str, str], names: Sequence[str]) -> None:
    owners: dict[str, str] = {}
    for name in names:
        if other := owners.get(name_variable(name)):
            raise SettingsError(f"the bots {other!r} and {name!r} differ in - and _ only: rename one of the folders")
        if other := owners.get(tokens[name]):
            raise SettingsError(
                f"the bots {other!r} and {name!r} have the same token: "
                f"set {name_variable(other)} and {name_variable(name)} to two of them"
            )
        owners[name_variable(name)] = owners[tokens[name]] = name


def _refuse_open_host(host: str) -> None:
    """Reject a host other than loopback: the sandbox has no authentication. Raises SettingsError."""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local:
        raise SettingsError(
            f"web.host: {host} opens the port to the network, and the sandbox is for this machine only: "
            "leave --host and BESEDA_HOST out, or set BOT_TOKEN and use --no-sandbox"
        )
