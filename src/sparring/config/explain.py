"""One sentence for everything that Hydra, OmegaConf and YAML say when a configuration does not compose."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from hydra.errors import HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sparring.config.renamed import renamed_group
from sparring.core.errors import ConfigError
from sparring.core.wording import listing, near

# Choices that people look for under another name.
_EXTRA = "; it comes with pip install -c constraints.txt -e '.[{}]'"
ELSEWHERE = {
    ("data", "mixed"): ", real and generated images together are data=<data set> data/mix=images",
    ("hydra/launcher", "joblib"): _EXTRA.format("sweep"),
    ("hydra/launcher", "submitit_local"): _EXTRA.format("slurm"),
    ("hydra/launcher", "submitit_slurm"): _EXTRA.format("slurm"),
}


@contextmanager
def readable_errors(*also: type[Exception]) -> Iterator[None]:
    """Inside, errors of Hydra, OmegaConf and YAML become sentences.

    Args:
        also: further kinds of errors that mean a wrong configuration.

    Raises:
        ConfigError: in place of each of them.
    """
    wrong: tuple[type[Exception], ...] = (HydraException, OmegaConfBaseException, *also)
    try:
        yield
    except MissingConfigException as error:
        raise ConfigError(_missing(error)) from error
    except wrong as error:
        raise ConfigError(_sentence(error)) from error
    except YAMLError as error:
        raise ConfigError(f"a file of the configuration is not valid YAML: {_one_line(str(error))}.") from error


def unparsable(text: str, groups: Sequence[str]) -> ConfigError:
    """The error for an override that Hydra's grammar refuses.

    Args:
        text: the override as typed.
        groups: all that there are.
    """
    name = text.lstrip("-").partition("=")[0]
    if "=" not in text:
        example = f"{name}=<choice>" if name in groups else "seed=2"
        return ConfigError(f"'{text}' is no override: write key=value, for example {example}.")
    key, _, value = text.partition("=")
    if (closed := _closed(value)) is not None:
        return ConfigError(f"'{text}' lacks a closing bracket: '{key}={closed}'.")
    if re.fullmatch(r"\[[^\[\]{}]*=[^\[\]{}]*\]", value):
        items = ",".join('"' + item.strip().strip("\"'") + '"' for item in value[1:-1].split(","))
        return ConfigError(
            f"'{text}' cannot be read as key=value: put each item that holds a = in quotes, and the whole for the shell: "
            f"'{key}=[{items}]'."
        )
    return ConfigError(
        f"'{text}' cannot be read as key=value: put values with spaces, brackets, quotes or a second = in quotes, "
        f"for the shell and for Hydra: '{key}=\"{value}\"'."
    )


def _closed(value: str) -> str | None:
    """`value` with the brackets closed that it opens; None where nothing, or something else, is wrong with them."""
    pairs = {"[": "]", "{": "}", "(": ")"}
    expected: list[str] = []
    for character in re.sub(r"'[^']*'|\"[^\"]*\"", "", value):
        if character in pairs:
            expected.append(pairs[character])
        elif character in pairs.values() and (not expected or expected.pop() != character):
            return None
    return value + "".join(reversed(expected)) if expected else None


def _missing(error: MissingConfigException) -> str:
    """For a file that is named in a defaults list, or as the primary config, and is not there."""
    path = PurePosixPath(error.missing_cfg_file or "")
    place = re.match(r"In '([^']+)'", str(error))
    where = f"in {place[1]}.yaml: " if place else ""
    options = [name for name in error.options or () if not name.startswith("_")]
    if not options:
        present = renamed_group(str(path.parent))
        hint = f"; the group {path.parent} is called {present}" if present else ""
        return f"{where}there is no configuration file '{path}'{hint}."
    # Hydra names the file whose defaults list holds the group, not the one that chose; the command line was checked before.
    asks = f"a configuration file asks for {path.parent}={path.name}"
    return f"{asks}, but {no_choice(str(path.parent), path.name, options)}"


def no_choice(group: str, name: str, choices: Sequence[str]) -> str:
    """The sentence about a choice that a group does not have.

    Args:
        name: as typed.
        choices: those that it has.
    """
    instead = ELSEWHERE.get((group, name), "")
    return f"{group} has no choice '{name}'{near(name.lower(), choices)}{instead} (it has {listing(choices)})"


def _sentence(error: BaseException) -> str:
    """The innermost message, which names the cause, with the override or setting it is about."""
    innermost = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    parts = [_one_line(str(error))]
    if innermost is not error:
        parts.append(_one_line(str(innermost)))
    return ": ".join(part for part in parts if part) + "."


def _one_line(message: str) -> str:
    """Without the type names and line breaks; `full_key: a.b` is the setting the message is about."""
    about = re.search(r"full_key: (\S+)", message)
    message = re.split(r"\n\s*(?:full_key|object_type|reference_type|Config search path|See https)", message)[0]
    message = re.sub(r"\s+", " ", message).strip().rstrip(".")
    return f"{about[1]}: {message}" if about and about[1] not in message else message
