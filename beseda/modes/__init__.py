"""What a bot can be switched to: one file a mode. A bot's folder names those that it has, or brings its own."""
