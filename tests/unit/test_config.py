from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beseda.config import Setting, Settings, list_settings, load_settings, read_environment
from beseda.config.setting import Section
from beseda.core.errors import SettingsError
from beseda.http.endpoints import CHAT_ENDPOINTS

TOKEN = "123456789:AAFakeTokenForTests"


def write_config(text: str) -> Path:
    path = Path("config.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def problems(text: str = "", environ: dict[str, str] | None = None, **overrides: object) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(write_config(text), overrides, environ or {})
    return raised.value.detail.splitlines()


def test_settings_without_anything_are_the_defaults() -> None:
    loaded = load_settings(None, {}, {})
    assert (loaded.host, loaded.port, loaded.language, loaded.limits) == ("127.0.0.1", 8090, "ru", True)
    assert loaded.database() == "sqlite:///data/beseda.db"
    assert loaded.bot_token("assistant") is None


def test_precedence_is_flag_then_environment_then_file_then_default() -> None:
    path = write_config("web:\n  port: 1\n  host: 10.0.0.1\nlog:\n  level: debug\n")
    loaded = load_settings(path, {"port": 3, "host": None}, {"BESEDA_PORT": "2", "BESEDA_LOG_LEVEL": "error"})
    assert (loaded.port, loaded.host, loaded.log_level) == (3, "10.0.0.1", "error")


def test_config_in_the_working_folder_is_found() -> None:
    write_config("web: {port: 4}")
    assert load_settings(None, {}, {}).port == 4


def test_references_are_filled_from_the_environment_and_their_defaults() -> None:
    path = write_config("web: {port: '${P:8}', host: '${H}'}\nmodels: {chat: ['${M:}x:y']}\nstorage: {dir: '${D:}'}")
    loaded = load_settings(path, {}, {"H": "::1"})
    assert (loaded.port, loaded.host, loaded.model, loaded.storage_dir) == (8, "::1", ("x:y",), Path("data"))


def test_sections_with_everything_commented_out_are_fine() -> None:
    assert load_settings(write_config("web:\nmodels:\n  keys:\nlog: {level: }\n"), {}, {}).port == 8090


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("web: {prot: 1}", "config.yaml: web.prot: there is no such setting; did you mean web.port?"),
        ("zzzzqqq: 1", "config.yaml: zzzzqqq: there is no such setting; take it out"),
        ("web: {port: {a: 1}}", "config.yaml: web.port.a: there is no such setting; did you mean web.port?"),
        ("web: {port: high}", "config.yaml: web.port: 'high' will not do; give a port number from 0 to 65535"),
        (
            "bots: {language: fr}",
            "config.yaml: bots.language: 'fr' will not do; give `ru` or `en`, or a language in `BESEDA_LOCALES_DIR`",
        ),
        ("web: {host: '${NOWHERE}'}", "config.yaml: web.host: NOWHERE is not set; put NOWHERE=… into .env"),
        (
            "models: {base_urls: {vllm: nonsense}}",
            "config.yaml: models.base_urls.vllm: this will not do; give an address",
        ),
        ("models: {keys: nonsense}", "config.yaml: models.keys: a secret does not belong here"),
        ("web: [1", "config.yaml, line 1: this is not YAML; compare it with config.example.yaml"),
        ("- a", "config.yaml: it must hold `section:` and, below it, `key: value`; see config.example.yaml"),
    ],
)
def test_wrong_file_is_one_line_that_names_the_setting(text: str, line: str) -> None:
    assert [problem.startswith(line) for problem in problems(text)] == [True], problems(text)


@pytest.mark.parametrize(
    "text",
    [
        f"telegram: {{token: '{TOKEN}'}}",
        "telegram: {token: '${X:123:abc}'}",
        f"telegram: {{tokens: {{assistant: '{TOKEN}'}}}}",
        "models: {keys: {openrouter: sk-or-1}}",
        "models: {keys: {openrouter: 12345}}",
        "web: {webhook_secret: abc}",
        "storage: {database_url: 'postgresql://u:secret@h/d'}",
        "storage: {redis_url: 'redis://:secret@h'}",
    ],
)
def test_literal_secret_in_the_file_is_refused_and_not_repeated(text: str) -> None:
    (line,) = problems(text)
    assert "a secret does not belong here" in line
    assert not {"AAF", "sk-or", "12345", "secret@", "abc"} & {part for part in line.split() if part in text}


def test_secrets_in_the_file_by_reference_are_taken() -> None:
    path = write_config("telegram: {token: '${T}'}\nstorage: {database_url: 'postgresql://u:${P}@h/d'}")
    loaded = load_settings(path, {}, {"T": TOKEN, "P": "hush"})
    assert loaded.bot_token("assistant") == TOKEN
    assert loaded.database() == "postgresql://u:hush@h/d"


def test_all_problems_are_reported_together() -> None:
    lines = problems("web: {prot: 1}\nlog: {level: loud}", {"BESEDA_PORT": "-1", "BESEDA_PROT": "1"}, bots=["No!"])
    assert [line.split(":")[0] for line in lines] == [
        "config.yaml",
        "BESEDA_PROT",
        "--bot",
        "BESEDA_PORT",
        "config.yaml",
    ]


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["${A}", "http://[", "1:a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@given(
    row=st.sampled_from(list(list_settings().values())),
    value=YAML_VALUES,
    environ=st.dictionaries(st.sampled_from(["REDIS_URL", "DATABASE_URL", "ADMIN_IDS", "X_BASE_URL", "A"]), st.text()),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_whatever_is_set_ends_in_settings_or_in_lines(row: Setting, value: object, environ: dict[str, str]) -> None:
    section, _, key = row.path.partition(".")
    path = write_config(yaml.safe_dump({section: {key: value}}))
    try:
        load_settings(path, {}, environ).secrets()
    except SettingsError as error:
        assert all(": " in line for line in error.detail.split("\n"))


@pytest.mark.parametrize(
    "text", ["web: &a {port: *a}", "? [1]\n: 2", "a: !!python/object:os.system x", "\0", "web: {1: 2}"]
)
def test_odd_yaml_is_reported(text: str) -> None:
    assert problems(text)


def test_missing_file_of_the_command_line_is_reported() -> None:
    with pytest.raises(SettingsError, match=r"absent\.yaml: there is no such file"):
        load_settings(Path("absent.yaml"), {}, {})


@pytest.mark.parametrize("variable", ["BOT_TOKEN", "TELEGRAM_TOKEN", "ASSISTANT_BOT_TOKEN"])
def test_bot_token_has_three_names(variable: str) -> None:
    assert load_settings(None, {}, {variable: TOKEN}).bot_token("assistant") == TOKEN


def test_own_bot_token_takes_precedence_over_the_general_one() -> None:
    environ = {
        "BOT_TOKEN": "1:general",
        "SALES_DESK_BOT_TOKEN": "2:own",
        "HF_BOT_TOKEN": "3:hf",
        "BESEDA_BOTS": "llama,hf",
    }
    loaded = load_settings(None, {}, environ)
    tokens = [loaded.bot_token(name) for name in ("llama", "sales-desk", "hf_demo", "assistant")]
    assert tokens == ["1:general", "2:own", "3:hf", None]


def test_bad_token_is_named_and_not_shown() -> None:
    (line,) = problems("", {"BOT_TOKEN": "oops-secret"})
    assert line.startswith("BOT_TOKEN: this will not do; give a token from @BotFather")
    assert "oops" not in line


@pytest.mark.parametrize("row", CHAT_ENDPOINTS, ids=lambda row: row.name)
def test_every_endpoint_is_set_up_by_its_own_variables(row: object) -> None:
    endpoint = next(known for known in CHAT_ENDPOINTS if known is row)
    environ = {endpoint.key_variable: "key", endpoint.url_variable: "http://127.0.0.1:9/v1/"}
    loaded = load_settings(None, {}, environ)
    assert (loaded.api_keys[endpoint.name], loaded.base_urls[endpoint.name]) == ("key", "http://127.0.0.1:9/v1")


def test_endpoint_in_the_file_may_be_called_by_an_alias() -> None:
    path = write_config("models: {keys: {huggingface: '${K}'}}")
    assert load_settings(path, {}, {"K": "key"}).api_keys == {"hf": "key"}


def test_own_speech_server_is_an_endpoint_too() -> None:
    assert load_settings(None, {}, {"ASR_BASE_URL": "http://asr:1"}).base_urls == {"asr": "http://asr:1"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080/v1", "http://localhost:8080/v1"),
        ("llama:8080", "http://llama:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("192.168.0.5:8080/", "http://192.168.0.5:8080"),
        ("llm.example.org/v1", "https://llm.example.org/v1"),
    ],
)
def test_an_address_without_its_scheme_is_understood(written: str, read: str) -> None:
    assert load_settings(None, {}, {"LLAMA_SERVER_URL": written}).base_urls == {"llamacpp": read}


@pytest.mark.parametrize(
    "written", ["yes", "two words", "ftp://a.example", "127.0.0.1:99999", "a b.example:1", ":8080"]
)
def test_invalid_address_is_refused_with_the_port_of_its_server(written: str) -> None:
    (line,) = problems(environ={"LLAMA_SERVER_URL": written})
    assert line == "LLAMA_SERVER_URL: this will not do; give an address like http://127.0.0.1:8080/v1"


@pytest.mark.parametrize(("word", "value"), [("off", False), ("on", True), ("OFF", False)])
def test_limits_are_a_switch(word: str, value: bool) -> None:
    assert load_settings(None, {}, {"BESEDA_LIMITS": word}).limits is value


@pytest.mark.parametrize("text", ["bots: {admin_ids: [1, 2]}", "bots: {admin_ids: '1, 2'}"])
def test_admin_ids_are_a_list(text: str) -> None:
    assert load_settings(write_config(text), {}, {}).admin_ids == frozenset({1, 2})


def test_model_list_keeps_its_order_and_colons() -> None:
    environ = {"BESEDA_MODEL": "openrouter:deepseek/deepseek-chat:free, groq:x"}
    assert load_settings(None, {}, environ).model == ("openrouter:deepseek/deepseek-chat:free", "groq:x")


def test_webhooks_need_their_secret_and_https() -> None:
    lines = problems("", {"BESEDA_PUBLIC_URL": "http://bots.example.org"})
    assert [line.split(":")[0] for line in lines] == ["BESEDA_WEBHOOK_SECRET", "BESEDA_PUBLIC_URL"]
    own_server = {"TELEGRAM_API_URL": "http://127.0.0.1:8081", "BESEDA_WEBHOOK_SECRET": "s"}
    assert load_settings(None, {}, {"BESEDA_PUBLIC_URL": "http://h/", **own_server}).public_url == "http://h"


@pytest.mark.parametrize("secret", ["with space", "ключ", "x" * 257])
def test_webhook_secret_obeys_telegrams_alphabet_and_length(secret: str) -> None:
    (line,) = problems("", {"BESEDA_WEBHOOK_SECRET": secret})
    assert line.startswith("BESEDA_WEBHOOK_SECRET: this will not do")


def test_repr_shows_no_secret_and_the_log_learns_them_all() -> None:
    environ = {
        "BOT_TOKEN": "1:topsecret1",
        "HF_BOT_TOKEN": "1:topsecret2",
        "GROQ_API_KEY": "topsecret3",
        "BESEDA_WEBHOOK_SECRET": "topsecret4",
        "DATABASE_URL": "postgresql://u:topsecret5@h/d",
        "REDIS_URL": "redis://:topsecret6@h",
        "VLLM_BASE_URL": "http://u:topsecret7@h",
    }
    loaded = load_settings(None, {}, environ)
    assert "topsecret" not in repr(loaded)
    assert {value[-1] for value in loaded.secrets()} == set("1234567")


def test_dotenv_stands_below_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("BESEDA_PORT=1\nBESEDA_HOST='h'\nGROQ_API_KEY=a$b\nADMIN_IDS=\n", encoding="utf-8")
    monkeypatch.setenv("BESEDA_PORT", "2")
    environ = read_environment()
    assert (environ["BESEDA_PORT"], environ["BESEDA_HOST"], environ["GROQ_API_KEY"]) == ("2", "h", "a$b")
    assert "ADMIN_IDS" not in environ


def test_every_field_is_a_setting_with_its_own_place_and_variables() -> None:
    rows = list_settings()
    assert set(rows) == set(Settings.model_fields)
    places = [row.path for row in rows.values()]
    variables = [name for row in rows.values() for name in row.variables]
    assert len(set(places)) == len(places)
    assert len(set(variables)) == len(variables)
    assert all(row.description.endswith(".") and row.variable for row in rows.values())


def test_every_section_has_its_own_file() -> None:
    for section in Settings.__bases__:
        assert issubclass(section, Section)
        paths = {list_settings()[name].path.partition(".")[0] for name in section.model_fields}
        assert paths == {section.__module__.rpartition(".")[2]}


def test_nothing_secret_is_in_the_repr() -> None:
    hidden = {name for name, row in list_settings().items() if row.secret or row.address}
    assert not {name for name in hidden if Settings.model_fields[name].repr}


def test_slots_are_the_default_ones_except_for_those_set() -> None:
    assert load_settings(None, {}, {}).slots() == {"heavy": 1, "speech": 2, "text": 4, "light": 4}
    loaded = load_settings(None, {}, {"BESEDA_JOB_SLOTS": "heavy=3, speech=64"})
    assert loaded.slots() == {"heavy": 3, "speech": 64, "text": 4, "light": 4}


@pytest.mark.parametrize("value", ["heavy=0", "heavy=65", "heavy", "photo=1", "heavy=-1"])
def test_slot_that_makes_no_sense_is_refused(value: str) -> None:
    [line] = problems(environ={"BESEDA_JOB_SLOTS": value})
    assert line.startswith("BESEDA_JOB_SLOTS")


@pytest.mark.parametrize("shared", ["1087968824", "136817688", "7,777000"])
def test_ids_that_stand_for_many_people_are_no_owners(shared: str) -> None:
    with pytest.raises(SettingsError, match="ADMIN_IDS"):
        load_settings(None, {}, {"ADMIN_IDS": shared})
