from typing import Protocol

import pytest

from beseda.core.services import Services


class Bell(Protocol):
    def ring(self) -> str: ...


class Brass:
    def ring(self) -> str:
        return "brass"


class Drum:
    pass


def _play(context: str, bell: Bell, drum: Drum) -> tuple[str, str, Drum]:
    return context, bell.ring(), drum


def test_function_receives_the_services_that_its_parameters_name() -> None:
    services = Services()
    services.add(Brass(), Bell)
    drum = services.add(Drum())
    assert services.bind(_play)("one") == ("one", "brass", drum)


def test_function_without_services_stays_as_it_is() -> None:
    def alone(context: str) -> str:
        return context

    assert Services().bind(alone) is alone


def test_missing_service_is_named_before_the_first_call() -> None:
    with pytest.raises(LookupError, match="Drum"):
        services = Services()
        services.add(Brass(), Bell)
        services.bind(_play)


def test_services_of_a_bot_stand_above_those_of_the_process() -> None:
    process = Services()
    shared = process.add(Drum())
    bot = Services(process)
    assert bot.get(Drum) is shared
    own = bot.add(Drum())
    assert bot.get(Drum) is own
    assert process.get(Drum) is shared


def test_service_is_added_once() -> None:
    services = Services()
    services.add(Drum())
    with pytest.raises(ValueError, match="Drum"):
        services.add(Drum())
