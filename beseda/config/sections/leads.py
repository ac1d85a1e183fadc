"""The section `leads` of the settings."""

from typing import Annotated

from pydantic import Field

from beseda.config.setting import Section, Setting


class LeadsSection(Section):
    """Interpretation of the details that people give about themselves."""

    phone_region: Annotated[
        Annotated[str, Field(pattern=r"^[A-Z]{2}$")],
        Setting(
            "leads.phone_region",
            "Country whose phone numbers people write without a code.",
            "two capital letters like RU or KZ",
            variables=("BESEDA_PHONE_REGION",),
        ),
    ] = "RU"
