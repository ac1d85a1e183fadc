"""A sale: what is read out of a conversation, and what it means for the next answer."""
