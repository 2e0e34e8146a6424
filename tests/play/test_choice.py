"""What a choice says of itself."""

from pathlib import Path

from sparring.play.choice import Choice, recipe


def test_what_changes_nothing_is_not_named() -> None:
    choice = Choice(seed=4, toward=8, share=0.0, move={"sefa_1": 0.0})
    assert recipe(Path("/runs/a"), choice, count=1, classifier=Path("/runs/c")).endswith(
        "generate run=/runs/a count=1 seed=4 'format=[folder,grid]'"
    )


def test_a_classifier_is_named_where_its_directions_are_followed() -> None:
    choice = Choice(label=0, truncation=0.75, toward=8, share=0.5, move={"boundary_1": 1.5})
    command = recipe(Path("/runs/a"), choice, count=2, classifier=Path("/runs/c"))
    assert command.endswith("label=0 truncation=0.75 toward=8 share=0.5 'move=[boundary_1:1.5]' classifier=/runs/c")
