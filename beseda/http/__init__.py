"""Outgoing HTTP: every session is opened here, and none of them goes round the proxy of the environment."""
