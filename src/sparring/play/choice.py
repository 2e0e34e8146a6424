"""What a visitor has chosen of a generator, and the command that draws the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparring.core.program import hint, shown


@dataclass(frozen=True)
class Choice:
    """Which images: image 0, 1, ... of a seed, as `generate.py` counts them.

    Args:
        label: class index; None for a generator without classes.
        truncation: above 0; None: none.
        toward: another seed, and `share` of the way to it.
        move: strength in standard deviations by the name of a direction; zeros are no moves.
    """

    seed: int = 0
    label: int | None = None
    truncation: float | None = None
    toward: int | None = None
    share: float = 0.0
    move: Mapping[str, float] = field(default_factory=dict)

    @property
    def moves(self) -> dict[str, float]:
        return {key: strength for key, strength in self.move.items() if strength}

    @property
    def other(self) -> int | None:
        """The seed that the latents are on their way to; None where they have not left."""
        return self.toward if self.share else None


def recipe(
    run: Path, choice: Choice, *, count: int, classifier: Path | None, formats: Sequence[str] = ("folder", "grid"),
    typed: Sequence[str] = (),
) -> str:  # fmt: skip
    """The command whose images are those of the choice, byte for byte on the same machine.

    Args:
        run: of the generator. count: how many, from image 0.
        classifier: that boundary directions were found with; None: none, or the GAN's own.
        typed: settings of the playground that `generate` has, too; those of directions are named where one is followed.
    """
    words = [f"run={shown(run)}", f"count={count}", f"seed={choice.seed}", f"format=[{','.join(formats)}]"]
    if choice.label is not None:
        words.append(f"label={choice.label}")
    if choice.truncation is not None:
        words.append(f"truncation={choice.truncation:g}")
    if choice.other is not None:
        words += [f"toward={choice.other}", f"share={choice.share:g}"]
    if choice.moves:
        words.append(f"move=[{','.join(f'{key}:{strength:g}' for key, strength in choice.moves.items())}]")
        if classifier is not None and any(key.startswith("boundary") for key in choice.moves):
            words.append(f"classifier={shown(classifier)}")
    words += [word for word in typed if choice.moves or not word.lstrip("+~").startswith("direction")]
    return hint("generate", *words)
