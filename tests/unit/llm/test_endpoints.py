import re
from pathlib import Path

import pytest

import beseda.llm
from beseda.http.endpoints import CHAT_ENDPOINTS, find_endpoint

FOLDER = Path(beseda.llm.__file__).parent
# The modules of endpoints that need more than a row, the one that knows which those are, and those that cite vendors'
# pages as the source of a format.
OWN_WAYS = {
    "gigachat.py",
    "huggingface.py",
    "llamacpp.py",
    "ollama.py",
    "local_server.py",
    "model_files.py",
    "registry.py",
    "structured.py",
    "thoughts.py",
    "vllm.py",
}
OTHERS = sorted(path for path in FOLDER.glob("*.py") if path.name not in {"endpoints.py", *OWN_WAYS})


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_vendors_are_named_in_the_table_only(path: Path) -> None:
    names = {name for row in CHAT_ENDPOINTS for name in (row.name, row.title)} - {
        "openai",
        "OpenAI",
    }  # that is the wire
    found = re.findall(
        r"\b(" + "|".join(map(re.escape, names)) + r")\b", path.read_text(encoding="utf-8"), re.IGNORECASE
    )

    assert found == []


def test_names_are_unique() -> None:
    names = [name for row in CHAT_ENDPOINTS for name in (row.name, *row.aliases)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", CHAT_ENDPOINTS, ids=lambda row: row.name)
def test_rows_are_complete(row: object) -> None:
    assert isinstance(row, type(CHAT_ENDPOINTS[0]))
    assert row.base_url.endswith("/v1")
    assert row.base_url.startswith("https://") == row.needs_key
    assert bool(row.key_page) == bool(row.chat.default_model) == row.needs_key
    assert bool(row.local.ports) == row.is_local


def test_endpoint_is_found_by_any_of_its_names() -> None:
    row = find_endpoint(" Llama.cpp ")

    assert row is not None
    assert row.name == "llamacpp"
    assert find_endpoint("nobody") is None
