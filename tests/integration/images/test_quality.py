"""`basic` is never worse than bicubic enlargement of what was shrunk, made noisy and put through JPEG."""

from pathlib import Path

import pytest
from PIL import Image

from beseda.images.base import EnhanceOptions
from beseda.images.basic import BasicEnhancer
from beseda.images.process_pool import ImageProcessPool
from tests.integration.images.quality import measure_psnr, measure_ssim
from tests.parts.photo_samples import SAMPLES, degrade, draw_scene, make_samples


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("noise", "quality"), [(0, 95), (4, 85), (8, 80), (12, 60), (20, 70)])
async def test_result_is_nearer_to_the_original_than_bicubic(
    seed: int, noise: float, quality: int, tmp_path: Path
) -> None:
    original = draw_scene(seed)
    source, target = tmp_path / "worse.jpg", tmp_path / "better.png"
    source.write_bytes(degrade(original, noise, quality))
    await BasicEnhancer(ImageProcessPool()).enhance(source, target, EnhanceOptions(2))
    with Image.open(source) as worse, Image.open(target) as better:
        bicubic = worse.resize(original.size, Image.Resampling.BICUBIC)
        psnr = measure_psnr(bicubic, original), measure_psnr(better, original)
        ssim = measure_ssim(bicubic, original), measure_ssim(better, original)
    print(f"scene {seed}, noise {noise:2}, JPEG {quality}: bicubic {psnr[0]:.2f} dB {ssim[0]:.4f}", end=", ")
    print(f"basic {psnr[1] - psnr[0]:+.2f} dB {ssim[1] - ssim[0]:+.4f}")
    assert psnr[1] >= psnr[0]
    assert ssim[1] >= ssim[0]


async def test_dull_photo_gets_contrast_and_a_lively_one_keeps_its(tmp_path: Path) -> None:
    spans = {}
    for name in ("dull.jpg", "photo.jpg"):
        await BasicEnhancer(ImageProcessPool()).enhance(SAMPLES / name, tmp_path / "better.png", EnhanceOptions(1))
        spans[name] = span(tmp_path / "better.png") / span(SAMPLES / name)
    assert spans["dull.jpg"] > 1.3
    assert spans["photo.jpg"] == pytest.approx(1.0, abs=0.1)


def span(path: Path) -> int:
    """Return how many levels the middle 98 % of the pixels use."""
    with Image.open(path) as image:
        levels = sorted(image.convert("L").tobytes())
    return levels[-len(levels) // 100] - levels[len(levels) // 100]


def test_samples_are_drawn_by_the_code_and_stay_small() -> None:
    made = make_samples()
    assert {path.name for path in SAMPLES.iterdir()} == made.keys() | {"README.md"}
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 60_000
