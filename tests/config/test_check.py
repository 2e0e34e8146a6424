"""What is refused before anything heavy is imported, and what the sentence says."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from sparring.config.check import CHECKS, check
from sparring.config.compose import as_hydra_composes, compose_all, hydra_at, settled, with_values
from sparring.config.groups import Groups
from sparring.core.errors import ConfigError
from tests.cli.conftest import Program
from tests.conftest import CONF

REFUSED = [
    ("trainer.max_step=5", ["trainer.max_step", "did you mean trainer.max_steps?"]),
    ("max_steps=5", ["did you mean trainer.max_steps?"]),
    ("modle=large", ["did you mean model?"]),
    ("model=lrge", ["model has no choice 'lrge'", "did you mean large?", "large and small"]),
    ("model=_base", ["no choice '_base'"]),
    ("model/loss=hing", ["did you mean hinge?"]),
    ("model/los=hinge", ["did you mean model/loss?"]),
    ("logger=[csv,wandbb]", ["did you mean wandb?"]),
    ("model=null", ["choose one of large and small."]),
    ("logger=null", ["choose one of csv and wandb, or write logger=[] for none."]),
    ("experiment=null", ["or write ~experiment for none."]),
    ("~logger", ["write logger=[] for none"]),
    ("model=LARGE", ["did you mean large?"]),
    ("+trainer.strategy=ddp", ["nothing reads the setting 'trainer.strategy'"]),
    ("++trainer.strategy=ddp", ["nothing reads the setting 'trainer.strategy'"]),
    ("+model={width: 9, often: 3}", ["nothing reads the setting 'model.often'"]),
    ("+compile=true", ["nothing reads the setting 'compile'"]),
    ("+logger.csv.often=3", ["nothing reads the setting 'logger.csv.often'"]),
    ("experiment=misspelt", ["nothing reads the setting 'sead'", "did you mean seed?"]),
    (
        "experiment=broken",
        ["a configuration file asks for model=lrge", "model has no choice 'lrge'", "did you mean large?"],
    ),
    ("experiment=foreign", ["extensions", "only when the command line names it"]),
    ("trainer.devices=two", ["trainer.devices=two", "a whole number such as 1"]),
    ("trainer.max_steps=1e2", ["whole number", "write 100"]),
    ("trainer.max_steps=true", ["whole number"]),
    ("model.rate=fast", ["a number such as 0.5"]),
    ("data.flip=1", ["true or false", "write true"]),
    ("model.shape=3", ["a list such as [1,2]"]),
    ("model.loss=3", ["a section with margin"]),
    ("name=[a,b]", ["a single value"]),
    ("seed", ["no override", "key=value"]),
    ("model", ["model=<choice>"]),
    ("seed=[1", ["lacks a closing bracket: 'seed=[1]'"]),
    ("seed={a: [1, 2}", ["cannot be read as key=value"]),
    ("name=a b'", ["cannot be read as key=value"]),
    ("model.shape=[a=1,b]", ["put each item that holds a = in quotes", """'model.shape=["a=1","b"]'"""]),
    ("seed=1,2", ["add -m for a job each."]),
    ("model=large,small", ["add -m for a job each."]),
    ("logger=csv,wandb", ["add -m for a job each, or write 'logger=[csv,wandb]'."]),
    ("data.path=a,b", ["or write 'data.path=[a,b]'."]),
    ("+seed=2", ["seed exists already"]),
    ("~seeed", ["did you mean seed?"]),
    ("hydra.run.dri=x", ["did you mean hydra.run.dir?"]),
    ("seed=${sede}", ["seed cannot be worked out", "'sede' not found"]),
    ("act=???", ["act must be given"]),
    ("+logger.mine={_target_: Logger}", ["such as mypackage.module.Class"]),
    (
        "+logger.mine={_target_: mine.Logger}",
        ["mine.Logger is not allowed", "add extensions=[mine] to the command line"],
    ),
]

ACCEPTED = [
    ["trainer.max_steps=5", "model=large", "model.depth=4"],
    ["model.rate=1", "model.rate=null", "data.path=/x", "data.path=[a,b]", "name=3"],
    ["experiment=tuned", "model.depth=4"],
    ["logger=[csv,wandb]", "logger.wandb.mode=offline"],
    ["+logger.mine={_target_: mine.Logger}", "extensions=[mine]", "++model.width=9"],
    ["~model.loss", "data.seed=${trainer.max_steps}"],
    ["~experiment"],
    ["logger=[]"],
    ["trainer.devices=auto", "trainer.devices=[0,1]", "extensions=[mine]", "hydra.verbose=true"],
]


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Program.make(tmp_path_factory.mktemp("conf")).folder / "conf"


@pytest.mark.parametrize(("override", "says"), REFUSED, ids=[override for override, _ in REFUSED])
def test_refused_in_one_sentence(conf: Path, override: str, says: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        check("toy", [override], config_dir=conf)
    message = str(caught.value)
    assert "\n" not in message
    for part in says:
        assert part in message


@pytest.mark.parametrize("overrides", ACCEPTED, ids=lambda overrides: overrides[0])
def test_accepted(conf: Path, overrides: list[str]) -> None:
    check("toy", overrides, config_dir=conf)


@pytest.mark.parametrize("overrides", [["seed=1,x"], ["model=large,smal"], ["model=large,small", "model.depth=1,2"]])
def test_every_job_of_a_sweep_is_checked(conf: Path, overrides: list[str]) -> None:
    with pytest.raises(ConfigError):
        check("toy", overrides, config_dir=conf, sweep=True)


def test_a_sweep_may_use_ranges_and_several_groups(conf: Path) -> None:
    check("toy", ["seed=range(1,4)", "model=large,small", "model.width=choice(4,8)"], config_dir=conf, sweep=True)


def test_incomplete_settings_can_be_shown(conf: Path) -> None:
    check("toy", ["act=???"], config_dir=conf, complete=False)


@pytest.fixture
def extra_check() -> Iterator[list[DictConfig]]:
    seen: list[DictConfig] = []
    CHECKS.append(seen.append)
    yield seen
    CHECKS.remove(seen.append)


def test_further_checks_see_the_resolved_configuration(conf: Path, extra_check: list[DictConfig]) -> None:
    check("toy", ["seed=4"], config_dir=conf)
    assert extra_check[0].data.seed == 4
    assert extra_check[0].name == "small_digits"
    assert "hydra" not in extra_check[0]


def test_broken_yaml_is_one_sentence(tmp_path: Path) -> None:
    program = Program.make(tmp_path)
    (program.folder / "conf/model/small.yaml").write_text("a: [1\nb: }")
    with pytest.raises(ConfigError, match=r"small\.yaml cannot be read: did not find expected") as caught:
        check("toy", [], config_dir=program.folder / "conf")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=stylegan2", "model.regularizer.r1.interval=3", "hydra.run.dir=/tmp/here", "name=x"],
        ["~model.generator_optimizer.betas", "+model.generator.more=[1]", "data=cifar10", "debug=fast"],
    ],
)
def test_values_set_in_a_copy_give_what_hydra_composes(overrides: list[str]) -> None:
    with hydra_at(CONF, "train"):
        groups, parser = (
            Groups("train", []),
            OverridesParser.create(config_loader=GlobalHydra.instance().config_loader()),
        )
        parsed = parser.parse_overrides(overrides)
        chosen = [item.input_line for item in parsed if groups.chosen_by(item)]
        values = [item for item in parsed if not groups.chosen_by(item)]
        assert len(chosen) > 0 < len(values)
        late = OmegaConf.to_container(settled(with_values(as_hydra_composes("train", chosen), values)))
        whole = OmegaConf.to_container(compose_all("train", overrides))
    assert isinstance(late, dict)
    assert isinstance(whole, dict)
    late["hydra"]["job"]["override_dirname"] = whole["hydra"]["job"]["override_dirname"]
    late["hydra"]["overrides"]["task"].sort(key=overrides.index)
    assert late == whole


@pytest.mark.parametrize(
    ("verb", "typed", "says"),
    [
        ("explain", "direction=[pca,random]", "choose one, such as direction=pca, or direction=default for several"),
        ("attack", "attack=[pgd,fgsm]", "or attack=default for several side by side"),
        ("train", "model/loss=[hinge,rpgan]", "choose one, such as model/loss=hinge."),
        ("train", "data=[digits,mnist]", "choose one, such as data=digits."),
        ("train", "model=[rpgan,dcgan]", "choose one, such as model=rpgan."),
        ("explain", "direction=[default,pca]", "choose one, such as direction=pca, or direction=default for several"),
        ("explain", "+attribution@attribution.x=[grad_cam,occlusion]", "such as +attribution@attribution.x=grad_cam"),
        ("train", "optimizer=[adam,sgd]", "Did you mean to override one of optimizer@"),
        ("train", "model/regularizer=[r1,r2]", None),
        ("train", "experiment=[digits_rpgan,digits_classifier]", None),
        ("train", "trainer=[cpu,ddp]", None),
        ("train", "data=[digits,tweak]", None),
    ],
)
def test_two_choices_for_one_place(verb: str, typed: str, says: str | None, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tweak.yaml").write_text("batch_size: 7\n")  # settings alone go with anything
    with nullcontext() if says is None else pytest.raises(ConfigError, match=re.escape(says)):
        check(verb, [typed, f"hydra.searchpath=[file://{tmp_path}]"], config_dir=CONF, complete=False)
