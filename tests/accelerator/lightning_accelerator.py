"""The pretended accelerator as Lightning sees it."""

from typing import Any

import torch
from lightning.pytorch.accelerators import Accelerator

from tests.accelerator.pretended import NAME


class PretendAccelerator(Accelerator):
    """What Lightning needs to know of it."""

    def setup_device(self, device: torch.device) -> None: ...
    def teardown(self) -> None: ...
    @staticmethod
    def parse_devices(devices: Any) -> Any:
        return devices

    @staticmethod
    def get_parallel_devices(devices: Any) -> list[torch.device]:
        return [torch.device(NAME, 0)]

    @staticmethod
    def auto_device_count() -> int:
        return 1

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def name() -> str:
        return NAME

    def get_device_stats(self, device: Any) -> dict[str, Any]:
        return {}
