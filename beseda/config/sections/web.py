"""The section `web` of the settings."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from beseda.config.setting import Section, Setting, Url, split_list


class WebSection(Section):
    """Address of the web server, and its reachability for Telegram."""

    host: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$")],
        Setting(
            "web.host",
            "Address the web listens on; anything but loopback opens it to the network.",
            "an address of this machine like 127.0.0.1",
            variables=("BESEDA_HOST",),
        ),
    ] = "127.0.0.1"
    port: Annotated[
        Annotated[int, Field(ge=0, le=65535)],
        Setting(
            "web.port",
            "Port of the web; 0 lets the system choose one.",
            "a port number from 0 to 65535",
            variables=("BESEDA_PORT",),
        ),
    ] = 8090
    public_url: Annotated[
        Url | None,
        Setting(
            "web.public_url",
            "Address under which Telegram reaches this machine; with `web.webhook_secret` bots take webhooks.",
            "an address like https://bots.example.org",
            variables=("BESEDA_PUBLIC_URL",),
            default="none: bots poll",
            example="https://bots.example.org",
        ),
    ] = None
    # Telegram's own alphabet and length: https://core.telegram.org/bots/api#setwebhook
    webhook_secret: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,256}$")] | None,
        Setting(
            "web.webhook_secret",
            "What Telegram repeats with each webhook, so that nobody else can send one.",
            "1 to 256 letters, digits, - or _ "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one)",
            variables=("BESEDA_WEBHOOK_SECRET",),
            secret=True,
            default="none",
            example="${BESEDA_WEBHOOK_SECRET}",
        ),
    ] = Field(None, repr=False)
    api_rate: Annotated[
        Annotated[int, Field(ge=0, le=1_000_000)],
        Setting(
            "web.api_rate",
            "How many requests a minute one API key may make; 0 sets no limit.",
            "a whole number up to 1000000",
            variables=("BESEDA_API_RATE",),
        ),
    ] = 600
    api_body: Annotated[
        Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)],
        Setting(
            "web.api_body",
            "How many bytes the body of a request to the API may have.",
            "a number of bytes from 1024 to 67108864",
            variables=("BESEDA_API_BODY",),
        ),
    ] = 1024 * 1024
    hosts: Annotated[
        tuple[Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+|\*)$")], ...],
        BeforeValidator(split_list),
        Setting(
            "web.hosts",
            "Public names under which pages without a key may be read, such as a proxy's; `*` allows any.",
            "names like crm.example.org with commas between",
            variables=("BESEDA_HOSTS",),
            default="that of `web.public_url`",
            example="[crm.example.org]",
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+$")], ...],
        BeforeValidator(split_list),
        Setting(
            "web.cors_origins",
            "Web pages that may call the API from a browser.",
            "origins like https://crm.example.org with commas between",
            variables=("BESEDA_CORS_ORIGINS",),
            default="none",
            example="[https://crm.example.org]",
        ),
    ] = ()
