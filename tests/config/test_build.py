"""The allow-list in front of Hydra's instantiate: a stranger's config must not run code."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from sparring.config.build import Builder, build
from sparring.core.errors import ConfigError
from sparring.run.settings import given_in

ALLOWED = {"_target_": "sparring.model.loss.hinge.Hinge"}
HOSTILE = [
    "os.system", "builtins.eval", "torch.load", "torch.hub.load", "torch.nn.Linear", "pathlib.Path.unlink", "subprocess.Popen",
    "sparring.run.directory.Path", "sparring.run.directory.os.unlink", "sparring.config.build.importlib.import_module",
    "sparring.run.directory.RunDir", "sparring.cli.sweep.run_jobs", "sparring.core.atomic.write_atomic",
    "sparring.logger.csv.CSVLogger", "sparring.model.gan.Clock",
    "sparring.model.ema.copy.deepcopy", "sparring.model.layer.pyramid.pyramid", "lightning.pytorch.Trainer.fit",
    "hydra.utils.instantiate", "sparring_evil.run", "sparring.models.gan.GAN", "", 7,
    ["torch.optim.SGD"], {"_name_": "torch.optim.SGD"}, None,
]  # fmt: skip


@pytest.mark.parametrize("target", HOSTILE, ids=str)
@pytest.mark.parametrize("partial", [False, True])
def test_hostile_targets_are_refused_wherever_they_hide(target: Any, partial: bool) -> None:
    node = {"_target_": target, "_partial_": partial}
    for config in (node, {**ALLOWED, "inner": node}, {"list": [{"deep": node}]}):
        with pytest.raises(ConfigError, match=r"not allowed|does not exist"):
            build(OmegaConf.create(config), section="model")


@pytest.mark.parametrize("directive", ["_args_", "_convert_", "_recursive_", "_mode_"])
def test_directives_that_change_the_call_are_refused(directive: str) -> None:
    with pytest.raises(ConfigError, match=f"{directive} is not allowed"):
        build(OmegaConf.create({**ALLOWED, directive: "all"}), section="model")


@pytest.mark.parametrize("value", ["\\${oc.env:HOME}", "\\${oc.create:{_target_:torch.hub.load}}"])
def test_what_would_only_resolve_after_the_checks_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="still a reference"):
        build(OmegaConf.create({**ALLOWED, "inner": {"text": value}}), section="model")


def test_interpolated_targets_are_checked_as_what_they_resolve_to() -> None:
    config = OmegaConf.create({"bad": "os.system", "node": {"_target_": "${bad}", "command": "true"}})
    with pytest.raises(ConfigError, match=r"os\.system is not allowed"):
        build(config.node, section="model")


def test_named_and_own_classes_build() -> None:
    assert build(OmegaConf.create(ALLOWED), section="model").pairs is False
    partial = build(OmegaConf.create({"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.5}), section="model")
    assert partial.keywords == {"lr": 0.5}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"_target_": "sparring.model.ema.EMA", "half_life": None, "ramp_up": None},
            "model.half_life=null: EMA does not work",
        ),
        ({"_target_": "sparring.model.gan.GAN", "loss": None}, "model.loss=null: GAN does not work without it"),
    ],
)
def test_a_null_where_a_part_or_number_is_needed_is_named(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(OmegaConf.create(config), section="model")


class Lenient:
    """As users write classes: None as an undeclared default, a type that only a type checker knows."""

    def __init__(self, *, scale: float = None, part: "Unknown | None" = None) -> None:  # type: ignore[assignment, name-defined]  # noqa: F821, RUF013
        self.scale = scale


def test_a_users_class_decides_about_its_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.config.build._resolve", lambda key, target: Lenient)
    config = OmegaConf.create({"_target_": f"{__name__}.Lenient", "scale": None, "part": None})
    assert Builder(extensions=(__name__.partition(".")[0],))(config, section="model").scale is None
    Lenient.__init__.__annotations__.pop("part")
    assert Builder(extensions=(__name__.partition(".")[0],))(config, section="model").scale is None


def test_a_null_that_means_something_is_built() -> None:
    config = {"_target_": "sparring.model.ema.EMA", "half_life": 100, "ramp_up": None}
    assert build(OmegaConf.create(config), section="model").ramp_up is None


class Holder:
    """In place of a class of sparring.model."""

    def __init__(self, *, network: Any, size: int) -> None:
        self.network, self.size = network, size


def test_an_object_made_in_python_goes_in_by_hand_and_its_settings_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sparring.model.loss.hinge.Hinge", Holder)
    monkeypatch.setattr(Holder, "__module__", "sparring.model.loss.hinge")
    network = object()
    for replaced in ({"_given_": "mine.Net"}, {"_target_": "os.system", "command": "true"}):
        node = OmegaConf.create({**ALLOWED, "network": replaced, "size": 3})
        made = build(node, section="model", given={"network": network})
        assert made.network is network
        assert made.size == 3


def test_an_object_that_was_not_given_is_refused_and_a_file_names_nothing_that_is_built() -> None:
    node = OmegaConf.create({"model": {**ALLOWED, "network": {"_given_": "os.system", "command": "true"}}}).model
    with pytest.raises(
        ConfigError, match=r"model\.network is a Python object of the class os\.system, which no file can build"
    ):
        build(node, section="model")
    assert given_in(node) == given_in(OmegaConf.to_container(node)) == ["network"]  # type: ignore[arg-type]


def test_what_goes_in_beside_an_object_is_checked_as_ever() -> None:
    node = OmegaConf.create({**ALLOWED, "network": {"_given_": "mine.Net"}, "inner": {"_target_": "os.system"}})
    with pytest.raises(ConfigError, match=r"os\.system is not allowed"):
        build(node, section="model", given={"network": object()})


def test_own_package_only_by_naming_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mypackage.py").write_text("class Mine:\n    def __init__(self, *, size):\n        self.size = size\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config = OmegaConf.create({"_target_": "mypackage.Mine", "size": 3})
    with pytest.raises(ConfigError, match=r"extensions=\[mypackage\]"):
        build(config, section="model")
    assert Builder(("mypackage",))(config, section="model").size == 3


def test_a_class_that_refuses_its_arguments_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="takes no arguments") as caught:
        build(OmegaConf.create({**ALLOWED, "margin": 2}), section="model")
    assert "\n" not in str(caught.value)


def test_plain_values_are_built_and_refused_as_a_configuration_is() -> None:
    assert build(ALLOWED, section="model").pairs is False
    with pytest.raises(ConfigError, match=r"^model\.loss\.inner\._target_=os\.system is not allowed"):
        build({**ALLOWED, "inner": {"_target_": "os.system"}}, section="model", key="model.loss")
