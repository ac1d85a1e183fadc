"""The section `storage` of the settings."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from beseda.config.setting import Section, Setting, refuse_fault
from beseda.core.addresses import find_database_fault, find_redis_fault, write_redis_address


def _check_database(value: str) -> str:
    if value and urlsplit(value).scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("not a database we know")
    return refuse_fault(value, find_database_fault(value))


def _check_redis(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise ValueError("not a Redis")
    return write_redis_address(refuse_fault(value, find_redis_fault(value)))


class StorageSection(Section):
    """Places of stored data, and retention times."""

    storage_dir: Annotated[
        Path,
        Setting("storage.dir", "Folder for the database and files.", "a folder", variables=("STORAGE_DIR",)),
    ] = Path("data")
    database_url: Annotated[
        str,
        AfterValidator(_check_database),
        Setting(
            "storage.database_url",
            "The database of record.",
            "an address like postgresql://beseda:…@127.0.0.1/beseda or sqlite:///data/beseda.db",
            variables=("DATABASE_URL",),
            address=True,
            default="SQLite: `beseda.db` in the storage folder",
            example="postgresql://beseda:${POSTGRES_PASSWORD}@127.0.0.1/beseda",
        ),
    ] = Field("", repr=False)
    synchronous: Annotated[
        Literal["received", "full", "normal"],
        Setting(
            "storage.synchronous",
            "What a power cut may take with SQLite: no message that was acknowledged to Telegram (`received`), nothing "
            "at all (`full`, every write waits for the disk), or the last seconds (`normal`).",
            "received, full or normal",
            variables=("BESEDA_SYNCHRONOUS",),
            example="full",
        ),
    ] = "received"
    redis_url: Annotated[
        Annotated[str, AfterValidator(_check_redis)] | None,
        Setting(
            "storage.redis_url",
            "Redis for recent messages, state, cache and limits; several processes of a bot need it.",
            "an address like redis://127.0.0.1:6379/0",
            variables=("REDIS_URL",),
            address=True,
            default="none: they live in this process",
            example="redis://127.0.0.1:6379/0",
        ),
    ] = Field(None, repr=False)
    keep_days: Annotated[
        Annotated[int, Field(ge=0, le=36_500)],
        Setting(
            "storage.keep_days",
            "How many days files of people are kept; 0 keeps them until their owner deletes them.",
            "a whole number of days from 0 to 36500",
            variables=("BESEDA_KEEP_DAYS",),
            default="0: for good",
            example="90",
        ),
    ] = 0
    temp_budget: Annotated[
        Annotated[int, Field(ge=64, le=1_000_000)],
        Setting(
            "storage.temp_budget",
            "How much of the disk work in progress (recordings, photos) may take at once, in MiB.",
            "a number of MiB from 64 to 1000000",
            variables=("BESEDA_TEMP_BUDGET",),
        ),
    ] = 2048
    lease: Annotated[
        Annotated[float, Field(ge=1, le=300)],
        Setting(
            "storage.lease",
            "How long a process that fell silent keeps the chats it works on before others take them over, in seconds.",
            "a number of seconds from 1 to 300",
            variables=("BESEDA_LEASE",),
        ),
    ] = 10.0
