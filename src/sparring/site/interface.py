"""The reference of the Python interface: what `import sparring` offers, for Sphinx's autodoc."""

from sparring.site.markdown import code

# As their docstrings are found; the order is that of a reader.
FUNCTIONS = {
    "train": "sparring.api.train.train", "open": "sparring.api.open.open", "evaluate": "sparring.api.evaluate.evaluate",
    "attack": "sparring.api.attack.attack", "compose": "sparring.api.compose.compose",
    "from_pretrained": "sparring.export.pretrained.from_pretrained",
}  # fmt: skip
CLASSES = {"Run": "sparring.api.run.Run", "AttackResult": "sparring.api.attack.AttackResult"}
ERRORS = (
    "SparringError", "ConfigError", "DataError", "CheckpointError", "DiskError", "DivergedError", "OutOfMemoryError",
    "Interrupted",
)  # fmt: skip


def reference() -> str:
    """The page, in Markdown with directives of autodoc."""
    parts = [
        "# Python",
        "What `import sparring` offers. Settings are overrides, as on the command line; images that go in and come out are "
        "tensors `(N, C, H, W)`, uint8 or floats in [0, 1]. [The notebook](../docs/notebook.ipynb) uses all of it.",
    ]
    for name, place in FUNCTIONS.items():
        parts += [f"## sparring.{name}", _directive("autofunction", place)]
    for name, place in CLASSES.items():
        parts += [f"## sparring.{name}", _directive("autoclass", place, ":members:")]
    parts += ["## Errors", "Each has the exit code `exit_code`, with which the command line ends."]
    parts += [_directive("autoclass", f"sparring.core.errors.{name}") for name in ERRORS]
    return "\n\n".join(parts) + "\n"


def _directive(name: str, argument: str, *options: str) -> str:
    return code("\n".join([f".. {name}:: {argument}", *(f"   {option}" for option in options)]), "{eval-rst}")
