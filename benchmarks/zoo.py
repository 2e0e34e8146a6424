"""The zoo at equal CPU time: parameters, speed, memory and quality of every GAN preset, as a table and a picture.

    python benchmarks/zoo.py                                    digits and Fashion-MNIST, 3 seeds, 30 and 60 CPU-seconds a cell
    python benchmarks/zoo.py --data digits --seeds 1 --seconds 20 --presets sngan,r3gan
    python benchmarks/zoo.py --data digits --seeds 1 --iterations 745 --presets dcgan --with model/augment=diffaugment

One cell is one preset on one data set with one seed, trained by the train stage in a process of its own on one thread, for as
many iterations as fit the CPU-seconds (measured first on a copy; schedules run over that budget). Cells are kept under
logs/zoo/ by their settings: a second call goes on where the first was stopped, and `--report` only writes docs/zoo.md.
`--iterations` trains for so many instead, and `--with` changes the presets by overrides; such lines, and those of a few
`--presets`, are printed only.

Quality is the Frechet distance between 2000 samples of the averaged generator and the training images in the features of a
classifier that is trained once per data set (no FID; comparable within a table only). `accuracy`: how often that classifier
sees the class that was asked for. `variety`: trace of the covariance of its features within a class, summed over the
classes, over the training images' (1: as varied as the data; near 0: one image per class).
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parent.parent
LOGS, DOCS = ROOT / "logs" / "zoo", ROOT / "docs"
SECONDS = {"digits": 30.0, "fashion_mnist": 60.0}
PRESETS = [
    "gan", "dcgan", "lsgan", "wgan", "wgan_gp", "dragan", "sngan", "projgan", "acgan", "sagan", "biggan", "contragan", "reacgan",
    "stylegan2", "stylegan2_ada", "r3gan", "rpgan",
]  # fmt: skip
SAMPLES, SHOWN, JUDGE_STEPS, WARM_UP, TIMED = 2000, 20, 600, 3, 12


def compose(*overrides: str, run_dir: Path) -> Any:
    """train.py's configuration without pictures, validation and reports."""
    from sparring.config.compose import compose as compose_verb

    places = [f"paths.log_dir={LOGS}", f"paths.run_dir={run_dir}", f"paths.cache_dir={LOGS / 'data'}"]
    quiet = ["name=zoo", "report=false", "~callback.samples", "trainer.accelerator=cpu", "trainer.val_check_interval=1000000",
             "callback.checkpoint.every=1000000"]  # fmt: skip
    return compose_verb("train", [*places, *quiet, *overrides])


def judge(data: str) -> Any:
    """The data set's classifier, trained on the first call."""
    from sparring.stage.train import train
    from sparring.trained.runs import Runs

    run = LOGS / data / "judge"
    if not (run / "result.json").exists():
        train(compose("model=classifier", f"data={data}", f"trainer.max_steps={JUDGE_STEPS}", run_dir=run), run)
    return Runs().classifier(run)


def cell_seconds(config: Any) -> float:
    """CPU-seconds of one iteration, on a copy that is thrown away."""
    import lightning.pytorch as L

    from sparring.callback.scalars import Scalars
    from sparring.config.build import build
    from sparring.trained.runs import build_model

    class Stopwatch(L.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.global_step == WARM_UP:
                self.start = time.process_time()
            self.seconds = time.process_time() - getattr(self, "start", 0.0)

    model, data, watch = build_model(config), build(config.data, section="data"), Stopwatch()
    data.streams, data.clock, model.budget = model.streams, model.clock, WARM_UP + TIMED
    data.setup("fit")
    L.Trainer(
        max_steps=WARM_UP + TIMED, max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Scalars(), watch],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        use_distributed_sampler=False,
    ).fit(model, datamodule=data)  # fmt: skip
    return watch.seconds / TIMED


def run_cell(data: str, preset: str, seed: int, length: str, changes: list[str], folder: Path) -> None:
    """Train, sample, judge; leaves cell.json and samples.pt in `folder`. length: such as 30s or 745it."""
    import torch

    from sparring.generation.sampler import Sampler, joined
    from sparring.run.cost import peak_memory_mb
    from sparring.stage.train import train
    from sparring.trained.runs import Runs

    torch.set_num_threads(1)
    chosen = [f"model={preset}", f"data={data}", f"seed={seed}", *changes]
    if length.endswith("it"):
        iterations = int(length[:-2])
    else:
        iterations = max(1, round(float(length[:-1]) / cell_seconds(compose(*chosen, run_dir=folder / "timing"))))
    run = folder / f"run_{time.time_ns()}"
    start = time.process_time()
    result = train(compose(*chosen, f"trainer.max_steps={iterations}", run_dir=run), run)
    spent = time.process_time() - start
    trained = Runs().generator(run)
    sampler = Sampler(
        trained.network, latent_dim=trained.latent_dim, num_classes=trained.num_classes, count=SAMPLES, seed=0
    )
    samples = joined(sampler)
    row = {"preset": preset, "data": data, "seed": seed, "iterations": iterations, "seconds": spent,
           "ms": 1000 * spent / iterations, "memory": peak_memory_mb(torch.device("cpu"))["process"],
           "parameters": result["parameters"], "scalars": result["scalars"]}  # fmt: skip
    torch.save(samples.image[:SHOWN], folder / "samples.pt")
    (folder / "cell.json").write_text(json.dumps(row | quality(data, samples), indent=1))


def quality(data: str, samples: Any) -> dict[str, float]:
    """Frechet distance, accuracy and variety of samples by the data set's classifier; the same of held-out images as a floor."""
    from sparring.metric.frechet import frechet
    from sparring.metric.moments import Moments

    features, guess = seen(judge(data), samples.image)
    real = real_side(data)
    return {
        "fd": frechet(Moments.of(features), real["moments"]).value,
        "floor": real["floor"],
        "accuracy": float((guess == samples.label).double().mean()),
        "variety": within(features, samples.label) / real["within"],
    }  # fmt: skip


def real_side(data: str) -> dict[str, Any]:
    """Moments of the training images' features, their spread within classes, and the distance of the held-out images.

    Computed once per data set and judge; kept beside the judge.
    """
    import torch

    from sparring.config.build import build
    from sparring.metric.frechet import frechet
    from sparring.metric.moments import Moments

    file = LOGS / data / "judge" / "real.pt"
    if not file.exists():
        whole = build(compose(f"data={data}", run_dir=LOGS / "x").data, section="data")
        whole.streams = {}
        whole.setup("fit")
        train, test = whole.whole("train"), whole.whole("test")
        features, _ = seen(judge(data), train.image)
        held_out, _ = seen(judge(data), test.image)
        moments = Moments.of(features)
        floor = frechet(Moments.of(held_out), moments).value
        torch.save({**vars(moments), "within": within(features, train.label), "floor": floor}, file)
    kept = torch.load(file)
    moments = Moments(len(kept["mean"]))
    moments.count, moments.mean, moments.scatter = kept["count"], kept["mean"], kept["scatter"]
    return {"moments": moments, "within": kept["within"], "floor": kept["floor"]}


def seen(loaded: Any, images: Any) -> tuple[Any, Any]:
    """(features (N, F) float64, guessed classes (N,)) of uint8 images."""
    import torch

    from sparring.core.pixels import normalise

    with torch.no_grad():
        parts = [normalise(part) for part in images.split(500)]
        guess = torch.cat([loaded.network(part) for part in parts]).argmax(dim=1)
        return torch.cat([loaded.network.features(part) for part in parts]).double(), guess


def within(features: Any, label: Any) -> float:
    """Trace of the covariance within a class, summed over the classes."""
    return sum(float(features[label == k].var(dim=0).sum()) for k in label.unique().tolist())


def folder_of(data: str, preset: str, seed: int, length: str, changes: list[str]) -> Path:
    changed = f"_{hashlib.sha256(repr(changes).encode()).hexdigest()[:8]}" if changes else ""
    return LOGS / data / f"{preset}_{length}{changed}_seed{seed}"


def report(datasets: dict[str, float], presets: list[str], seeds: list[int]) -> None:
    """docs/zoo.md and docs/zoo_<data>.png from the cells that are there; sections of other data sets stay as they are."""
    import torch

    from sparring.core.picture import grid_of_rows, write_png

    page = DOCS / "zoo.md"
    sections = {part.partition(":")[0]: part for part in page.read_text().split("\n## ") if " CPU-seconds\n" in part}
    for data, seconds in datasets.items():
        rows, names, lines, first = [], [], [], {}
        for preset in presets:
            folders = [folder_of(data, preset, seed, f"{seconds:g}s", []) for seed in seeds]
            cells = [json.loads((f / "cell.json").read_text()) for f in folders if (f / "cell.json").exists()]
            if not cells:
                continue
            lines.append((statistics.mean(cell["fd"] for cell in cells), line(preset, cells)))
            rows.append(next(torch.load(f / "samples.pt") for f in folders if (f / "samples.pt").exists()))
            names.append(preset)
            first = cells[0]  # floor and judge are the same in every cell
        if not lines:
            sys.exit(f"{LOGS / data} holds no finished cell of {seconds:g} CPU-seconds: run without --report first.")
        accuracy = json.loads((LOGS / data / "judge" / "result.json").read_text())["metrics"]["test/accuracy"]["value"]
        write_png(DOCS / f"zoo_{data}.png", grid_of_rows(rows, columns=SHOWN, row_labels=names))
        sections[data] = (
            f"{data}: {seconds:g} CPU-seconds\n\n"
            f"`python benchmarks/zoo.py --data {data} --seconds {seconds:g} --seeds {','.join(map(str, seeds))}`. "
            f"Held-out images have FD {first['floor']:.2f}; the judge's test accuracy is {accuracy:.3f}.\n\n"
            "| preset | G / D, 1000 parameters | ms an iteration | iterations | memory, MiB | seeds | FD | accuracy | variety |\n"
            "|---|---|---|---|---|---|---|---|---|\n" + "".join(text for _, text in sorted(lines))
            + f"\n![samples](zoo_{data}.png)\n"
        )  # fmt: skip
    notes = (ROOT / "benchmarks" / "zoo_notes.md").read_text()
    page.write_text("\n## ".join([notes, *(sections[data].rstrip("\n") + "\n" for data in sorted(sections))]))


def line(preset: str, cells: list[dict[str, Any]]) -> str:
    def mean(key: str) -> float:
        return statistics.mean(cell[key] for cell in cells)

    spread = f" ± {statistics.stdev(cell['fd'] for cell in cells):.2f}" if len(cells) > 1 else ""
    count = cells[0]["parameters"]
    return (
        f"| {preset} | {count['generator'] / 1e3:.0f} / {count['discriminator'] / 1e3:.0f} | {mean('ms'):.0f} | "
        f"{mean('iterations'):.0f} | {mean('memory'):.0f} | {len(cells)} | {mean('fd'):.2f}{spread} | {mean('accuracy'):.2f} | "
        f"{mean('variety'):.2f} |\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits,fashion_mnist")
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--seconds", type=float, help=f"CPU-seconds of a cell, instead of {SECONDS}")
    parser.add_argument("--iterations", type=int, help="instead of --seconds")
    parser.add_argument("--with", nargs="+", default=[], dest="changes", metavar="OVERRIDE", help="changes to presets")
    parser.add_argument("--report", action="store_true", help="write docs/zoo.md from finished cells, train nothing")
    parser.add_argument("--cell", nargs=4, metavar=("DATA", "PRESET", "SEED", "LENGTH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cell:
        data, preset, seed, length = given.cell
        folder = folder_of(data, preset, int(seed), length, given.changes)
        run_cell(data, preset, int(seed), length, given.changes, folder)
        return
    datasets, presets = given.data.split(","), given.presets.split(",")
    seeds = [int(seed) for seed in given.seeds.split(",")]
    spent = {data: given.seconds or SECONDS.get(data, 60.0) for data in datasets}
    if not given.report:
        for data, seconds in spent.items():
            length = f"{seconds:g}s" if given.iterations is None else f"{given.iterations}it"
            run(data, presets, seeds, length, given.changes)
    if presets == PRESETS and not given.changes and given.iterations is None:
        report(spent, presets, seeds)


def run(data: str, presets: list[str], seeds: list[int], length: str, changes: list[str]) -> None:
    """The cells that are not there yet, each in a process of its own; prints the line of each."""
    more = ["--with", *changes] if changes else []
    judge(data)
    for seed in seeds:
        for preset in presets:
            folder = folder_of(data, preset, seed, length, changes)
            if not (folder / "cell.json").exists():
                folder.mkdir(parents=True, exist_ok=True)
                command = [sys.executable, __file__, "--cell", data, preset, str(seed), length, *more]
                done = subprocess.run(command, check=False, capture_output=True, text=True)
                if done.returncode:
                    print(f"{data} {preset} seed {seed} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
                    continue
            print(line(preset, [json.loads((folder / "cell.json").read_text())]).strip(), flush=True)


if __name__ == "__main__":
    main()
