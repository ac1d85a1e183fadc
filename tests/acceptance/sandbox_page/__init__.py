"""The chat page in a real browser, against the real sandbox server and a bot scripted over the Bot API."""
