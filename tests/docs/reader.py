"""Follows a page as a reader does: writes its files and runs its commands, in order, in one shell and one folder."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.source import ROOT

_BLOCK = re.compile(
    r"(?:^[ ]*`(?P<file>[^`\n]+)`:\n\n)?^(?P<indent>[ ]*)```(?P<kind>\w*)\n(?P<text>.*?)^[ ]*```$",
    re.MULTILINE | re.DOTALL,
)
_SETTING = re.compile(r"[A-Z][A-Z0-9_]*=[^$(]*")
_SERVING = re.compile(r"(make run|botapi-sandbox|(python -m )?beseda (run|bot|api|worker|beat|sandbox))\b")
# Commands that serve are started, waited for by the line that reports a start, and ended as by systemd.
_SHELL = r"""
set -Eeuo pipefail
trap 'echo "failed: $BASH_COMMAND" >&2' ERR
curl() { command curl --silent --show-error --fail-with-body "$@"; }
serve() {
    rm -f served.log
    "$@" >served.log 2>&1 &
    local process=$! tries=0
    until grep -qE 'is up|Talk to it here|_bot' served.log 2>/dev/null; do
        kill -0 $process && ((tries++ < 900)) || { cat served.log >&2; return 1; }
        sleep 0.1
    done
    kill -TERM $process
    # make reports that it was ended.
    wait $process || [ "$1" = make ] || { echo "$* ended with $?" >&2; cat served.log >&2; return 1; }
}
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code on a page."""

    kind: str
    text: str
    file: str

    @property
    def is_settings(self) -> bool:
        """True for lines that belong into `.env`."""
        lines = [line for line in self.text.splitlines() if line and not line.startswith("#")]
        return all(_SETTING.fullmatch(line) for line in lines)

    @property
    def commands(self) -> list[str]:
        """The first lines of the commands, without comments."""
        whole = re.sub(r"\\\n", " ", self.text)
        lines = [re.sub(r"\s+#.*", "", line) for line in whole.splitlines()]
        return [line for line in lines if line and not line.startswith(("#", " "))]


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with a folder, and with values of their own in place of the samples of pages."""

    folder: Path
    values: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()

    def prepare(self) -> None:
        """Lay out a clone with its packages installed, and none of a person's files."""
        names = ("beseda", "botapi_sandbox", "migrations", "deploy", "docs", "scripts", "pyproject.toml", "Makefile")
        for name in (*names, "requirements.lock", "requirements-dev.lock", "config.example.yaml", ".env.example"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / ".venv").mkdir()
        (self.folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        for name in (".installed", ".installed-dev"):
            (self.folder / ".venv" / name).touch()

    async def follow(self, *pages: str, before: str = "", timeout: float = 300) -> str:
        """Do what pages ask for; fail with the command and its output, else return all output."""
        script = "".join([_SHELL, before, *(self._write(block) for page in pages for block in read_blocks(page))])
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            cwd=self.folder,
            env=self._environ(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(timeout):
            out, _ = await process.communicate()
        assert process.returncode == 0, f"{pages}\n{out.decode()}"
        return out.decode()

    def _environ(self) -> dict[str, str]:
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": programs, "HOME": str(self.folder), "LANG": "C.UTF-8", "BESEDA_PORT": "0", **self.environ}

    def _write(self, block: Block) -> str:
        text = block.text
        for sample, own in self.values.items():
            text = text.replace(sample, own)
        if block.file:
            return f"mkdir -p {Path(block.file).parent}\ncat >{block.file} <<'END_OF_FILE'\n{text}END_OF_FILE\n"
        if block.kind != "sh":
            return ""
        if block.is_settings:
            return f"cat >>.env <<'END_OF_FILE'\n{text}END_OF_FILE\n"
        return "".join(f"{self._write_command(command)}\n" for command in _split(text))

    def _write_command(self, command: str) -> str:
        if command.startswith(tuple(self.left_out)):
            return ":"
        return f"serve {command}" if _SERVING.match(command) else command


def _split(text: str) -> list[str]:
    """Return commands with the lines that continue them."""
    return re.split(r"(?<!\\)\n(?=\S)", text.rstrip())


def read_blocks(page: str) -> list[Block]:
    """Return the blocks of a page, named from the root of the repository, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(found["kind"], re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE), found["file"] or "")
        for found in _BLOCK.finditer(text)
    ]
