"""The protocol of the service: its own, the open inference protocol, health and metrics."""
