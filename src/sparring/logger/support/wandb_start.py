"""Starting a run of the W&B SDK with the settings that a training needs."""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sparring.core.atomic import write_atomic
from sparring.logger.support.wandb_settings import api_key_is_set, why_not
from sparring.run.kind import verb_of
from sparring.run.search import study_of

log = logging.getLogger(__name__)

PROJECT = "sparring"
PREEMPTED = "preempted"  # a status that a run ends with: the scheduler of a cluster ended it, and it goes on later
# What `wandb.init` may need on top of its own time limit to give up and to start again offline.
GIVING_UP_SECONDS = 3.0
FINISH_SECONDS = 60.0
PRIVATE_SETTINGS: dict[str, Any] = {"x_transaction_log_flush_interval": 1.0}  # may vanish with a release of the SDK


def labels(
    folder: Path, *, project: str | None, entity: str | None, name: str | None, group: str | None, tags: Sequence[str]
) -> dict[str, Any]:
    """What `wandb.init` calls a run. A setting wins over the variable of W&B for it, and that over the default.

    Args:
        folder: run directory, whose name holds model and data; a job of a sweep adds what varies to that of its sweep, and a
            cell of a study is called by its place in that, whose runs are one group.
    """
    given, job, study = os.environ, folder.name, None
    if "_sweep_" in folder.parent.name:
        job = f"{folder.parent.name.partition('_sweep')[0]} {folder.name}"
    if (around := study_of(folder)) is not None:
        study, job = around.name, "/".join(folder.absolute().relative_to(around).parts[1:])
    variable = [tag.strip() for tag in given.get("WANDB_TAGS", "").split(",") if tag.strip()]
    return {
        "project": project or given.get("WANDB_PROJECT") or PROJECT,
        "entity": entity or given.get("WANDB_ENTITY"),
        "name": name or given.get("WANDB_NAME") or job,
        "group": group or given.get("WANDB_RUN_GROUP") or study,
        "tags": list(tags) or variable,
    }


def kind_of_work(settings: Mapping[str, Any], *, called: str) -> dict[str, str]:
    """The job type of a run, which is its verb, and its name: one that works on an earlier run says on which.

    Args:
        settings: of the run.
        called: its name so far.
    """
    verb, given = verb_of(settings), os.environ.get("WANDB_JOB_TYPE")
    labels = {"job_type": given or verb or "train"}
    named = os.environ.get("WANDB_NAME") or ((settings.get("logger") or {}).get("wandb") or {}).get("name")
    own = str(settings.get("name") or "")  # holds model and data, which the folder of a sweep's job does not
    if not named and own and own not in called:
        called = labels["name"] = f"{called} {own}"
    if verb != "train" and settings.get("run") and not named:
        source = re.sub(r"^[\d_-]+(?=[a-z])|_\d+$", "", Path(str(settings["run"])).name)
        labels["name"] = f"{called} of {source}"
    return labels


def start_run(
    mode: Literal["online", "offline"], folder: Path, run_id: str, *, resumed: bool, online_timeout: float,
    config: dict[str, Any], labels: Mapping[str, Any],
) -> Any:  # fmt: skip
    """A new `wandb.Run` whose x-axis is `iteration`.

    Args:
        folder: W&B's files go to `<folder>/wandb`.
        resumed: whether the run `run_id` may exist and is then continued.
        online_timeout: seconds that the server may take to answer.
        config: settings to record.
        labels: project, entity, name, group and tags, as `wandb.init` takes them.

    Raises:
        Exception: whatever the SDK raises.
    """
    import wandb

    # The SDK's own process writes its file every 15 s by default, and dies with a training that is killed.
    private = {name: value for name, value in PRIVATE_SETTINGS.items() if name in wandb.Settings.model_fields}
    settings = wandb.Settings(
        **private, init_timeout=max(1.0, online_timeout - GIVING_UP_SECONDS),
        finish_timeout=FINISH_SECONDS, finish_timeout_raises=True, silent=True, console="off", save_code=False,
        disable_git=True,  # a remote's address may hold a password; result.json has the commit
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        dir=str(folder), mode=mode, id=run_id, config=config, settings=settings, reinit="create_new",
        resume="allow" if resumed and mode == "online" else None, **labels,
    )  # fmt: skip
    run.define_metric("iteration")
    run.define_metric("*", step_metric="iteration")
    return run


def started_online(start: Callable[[], Any], folders: Callable[[], Sequence[Path]]) -> tuple[Any, str]:
    """(run, "") of `start`, or (None, why not); what a failure leaves behind is removed.

    Args:
        folders: those of W&B's online files as they are now.
    """
    import wandb

    base_url = wandb.setup().settings.base_url
    if not api_key_is_set(base_url):
        return None, "no API key; get one with `wandb login`, or set WANDB_API_KEY"
    before = folders()
    try:
        return start(), ""
    except Exception as error:  # no network, a wrong key, a server with problems: training must not depend on it
        wandb.teardown()  # otherwise the half-opened run keeps its id reserved
        for folder in set(folders()) - set(before):
            shutil.rmtree(folder, ignore_errors=True)  # an empty run that would only confuse
        return None, why_not(error, base_url)


def sent_before(file: Path) -> tuple[int, dict[str, int]]:
    """(rows, last iteration by kind of row) that the process before this one has sent; nothing where it sent none.

    A damaged file costs rows that are sent twice, which is said.
    """
    try:
        sent = json.loads(file.read_text("utf-8"))
        rows, iterations = int(sent["rows"]), {str(what): int(last) for what, last in sent["iterations"].items()}
    except FileNotFoundError:
        return 0, {}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        log.warning("%s is damaged: rows that W&B has already may be sent to it again.", file)
        return 0, {}
    return rows, iterations


def remember_sent(file: Path, rows: int, iterations: Mapping[str, int]) -> None:
    """Write down what `sent_before` reads."""
    write_atomic(file, json.dumps({"rows": rows, "iterations": dict(iterations)}).encode())


def finish_run(run: Any, status: str) -> None:
    """Upload the rest and end `run`: well, or with another status than "success".

    Raises:
        Exception: whatever the SDK raises.
    """
    if status == PREEMPTED:
        run.mark_preempting()  # W&B then calls it preempted, not crashed, and the agent of a sweep starts it again
    run.finish(exit_code=0 if status == "success" else 1)
