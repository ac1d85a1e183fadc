"""A real recogniser for a few English words: pocketsphinx, with the model that its wheel carries.

Left to itself it takes another voice or codec for other words; with a list to choose from it is exact.
"""

import subprocess
import tempfile

from pocketsphinx import Decoder

from beseda.audio.ffmpeg import find_ffmpeg

_KNOWN = "hello | world | zero | one | two | three | four | five | six | seven | eight | nine | yes | no | help"
_GRAMMAR = f"#JSGF V1.0;\ngrammar words;\npublic <said> = ({_KNOWN})+;\n"


def hear(audio: bytes) -> dict[str, object]:
    """Return what an OpenAI-like server would answer with `verbose_json`: text and times by pocketsphinx."""
    decode = [str(find_ffmpeg()), "-v", "error", "-i", "pipe:0", "-ac", "1", "-ar", "16000", "-f", "s16le", "pipe:1"]
    samples = subprocess.run(decode, input=audio, capture_output=True, check=True, timeout=30).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".gram") as grammar:
        grammar.write(_GRAMMAR)
        grammar.flush()
        decoder = Decoder(samprate=16000, loglevel="FATAL", jsgf=grammar.name, lm=None)
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    words = [word for word in decoder.seg() if word.word[0] not in "<[("]
    frame = 0.01  # seconds
    text = hypothesis.hypstr if hypothesis else ""
    segment = {"start": words[0].start_frame * frame, "end": words[-1].end_frame * frame, "text": text} if words else {}
    return {"text": text, "segments": [segment]}
