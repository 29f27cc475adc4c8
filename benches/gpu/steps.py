"""The steps of the check in their order, and their sizes on a GPU and on a software adapter."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import figures

# How much is done. A software adapter shows that the check works, not how fast anything is.
GPU = {
    "studies": 24, "scored": 8, "epochs": 3, "bench": [], "torch": ["--device", "cuda", "--seconds", "75"], "slower": 1,
    "recipe": {},
}  # fmt: skip
SOFTWARE = {
    "studies": 8, "scored": 1, "epochs": 2, "bench": ["--quick", "--networks", "bundle"], "slower": 30,
    "torch": ["--device", "cpu", "--side", "64", "--batches", "2", "--seconds", "60"],
    # Cases of so few and small slices that two epochs take minutes.
    "recipe": {"spacing_mm": "[20.0, 6.0, 6.0]", "shape": "[0, 40, 52]"},
}  # fmt: skip


@dataclass
class Step:
    """Something to run, in how many seconds at most, and how many are kept for it by the steps before."""

    name: str
    command: list
    limit_s: float
    least_s: float
    figures: Callable = lambda lines: {}
    environment: dict = field(default_factory=dict)
    absent: str = ""
    folder: Path = None


def planned(root, work, device, about):
    size = SOFTWARE if device == "software" else GPU
    pulmo, vulkan, tests = (root / "bin" / name for name in ("pulmo", "pulmo-vulkan", "gpu-tests"))
    studies = work / "studies"
    scored = [studies / f"phantom-{number:04}" for number in range(size["scored"])]
    (work / "recipe.toml").write_text(recipe(root / "recipe/recipe.toml", size), encoding="utf-8")
    no_vulkan = about["missing_vulkan"] or (
        "software adapters compute wrongly in a build with the vulkan feature" if device == "software" else ""
    )
    on_device, on_cpu = ["--device", device], ["--device", "cpu"]

    def bench(name, program, json, options, **rest):
        command = [program, "bench", "--json", work / json, *on_device, *size["bench"], *options]
        return Step(name, command, figures=lambda lines: figures.bench(work / json), **rest)

    def tested(name, filters, **rest):
        return Step(name, [tests, *filters], figures=figures.tests, environment=test_environment, **rest)

    def predict(name, program, options, **rest):
        return Step(name, [program, "predict", *scored, *options], figures=figures.predictions, **rest)

    def train(name, out, options, **rest):
        command = [pulmo, "train", "--recipe", work / "recipe.toml", "--data", studies / "truth.csv", "--out", work / out]
        return Step(name, [*command, *options], figures=lambda lines: figures.training(lines, work / out), **rest)

    test_environment = {"PULMO_REQUIRE_GPU": "1", "PULMO_PROGRAM": str(pulmo)}
    steps = [
        Step("adapters", [pulmo, "devices", "--json"], 20, 5, lambda lines: figures.adapters(lines, device)),
        Step("phantoms", [pulmo, "phantom", "--out", studies, "--studies", str(size["studies"]), "--seed", "7"], 90, 20),
        predict("scores of the CPU", pulmo, on_cpu, limit_s=40, least_s=5),
        predict("self-test and scores", pulmo, on_device, limit_s=60, least_s=15),
        predict("self-test and scores, vulkan", vulkan, on_device, limit_s=45, least_s=10, absent=no_vulkan),
        tested("tests: passes", ["passes::", "preprocess::", "augment::"], limit_s=75, least_s=20),
        tested("tests: networks", ["heat::", "training::"], limit_s=75, least_s=15),
        tested("tests: bridge", ["bridge::"], limit_s=40, least_s=10),
        tested("tests: faults", ["safety::"], limit_s=75, least_s=20),
        bench("bench, wgsl", pulmo, "wgsl.json", ["--keep-networks", work / "kept"], limit_s=150, least_s=60),
        bench("bench, vulkan", vulkan, "vulkan.json", [], limit_s=120, least_s=45, absent=no_vulkan),
        torch(root, work, size),
        train("training", "trained", on_device, limit_s=60, least_s=15),
        train("training on the CPU", "trained-cpu", on_cpu, limit_s=60, least_s=15),
        tested("tests: 1000 slices", ["--ignored", "large::"], limit_s=60, least_s=0),
    ]
    for step in steps:
        step.limit_s *= size["slower"]
        step.folder = work
    if device == "software":
        steps[-1].absent = "it takes minutes and 6 GB on a software adapter"
    return steps


def torch(root, work, size):
    command = [sys.executable, root / "peers/pytorch.py", "--networks", work / "kept", "--json", work / "torch.json", *size["torch"]]
    return Step("PyTorch", command, 90, 35, lambda lines: figures.torch(work / "torch.json"))


def recipe(path, size):
    """The shipped recipe with fewer epochs and, for software, smaller cases."""
    text = path.read_text(encoding="utf-8")
    for entry, value in {"epochs": str(size["epochs"]), **size["recipe"]}.items():
        text, count = re.subn(rf"^{entry} = .*$", f"{entry} = {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise SystemExit(f"steps.py: the recipe has {count} entries `{entry}`, not 1")
    return text
