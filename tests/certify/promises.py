import numpy as np
from scipy import stats


def keeps(false: np.ndarray, alpha: float) -> bool:
    """Whether repeats in which a statement was false are as rare as promised.

    Refuted only where that many would come up less than once in 10,000 sound trials.
    """
    false = np.asarray(false)
    return stats.binomtest(int(false.sum()), false.size, alpha, alternative="greater").pvalue > 1e-4
