"""A job of SLURM that goes on later: saved, asked for again once, and ended."""

import os
import subprocess

from sparring.core.signals import SAVING, name_of

ASKED = "SPARRING_REQUEUE"  # in the environment of a run that the same command goes on with
_SECONDS = 60
_INTERACTIVE = ("bash", "zsh", "sh", "interactive")


def goes_on_later(number: int) -> bool:
    """Whether the signal means: save, end, and let SLURM start the same command again.

    It does for SIGUSR1 and SIGUSR2 (`#SBATCH --signal=USR2@120`) in a batch job whose command goes on where it was.
    """
    there = os.environ.get("SLURM_JOB_ID") and os.environ.get("SLURM_JOB_NAME") not in _INTERACTIVE
    return number in SAVING and bool(there) and os.environ.get(ASKED) == "1"


def requeue(number: int) -> str:
    """Ask SLURM to start this job again; a sentence about what came of it. For the first process alone.

    Args:
        number: of the signal.
    """
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array and task else os.environ["SLURM_JOB_ID"]
    try:
        subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        told = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return f"{name_of(number)}: the state is saved, but job {job} could not be requeued ({told[0] if told else error})."
    return f"{name_of(number)}: the state is saved, and job {job} is requeued."
