"""Scale: workers beside each other, as processes of this machine or actors of a Ray cluster."""
