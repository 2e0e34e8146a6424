"""The number of doublings from a base size to an image size, from which networks derive their number of blocks."""

from sparring.core.errors import ConfigError

SMALLEST, LARGEST = 4, 7


def pyramid(image_size: int) -> tuple[int, int]:
    """(base, doublings) with image_size = base * 2^doublings and 4 <= base <= 7.

    8 -> (4, 1), 28 -> (7, 2), 32 -> (4, 3), 96 -> (6, 4).

    Raises:
        ConfigError: when no such pair exists (30 = 15 * 2), naming the nearest sizes that work.
    """
    if image_size == 1:
        raise ConfigError(
            "data.image_size=1 holds points (data=toy2d), which convolutions cannot draw; choose model=gan or model=flow."
        )
    base, doublings = image_size, 0
    while base > LARGEST and base % 2 == 0:
        base, doublings = base // 2, doublings + 1
    if SMALLEST <= base <= LARGEST and doublings > 0:
        return base, doublings
    good = sorted(base * 2**power for base in range(SMALLEST, LARGEST + 1) for power in range(1, 9))
    below = [size for size in good if size < image_size]
    above = [size for size in good if size > image_size]
    near = " or ".join(str(size) for size in below[-1:] + above[:1])
    raise ConfigError(
        f"data.image_size={image_size} cannot be reached by doubling a size from {SMALLEST} to {LARGEST}; "
        f"set data.image_size={near}."
    )
