"""The section `photo` of the settings."""

from typing import Annotated, get_args

from pydantic import BeforeValidator, Field

from beseda.config.setting import Section, Setting, Url, split_list
from beseda.images.base import DOCUMENTED_IMAGE, DOCUMENTED_SCRIPT, PhotoBackend


class PhotoSection(Section):
    """Backends that enhance photos."""

    photo: Annotated[
        tuple[PhotoBackend, ...],
        BeforeValidator(split_list),
        Setting(
            "photo.backends",
            "What enhances photos, or an ordered list: the next one steps in when one fails.",
            f"{', '.join(f'`{name}`' for name in get_args(PhotoBackend))} with commas between",
            variables=("BESEDA_PHOTO",),
            flag="--backend",
            default="`basic`, which needs nothing else",
            example="[gfpgan_http, basic]",
        ),
    ] = ("basic",)
    gfpgan_url: Annotated[
        Url | None,
        Setting(
            "photo.gfpgan_url",
            "Address of the GFPGAN server of `deploy/gfpgan`, for `gfpgan_http`.",
            "an address like http://127.0.0.1:8010",
            variables=("GFPGAN_URL",),
            default="none",
            example="http://127.0.0.1:8010",
        ),
    ] = None
    gfpgan_docker_image: Annotated[
        Annotated[str, Field(pattern=r"^[a-z0-9][\w.:/@-]*$")],
        Setting(
            "photo.gfpgan_docker_image",
            "Image with GFPGAN's script, for `gfpgan_docker`. The default is the documented one, and no such script is "
            "in it: build `deploy/gfpgan`.",
            "the name of an image like beseda-gfpgan:1",
            variables=("GFPGAN_DOCKER_IMAGE",),
        ),
    ] = DOCUMENTED_IMAGE
    gfpgan_script_path: Annotated[
        Annotated[str, Field(pattern=r"^/\S+$")],
        Setting(
            "photo.gfpgan_script_path",
            "Where the script is in that image.",
            "an absolute path in the container",
            variables=("GFPGAN_SCRIPT_PATH",),
        ),
    ] = DOCUMENTED_SCRIPT
