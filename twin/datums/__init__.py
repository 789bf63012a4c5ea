"""Datums that PROJ does not know: the offset datums of Chinese map services, as plain arithmetic over arrays."""
