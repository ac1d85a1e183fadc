"""The Telegram account of each bot name."""

from sqlalchemy import BigInteger, Column, Table, Text

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

bot_accounts = Table(
    "bot_accounts",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("telegram_id", BigInteger, nullable=False),
    Column("since", UtcTime, nullable=False),
)
