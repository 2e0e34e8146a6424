"""What the tab Classify answers, without a browser."""

from pathlib import Path

import pytest
from PIL import Image

from sparring.core.errors import ConfigError
from sparring.play.studio import Studio
from tests.stage.test_generate import trained

pytest.importorskip("gradio")

from sparring.play.page.classify_tab import ClassifyTab


@pytest.fixture
def tab(studio: Studio) -> ClassifyTab:
    """The handlers alone."""
    made = ClassifyTab.__new__(ClassifyTab)
    made.studio = studio
    return made


def test_an_image_stays_with_its_networks(tab: ClassifyTab, gan_run: Path, victim_run: Path, tmp_path: Path) -> None:
    run, classifier, larger = str(gan_run), str(victim_run), str(trained(tmp_path / "larger", "data.image_size=16"))
    Image.new("L", (9, 9), 200).save(tmp_path / "grey.png")
    own, *_ = tab.uploaded(str(tmp_path / "grey.png"), run, classifier, "integrated_gradients", 0.1)
    assert (own.run, own.classifier) == (run, classifier)
    found, _ = tab.inverted(own, run, classifier, "sefa", 0.0)
    assert found.latent.shape == (1, 8)
    for moved in (tab.inverted, tab.moved):
        with pytest.raises(ConfigError, match="Other networks were chosen"):
            moved(found, larger, "", "sefa", 0.0)
        with pytest.raises(ConfigError, match="Other networks were chosen"):
            moved(found, run, "", "sefa", 0.0)
    assert tab.looked(own, larger, "", None, 0.1) == ["", ""]  # nobody to ask


def test_no_class_is_assumed_where_no_classifier_tells_it(tab: ClassifyTab, gan_run: Path, tmp_path: Path) -> None:
    Image.new("L", (9, 9), 200).save(tmp_path / "grey.png")
    own, *_ = tab.uploaded(str(tmp_path / "grey.png"), str(gan_run), "", None, 0.1)
    with pytest.raises(ConfigError, match="nothing says which one your image is"):
        tab.inverted(own, str(gan_run), "", "sefa", 0.0)
