"""Image processing of `basic`: less noise, fuller contrast, more size, crisper edges.

The figures were tuned on drawn scenes that were shrunk, made noisy and put through JPEG; tests/integration/images
compares the result with bicubic enlargement. All of it is Pillow's C: no loop here runs over pixels.
"""

from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageChops, ImageFilter

_FINE: Final = 8  # small differences are counted in eighths of a level
_LIVELY: Final = 180  # levels: a photo that uses fewer is stretched to as many, within reason
_MOST_GAIN: Final = 1.5


def improve(image: Image.Image, scale: int, jpeg_step: float = 0.0) -> Image.Image:
    """Return an RGB picture made better and `scale` times larger.

    `jpeg_step` is how coarsely JPEG has rounded it (`measure_jpeg`), 0 for other formats.
    """
    luma, blue, red = image.convert("YCbCr").split()
    deviation = _local_deviation(luma)
    noise = _guess_noise(deviation, jpeg_step)
    luma = _stretch(_denoise(luma, deviation, noise))
    size = (image.width * scale, image.height * scale)
    crisp = ImageFilter.UnsharpMask(radius=1, percent=40, threshold=round(2 * noise) + 1)
    luma = luma.filter(crisp) if scale == 1 else _enlarge(luma, size, noise)
    # The eye forgives soft colours, and noise in them is the ugliest.
    blur = ImageFilter.GaussianBlur(min(2.0, noise / 4))
    colours = [channel.filter(blur).resize(size, Image.Resampling.BICUBIC) for channel in (blue, red)]
    return Image.merge("YCbCr", (luma, *colours)).convert("RGB")


def measure_jpeg(tables: dict[int, Sequence[int]] | None) -> float:
    """Return the step to which JPEG's first frequencies of the luma were rounded: 1 at quality 95, 15 at 40."""
    luma = (tables or {}).get(0)
    return sum(luma[place] for place in (1, 2, 8, 9, 16)) / 5 if luma else 0.0


def _local_deviation(luma: Image.Image) -> Image.Image:
    around = ImageChops.difference(luma, _average(luma))
    return around.point([min(255, value * _FINE) for value in range(256)]).filter(ImageFilter.BoxBlur(2))


def _average(luma: Image.Image) -> Image.Image:
    return luma.filter(ImageFilter.BoxBlur(1))


def _guess_noise(deviation: Image.Image, jpeg_step: float) -> float:
    """Return the mean deviation that is noise: that of the calmest quarter of the picture, less fine texture."""
    calm = _quantile(deviation.histogram(), 0.25) / _FINE
    return max(0.0, calm - 1.2) + 0.1 * jpeg_step


def _quantile(histogram: Sequence[int], share: float) -> float:
    wanted, seen = sum(histogram) * share, 0
    for value, count in enumerate(histogram):
        seen += count
        if seen >= wanted:
            return value - (seen - wanted) / max(1, count)
    return 255.0


def _denoise(luma: Image.Image, deviation: Image.Image, noise: float) -> Image.Image:
    """Keep of each pixel's difference to its surroundings the share that is not noise (Wiener's filter)."""
    floor = 2.0 * (noise * _FINE) ** 2
    kept = [round(255 * max(0.0, value * value - floor) / (value * value)) if value else 0 for value in range(256)]
    return Image.composite(luma, _average(luma), deviation.point(kept)) if noise else luma


def _stretch(luma: Image.Image) -> Image.Image:
    """Spread the levels of a dull picture; one that has its blacks and whites stays as it is."""
    histogram = luma.histogram()
    low, high = _quantile(histogram, 0.005), _quantile(histogram, 0.995)
    if not 0 < high - low < _LIVELY:
        return luma
    gain = min(_MOST_GAIN, _LIVELY / (high - low))
    # Around the middle of what it has, moved no further than the ends of the scale ask for.
    middle = (low + high) / 2
    half = (high - low) / 2 * gain
    centre = min(max(middle, half), 255 - half)
    return luma.point([min(255, max(0, round(centre + (value - middle) * gain))) for value in range(256)])


def _enlarge(luma: Image.Image, size: tuple[int, int], noise: float) -> Image.Image:
    """Enlarge, and restore the detail that the enlargement lost: edges, but not noise."""
    large = luma.resize(size, Image.Resampling.LANCZOS)
    shrunk = large.resize(luma.size, Image.Resampling.BICUBIC)
    cored = [max(0, round((value - 2 * noise) * 0.8)) for value in range(256)]
    lacking = ImageChops.subtract(luma, shrunk).point(cored).resize(size, Image.Resampling.BICUBIC)
    large = ImageChops.add(large, lacking)
    excess = ImageChops.subtract(shrunk, luma).point(cored).resize(size, Image.Resampling.BICUBIC)
    return ImageChops.subtract(large, excess)
