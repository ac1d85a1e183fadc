"""`.env` and values as shells, systemd and Docker pass them on: what cannot be read is named."""

from pathlib import Path

import pytest

from beseda.config import load_settings, read_environment
from beseda.config.dotenv_file import read_dotenv, write_dotenv
from beseda.core.errors import SettingsError


@pytest.mark.parametrize("before", ["", "A=1", "# c\nexport A=1\n\nKEY='old'\n", "\ufeffA=1\nKEY=x\nKEY=y\n"])
def test_a_variable_is_set_and_every_other_line_stays(before: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(before, encoding="utf-8")
    path.chmod(0o644)
    write_dotenv(path, {"KEY": "new"})
    others = [line for line in before.lstrip("\ufeff").splitlines() if not line.startswith("KEY=")]
    assert path.read_text().splitlines() == [*others, "KEY=new"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_dotenv(path, ())[0]["KEY"] == "new"
    assert [file.name for file in tmp_path.iterdir()] == [".env"]


def test_a_linked_file_is_changed_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("A=1\n")
    (tmp_path / ".env").symlink_to("real")
    write_dotenv(tmp_path / ".env", {"KEY": "new"})
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "real").read_text() == "A=1\nKEY=new\n"


UNREADABLE = {
    "colon": "BOT_TOKEN: 123:abc\n",
    "no-equals": "BOT_TOKEN\n",
    "blank-for-equals": "BOT_TOKEN 123456789:AAFake\n",
    "open-quote": 'BOT_TOKEN="123456789:AAFake\n',
    "windows": "set BOT_TOKEN=123456789:AAFake\n",
    "garbage": "=====\n",
    "small-letters": "bot_token=123456789:AAFake\n",
}


@pytest.mark.parametrize("line", UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_cannot_be_read_is_named_by_its_number(line: str) -> None:
    Path(".env").write_text(f"# a comment\n\n{line}", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.detail.startswith(".env, line 3: ")
    assert "AAFake" not in caught.value.detail
    with pytest.raises(SettingsError):
        read_environment()


def test_every_such_line_is_reported_with_all_other_problems() -> None:
    Path(".env").write_text("BOT_TOKEN 1\nBESEDA_PORT=web\nLOG_LEVEL\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [line.partition(":")[0] for line in caught.value.detail.splitlines()] == [
        ".env, line 1",
        ".env, line 3",
        "BESEDA_PORT",
    ]


def test_a_byte_order_mark_hides_no_name() -> None:
    Path(".env").write_text("BESEDA_PORT=8123\n", encoding="utf-8-sig")
    assert load_settings().port == 8123


def test_lines_that_shells_read_are_read() -> None:
    Path(".env").write_text(
        "export BESEDA_PORT=8123\r\n# comment\r\nBESEDA_HOST = 'h'  # why\r\nOTHER_PROGRAM=x\r\n\r\nADMIN_IDS=\r\n",
        encoding="utf-8",
    )
    settings = load_settings()
    assert (settings.port, settings.host, settings.admin_ids) == (8123, "h", frozenset())


def test_a_folder_in_its_place_is_named() -> None:
    Path(".env").mkdir()
    with pytest.raises(SettingsError, match=r"\.env is a folder"):
        load_settings()


SLIPS = {
    "token": ("BOT_TOKEN", "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFake  # mine", "holds a comment"),
    "broker": ("CELERY_BROKER_URL", "redis://127.0.0.1:6379/1   # jobs then run in `beseda worker`", "holds a comment"),
    "key": ("GROQ_API_KEY", "gsk_1 # free", "holds a comment"),
    "address": ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1 # proxy", "holds a comment"),
    "number": ("BESEDA_PORT", "8090 # web", "holds a comment"),
    "quotes": ("BOT_TOKEN", '"123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFake"', "quotation marks"),
    "command": ("BESEDA_EVENTS_SECRET", "$(python3 -c 'print(1)')", "is a command"),
}


@pytest.mark.parametrize(("variable", "value", "cause"), SLIPS.values(), ids=SLIPS)
def test_a_value_that_a_shell_would_have_read_otherwise_names_the_cause(variable: str, value: str, cause: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={variable: value})
    assert caught.value.detail.startswith(f"{variable}: the value ")
    assert cause in caught.value.detail
    assert caught.value.detail.count("\n") == 0
    assert "AAFake" not in caught.value.detail


def test_problems_that_depend_on_a_wrong_setting_are_reported_with_it() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={"BESEDA_PORT": "web", "BESEDA_PUBLIC_URL": "http://bots.example.org"})
    told = caught.value.detail.splitlines()
    assert [line.partition(":")[0] for line in told] == ["BESEDA_PORT", "BESEDA_WEBHOOK_SECRET", "BESEDA_PUBLIC_URL"]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DATABASE_URL", "postgresql://u:p@h/b?sslmode=strict", "sslmode takes disable"),
        ("DATABASE_URL", "postgresql://u:p@h/b?connection_limit=1", "'connection_limit' is not supported"),
        ("REDIS_URL", "redis://h/0?db=x", "db takes a whole number"),
        ("CELERY_BROKER_URL", "redis://h/0?visibility=1", "'visibility' is not supported"),
    ],
)
def test_a_parameter_of_an_address_is_reported_by_its_name(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={variable: value})
    assert caught.value.detail.startswith(f"{variable}: ")
    assert words in caught.value.detail
