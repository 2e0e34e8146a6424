"""`python export.py run=logs/train/<run>`: the networks of a run as files for others, with a card.

conf/export.yaml says what each key means.
"""

import json
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.wording import listing
from sparring.export.card import FILES, card, description
from sparring.export.networks import Portable, portable
from sparring.export.onnx import write_onnx
from sparring.export.pretrained import write_pretrained
from sparring.export.program import write_program
from sparring.export.push import push
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded
from sparring.trained.runs import Runs


def export(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Export every network of `config.run` that is of use outside of it; returns the content of result.json.

    Files: generator.pt2, classifier.pt2, enhancer.pt2 (what the run holds), likewise .onnx, and folders in the form of the hub,
    each as `config.format` says; config.json, README.md.

    Raises:
        CheckpointError: `config.run` is no finished run, or holds no such network.
        ConfigError: a network that cannot be exported, a format that does not exist, or a hub that refuses it.
        DiskError: the files cannot be written.
    """
    formats = _formats(config)
    with recorded(run_dir) as run:
        started = time.perf_counter()
        trained = Runs.of(config).model(str(config.run), checkpoint=config.checkpoint)
        ended = trained.run.result()
        if "metrics" not in ended:
            raise CheckpointError(
                f"{trained.run.path} has not finished, so there is nothing to say of its quality; finish it first."
            )
        networks = _chosen(portable(trained), config)
        described: dict[str, Any] = {
            "name": trained.run.path.name, "settings": trained.settings, "result": ended,
            "weights": {name: trained.fact(name) for name in ("iteration", "images_seen")},
        }  # fmt: skip
        differences: dict[str, dict[str, float]] = {}
        for each in networks:
            differences[each.name] = {
                kind: _write(each, kind, run.path / FILES[kind].format(each.name), config, described)
                for kind in formats
            }
        content = description(networks, **described, formats=formats)
        write_atomic(run.path / "config.json", (json.dumps(content, indent=2) + "\n").encode())
        write_atomic(run.path / "README.md", card(content, ended).encode())
        files = {name: network["files"] for name, network in content["networks"].items()}
        result: dict[str, Any] = {
            "verb": "export",
            "name": str(config.name),
            "config_hash": config_hash(config),
            "data": {"fingerprints": trained.fact("fingerprints")},
            "metrics": {},
            "files": files | {"card": "README.md", "config": "config.json"},
            "differences": differences,
            "cost": {"seconds": round(time.perf_counter() - started, 2)},
            "environment": environment(),
        }
        if config.push is not None:
            folder = run.path / FILES["hub"].format(networks[0].name)
            result["pushed"] = push(folder, str(config.push), private=bool(config.private))
        run.write_result(result)
        run.write_status("finished", f"{len(networks)} networks", 0, {}, None)
    return result


def _formats(config: DictConfig) -> list[str]:
    """`format`, checked; `safetensors` is how the hub's form keeps weights."""
    given = [str(each) for each in config.format]
    formats = list(dict.fromkeys("hub" if each == "safetensors" else each for each in given))
    if not formats or set(formats) - set(FILES):
        raise ConfigError(f"format={given} must name one or more of {', '.join(FILES)} (safetensors is in hub).")
    if config.push is not None and "hub" not in formats:
        raise ConfigError(
            f"push={config.push} uploads the form of the hub: add format=[{','.join([*formats, 'hub'])}]."
        )
    return formats


def _chosen(networks: list[Portable], config: DictConfig) -> list[Portable]:
    """All networks of the run, or the one that `network` names."""
    names = [each.name for each in networks]
    if config.network is not None and config.network not in names:
        raise ConfigError(f"network={config.network} is not in the run, which holds {listing(names)}.")
    chosen = [each for each in networks if config.network in (None, each.name)]
    if config.push is not None and len(chosen) > 1:
        raise ConfigError(
            f"push={config.push} uploads one network and the run holds {listing(names)}: add network={names[0]}."
        )
    return chosen


def _write(each: Portable, kind: str, path: Path, config: DictConfig, described: dict[str, Any]) -> float:
    """The largest difference between the network and what was written."""
    if kind == "pt2":
        return write_program(each, path, tolerance=config.tolerance)
    if kind == "onnx":
        return write_onnx(each, path, tolerance=config.tolerance)
    content = description([each], **described, formats=["hub"])
    text = card(content, described["result"])
    return write_pretrained(each, path, settings=described["settings"], content=content, card=text)
