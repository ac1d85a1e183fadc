"""Outgoing webhooks: events are sent to the servers of others."""
