"""What is decided before a W&B run is opened: the mode, whether there is a key, and what of the settings may leave."""

import netrc
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from omegaconf import OmegaConf

from sparring.core.errors import ConfigError

MODES = ("auto", "online", "offline", "disabled")
_FROM_ENVIRONMENT = {
    "online": "online",
    "run": "online",
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
}
_SECRET_KEY = re.compile(r"(^|[_.-])(api_?key|token|secret|password|passwd|credentials?)$", re.IGNORECASE)
_SECRET_VARIABLE = re.compile(r"(API_?KEY|TOKEN|SECRET|PASSWORD)$")
_HIDDEN = "<hidden>"


def requested_mode(mode: str) -> str:
    """`mode`, or for `auto` what the variable WANDB_MODE asks for.

    Raises:
        ConfigError: an unknown mode.
    """
    if mode not in MODES:
        raise ConfigError(f"logger.wandb.mode={mode} does not exist; choose one of {', '.join(MODES)}.")
    return _FROM_ENVIRONMENT.get(os.environ.get("WANDB_MODE", ""), mode) if mode == "auto" else mode


def api_key_is_set(base_url: str) -> bool:
    """Whether the environment or the netrc file has credentials for the W&B server at `base_url`; never asks for them."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    given = os.environ.get("NETRC")
    for path in [Path(given).expanduser()] if given else [Path.home() / ".netrc", Path.home() / "_netrc"]:
        try:
            login = netrc.netrc(str(path)).hosts.get(urlsplit(base_url).netloc)
        except (OSError, netrc.NetrcParseError):
            continue
        if login is not None and login[2]:
            return True
    return False


def first_line(error: Exception) -> str:
    """Of its message, or its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def why_not(error: Exception, base_url: str) -> str:
    """What went wrong at opening an online run, in a few words and without the SDK's quotes from the server."""
    text = first_line(error)
    if re.search(r"\b401\b|not logged in|api[ _]key", text, re.IGNORECASE):
        return f"the API key does not work on {base_url}"
    if re.search(r"deadline exceeded|timed out|giving up|connection refused|no such host", text, re.IGNORECASE):
        return f"no answer from {base_url}"
    return text


def plain_config(params: Any) -> dict[str, Any]:
    """`params` (a mapping or DictConfig) as resolved plain containers, without values that look like secrets.

    A value is hidden when its key is one of a secret (`api_key`, `token`, ...) or when it contains the value of an environment
    variable of such a name.

    Raises:
        TypeError: `params` is no mapping.
    """
    plain = OmegaConf.to_container(params, resolve=True) if OmegaConf.is_config(params) else params
    if not isinstance(plain, dict):
        raise TypeError(f"The settings to log are a {type(params).__name__}, expected a mapping.")
    secrets = {value for name, value in os.environ.items() if _SECRET_VARIABLE.search(name) and len(value) >= 8}
    return {str(key): _hidden(key, value, secrets) for key, value in plain.items()}


def _hidden(key: Any, value: Any, secrets: set[str]) -> Any:
    if isinstance(value, dict):
        return {str(inner): _hidden(inner, item, secrets) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(key, item, secrets) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return _HIDDEN if _SECRET_KEY.search(str(key)) or any(secret in text for secret in secrets) else text
