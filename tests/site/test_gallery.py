"""The gallery and the configuration reference, which are made from conf/ and need no Sphinx."""

import pytest
import yaml

from sparring.config.check import check
from sparring.config.comments import settings_in
from sparring.core.errors import ConfigError
from sparring.site.command_line import command_line
from sparring.site.gallery import TITLES, entry, gallery
from sparring.site.leaves import Leaf, all_leaves
from sparring.site.settings import reference
from tests.conftest import CONF, ROOT
from tests.site.typed import words_of

DOCS = ROOT / "docs"
LEAVES = all_leaves(CONF)


@pytest.mark.slow
def test_every_leaf_has_an_entry_with_its_file() -> None:
    """Leaves found by walking the folder here, not by what makes the gallery."""
    pages = gallery(CONF, DOCS)
    for file in CONF.rglob("*.yaml"):
        group = file.parent.relative_to(CONF).as_posix()
        if group == "." or file.name.startswith("_"):
            continue
        page = pages[f"{group.replace('/', '_')}.md"]
        heading = f"## {file.stem.replace('_', chr(92) + '_')}\n"
        assert page.count(heading) == 1, file
        assert f"```yaml\n{file.read_text().rstrip()}\n```" in page, file
    assert len({leaf.anchor for leaf in LEAVES}) == len(LEAVES)


def test_every_group_has_a_title_and_no_title_is_left_over() -> None:
    assert {leaf.group for leaf in LEAVES} == set(TITLES)


def test_a_class_of_our_own_is_described_by_its_docstring() -> None:
    silent = [leaf.override for leaf in LEAVES if (leaf.target or "").startswith("sparring.") and not leaf.prose]
    assert silent == []
    loss = next(leaf for leaf in LEAVES if leaf.override == "model/loss=hinge")
    text = entry(loss, CONF, DOCS)
    assert "Hinge loss (Lim and Ye 2017" in text
    assert "D: max(0, 1 - D(x)) + max(0, 1 + D(G(z))); G: -D(G(z))." in text
    assert "```bash\npython train.py model/loss=hinge\n```" in text


def test_pictures_and_results_of_a_study_are_shown() -> None:
    stability, rpgan = (next(leaf for leaf in LEAVES if leaf.name == name) for name in ("stability", "digits_rpgan"))
    assert "![study=stability](../docs/studies/stability_digits.png)" in entry(stability, CONF, DOCS)
    assert "[stability_digits](../docs/studies/stability_digits.md)" in entry(stability, CONF, DOCS)
    assert "![experiment=digits_rpgan](../docs/digits.png)" in entry(rpgan, CONF, DOCS)


@pytest.mark.parametrize(
    ("override", "command"),
    [
        ("callback=guard", "python train.py 'callback=[default,guard]'"),
        ("model/regularizer=r1", "python train.py 'model/regularizer=[r1]'"),
        ("model/backbone=cnn", "python train.py model=classifier model/backbone=cnn"),
        ("model/velocity=unet", "python train.py model=flow model/velocity=unet"),
        ("attack=pgd", "python attack.py run=latest attack=pgd"),
        ("experiment/study=demo", "python study.py experiment/study=demo"),
        ("metric/features=lite0", "python evaluate.py run=latest metric/features=lite0"),
        ("direction=pca", "python generate.py run=latest direction=pca 'move=[pca_1:2]'"),
        (
            "direction=boundary",
            "python generate.py run=latest direction=boundary classifier=<run> 'move=[boundary_1:2]'",
        ),
        ("data=toy2d", "python train.py data=toy2d model=gan"),
        ("model=advgan", "python train.py model=advgan model.target=<target>"),
    ],
)
def test_the_command_names_verb_list_and_preset(override: str, command: str) -> None:
    assert command_line(next(leaf for leaf in LEAVES if leaf.override == override), CONF) == command


@pytest.mark.slow
@pytest.mark.parametrize("group", sorted(TITLES))
def test_every_command_is_accepted(group: str) -> None:
    for leaf in (leaf for leaf in LEAVES if leaf.group == group and leaf.override != "data=arrays"):
        check(*words_of(command_line(leaf, CONF)), config_dir=CONF, complete=False)


def test_a_command_of_a_choice_that_is_not_there_would_be_refused() -> None:
    with pytest.raises(ConfigError, match="no choice"):
        check("train", ["model/loss=hing"], config_dir=CONF, complete=False)


@pytest.mark.slow
def test_the_reference_has_every_setting_with_its_comment() -> None:
    pages = reference(CONF)
    settings = {name for leaf in LEAVES for name, _, _ in settings_in(leaf.file, leaf.group)}
    for verb in CONF.glob("*.yaml"):
        settings |= {key for key in yaml.safe_load(verb.read_text()) if key not in ("defaults", "hydra")}
    text = "".join(pages.values())
    assert [name for name in sorted(settings) if f"| `{name}` |" not in text] == []
    assert "| `model.regularizer.r1.interval` | `1` | D steps |" in pages["model.md"]


def test_a_leaf_of_another_package_and_one_of_settings_alone() -> None:
    adam = Leaf("optimizer", "adam", CONF / "optimizer" / "adam.yaml")
    assert (adam.target, adam.prose) == ("torch.optim.Adam", [])
    assert "torch.optim.Adam" in entry(adam, CONF, DOCS)
    fast = Leaf("debug", "fast", CONF / "debug" / "fast.yaml")
    assert (fast.target, fast.comment) == (None, ["One tiny iteration of anything: python train.py debug=fast ..."])
