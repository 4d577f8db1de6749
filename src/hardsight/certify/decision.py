"""The three things a certificate can say."""

from enum import IntEnum


class Decision(IntEnum):
    """What is certain of an image or a pixel within a radius; arrays hold it as int8."""

    NORMAL = -1
    """At or below the threshold, whatever the perturbation."""
    UNDECIDED = 0
    """Neither is certain: the certificate abstains."""
    ANOMALOUS = 1
    """Strictly above the threshold, whatever the perturbation."""
