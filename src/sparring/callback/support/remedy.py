"""What callback/guard does about each kind of trouble."""

from typing import Literal

from sparring.callback.support.trouble import Action

Kind = Literal[
    "not finite", "weights exploded", "discriminator lost", "collapsed", "class ignored", "training images remembered",
    "augmentation saturated",
]  # fmt: skip
WARNED = (
    "training images remembered",
    "augmentation saturated",
)  # about, once, and no more: lower rates do not cure it
BY_ROLLBACK = ("not finite", "weights exploded", "discriminator lost", "collapsed")  # what lower rates may cure


def chosen(kind: Kind, wanted: Action, *, may_roll_back: bool) -> Action:
    """What is done about a kind of trouble where `wanted` is to be done about trouble."""
    if kind in WARNED:
        return "warn"
    if wanted == "warn" and kind == "not finite":  # no run goes on with it
        return "stop"
    return "stop" if wanted == "rollback" and not (may_roll_back and kind in BY_ROLLBACK) else wanted
