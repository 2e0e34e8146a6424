"""Every file of published numbers is complete, and our numbers are in the row of the right entry."""

from pathlib import Path

import pytest

from sparring.core.errors import ConfigError
from sparring.study import published as module
from sparring.study.published import published_numbers
from sparring.study.tables.published import published_table

NAMES = sorted(path.stem for path in Path(module.__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_file_reads_and_its_ids_are_unique(name: str) -> None:
    ids = [entry["id"] for entry in published_numbers(name)]
    assert len(set(ids)) == len(ids) > 0


def test_our_number_is_in_the_row_of_its_id() -> None:
    table = published_table("cas", {"real_cifar10": "98.4 % (digits)"})
    by_setting = {row[0]: row[1:] for row in table.rows}
    assert by_setting["CIFAR-10, trained on real images"][:2] == ("98.4 % (digits)", "92.58 %")
    assert by_setting["CIFAR-10, trained on BigGAN images only"][0] == "–"
    assert all(row[-1].startswith(("yes", "no: ")) for row in table.rows)


def test_numbers_read_off_a_plot_say_so() -> None:
    rows = {row[0]: row for row in published_table("augment_curve").rows}
    assert "read off a plot" in rows["CIFAR-10, 100 labels per class, vanilla GAN"][3]


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="no published numbers for nothing"):
        published_numbers("nothing")
    with pytest.raises(ConfigError, match="has no real_cifar100"):
        published_table("cas", {"real_cifar100": "1"})
