"""Detectors in front of a line: the service, its page and the log of every decision."""
