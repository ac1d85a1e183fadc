"""How near a picture is to another one, on luma."""

import math

import numpy as np
from PIL import Image

_Levels = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
# Wang et al. 2004: a Gaussian window of 11 pixels and 1.5 of deviation, K1 = 0.01, K2 = 0.03.
_WINDOW = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def measure_psnr(image: Image.Image, original: Image.Image) -> float:
    """Return the peak signal-to-noise ratio in decibels."""
    return 10 * math.log10(255**2 / float(np.mean((_luma(image) - _luma(original)) ** 2)))


def measure_ssim(image: Image.Image, original: Image.Image) -> float:
    """Return the mean structural similarity."""
    x, y = _luma(image), _luma(original)
    mean_x, mean_y = _blur(x), _blur(y)
    spread = _blur(x * x) - mean_x**2 + _blur(y * y) - mean_y**2
    shared = _blur(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + _C1) * (2 * shared + _C2)
    return float(np.mean(similar / ((mean_x**2 + mean_y**2 + _C1) * (spread + _C2))))


def _luma(image: Image.Image) -> _Levels:
    levels: _Levels = np.asarray(image.convert("RGB")).astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return levels


def _blur(levels: _Levels) -> _Levels:
    weights = _WINDOW / _WINDOW.sum()
    rows = np.lib.stride_tricks.sliding_window_view(levels, 11, axis=0) @ weights
    blurred: _Levels = np.lib.stride_tricks.sliding_window_view(rows, 11, axis=1) @ weights
    return blurred
