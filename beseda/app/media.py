"""Tools for recordings and photos on this machine."""

import asyncio
import shutil
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from beseda.app.image_settings import photo_settings
from beseda.audio.ffmpeg import Ffmpeg
from beseda.config import Settings
from beseda.core.clock import Clock
from beseda.core.process_identity import find_dead_processes, new_process_id
from beseda.engine.usage.budgeted import BudgetedEnhancer
from beseda.features.transcription import DiskBudget, TranscriptionRules, TranscriptionService
from beseda.features.transcription.voice import VoiceService
from beseda.images.base import Enhancer
from beseda.images.process_pool import ImageProcessPool
from beseda.images.registry import build_enhancer
from beseda.speech.base import Transcriber
from beseda.speech.registry import SpeechSettings, build_transcriber

_FFMPEG_SLOTS = 2
_ABANDONED = 2 * 24 * 3600.0  # of another machine's process nobody knows whether it lives: no work takes two days


@dataclass(frozen=True, slots=True)
class MediaTools:
    """Tools for recordings and photos; `downloads` is the temporary folder of this process, deleted at the end."""

    transcriber: Transcriber
    voice: VoiceService
    transcription: TranscriptionService
    enhancer: Enhancer
    downloads: Path


async def open_media(settings: Settings, clock: Clock, stack: AsyncExitStack) -> MediaTools:
    """Open the tools for recordings and photos; `stack` closes them."""
    transcriber = build_transcriber(speech_settings(settings))
    stack.push_async_callback(transcriber.close)
    downloads = await asyncio.to_thread(open_downloads, settings.storage_dir / "tmp")
    stack.push_async_callback(asyncio.to_thread, shutil.rmtree, downloads, ignore_errors=True)
    ffmpeg = Ffmpeg(None, asyncio.Semaphore(_FFMPEG_SLOTS))
    rules = TranscriptionRules(budget=DiskBudget(settings.temp_budget * 1024 * 1024))
    enhancer = build_enhancer(photo_settings(settings), ImageProcessPool())
    stack.push_async_callback(enhancer.close)
    return MediaTools(
        transcriber,
        VoiceService(transcriber, ffmpeg, downloads),
        TranscriptionService(transcriber, ffmpeg, downloads, rules=rules, clock=clock),
        BudgetedEnhancer(enhancer),
        downloads,
    )


def speech_settings(settings: Settings) -> SpeechSettings:
    """Return the settings of the speech recognisers."""
    return SpeechSettings(",".join(settings.speech), settings.api_keys, settings.base_urls)


def open_downloads(folder: Path) -> Path:
    """Create a folder of this process below `folder`, and delete those of dead processes.

    Bots and workers share the storage folder, each with work in progress.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [path.name for path in folder.iterdir()]
    owners = {name: name.replace("+", ":") for name in names}
    dead = set(find_dead_processes(owners.values()))
    for name, owner in owners.items():
        path = folder / name
        if owner in dead or is_older(path, _ABANDONED):
            _remove(path)
    own = folder / new_process_id().replace(":", "+")  # no file system minds a plus
    own.mkdir()
    return own


def is_older(path: Path, seconds: float) -> bool:
    """Return whether a folder was last changed more than `seconds` ago; False if it does not exist."""
    try:
        return time.time() - path.stat().st_mtime > seconds
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
