"""Planning real cells: the configuration is that of the command line, and keys change with what numbers depend on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sparring.config.compose import CONFIG_DIR, compose
from sparring.config.plain import plain
from sparring.core.errors import ConfigError
from sparring.run.directory import config_hash
from sparring.study.engine import source_hash
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.compose import Composer, composing
from sparring.study.engine.context import StudyContext
from sparring.study.engine.plan import Planned, plan

FOLDER = Path("/study/cells")


def context(*overrides: str) -> StudyContext:
    return StudyContext.read(compose("study", ["study=seed_noise", "paths.log_dir=/logs", *overrides]))


@pytest.fixture(scope="module")
def composer() -> Iterator[Composer]:
    with composing(context(), CONFIG_DIR) as one:
        yield one


def plans(composer: Composer, cells: Sequence[Cell], folder: Path = FOLDER, version: str = "v") -> dict[str, Planned]:
    return {each.cell.name: each for each in plan(cells, composer, folder, version)}


GAN = Cell("r0/gan", "train", ("model=dcgan", "model/loss=hinge", "seed=3", "trainer.max_steps=7", "+data.more={a: 1}"))
DRAW = Cell("r0/images", "generate", ("run=cell:r0/gan", "count=5", "format=[grid,folder]"))


@pytest.mark.parametrize("cell", [GAN, DRAW, Cell("x", "train", ("data=cifar10", "~model.ema.ramp_up", "report=true"))])
def test_a_cell_is_composed_as_the_command_line_composes_it(cell: Cell, composer: Composer) -> None:
    more = ["report=false"] if cell.verb == "train" else []
    paths = ["paths.log_dir=/logs", "paths.run_dir=/study/cells/x"]
    theirs = compose(cell.verb, [*paths, *[item for item in more if cell.name != "x"], *cell.overrides])
    ours = composer(cell.verb, cell.overrides, Path("/study/cells/x"))
    assert ours == plain(theirs)


def test_what_was_typed_for_the_data_and_for_all_trainings_reaches_every_training() -> None:
    typed = context("data=fashion_mnist", "data.image_size=14", "data.classes=[0,1]", 'train=["trainer=cpu","seed=9"]')
    with composing(typed, CONFIG_DIR) as composer:
        settings = composer("train", ("data.image_size=7",), FOLDER)
        assert settings["data"]["name"] == "fashion_mnist"
        assert (settings["data"]["num_classes"], settings["data"]["classes"]) == (2, [0, 1])
        assert (settings["data"]["image_size"], settings["trainer"]["accelerator"], settings["seed"]) == (7, "cpu", 9)
        assert composer("train", ("seed=4",), FOLDER)["data"]["image_size"] == 14
        assert composer("train", ("seed=4",), FOLDER)["seed"] == 4
        assert composer("train", ("data=cifar10",), FOLDER)["data"]["image_size"] == 32
        assert composer("train", ("data=cifar10",), FOLDER, "data")["data"]["image_size"] == 14


def test_references_become_directories_and_come_first(composer: Composer) -> None:
    planned = plan([DRAW, GAN], composer, FOLDER, "v")
    assert [each.cell.name for each in planned] == ["r0/gan", "r0/images"]
    assert planned[1].config["run"] == "/study/cells/r0/gan"
    assert planned[1].inputs == ("r0/gan",)
    file = Cell("y", "generate", ("run=cell:r0/gan/images/grid.png",))
    assert plans(composer, [GAN, file])["y"].config["run"] == "/study/cells/r0/gan/images/grid.png"


def test_keys_depend_on_settings_inputs_and_code_and_on_no_folder(composer: Composer) -> None:
    before = plans(composer, [GAN, DRAW])
    assert {name: each.key for name, each in plans(composer, [GAN, DRAW], Path("/elsewhere")).items()} == {
        name: each.key for name, each in before.items()
    }
    other_gan = Cell("r0/gan", "train", (*GAN.overrides[:-1], "seed=4"))
    changes = {
        "settings": plans(composer, [GAN, Cell("r0/images", "generate", (*DRAW.overrides, "seed=1"))]),
        "input": plans(composer, [Cell("r0/gan", "train", ("model=dcgan",)), DRAW]),
        "code": plans(composer, [GAN, DRAW], version="w"),
    }
    keys = {before["r0/images"].key, *(each["r0/images"].key for each in changes.values())}
    assert len(keys) == 4
    assert other_gan != GAN
    renamed = [
        Cell("q/gan", "train", GAN.overrides),
        Cell("q/images", "generate", ("run=cell:q/gan", *DRAW.overrides[1:])),
    ]
    assert plans(composer, renamed)["q/images"].key == before["r0/images"].key


def test_the_key_is_no_hash_of_the_name_alone(composer: Composer) -> None:
    one = plans(composer, [GAN])["r0/gan"]
    assert one.key != config_hash(one.config)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([Cell("a", "train", ("sed=1",))], "cell a: .*sed"),
        ([Cell("a", "train", ("model=dcgn",))], "cell a: .*dcgn"),
        ([Cell("a", "train", ("trainer.devices=2",))], r"cell a: trainer.devices=2 .*executor.workers"),
        ([Cell("a", "train", ("data.batch_size=0",))], "cell a: data.batch_size=0"),
        (
            [Cell("a", "train", ("model=classifier", "data/mix=replay", "data.mix.fraction=0.001"))],
            r"cell a: data.mix.fraction=0.001 of data.batch_size=\d+ rounds to no image",
        ),
        ([Cell("a", "generate", ("count=5",))], "cell a: run of a generate cell must be given"),
        ([Cell("a", "generate", ("run=cell:b",))], "cell a refers to cell:b, but there is no such cell"),
        ([Cell("a", "train", ("seed=1",)), Cell("a", "train", ("seed=2",))], "two cells are named a"),
        ([Cell("a", "train", ()), Cell("a/b", "train", ())], "a/b would lie inside cell a"),
        ([Cell("a", "generate", ("run=cell:b",)), Cell("b", "generate", ("run=cell:a",))], "wait for each other"),
    ],
    ids=lambda value: None if isinstance(value, list) else value[:20],
)
def test_what_cannot_work_is_refused_before_anything_runs(cells: list[Cell], message: str, composer: Composer) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(cells, composer, FOLDER, "v")


def test_images_without_labels_need_a_labeller(composer: Composer) -> None:
    free = Cell("r0/gan", "train", ("model=dcgan", "model/conditioning=none", "model/head=none"))
    mix = ("model=classifier", "data/mix=images", "data.mix.images=[cell:r0/images]")
    with pytest.raises(
        ConfigError, match=r"cell r0/arm needs images with labels.*cell r0/gan is unconditional.*concat"
    ):
        plan([free, DRAW, Cell("r0/arm", "train", mix)], composer, FOLDER, "v")
    labeller = Cell("r0/labeller", "train", ("model=classifier",))
    labelled = Cell("r0/arm", "train", (*mix, "data.mix.labeller=cell:r0/labeller"))
    assert len(plan([free, DRAW, labeller, labelled], composer, FOLDER, "v")) == 4
    assert len(plan([GAN, DRAW, Cell("r0/arm", "train", mix)], composer, FOLDER, "v")) == 3  # conditional


def test_shared_cells_are_planned_once(composer: Composer) -> None:
    assert len(plan([GAN, DRAW, GAN], composer, FOLDER, "v")) == 2


def test_names_are_folders() -> None:
    with pytest.raises(ValueError, match="no name of a cell"):
        Cell("../r0", "train", ())
    with pytest.raises(ValueError, match="no name of a cell"):
        Cell("r0 a", "train", ())


def test_seeds_of_replicates_differ_in_everything_and_come_back() -> None:
    seeds = [Seeds.of(1, r) for r in range(20)] + [Seeds.of(2, r) for r in range(20)]
    drawn = [value for each in seeds for value in vars(each).values()]
    assert len(set(drawn)) == len(drawn) == 200
    assert all(0 <= value < 2**31 for value in drawn)
    assert Seeds.of(1, 0) == seeds[0]


def test_the_digest_follows_code_that_makes_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sparring"
    for name in ("model/gan.py", "report/page.py", "stage/train.py", "stage/study.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("x = 1\n")
    monkeypatch.setattr("sparring.core.package.FOLDER", package)
    before = source_hash.digest()
    (package / "report" / "page.py").write_text("x = 2\n")
    (package / "stage" / "study.py").write_text("x = 2\n")
    assert source_hash.digest() == before
    (package / "model" / "gan.py").write_text("x = 2\n")
    assert source_hash.digest() != before
    assert source_hash.digest(["tests"]) != source_hash.digest()
    with pytest.raises(ConfigError, match="no package nothing_here"):
        source_hash.digest(["nothing_here"])
