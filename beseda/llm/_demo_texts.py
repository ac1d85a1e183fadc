"""Texts of the demo. `{echo}` is a quotation of the user's message; names of keys and servers come from the table."""

from beseda.locales import Text

PLAIN = Text("demo.plain")

# How the endpoint of this bot is set up, and its name in a line.
WITH_KEY = Text("demo.with_key")
WITH_SERVER = Text("demo.with_server")
KEY_NAME = Text("demo.key_name")
SERVER_NAME = Text("demo.server_name")

AGAIN = Text("demo.again")

# In the place of a model that is told what its next sentence has to bring.
CUED = Text("demo.cued")

FORMAT = Text("demo.format")

BUTTONS = Text("demo.buttons")

LONG_OPENING = Text("demo.long_opening")

LONG_PARAGRAPH = Text("demo.long_paragraph")
