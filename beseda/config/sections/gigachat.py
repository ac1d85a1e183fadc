"""The section `gigachat` of the settings."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from beseda.config.setting import Section, Setting, Switch, Url
from beseda.http.endpoints import GIGACHAT_AUTH_URL


class GigaChatSection(Section):
    """Settings of GigaChat other than its key."""

    giga_auth_url: Annotated[
        Url,
        Setting(
            "gigachat.auth_url",
            "Where GigaChat's tokens come from.",
            "an address like https://ngw.devices.sberbank.ru:9443/api/v2/oauth",
            variables=("GIGA_AUTH_URL",),
        ),
    ] = GIGACHAT_AUTH_URL
    giga_scope: Annotated[
        Literal["GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"],
        Setting(
            "gigachat.scope",
            "Whose key it is: a person's, a company's with prepaid tokens, a company's that pays by use.",
            "`GIGACHAT_API_PERS`, `GIGACHAT_API_B2B` or `GIGACHAT_API_CORP`",
            variables=("GIGA_SCOPE",),
        ),
    ] = "GIGACHAT_API_PERS"
    giga_streams: Annotated[
        Annotated[int, Field(ge=0, le=1000)],
        Setting(
            "gigachat.streams",
            "How many answers GigaChat makes at once for the key; others wait in line. 0 is as many as the scope has.",
            "a number from 0 to 1000",
            variables=("GIGA_STREAMS",),
            default="1 for a person, 10 for a company",
            example="10",
        ),
    ] = 0
    giga_verify_ssl: Annotated[
        Switch,
        Setting(
            "gigachat.verify_ssl",
            "Whether GigaChat's certificate is checked. `false` sends the key to whoever answers: use the bundle.",
            "`true` or `false`",
            variables=("GIGA_VERIFY_SSL",),
            default="true",
        ),
    ] = True
    giga_ca_bundle: Annotated[
        Path | None,
        Setting(
            "gigachat.ca_bundle",
            "File with the Russian Trusted Root CA in PEM (https://www.gosuslugi.ru/crt), which signs GigaChat.",
            "a file",
            variables=("GIGA_CA_BUNDLE",),
            default="none: the system's authorities",
            example="russian_trusted_root_ca.pem",
        ),
    ] = None
