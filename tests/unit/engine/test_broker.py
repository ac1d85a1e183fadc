import pytest

from beseda.core.errors import BrokerUnavailableError, RemoteError
from beseda.engine.jobs.broker import Broker
from beseda.locales.errors import explain


async def test_absent_broker_is_no_absent_model() -> None:
    broker = Broker("redis://127.0.0.1:1/0")  # a port on which nothing listens
    with pytest.raises(BrokerUnavailableError, match="the broker is away") as caught:
        await broker.check()
    await broker.close()
    assert not isinstance(caught.value, RemoteError)
    assert "model" not in explain(caught.value, "en")
