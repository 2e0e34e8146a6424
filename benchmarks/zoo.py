"""The zoo at equal CPU time: parameters, speed, memory and quality of every GAN preset, as a table and a picture.

    python benchmarks/zoo.py                                    digits and Fashion-MNIST, 60 and 240 CPU-seconds a cell
    python benchmarks/zoo.py --data digits --seeds 1,2,3 --seconds 20 --presets sngan,r3gan
    python benchmarks/zoo.py --data digits --iterations 745 --presets dcgan --with model/augment=diffaugment

One cell is one preset on one data set with one seed, trained by the train stage in a process of its own on one thread
(`zoo_cell.py`), for as many iterations as fit the CPU-seconds; schedules run over that budget. Cells are kept under logs/zoo/
by their settings: a second call goes on where the first was stopped, and `--report` only writes docs/zoo.md.
`--iterations` trains for so many instead, and `--with` changes the presets by overrides; such lines, and those of a few
`--presets`, are printed only.

Quality (`class_quality.py`) is measured on 2000 samples of the averaged generator in the features of the data set's reference
classifier. A preset is worth typing where it draws the class asked for (accuracy >= 0.8) in more than one way (diversity >= 0.3).
"""

import argparse
import hashlib
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOGS, DOCS = ROOT / "logs" / "zoo", ROOT / "docs"
SECONDS = {"digits": 60.0, "fashion_mnist": 240.0}
PRESETS = [
    "gan", "dcgan", "lsgan", "wgan", "wgan_gp", "dragan", "sngan", "projgan", "acgan", "sagan", "biggan", "contragan", "reacgan",
    "stylegan2", "stylegan2_ada", "r3gan", "rpgan", "robgan", "gan_classifier",
]  # fmt: skip
ACCURACY, DIVERSITY = 0.8, 0.3
COLUMNS = 20  # images of a preset in the picture, two of each class
HEADER = (
    "| preset | G / D, 1000 parameters | CPU-seconds: idle / spent | ms an iteration | iterations | memory, MiB | seeds "
    "| FD | accuracy | diversity |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)


def folder_of(data: str, preset: str, seed: int, length: str, changes: list[str]) -> Path:
    changed = f"_{hashlib.sha256(repr(changes).encode()).hexdigest()[:8]}" if changes else ""
    return LOGS / data / f"{preset}_{length}{changed}_seed{seed}"


def cells_of(data: str, preset: str, seeds: list[int], length: str) -> list[tuple[Path, dict[str, Any]]]:
    """(folder, content of cell.json) of the cells without changes that are finished: the longest of at most `length`."""
    most = float(length.removesuffix("s"))
    lengths = {seconds for file in (LOGS / data).glob(f"{preset}_*s_seed*/cell.json")
               if (seconds := _seconds(file.parent.name, preset)) is not None and seconds <= most}  # fmt: skip
    for seconds in sorted(lengths, reverse=True):
        folders = [folder_of(data, preset, seed, f"{seconds:g}s", []) for seed in seeds]
        found = [each for each in folders if (each / "cell.json").exists()]
        if found:
            return [(each, json.loads((each / "cell.json").read_text())) for each in found]
    return []


def _seconds(folder: str, preset: str) -> float | None:
    """Those in the name of a cell's folder, None for a cell of so many iterations or with changes."""
    match = re.fullmatch(rf"{preset}_([0-9.]+)s_seed\d+", folder)
    return float(match[1]) if match else None


def finished_cell(data: str, preset: str, seed: int, length: str, changes: list[str]) -> dict[str, Any] | None:
    """What cell.json says, after training in a process of its own where that was not done yet; None, and why, if it fails."""
    folder = folder_of(data, preset, seed, length, changes)
    if not (folder / "cell.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        script = str(Path(__file__).with_name("zoo_cell.py"))
        command = [sys.executable, script, data, preset, str(seed), length, str(folder), *changes]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"{data} {preset} seed {seed} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
            return None
    return json.loads((folder / "cell.json").read_text())


def time_presets(data: str, presets: list[str]) -> None:
    """Prints what an iteration costs; the lowest so far is kept, from which lengths in CPU-seconds are computed."""
    for preset in presets:
        script, folder = str(Path(__file__).with_name("zoo_cell.py")), folder_of(data, preset, 1, "timing", [])
        subprocess.run([sys.executable, script, data, preset, "1", "timing", str(folder)], check=False)


def run(data: str, presets: list[str], seeds: list[int], length: str, changes: list[str]) -> None:
    """Prints the line of each cell as it is finished."""
    print(HEADER, end="")
    for seed in seeds:
        for preset in presets:
            cell = finished_cell(data, preset, seed, length, changes)
            if cell is not None:
                print(line(preset, [cell]), end="", flush=True)


def line(preset: str, cells: list[dict[str, Any]]) -> str:
    """A row of the table; what misses the bound is bold."""

    def mean(key: str) -> float:
        return statistics.mean(cell[key] for cell in cells)

    def bounded(key: str, least: float) -> str:
        return f"{mean(key):.2f}" if min(cell[key] for cell in cells) >= least else f"**{mean(key):.2f}**"

    deviation = f" ± {statistics.stdev(cell['fd'] for cell in cells):.2f}" if len(cells) > 1 else ""
    count = cells[0]["parameters"]
    idle = f"{mean('idle_seconds'):.0f}" if all("idle_seconds" in cell for cell in cells) else "-"
    return (
        f"| {preset} | {count['generator'] / 1e3:.0f} / {count.get('discriminator', 0) / 1e3:.0f} | "
        f"{idle} / {mean('seconds'):.0f} | "
        f"{mean('ms'):.0f} | {mean('iterations'):.0f} | {mean('memory'):.0f} | {len(cells)} | {mean('fd'):.2f}{deviation} | "
        f"{bounded('accuracy', ACCURACY)} | {bounded('diversity', DIVERSITY)} |\n"
    )


def report(datasets: dict[str, str], presets: list[str], seeds: list[int]) -> None:
    """docs/zoo.md and docs/zoo_<data>.png from the cells that are there; sections of other data sets stay as they are."""
    page = DOCS / "zoo.md"
    parts = page.read_text().split("\n## ")
    sections = {part.partition(":")[0]: part for part in parts if part.partition("\n")[0].endswith(" CPU-seconds")}
    for data, length in datasets.items():
        found = {preset: cells_of(data, preset, seeds, length) for preset in presets}
        finished = {preset: cells for preset, cells in found.items() if cells}
        if not finished:
            sys.exit(f"{LOGS / data} holds no finished cell of {length}: run without --report first.")
        rows = re.findall(r"^\| (\w+) \| \d+ / \d+ ", sections.get(data, ""), re.MULTILINE)
        if lost := [preset for preset in rows if preset not in finished]:
            sys.exit(
                f"{page.name} has rows of {', '.join(lost)} on {data} whose cells are not in {LOGS / data}, and would lose them: "
                f"train them first, --data {data} --presets {','.join(lost)}."
            )
        sections[data] = section(data, length, seeds, finished)
    notes = (ROOT / "benchmarks" / "zoo_notes.md").read_text()
    page.write_text("\n## ".join([notes, *(sections[data].rstrip("\n") + "\n" for data in sorted(sections))]))


def section(data: str, length: str, seeds: list[int], finished: dict[str, list[tuple[Path, dict[str, Any]]]]) -> str:
    """The table of a data set, best FD first; writes its picture."""
    import torch

    from sparring.core.picture import grid_of_rows, write_png

    rows = [torch.load(cells[0][0] / "samples.pt")["image"][:COLUMNS] for cells in finished.values()]
    write_png(DOCS / f"zoo_{data}.png", grid_of_rows(rows, columns=COLUMNS, row_labels=list(finished)))
    results = {preset: [cell for _, cell in cells] for preset, cells in finished.items()}
    ordered = sorted(results, key=lambda preset: statistics.mean(cell["fd"] for cell in results[preset]))
    held_out, seconds = next(iter(results.values()))[0]["held_out"], length.removesuffix("s")
    return (
        f"{data}: {seconds} CPU-seconds\n\n"
        f"`python benchmarks/zoo.py --data {data} --seconds {seconds} --seeds {','.join(map(str, seeds))}`. Held-out images "
        f"have FD {held_out['fd']:.2f}, accuracy {held_out['accuracy']:.2f} and diversity {held_out['diversity']:.2f}.\n\n"
        + HEADER + "".join(line(preset, results[preset]) for preset in ordered)
        + f"\n![samples](zoo_{data}.png)\n"
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits,fashion_mnist")
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--seconds", type=float, help=f"CPU-seconds of a cell, instead of {SECONDS}")
    parser.add_argument("--iterations", type=int, help="instead of --seconds")
    parser.add_argument("--with", nargs="+", default=[], dest="changes", metavar="OVERRIDE", help="changes to presets")
    parser.add_argument(
        "--timing", action="store_true", help="measure iterations alone; do it while the machine is idle"
    )
    parser.add_argument("--report", action="store_true", help="write docs/zoo.md from finished cells, train nothing")
    given = parser.parse_args()
    presets, seeds = given.presets.split(","), [int(seed) for seed in given.seeds.split(",")]
    lengths = {data: f"{given.seconds or SECONDS.get(data, 240.0):g}s" for data in given.data.split(",")}
    if given.iterations is not None:
        lengths = dict.fromkeys(lengths, f"{given.iterations}it")
    if given.timing:
        for data in lengths:
            time_presets(data, presets)
        return
    if not given.report:
        for data, length in lengths.items():
            run(data, presets, seeds, length, given.changes)
    if presets == PRESETS and not given.changes and given.iterations is None:
        report(lengths, presets, seeds)


if __name__ == "__main__":
    main()
