"""What one deploys with: no default secret, no root, a health check, nothing open that need not be."""

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from beseda.cli.app import app
from scripts.source import ROOT

UNITS = ROOT / "deploy/systemd"
COMPOSE = (ROOT / "deploy/docker-compose.yml").read_text("utf-8")
ROLES = ("bot", "api", "worker", "beat")
SERVERS = ("postgres", "redis")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def test_image_keeps_its_data_to_its_user() -> None:
    # `beseda doctor` in the image warned of a folder that other users can enter.
    assert "install -d -m 700 -o beseda -g beseda /data" in DOCKERFILE


def test_compose_has_no_default_secret() -> None:
    references = re.findall(r"\$\{(\w+)([^}]*)\}", COMPOSE)
    # Any bot's token will do, so that none is demanded here: `beseda bot` itself says that there is none.
    assert {name for name, _ in references} == {"POSTGRES_PASSWORD"}
    assert [name for name, rest in references if not rest.startswith(":?")] == []


def test_compose_checks_the_health_of_servers(services: dict[str, dict[str, Any]]) -> None:
    assert services.keys() == {"migrate", *ROLES, *SERVERS}
    assert all("test" in services[name]["healthcheck"] for name in SERVERS)
    for role in ("worker", "beat"):
        assert "http://127.0.0.1:8091/health" in services[role]["healthcheck"]["test"][-1]
        assert services[role]["command"][-2:] == ["--port", "8091"]


def test_compose_migrates_before_any_role_starts(services: dict[str, dict[str, Any]]) -> None:
    assert services["migrate"]["command"] == ["db", "upgrade"]
    for role in ROLES:
        conditions = {name: wait["condition"] for name, wait in services[role]["depends_on"].items()}
        # No role waits for another: a wrong token of a bot does not keep the API down.
        assert conditions == {"migrate": "service_completed_successfully", **dict.fromkeys(SERVERS, "service_healthy")}


def test_compose_limits_memory_and_logs(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert service["logging"]["options"] == {"max-size": "20m", "max-file": "5"}, name


def test_custom_files_reach_the_containers() -> None:
    opened = yaml.safe_load(re.sub(r"^(    )# (- \.\./)", r"\1\2", COMPOSE, flags=re.MULTILINE))["services"]["bot"]
    assert opened["volumes"][1:] == [
        "../bots:/data/bots:ro",
        "../locales:/data/locales:ro",
        "../config.yaml:/data/config.yaml:ro",
        "../real_estate.csv:/data/real_estate.csv:ro",
    ]
    assert "host.docker.internal:host-gateway" in opened["extra_hosts"]


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
    assert "org.opencontainers.image.licenses" in DOCKERFILE
    assert 'ENTRYPOINT ["tini", "-s", "--", "beseda"]' in DOCKERFILE


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
    assert int(service["LimitNOFILE"]) > 10_000
    assert service["WatchdogSec"] == "60"


def test_commands_beside_a_service_have_its_environment_folder_and_user() -> None:
    text = (UNITS / "beseda-cli").read_text("utf-8")
    assert (UNITS / "beseda-cli").stat().st_mode & 0o111
    for name in ("beseda.service", "beseda-.service.d/common.conf"):
        service = read_unit(name)["Service"]
        for key in ("EnvironmentFile", "DynamicUser", "User", "StateDirectory", "WorkingDirectory", "UMask"):
            assert f"--property={key}={service[key]}" in text, key
        assert f"--property=Environment={service['Environment'].split()[0]}" in text


def test_command_line_of_a_service_passes_its_arguments_on(tmp_path: Path) -> None:
    fake = tmp_path / "systemd-run"
    fake.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n', "utf-8")
    fake.chmod(0o755)
    called = [str(UNITS / "beseda-cli"), "keys", "create", "two words"]
    done = subprocess.run(
        called, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, timeout=10, check=True
    )
    assert done.stdout.splitlines()[-4:] == ["/opt/beseda/.venv/bin/beseda", "keys", "create", "two words"]


def test_every_role_that_is_deployed_is_a_command(services: dict[str, dict[str, Any]]) -> None:
    started = [services[name]["command"][0] for name in ROLES]
    started += [read_unit(path.name)["Service"]["ExecStart"].split()[1] for path in UNITS.glob("*.service")]
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert set(started) == {"run", "bot", "api", "worker", "beat"}
    assert set(started) <= known
