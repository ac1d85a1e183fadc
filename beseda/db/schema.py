"""Common parts of all tables: naming of constraints, and the type of a key.

Times are timezone-aware and in UTC. Ids issued by Telegram are BIGINT: they need up to 52 bits
(https://core.telegram.org/bots/api#user).
"""

from sqlalchemy import (
    BigInteger,
    Integer,
    MetaData,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A 64-bit key. On SQLite only INTEGER is the row's own number: it counts up by itself and costs no second index.
Key = BigInteger().with_variant(Integer(), "sqlite")
