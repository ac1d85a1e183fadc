"""Sales: facts extracted from a conversation, and their effect on the next answer."""
