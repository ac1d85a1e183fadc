"""The page about the API says what works: its commands are run, one after another, against `beseda api`."""

import re
import shutil
from pathlib import Path

from scripts.source import ROOT
from tests.acceptance.program import PROGRAM, Program
from tests.parts.api_server import serve_api
from tests.parts.postgres import require

PAGE = ROOT / "docs" / "how-to" / "api.md"
# A refusal ends the script; without it curl would be content with any answer.
STRICT = 'curl() { command curl --silent --show-error --fail-with-body "$@"; echo; }\n'


async def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    require(shutil.which("curl"), "curl (Debian: apt-get install curl)")
    async with serve_api(tmp_path) as api:
        await api.talk()
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    program = Program(tmp_path)
    program.environ["PATH"] = f"{Path(PROGRAM).parent}:{program.environ['PATH']}"
    async with program.serve("api") as service:
        script = STRICT + "\n".join(blocks).replace("http://127.0.0.1:8090", service.url)
        outcome = await program("-euc", script, program=("bash",))
        assert outcome.code == 0, outcome.out + outcome.err
        assert await service.stop() == 0
    await program.close()


def test_statuses_of_the_page_are_those_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    table = text[text.index("| status |") : text.index("## Settings")]
    assert set(re.findall(r"\b[45]\d\d\b", table)) == {
        *("401", "403", "404", "408", "409", "412", "413", "415", "421", "422", "429", "503")
    }
