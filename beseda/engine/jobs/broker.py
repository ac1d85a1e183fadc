"""Celery as transport: it wakes workers, with one queue per slot, and receives only the numbers of jobs.

All state (attempts, leases, progress) is in the table, so a lost, repeated or late message changes nothing. Facts about
options: https://docs.celeryq.dev/en/stable/userguide/configuration.html; the options `unacked_restore_interval` and
`unacked_restore_throttle` of the transport are kombu's: without them a killed worker's messages come back only after
about a hundred seconds.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from celery import Celery
from celery.exceptions import OperationalError

from beseda.core.errors import BrokerUnavailableError

log = logging.getLogger(__name__)

TASK = "beseda.job"
_CONNECT_SECONDS, _ANSWER_SECONDS = 2.0, 5.0
_SEND_SECONDS = 15.0
_VISIBILITY = 3600
_WAITING = 64  # messages in one queue: more would only tell workers again that there is work


def build_app(url: str) -> Celery:
    """Return a Celery app for the broker at `url`; nothing is connected yet."""
    app = Celery("beseda", broker=url, set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        # What runs has its lease in the table: it need not be broken off because Redis was away.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_timeout=_CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": _VISIBILITY,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": _ANSWER_SECONDS,
            "health_check_interval": 10,
        },
    )
    return app


def name_queue(slot: str) -> str:
    """Return the name of a slot's queue."""
    return f"beseda.{slot}"


class Broker:
    """Sends numbers of jobs. Its calls block, so they run in a separate thread and have time-outs."""

    def __init__(self, url: str) -> None:
        self._app = build_app(url)
        self._thread = ThreadPoolExecutor(1, "broker")
        self._closed = False

    async def send(self, slot: str, job_ids: Sequence[int]) -> int:
        """Send jobs of a slot and return the number sent: 0 if enough messages are waiting for the workers.

        Raises BrokerUnavailableError if the broker is unavailable.
        """
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, slot, job_ids)
        except TimeoutError as error:
            raise BrokerUnavailableError("the broker does not answer") from error

    async def check(self) -> None:
        """Return once the broker has answered. Raises BrokerUnavailableError."""
        await self.send("light", ())

    async def close(self) -> None:
        """Close the connections."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OperationalError, OSError, TimeoutError):
            async with asyncio.timeout(_SEND_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._app.close)
        self._thread.shutdown(wait=False)

    def _send(self, slot: str, job_ids: Sequence[int]) -> int:
        queue = name_queue(slot)
        # A connection for each batch: a pool would hand out those that a restart of Redis has left broken.
        connection = self._app.connection_for_write()
        away = (*connection.connection_errors, *connection.channel_errors, OperationalError, OSError)
        try:
            with connection, connection.Producer() as producer:
                declared = self._app.amqp.queues[queue](producer.channel).queue_declare()
                wanted = job_ids[: max(0, _WAITING - int(declared.message_count))]
                for job_id in wanted:
                    self._app.send_task(TASK, (job_id, slot), queue=queue, producer=producer, retry=False)
        except away as error:
            raise BrokerUnavailableError(f"the broker is away: {type(error).__name__}") from error
        return len(wanted)
