"""Commands of pages as `config.check.check` takes them."""

import re
import shlex


def words_of(command: str) -> tuple[str, list[str]]:
    """(verb, overrides) of `python train.py ...`; null stands for what only the user has: runs, folders, names."""
    _, script, *words = shlex.split(re.sub(r"<[^>]*>(/<[^>]*>)?", "<>", command))
    given = re.compile(r"(.*?=).*(<>|\blatest\b).*")
    return script.removesuffix(".py"), [given.sub(r"\1null", word) for word in words if word != "-m"]
