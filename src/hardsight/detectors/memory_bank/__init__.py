"""Detectors that remember what patches of normal images look like."""
