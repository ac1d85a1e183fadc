"""GFPGAN behind the few words that the server and the script need."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

# Where gfpgan 1.3.8 and facexlib 0.3.0 look before they would download, seen from the working folder.
WEIGHTS = Path("gfpgan/weights")
HELPERS = ("detection_Resnet50_Final.pth", "parsing_parsenet.pth")
VERSIONS = {"1.2": "GFPGANCleanv1-NoCE-C2.pth", "1.3": "GFPGANv1.3.pth", "1.4": "GFPGANv1.4.pth"}


class GfpganRestorer:
    """Restores faces on a graphics card where there is one, else on the processor; the background is only enlarged."""

    def __init__(self, version: str = "1.4") -> None:
        if version not in VERSIONS:
            sys.exit(f"GFPGAN {version} is not known here: {', '.join(VERSIONS)} are")
        model = WEIGHTS / VERSIONS[version]
        if missing := [name for name in (model.name, *HELPERS) if not (WEIGHTS / name).is_file()]:
            sys.exit(f"no weights {', '.join(missing)} in {WEIGHTS.absolute()}: mount them, or build them in")
        from gfpgan import GFPGANer  # noqa: PLC0415 - torch takes seconds, and would hide what is missing

        self._model: Any = GFPGANer(model_path=str(model), upscale=2, arch="clean", channel_multiplier=2)

    def restore(self, photo: Image.Image, upscale: int, *, only_center_face: bool) -> tuple[Image.Image, int]:
        """Return the photo `upscale` times larger with its faces restored, and how many they were."""
        restored, faces = self.restore_faces(photo, upscale, only_center_face=only_center_face)
        return restored, len(faces)

    def restore_faces(
        self, photo: Image.Image, upscale: int, *, only_center_face: bool
    ) -> tuple[Image.Image, list[tuple[Image.Image, Image.Image]]]:
        """Return the restored photo, and of each face what it was and what it became."""
        self._model.upscale = upscale
        self._model.face_helper.set_upscale_factor(upscale)
        pixels = cv2.cvtColor(np.asarray(photo), cv2.COLOR_RGB2BGR)
        before, after, whole = self._model.enhance(pixels, only_center_face=only_center_face, paste_back=True)
        return _to_picture(whole), [(_to_picture(a), _to_picture(b)) for a, b in zip(before, after, strict=True)]


def _to_picture(pixels: Any) -> Image.Image:
    return Image.fromarray(cv2.cvtColor(np.clip(pixels, 0, 255).astype(np.uint8), cv2.COLOR_BGR2RGB))
