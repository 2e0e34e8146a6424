"""`python -m sparring.cli.call <verb> <settings.yaml> <run directory>`: a stage by its whole settings, in its own process."""

import sys
from pathlib import Path

from omegaconf import OmegaConf

from sparring.cli.main import guarded
from sparring.stage import call


def main() -> int:
    """Call the stage; 0 once it has returned."""
    verb, settings, run_dir = sys.argv[1:]
    config = OmegaConf.load(settings)
    OmegaConf.set_struct(config, True)
    call(verb, config, Path(run_dir))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
