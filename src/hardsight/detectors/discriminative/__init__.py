"""Detectors that learn to tell normal from synthetic anomalies: DRAEM, SimpleNet, GLASS."""
