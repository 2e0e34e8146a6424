"""What a GPU can be asked in 8 minutes: does everything run there, does a step wait for it, what does which setting bring?

    bash benchmarks/gpu.sh [--cpu] [--only PART,...] [--out FOLDER] [--seconds 440]

Every part prints its rows as it goes and keeps them in gpu.json; one that fails or has no time left does not stop the others. The
tables come last. --cpu: the same code in a tiny mode on the CPU. Exit code 1 where something failed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch
from gpu_check import Check
from gpu_parts import every_preset, presets, resume, stages, storage, waits
from gpu_speed import speed

PARTS = {part.__name__: part for part in (presets, stages, waits, speed, resume, storage)}


def tables(check: Check) -> None:
    print("\n| part | what | result |\n|---|---|---|")
    for row in check.rows:
        print(f"| {row['part']} | {row['what']} | {row['state']}: {row['said']} |")
    ways = list(dict.fromkeys(way for each in check.laps.values() for way in each))
    print(f"\n| milliseconds of a step | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
    for name, found in check.laps.items():
        print(f"| {name} | {' | '.join(f'{found[way]:.2f}' if way in found else '' for way in ways)} |")
    failed, skipped = (sum(row["state"] == state for row in check.rows) for state in ("FAILED", "skipped"))
    seconds = time.monotonic() - check.start
    print(f"\n{failed} of {len(check.rows)} failed, {skipped} skipped; {seconds:.0f} s, {check.out / 'gpu.json'}")
    sys.exit(failed > 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", action="store_true", help="the tiny mode")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas (default: %(default)s)")
    parser.add_argument(
        "--presets", help="those of the part presets, with commas (default: all; with --cpu rpgan,classifier)"
    )
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "gpu_check")
    parser.add_argument(
        "--seconds", type=float, default=440.0, help="after which nothing new is begun (default: %(default)s)"
    )
    given = parser.parse_args()
    if unknown := [part for part in given.only.split(",") if part not in PARTS]:
        sys.exit(f"--only knows no {', '.join(unknown)}; give some of {', '.join(PARTS)}.")
    if not given.cpu and not torch.cuda.is_available():
        sys.exit("torch sees no CUDA device; --cpu shows that the script works.")
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as runs:
        names = given.presets or ("rpgan,classifier" if given.cpu else ",".join(every_preset()))
        check = Check(given.out, Path(runs), presets=names.split(","), cpu=given.cpu, seconds=given.seconds)
        where = "CPU" if given.cpu else torch.cuda.get_device_name()
        print(f"{where}; torch {torch.__version__}, Python {sys.version.split()[0]}", flush=True)
        for part in given.only.split(","):
            PARTS[part](check)
        tables(check)


if __name__ == "__main__":
    main()
