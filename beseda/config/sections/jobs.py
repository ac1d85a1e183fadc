"""The section `jobs` of the settings."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from beseda.config.setting import Section, Setting, split_list


class JobsSection(Section):
    """How much work is done at once."""

    job_slots: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(heavy|speech|text)=([1-9]|[1-5][0-9]|6[0-4])$")], ...],
        BeforeValidator(split_list),
        Setting(
            "jobs.slots",
            "How many jobs run at once: `heavy` (photos), `speech` (recordings), `text` (documents); others wait.",
            "entries like speech=2 with commas between, each from 1 to 64",
            variables=("BESEDA_JOB_SLOTS",),
            default="heavy=1, speech=2, text=4",
            example="[heavy=2, speech=4]",
        ),
    ] = ()
