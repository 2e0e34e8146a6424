"""The flow: its loss, guidance, training, and images drawn by the commands that GANs use."""

import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.flow import Flow, FlowGenerator
from sparring.model.solver.euler import Euler
from sparring.model.step.draws import Draws
from sparring.model.velocity.base import Velocity
from sparring.run.directory import RunDir
from sparring.trained.runs import build_model
from tests.conftest import command, compose

TINY = ["model=flow", "data.image_size=8", "model.velocity.width=8", "model.solver.steps=2"]


class Known(Velocity):
    """The exact velocity where all images of class k are the constant k / 10, and those without a label 0.5."""

    num_classes = 10

    def forward(self, image: Tensor, time: Tensor, label: Tensor) -> Tensor:
        target = torch.where(label == self.num_classes, 0.5, label / 10)
        return (target[:, None, None, None] - image) / (1 - time[:, None, None, None]).clamp(min=1e-3)


def generator(*, guidance: float = 1.0, conditional: bool = True) -> FlowGenerator:
    return FlowGenerator(Known(), Euler(steps=1), guidance=guidance, conditional=conditional, shape=(1, 2, 2))


def draws(batch: int) -> Draws:
    return Draws(1, ("test",), batch, 0, 1, torch.device("cpu"), torch.float32)


def flow(*overrides: str) -> Flow:
    model = build_model(compose(*TINY, *overrides))
    assert isinstance(model, Flow)
    return model


def test_the_exact_velocity_has_no_loss_and_another_has() -> None:
    model, label = flow("model.label_dropout=0"), torch.arange(8) % 10
    image = (label / 10)[:, None, None, None].expand(-1, 1, 2, 2)
    assert float(model.losses(generator(), image, label, draws(8)).max()) < 1e-6
    assert float(model.losses(generator(), image, (label + 5) % 10, draws(8)).min()) > 1e-2


def test_labels_are_hidden_as_often_as_asked() -> None:
    model, label = flow("model.label_dropout=0.25"), torch.zeros(4000, dtype=torch.int64)
    image = torch.zeros(4000, 1, 2, 2)
    hidden = model.losses(generator(), image, label, draws(4000)) > 1e-3  # a hidden label leads to 0.5
    assert float(hidden.float().mean()) == pytest.approx(0.25, abs=0.03)


def test_guidance_moves_away_from_the_answer_without_a_label() -> None:
    latent, label = torch.zeros(2, 4), torch.tensor([4, 6])
    assert torch.allclose(generator()(latent, label)[:, 0, 0, 0], torch.tensor([0.4, 0.6]))
    assert torch.allclose(generator(guidance=2.0)(latent, label)[:, 0, 0, 0], torch.tensor([0.3, 0.7]))


def test_without_conditioning_the_label_is_not_seen() -> None:
    images = generator(conditional=False)(torch.zeros(2, 4), torch.tensor([1, 9]))
    assert torch.allclose(images, torch.full_like(images, 0.5))


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["model.times=beta"], "model.times=beta is unknown; give one of uniform, logit_normal"),
        (["model.label_dropout=1"], "model.label_dropout=1"),
        (["model.guidance=0.5"], "model.guidance=0.5 must be 1, or above 1"),
        (["model.guidance=2", "model.label_dropout=0"], "which teach the velocity without a label"),
        (["model.guidance=2", "model.conditional=false"], "which teach the velocity without a label"),
    ],
)
def test_settings_out_of_range_are_refused(overrides: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        flow(*overrides)


@pytest.mark.slow
def test_a_run_learns_digits_resumes_and_is_drawn_from(tmp_path: Path, cache_dir: Path) -> None:
    settings = [
        *TINY,
        "model.velocity.width=16",
        "model.solver.steps=4",
        "model/schedule=constant",  # the default's depends on the budget, which the resume changes
        "report=false",
        f"paths.cache_dir={cache_dir}",
    ]
    for name, steps in (("straight", 60), ("resumed", 25)):
        command(
            *settings, f"trainer.max_steps={steps}", f"paths.log_dir={tmp_path}", f"hydra.run.dir={tmp_path / name}"
        )
    command(f"resume={tmp_path / 'resumed'}", "trainer.max_steps=60")
    straight = RunDir.open(tmp_path / "straight")
    resumed = RunDir.open(tmp_path / "resumed").load_weights()
    for name, tensor in straight.load_weights().items():
        assert torch.equal(tensor, resumed[name]), name
    with straight.metrics_csv.open() as file:
        losses = [float(row["loss/flow"]) for row in csv.DictReader(file) if row["loss/flow"]]
    assert losses[-1] < 0.6 * losses[0]
