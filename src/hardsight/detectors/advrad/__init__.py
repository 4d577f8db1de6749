"""AdvRAD / FreeRAD: reconstruct the image as a normal one, and score what changed."""
