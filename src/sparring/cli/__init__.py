"""The command line: overrides in, a checked configuration and a call of the stage out."""

from sparring.cli.main import run

__all__ = ["run"]
