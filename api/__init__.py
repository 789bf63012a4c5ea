"""The only room that knows HTTP, settings, logging set-up and the command line."""
