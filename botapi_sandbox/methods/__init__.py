"""The methods of the Bot API, one file per topic; `table` lists them all."""
