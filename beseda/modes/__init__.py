"""The modes of bots, one file each. A bot's folder names its modes, or brings additional ones."""
