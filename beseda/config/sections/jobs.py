"""The section `jobs` of the settings."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from beseda.config.setting import Section, Setting, refuse_fault, split_list
from beseda.core.addresses import find_broker_fault, write_redis_address


def _check_broker(value: str) -> str:
    parts = urlsplit(value)
    # What is no number of a port, `port` itself refuses.
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or parts.port == 0:
        raise ValueError("not a Redis")
    return write_redis_address(refuse_fault(value, find_broker_fault(value)))


class JobsSection(Section):
    """How much work is done at once."""

    job_slots: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(heavy|speech|text|light)=([1-9]|[1-5][0-9]|6[0-4])$")], ...],
        BeforeValidator(split_list),
        Setting(
            "jobs.slots",
            "How many jobs run at once: `heavy` (photos), `speech` (recordings), `text` (documents), `light` "
            "(quick work that nobody waits for); others wait.",
            "entries like speech=2 with commas between, each from 1 to 64",
            variables=("BESEDA_JOB_SLOTS",),
            default="heavy=1, speech=2, text=4, light=4",
            example="[heavy=2, speech=4]",
        ),
    ] = ()
    celery_broker_url: Annotated[
        Annotated[str, AfterValidator(_check_broker)] | None,
        Setting(
            "jobs.broker_url",
            "Redis that hands jobs to `beseda worker` by Celery; needed when several machines share the work.",
            "an address like redis://127.0.0.1:6379/1 or rediss://…",
            variables=("CELERY_BROKER_URL",),
            address=True,
            default="none: jobs run beside the bots",
            example="redis://127.0.0.1:6379/1",
        ),
    ] = Field(None, repr=False)
