"""Image sets that are made out of data images by trained networks, written as `data/mix=images` takes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance
from sparring.generation.export import Writers
from sparring.generation.manifest import SCHEMA_VERSION, Ledger
from sparring.generation.sampler import Samples
from sparring.run.directory import RunDir


def write_derived(
    run: RunDir, samples: Samples, *, formats: Sequence[str], verb: str, origin: Mapping[str, Any], settings: Mapping[str, Any],
    class_names: Sequence[str], seed: int, records: Sequence[Provenance],
) -> dict[str, str]:  # fmt: skip
    """Write images with manifest.csv, manifest.json and provenance.npz; returns the files by format.

    Args:
        samples: with the labels that a classifier is to learn them with.
        formats: of `generation.export.FORMATS`.
        origin: of the network that made them; its `fingerprints` tie the provenance to the manifest.
        settings: how they were made, for the manifest.
        class_names: in label order.
        seed: of what was drawn.
        records: the data images that they were made of, without `by`, and what the networks were trained on: no classifier is
            then tested on either.

    Raises:
        DiskError: they cannot be written.
    """
    ledger = Ledger(seed)
    with Writers(formats, run.path, class_names=class_names) as writers:
        writers.add(samples)
        ledger.add(samples)
    files = {name: str(writer.path.relative_to(run.path)) for name, writer in writers.by_format.items()}
    provenance.save(run.path, records, run=run.path, fingerprints=origin["fingerprints"])
    write_atomic(run.path / "manifest.csv", ledger.csv(writers).encode())
    content = {
        "schema_version": SCHEMA_VERSION,
        "verb": verb,
        "origin": {**origin, "run": str(run.path), "network": origin["run"]},
        "settings": {**settings, "count": len(samples), "seed": seed},
        "class_names": list(class_names),
        "images_sha256": ledger.fingerprint,
        "files": files,
    }
    write_atomic(run.path / "manifest.json", (json.dumps(content, indent=2) + "\n").encode())
    return files
