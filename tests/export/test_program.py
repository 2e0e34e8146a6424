"""A traced program holds the network's values for any number of rows, or is refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.export.networks import Portable
from sparring.export.program import write_program


class Scale(nn.Module):
    """x -> 2 x, with something that a traced program cannot follow."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, image: Tensor) -> Tensor:
        if self.kind == "branches" and bool(image.sum() > 0):
            return image
        if self.kind == "counts":
            return image + torch.ones(len(image), 1) * len(image)
        if self.kind == "nan":
            return image * float("nan")
        if self.kind == "draws":
            return image + torch.randn_like(image)
        return image * 2


def named(kind: str) -> Portable:
    return Portable("enhancer", Scale(kind), (torch.rand(4, 3),), {}, {}, "")


@pytest.mark.slow
def test_the_file_gives_what_the_network_gives(tmp_path: Path) -> None:
    assert write_program(named("plain"), tmp_path / "x.pt2", tolerance=0) == 0
    program = torch.export.load(tmp_path / "x.pt2").module()
    given = torch.rand(5, 3)
    assert torch.equal(program(given), 2 * given)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("branches", "the enhancer cannot be exported: torch.export says '.*'; a network of your own may not branch"),
        ("nan", r"computes other values from the file \(by up to nan\)"),
        ("draws", r"computes other values from the file \(by up to .*draws random numbers"),
    ],
)
def test_what_cannot_be_traced_is_refused_and_leaves_no_file(kind: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=sentence):
        write_program(named(kind), tmp_path / "x.pt2", tolerance=1e-4)
    assert not list(tmp_path.iterdir())
