"""What goes with exported networks: a card for people (README.md) and the same for programs (config.json)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.core.package import VERSION
from sparring.export.networks import Portable
from sparring.report.outcome import outcome

# Format -> where a network lies in the folder, for its name.
FILES = {"pt2": "{}.pt2", "onnx": "{}.onnx", "hub": "{}/"}
_TASKS = {
    "generator": "unconditional-image-generation",
    "classifier": "image-classification",
    "enhancer": "image-to-image",
}


def description(
    portables: Sequence[Portable],
    *,
    name: str,
    settings: Mapping[str, Any],
    result: Mapping[str, Any],
    weights: Mapping[str, int],
    formats: Sequence[str] = ("pt2",),
) -> dict[str, Any]:
    """The content of config.json, plain values.

    Args:
        portables: the exported networks.
        name: of the run.
        settings: of the run.
        result: the content of its result.json.
        weights: "iteration" and "images_seen" of the exported weights; figures of other weights are left out.
        formats: of FILES, in which the networks are written.
    """
    measured = (result.get("weights") or {}).get("iteration", result["clock"]["iteration"])
    data = settings["data"]
    return {
        "made_by": f"sparring {VERSION}",
        "run": name,
        "networks": {
            each.name: {
                "files": {kind: FILES[kind].format(each.name) for kind in formats},
                "takes": each.takes,
                "gives": each.gives,
                "weights_sha256": each.sha256,
            }
            for each in portables
        },
        "image": {"channels": data["channels"], "image_size": data["image_size"], "range": [-1, 1]},
        "classes": list(result["classes"]),
        "training": {
            "data": result["data"],
            "iterations": weights["iteration"],
            "images_seen": weights["images_seen"],
            "config_hash": result["config_hash"],
        },
        "metrics": result["metrics"] if measured == weights["iteration"] else {},
    }


def card(content: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """README.md of the folder, with the head that the Hugging Face hub reads.

    Args:
        content: see `description`.
        result: the content of the run's result.json.
    """
    networks, ended = content["networks"], outcome(dict(result))
    head = ["---", "library_name: pytorch", f"pipeline_tag: {_TASKS[next(iter(networks))]}", "tags: [sparring]", "---"]
    parts = ["\n".join(head), f"# {content['run']}", _trained(content)]
    for name, network in networks.items():
        lines = [f"- `{argument}`: {words}" for argument, words in network["takes"].items()]
        lines += [f"- gives `{argument}`: {words}" for argument, words in network["gives"].items()]
        lines.append(f"- sha256 of the weights: `{network['weights_sha256']}`")
        for kind, file in network["files"].items():
            parts += [f"## {file}", _example(name, kind, content)]
        parts.append("\n".join(lines))
    parts += [
        "## What was measured",
        f"{ended.words}\n\n{ended.figures}" if content["metrics"] else "Nothing was measured of these weights.",
        _table(content["metrics"]),
        "## Limits",
        "Trained on the images named above and on nothing else: other kinds of images are outside of what was measured. Images "
        "of a generator may resemble single training images. The licence of the networks, and whether that of the training "
        "images allows to pass them on, is for whoever publishes them to state.",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _trained(content: Mapping[str, Any]) -> str:
    training, image = content["training"], content["image"]
    size = f"{image['image_size']} x {image['image_size']} pixels, {image['channels']} channel(s)"
    prints = ", ".join(f"{split} `{value[:12]}`" for split, value in sorted(_fingerprints(training["data"]).items()))
    return (
        f"Made by {content['made_by']} from the training run `{content['run']}`: {training['iterations']:,} iterations, "
        f"{training['images_seen']:,} real images seen, {size}. Classes: {', '.join(content['classes'])}. "
        f"Fingerprints of the data: {prints or 'not recorded'}."
    )


def _fingerprints(data: Mapping[str, Any]) -> dict[str, str]:
    found = data.get("fingerprints") or {}
    return {str(split): str(value) for split, value in found.items() if value}


def _example(name: str, kind: str, content: Mapping[str, Any]) -> str:
    """Code that runs in the folder: the network is read, given something and its result named."""
    network, image = content["networks"][name], content["image"]
    shape = f"{image['channels']}, {image['image_size']}, {image['image_size']}"
    file = network["files"][kind].rstrip("/")
    if kind == "onnx":
        return _code(*_onnx_example(name, file, content, shape))
    read = {
        "pt2": ["import torch", "", f'network = torch.export.load("{file}").module()'],
        "hub": ["import torch", "", "import sparring", "", f'network = sparring.from_pretrained("{file}")'],
    }[kind]
    if name == "generator":
        given = [
            f"latent, label = torch.randn(16, {_latent_dim(network)}), torch.arange(16) % {_classes(network, content)}"
        ]
        call = f"image = network(latent, label)  # (16, {shape}), -1 to 1"
    else:
        given = [f"image = torch.rand(16, {_sides(network)}) * 2 - 1  # yours, scaled to -1 .. 1"]
        probability = "probability = network(image).softmax(1)"
        call = probability if name == "classifier" else f"better = network(image)  # (16, {shape})"
    return _code(*read, *given, call)


def _onnx_example(name: str, file: str, content: Mapping[str, Any], shape: str) -> list[str]:
    network = content["networks"][name]
    lines = ["import numpy", "import onnxruntime", "", f'session = onnxruntime.InferenceSession("{file}")']
    if name == "generator":
        latent = f"numpy.random.standard_normal((16, {_latent_dim(network)})).astype(numpy.float32)"
        return [
            *lines, f"latent = {latent}", f"label = numpy.arange(16) % {_classes(network, content)}",
            f'(image,) = session.run(None, {{"latent": latent, "label": label}})  # (16, {shape}), -1 to 1',
        ]  # fmt: skip
    given = f"image = numpy.random.random_sample((16, {_sides(network)})).astype(numpy.float32) * 2 - 1"
    gives = "logits" if name == "classifier" else "better"
    return [*lines, f"{given}  # yours, scaled to -1 .. 1", f'({gives},) = session.run(None, {{"image": image}})']


def _code(*lines: str) -> str:
    return "```python\n" + "\n".join(lines) + "\n```"


def _latent_dim(network: Mapping[str, Any]) -> str:
    return str(network["takes"]["latent"].split(",")[1].strip(" )").partition(")")[0])


def _classes(network: Mapping[str, Any], content: Mapping[str, Any]) -> int:
    return len(content["classes"]) if "the class" in network["takes"]["label"] else 1


def _sides(network: Mapping[str, Any]) -> str:
    return str(network["takes"]["image"].partition(")")[0].removeprefix("(N, "))


def _table(metrics: Mapping[str, Any]) -> str:
    rows = [f"| {name} | {_value(each)} |" for name, each in metrics.items() if each.get("value") is not None]
    return "\n".join(["| metric | value |", "|---|---|", *rows]) if rows else ""


def _value(metric: Mapping[str, Any]) -> str:
    interval = metric.get("interval")
    return f"{metric['value']:.4g}" + (f" [{interval[0]:.4g}, {interval[1]:.4g}]" if interval else "")
