"""Certification as a product: the protocol, its findings, the report."""
