"""One-file bundles of a run: written, opened, verified."""
