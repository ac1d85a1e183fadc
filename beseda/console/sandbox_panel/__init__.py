"""The host's panel on the sandbox page: cards of the bots, and a strip to connect a model without a restart."""
