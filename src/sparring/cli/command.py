"""`sparring <verb> ...` and `python -m sparring <verb> ...`: the word of the verb, then the same as the script of its name."""

import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from sparring.cli.docs import WORD, docs
from sparring.cli.main import guarded, run
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR, VERSION
from sparring.core.program import NAME, command
from sparring.core.terminal import say
from sparring.core.wording import listing, near


def main() -> NoReturn:
    """Do what `sys.argv` asks, and exit."""
    words = sys.argv[1:]
    verbs = sorted(path.stem for path in CONFIG_DIR.glob("*.yaml"))
    if words and words[0] in verbs:
        run(words[0], words=words[:1])
    if words and words[0] in ("-sc", "--shell-completion"):
        _complete(verbs)
    sys.exit(guarded(lambda: _answer(words, verbs)))


def _answer(words: Sequence[str], verbs: Sequence[str]) -> int:
    """What a command line gets that does not begin with a verb. Raises ConfigError."""
    if not words or words[0] in ("--help", "-h"):
        from sparring.cli.help import overview

        say(overview(verbs, CONFIG_DIR), file=sys.stdout)
        return 0
    if words[0] == "--version":
        say(f"{NAME} {VERSION}", file=sys.stdout)
        return 0
    if words[0] == WORD:
        return docs(words[1:])
    if words[0].startswith("-") or "=" in words[0]:
        verb = next((word for word in words if word in verbs), "train")
        others = [word for word in words if word != verb]
        raise ConfigError(f"'{words[0]}' stands where the verb belongs: write {command(verb, *others)}")
    raise ConfigError(f"there is no verb '{words[0]}'{near(words[0], [*verbs, WORD])} (there are {listing(verbs)})")


def _complete(verbs: Sequence[str]) -> None:
    """Complete a shell's line, the verb here and all other words by Hydra, which must not see the verb."""
    line = re.match(r"\s*(?P<program>\S+)\s+(?P<verb>\S*)(?P<rest>.*)", os.environ.get("COMP_LINE", ""), re.DOTALL)
    if line is None:  # asks for the code that a shell needs to install the completion
        run("train")
    if line["verb"] in verbs and line["rest"]:
        os.environ["COMP_LINE"] = line["program"] + line["rest"]
        run(line["verb"])
    say("\n".join(verb for verb in sorted([*verbs, WORD]) if verb.startswith(line["verb"])), file=sys.stdout)
    sys.exit(0)
