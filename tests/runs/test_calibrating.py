import numpy as np

from hardsight.detectors import Calibration
from hardsight.runs.calibrating import Recalibration


def test_sentences_tell_of_thresholds_alarms_and_of_the_attack():
    old, new = (Calibration.fit(np.arange(20.0) + i, np.arange(20.0), 0.1) for i in (0, 3))
    found = Recalibration(old, new, {"attacked": (0.5, 0.05)}, ("Beware.",)).sentences
    assert found == [
        new.statement,
        "The threshold of the score was 18 and is 21 now.",
        "Of these images, attacked, 50.0 % raised an alarm, and 5.0 % do.",
        "Beware.",
    ]
    assert Recalibration(None, new, {}).sentences == [new.statement]
