"""The arguments and folders of GFPGAN's own script, for programs that start a container for each photo.

Source of both: TencentARC/GFPGAN, `inference_gfpgan.py`. `--bg_upsampler`, `--bg_tile`, `--aligned` and `-w` are
taken and change nothing: the background is only enlarged.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def read_arguments(argv: "Sequence[str] | None" = None) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description="Restore the faces of a photo, or of every photo in a folder.")
    parser.add_argument("-i", "--input", required=True, type=Path)
    parser.add_argument("-o", "--output", default=Path("results"), type=Path)
    parser.add_argument("-v", "--version", default="1.4")
    parser.add_argument("-s", "--upscale", default=2, type=int, choices=(1, 2, 3, 4))
    parser.add_argument("-w", "--weight", default=0.5, type=float)
    parser.add_argument("--bg_upsampler", default="none")
    parser.add_argument("--bg_tile", default=400, type=int)
    parser.add_argument("--suffix")
    parser.add_argument("--only_center_face", action="store_true")
    parser.add_argument("--aligned", action="store_true")
    parser.add_argument("--ext", default="auto", choices=("auto", "jpg", "png"))
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, load: "Callable[[str], Any]") -> None:
    """Restore what the arguments name, with the restorer that `load` returns for a version."""
    source: Path = arguments.input
    photos = [source] if source.is_file() else sorted(path for path in source.iterdir() if path.is_file())
    restorer = load(arguments.version)
    for path in photos:
        with Image.open(path) as image:
            photo = image.convert("RGB")
        whole, faces = restorer.restore_faces(photo, arguments.upscale, only_center_face=arguments.only_center_face)
        suffix = f"_{arguments.suffix}" if arguments.suffix else ""
        for number, (before, after) in enumerate(faces):
            _save(before, arguments.output / "cropped_faces" / f"{path.stem}_{number:02d}.png")
            _save(after, arguments.output / "restored_faces" / f"{path.stem}_{number:02d}{suffix}.png")
        extension = path.suffix.lstrip(".") if arguments.ext == "auto" else arguments.ext
        _save(whole, arguments.output / "restored_imgs" / f"{path.stem}{suffix}.{extension}")


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def main() -> None:
    """Run the script with GFPGAN itself."""
    from restoring import GfpganRestorer  # noqa: PLC0415 - torch takes seconds to load

    run(read_arguments(), GfpganRestorer)


if __name__ == "__main__":
    main()
