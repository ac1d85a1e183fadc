"""The parts of `beseda chat`."""
