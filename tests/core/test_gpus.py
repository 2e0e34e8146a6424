"""GPUs of the processes that run at once."""

import pytest

from sparring.core.gpus import share, visible


@pytest.mark.parametrize(
    ("given", "names"), [("0,1", ["0", "1"]), ("GPU-8a, 3", ["GPU-8a", "3"]), ("", []), ("-1", []), ("2,-1,3", ["2"])]
)
def test_visible_gpus_as_cuda_reads_them(given: str, names: list[str]) -> None:
    assert visible({"CUDA_VISIBLE_DEVICES": given}) == names


@pytest.mark.parametrize(
    ("slot", "each", "own"), [(0, 1, "4"), (1, 1, "5"), (2, 1, "7"), (3, 1, "4"), (1, 2, "7,4"), (0, 2, "4,5")]
)
def test_each_process_has_its_own(slot: int, each: int, own: str) -> None:
    assert share({"CUDA_VISIBLE_DEVICES": "4,5,7"}, slot, each=each) == {"CUDA_VISIBLE_DEVICES": own}


@pytest.mark.parametrize(("given", "each"), [("", 1), ("0", 1), ("0,1", 2), ("0,1", None)])
def test_nothing_to_share(given: str, each: int | None) -> None:
    assert share({"CUDA_VISIBLE_DEVICES": given}, 1, each=each) == {}
