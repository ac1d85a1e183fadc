import pytest

from beseda.images.base import EnhanceOptions, choose_scale


@pytest.mark.parametrize(("shortest", "scale"), [(1, 4), (255, 4), (256, 2), (511, 2), (512, 1), (4000, 1)])
def test_size_decides_the_scale(shortest: int, scale: int) -> None:
    assert choose_scale(shortest) == scale


@pytest.mark.parametrize("scale", [0, 5, -1])
def test_scale_beyond_the_range_is_refused(scale: int) -> None:
    with pytest.raises(ValueError, match="1 to 4"):
        EnhanceOptions(scale)
