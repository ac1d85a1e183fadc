"""Protocols of the stores, one noun per file: the only storage interface that services use.

Durable data (updates, turns, conversations, people, usage, leads) is in SQL. Short-lived data (history window, state,
cache, rate limits) is in Redis, or in the memory of this process if there is no Redis.
"""
