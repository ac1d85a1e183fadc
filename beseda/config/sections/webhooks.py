"""The section `webhooks` of the settings."""

from typing import Annotated

from pydantic import AfterValidator, Field

from beseda.config.setting import Section, Setting, Switch


def _refuse_commands(value: str) -> str:
    # `.env` runs nothing: the text of a command would itself become the secret, and it is known to all readers.
    if any(mark in value for mark in ("$(", "`", '"', "'")):
        raise ValueError("holds a command or quotes; run the command, and put the text that it prints here")
    return value


class WebhooksSection(Section):
    """Webhooks for events: the secrets that sign them, and the permitted addresses."""

    events_secret: Annotated[
        Annotated[str, Field(min_length=16, max_length=500), AfterValidator(_refuse_commands)] | None,
        Setting(
            "webhooks.secret",
            "What the keys that sign events are made of; without it no events are sent.",
            "at least 16 characters (python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one)",
            variables=("BESEDA_EVENTS_SECRET",),
            secret=True,
            default="none: no webhooks",
            example="${BESEDA_EVENTS_SECRET}",
        ),
    ] = Field(None, repr=False)
    events_secret_old: Annotated[
        Annotated[str, Field(min_length=16, max_length=500), AfterValidator(_refuse_commands)] | None,
        Setting(
            "webhooks.old_secret",
            "The secret before the present one, while receivers change keys: events carry both signatures.",
            "at least 16 characters",
            variables=("BESEDA_EVENTS_SECRET_OLD",),
            secret=True,
            default="none",
            example="${BESEDA_EVENTS_SECRET_OLD}",
        ),
    ] = Field(None, repr=False)
    webhooks_allow_private: Annotated[
        Switch,
        Setting(
            "webhooks.allow_private",
            "Whether events may go to this machine and its network, and without TLS.",
            "on or off",
            variables=("BESEDA_WEBHOOKS_ALLOW_PRIVATE",),
        ),
    ] = False
