"""What a page says of its test images is what the trainings recorded."""

from pathlib import Path

from sparring.study.tables.limits import shared_images_limit as limit
from tests.study.fabricated import planned_by, results, trained


def test_common_and_own_test_images(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=ssl_labels", "study.replicates=2", "study.labels_per_class=[5]")
    shared = results(subject, cells, tmp_path / "shared", lambda cell, run: trained(0.9))
    assert limit(shared, estimated=True).startswith("All replicates share the test images; what these add")
    assert limit(shared, estimated=False).endswith("not over test sets.")
    own = results(
        subject, cells, tmp_path / "own",
        lambda cell, run: trained(0.9) | {"data": {"fingerprints": {"test": str(cell.tags["replicate"])}}},
    )  # fmt: skip
    assert limit(own, estimated=True).startswith("Each replicate has a split and so test images of its own")
