import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_example_of_the_page_can_be_read_in() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/sandbox.md").read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "docs/sandbox.md", "exec"), names)
    assert "test_bot_greets" in names
