"""Detectors made of other modules: wrapped, tiled, smoothed, purified."""
