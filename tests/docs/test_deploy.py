"""What one deploys with: no default secret, no root, a health check, nothing open that need not be."""

import configparser
import re
from typing import Any

import pytest
import yaml

from beseda.cli.app import app
from scripts.source import ROOT

UNITS = ROOT / "deploy/systemd"
COMPOSE = (ROOT / "deploy/docker-compose.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def test_compose_has_no_default_secret() -> None:
    references = re.findall(r"\$\{(\w+)([^}]*)\}", COMPOSE)
    assert {name for name, _ in references} == {"BOT_TOKEN", "POSTGRES_PASSWORD"}
    assert [name for name, rest in references if not rest.startswith(":?")] == []


def test_compose_checks_the_health_of_servers(services: dict[str, dict[str, Any]]) -> None:
    assert services.keys() == {"bot", "api", "worker", "beat", "postgres", "redis"}
    assert all("test" in services[name]["healthcheck"] for name in ("postgres", "redis"))
    waits = services["bot"]["depends_on"]
    assert {name: wait["condition"] for name, wait in waits.items()} == dict.fromkeys(waits, "service_healthy")


def test_compose_publishes_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_image_runs_as_an_ordinary_user_with_ffmpeg_and_a_health_check() -> None:
    assert re.search(r"apt-get install -y .*ffmpeg", DOCKERFILE)
    assert re.search(r"^USER beseda$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
    assert "/health" in DOCKERFILE
    assert "requirements-dev" not in DOCKERFILE


def test_everything_that_the_image_copies_is_let_in() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sources = [
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    ]
    assert ignored[0] == "*"
    assert [name for name in sources if f"!{name}" not in ignored or not (ROOT / name).exists()] == []


def test_broker_is_never_evicted(services: dict[str, dict[str, Any]]) -> None:
    # Queues have no time to live: only what has one may go when memory is short.
    assert "volatile-lru" in services["redis"]["command"]


def read_unit(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # configparser's own way to keep the case
    unit.read(UNITS / name)
    return unit


@pytest.mark.parametrize("name", ["beseda.service", "beseda-.service.d/common.conf"])
def test_unit_is_hardened_and_keeps_its_data(name: str) -> None:
    service = read_unit(name)["Service"]
    assert service["DynamicUser"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["StateDirectory"] == "beseda"
    assert service["RestartPreventExitStatus"] == "2"


def test_every_role_that_is_deployed_is_a_command(services: dict[str, dict[str, Any]]) -> None:
    started = [service["command"][0] for name, service in services.items() if name not in {"postgres", "redis"}]
    started += [read_unit(path.name)["Service"]["ExecStart"].split()[1] for path in UNITS.glob("*.service")]
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert set(started) == {"run", "bot", "api", "worker", "beat"}
    assert set(started) <= known
