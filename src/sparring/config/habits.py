"""What users of Lightning, hydra-template, StudioGAN and W&B type by habit, and its name here.

A name that means one thing is read as the setting it stands for, and that is said. One that means none or several is
answered with the right spelling. No habit is the name of a setting of its verb, which a test holds.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sparring.config.debug_fast import fast
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR

# Verb -> setting -> what people call it. The names of every verb stand under "".
NAMES: Mapping[str, Mapping[str, str]] = {
    "": {
        "seed": "random_seed manual_seed seed_everything",
        "name": "exp_name experiment_name run_name task_name",
        "hydra.run.dir": "output_dir out_dir outdir save_dir run_dir paths.output_dir paths.run_dir",
        "paths.log_dir": "log_dir logdir logs_dir",
        "paths.cache_dir": "cache_dir",
    },
    "train": {
        "data": "dataset dataset_name datamodule",
        "data.path": "data_dir data_path data_root dataroot dataset_path data.data_dir data.root",
        "data.batch_size": "batch_size batchsize batch bs",
        "data.image_size": "image_size img_size imsize resolution",
        "trainer.max_steps": "max_steps steps num_steps n_steps total_steps iterations iters num_iters n_iter "
        "trainer.steps limit_train_batches trainer.limit_train_batches",
        "trainer.max_epochs": "max_epochs epochs num_epochs n_epochs trainer.epochs",
        "trainer.devices": "devices num_devices",
        "trainer.num_nodes": "num_nodes nodes",
        "trainer.accelerator": "accelerator device",
        "trainer.precision": "precision",
        "trainer.val_check_interval": "val_check_interval val_interval eval_every",
        "trainer.log_every_n_steps": "log_every_n_steps log_every log_interval",
        "callback.checkpoint.every": "save_every save_interval checkpoint_every",
        "model.latent_dim": "latent_dim z_dim nz model.z_dim",
        "model.d_steps": "d_steps n_critic num_d_steps d_updates_per_step n_dis",
        "model.accumulate": "accumulate_grad_batches trainer.accumulate_grad_batches acml_steps accumulate",
        "model.generator.width": "ngf g_conv_dim",
        "model.discriminator.width": "ndf d_conv_dim",
        "resume": "ckpt_path trainer.ckpt_path resume_from_checkpoint checkpoint_path ckpt",
    },
    "generate": {
        "run": "ckpt_path checkpoint_path ckpt model_path model_dir network",
        "count": "n num num_images num_samples n_samples n_images samples",
        "label": "class cls class_idx classes labels y",
        "truncation": "psi trunc truncation_psi",
        "batch_size": "batchsize batch bs",
    },
    "evaluate": {
        "run": "ckpt_path checkpoint_path ckpt model_path model_dir network",
        "count": "n num num_images num_samples n_samples n_images samples",
        "metric/features": "features",
        "batch_size": "batchsize batch bs",
    },
    "attack": {
        "run": "ckpt_path checkpoint_path ckpt model_path model_dir network",
        "count": "n num num_images num_samples n_samples n_images samples",
        "epsilon": "eps epsilons attack.eps attack.epsilon",
        "batch_size": "batchsize batch bs",
    },
    "study": {
        "data": "dataset dataset_name",
        "resume": "ckpt_path",
        "study.replicates": "replicates repeats seeds n_seeds num_seeds",
        "executor.workers": "workers n_jobs num_workers jobs",
    },
}  # fmt: skip

# Verb -> choice of a group, as typed -> the overrides that it stands for.
CHOICES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "train": {
        "logger=null": ("logger=[]",), "logger=none": ("logger=[]",), "logger=false": ("logger=[]",),
        "trainer.logger=false": ("logger=[]",),
        "wandb=true": ("logger=[csv,wandb]",), "use_wandb=true": ("logger=[csv,wandb]",),
        "trainer=ddp_sim": ("trainer=ddp_cpu",),
        "fast_dev_run=true": ("debug=fast",), "fast_dev_run=1": ("debug=fast",), "trainer.fast_dev_run=true": ("debug=fast",),
        "trainer.fast_dev_run=1": ("debug=fast",),
        "debug=default": ("debug=fast",), "debug=fdr": ("debug=fast",), "debug=limit": ("debug=fast",),
        "debug=true": ("debug=fast",), "dry_run=true": ("debug=fast",),
        "gpus=0": ("trainer.accelerator=cpu",), "trainer.gpus=0": ("trainer.accelerator=cpu",),
        "amp=true": ("trainer.precision=bf16-mixed",), "mixed_precision=true": ("trainer.precision=bf16-mixed",),
        "experiment=null": ("~experiment",), "debug=null": ("~debug",), "data/mix=null": ("~data/mix",),
        "experiment=none": ("~experiment",), "debug=none": ("~debug",), "data/mix=none": ("~data/mix",),
        "debug=false": ("~debug",),
        "compile=false": (), "model.compile=false": (), "train=true": (), "test=true": (),
    },
    "attack": {
        "attack=autoattack": ("attack=ensemble",), "attack=auto_attack": ("attack=ensemble",), "attack=aa": ("attack=ensemble",),
        "attack=bim": ("attack=pgd", "attack.start=image"), "attack=ifgsm": ("attack=pgd", "attack.start=image"),
        "attack=mifgsm": ("attack=pgd", "attack.momentum=1.0"), "attack=deepfool": ("attack=fab",),
    },
    "study": {
        "logger=null": ("logger=[]",), "logger=none": ("logger=[]",), "logger=false": ("logger=[]",),
    },
}  # fmt: skip

# Verb -> what is typed (a key, or a key with its value) -> what to write, where no one setting is meant.
ADVICE: Mapping[str, Mapping[str, str]] = {
    "train": {
        "strategy": "how several devices share the work is trainer.strategy=ddp or trainer.strategy=fsdp, with trainer.devices=2",
        "compile": "compiled networks are speed.compile=true",
        "model.compile": "compiled networks are speed.compile=true",
        "overfit_batches": "to fit one batch, write debug=overfit",
        "trainer.overfit_batches": "to fit one batch, write debug=overfit",
        "limit_val_batches": "validation reads the whole val split: a smaller one is data.val_fraction=0.05",
        "trainer.limit_val_batches": "validation reads the whole val split: a smaller one is data.val_fraction=0.05",
        "trainer.gradient_clip_val": "gradients are not clipped; what bounds D is a regularizer: model/regularizer=[r1]",
        "num_workers": "there are no loader workers: images lie in memory or on the device, data.storage=auto",
        "data.num_workers": "there are no loader workers: images lie in memory or on the device, data.storage=auto",
        "lr": "each player has its own: model.generator_optimizer.lr and model.discriminator_optimizer.lr, "
        "of a classifier model.optimizer.lr",
        "learning_rate": "each player has its own: model.generator_optimizer.lr and model.discriminator_optimizer.lr, "
        "of a classifier model.optimizer.lr",
        "ema_decay": "the average is set by its half-life in images: model.ema.half_life=10000",
        "test": "a trained model is measured by the verbs evaluate and attack",
        "train": "training is what this verb does; a trained model is measured by the verbs evaluate and attack",
        "tags": "they are W&B's: 'logger=[csv,wandb]' 'logger.wandb.tags=[a,b]'",
        "project": "it is W&B's: 'logger=[csv,wandb]' logger.wandb.project=<name>",
        "entity": "it is W&B's: 'logger=[csv,wandb]' logger.wandb.entity=<name>",
        "group": "it is W&B's: 'logger=[csv,wandb]' logger.wandb.group=<name>",
    },
    "generate": {"format=png": "one PNG per image is 'format=[folder]', one picture of all 'format=[grid]'"},
    "evaluate": {"data_dir": "images on disk are images=<folder>, and reference=<data set> what they are compared with"},
    "attack": {
        "attack=cw": "its loss within epsilon is attack=pgd attack.loss=margin, its least distances are those of attack=fab",
    },
    "study": {"lr": "settings of the trainings are given through train=: 'train=[\"trainer.precision=bf16-mixed\"]'"},
}  # fmt: skip

_PATHS = ("resume", "run")


def translated(verb: str, overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """`overrides` in the words of conf/, and a sentence for each that stood for others.

    A leading `~` of a path becomes the home directory here as it does in a shell.

    Raises:
        ConfigError: a habit that means no one setting, or a setting that is given under both names.
    """
    result: list[str] = []
    notes: list[str] = []
    for item in overrides:
        quick = item.lstrip("+").lower() in ("debug=fast", "fast_dev_run=true") and verb != "train"
        meant = fast(verb, overrides, CONFIG_DIR) if quick else _meant(verb, item)
        result += [_at_home(each) for each in ([item] if meant is None else meant)]
        if meant is not None:
            notes.append(f"{item} is read as {' '.join(meant)}" if meant else f"{item} changes nothing")
            twice = [each for each in overrides if {_key(each)} & {_key(new) for new in meant} and each != item]
            if twice:
                raise ConfigError(f"{item} and {twice[0]} set the same; give one of them.")
    return result, notes


def _key(item: str) -> str:
    return item.lstrip("+").partition("=")[0]


def _meant(verb: str, item: str) -> list[str] | None:
    """The overrides that `item` stands for; None if it is no habit. Raises ConfigError."""
    text, (key, equals, value) = item.lstrip("+"), item.lstrip("+").partition("=")
    if not equals:
        return None
    exact = f"{key}={value.strip(chr(39) + chr(34)).lower()}"
    if exact in CHOICES.get(verb, {}):
        return list(CHOICES[verb][exact])
    advice = ADVICE.get(verb, {})
    if exact in advice or key in advice:
        raise ConfigError(f"{text}: {advice.get(exact) or advice[key]}.")
    if verb == "evaluate" and key in ("metric", "metrics") and value != "default":
        return _metrics(value)
    if verb == "train" and key in ("gpus", "num_gpus", "n_gpus", "trainer.gpus"):
        return ["trainer.accelerator=gpu", f"trainer.devices={value}"]
    for setting, names in {**NAMES[""], **NAMES.get(verb, {})}.items():
        if key in names.split():
            return [f"{setting}={_run_of(value) if setting in _PATHS else value}"]
    return None


def _metrics(value: str) -> list[str]:
    """`metric=fid` or `metrics=[fid,kid]`: FID is the distance `fd` on Inception's features."""
    names = [name.strip() for name in value.strip("'\"[]").split(",")]
    chosen = f"metric.names=[{','.join('fd' if name == 'fid' else name for name in names)}]"
    return [chosen, "metric/features=inception"] if "fid" in names else [chosen]


def _run_of(value: str) -> str:
    """The run directory that holds the file of weights or the checkpoint `value`."""
    path = Path(value.strip("'\""))
    inside = path.suffix in (".ckpt", ".safetensors", ".pt", ".pth")
    if not inside:
        return value
    folder = path.parent
    return str(folder.parent if folder.name == "checkpoints" else folder)


def _at_home(item: str) -> str:
    """`data.path=~/x` with the home directory in place of `~`, also in lists; quoted, since it may hold any character."""
    key, equals, value = item.partition("=")
    home = str(Path.home()).replace("'", "\\'")

    def expanded(match: re.Match[str]) -> str:
        return f"{match[1]}'{home}{match[3].rstrip()}'"

    return f"{key}{equals}{re.sub(_TILDE, expanded, value)}"


# A whole value, or an item of a list: what stands before it, an opening quote, and what follows the tilde.
_TILDE = r"(^\s*|(?<!['\"])\[\s*|,\s*)(['\"]?)~((?:/[^'\"\],]*)?)\2(?=\s*(?:[\],]|$))"
