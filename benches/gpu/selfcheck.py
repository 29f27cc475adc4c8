#!/usr/bin/env python3
"""Checks the check: its parsers on texts as pulmo, libtest and PyTorch give them, its steps, and the Markdown.

pack.sh stops on it, and check.sh runs it before the steps: what is wrong here must not cost the GPU's minutes.
"""

import json
import tempfile
from pathlib import Path

import figures
import report
import run
import steps

ADAPTER = {"name": "Card", "backend": "vulkan", "device_type": "discrete", "driver": "D", "driver_info": "1.2"}
TESTS = """running 3 tests
test bridge::one ... ok
test bridge::two ... FAILED
failures:
    bridge::two
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 9 filtered out; finished in 1.23s"""
PREDICTIONS = """device: Card (Card (vulkan, discrete) fits `--device gpu`)
{"path":"s/a","status":"OK","probabilities":{"x":0.25,"y":0.75},"device":"Card"}
{"path":"s/b","status":"OK","probabilities":{"x":0.5,"y":0.5},"device":"Card"}"""


def lines(text):
    return [(float(second), line) for second, line in enumerate(text.split("\n"))]


def bench(compiler):
    rate = {"ms": 1.5, "gb_per_s": 80.0}
    made = [{"pass": "affine 8 x 8 x 8", **rate, "share_of_copy": 0.8}, {"pass": "median", **rate, "share_of_copy": 0.6}]
    network = {"image": [3, 8, 8], "training_images_per_s": None, "problem": None}
    return {
        "machine": {"adapter": ADAPTER, "compiler": compiler}, "is_complete": True, "copy_gb_per_s": 100.0,
        "steps": [{"step": "rotate", **rate, "share_of_copy": 0.8, "passes": made}],
        "handover": {"on_device_ms": 2.0, "through_host_ms": 5.0},
        "pipeline": {"studies": 2, "slices": 20, "studies_per_s": 3.0, "share_read": 0.5, "share_preprocess": 0.25, "share_predict": 0.25},
        "networks": [{"network": "n", "batch": 8, "forward_images_per_s": 300.0, **network},
                     {"network": "n", "batch": 32, "forward_images_per_s": None, **network, "problem": "out of memory"}],
    }  # fmt: skip


TORCH = {
    "versions": {"torch": "2.0"}, "logits": {"n": 1e-6}, "left_out": [],
    "rows": [{"network": "n", "what": "forward", "how": "eager", "tf32": False, "batch": 8, "images_per_s": 200.0},
             {"network": "n", "what": "forward", "how": "compiled", "tf32": True, "batch": 8, "images_per_s": 900.0}],
}  # fmt: skip


def the_parsers_read_what_is_printed():
    found = figures.tests(lines(TESTS))
    assert (found["passed"], found["failed"], found["failing"]) == (1, 1, ["bridge::two"]) and found["wrong"], found
    found = figures.tests(lines("running 3 tests\ntest bridge::one ... ok\ntest bridge::two has been running for over 60 seconds"))
    assert found["wrong"] == "the tests did not end; 1 of 3 had passed" and found["passed"] == 1, found
    assert figures.tests(lines("running 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored; "))["wrong"] == "no test ran"
    found = figures.predictions(lines(PREDICTIONS))
    assert found["scores"]["a"] == {"x": 0.25, "y": 0.75} and not found["wrong"], found
    refused = "Card is not used: it computes wrongly\n" + PREDICTIONS
    assert "computes wrongly" in figures.predictions(lines(refused))["wrong"]
    devices = "error: noise\n" + json.dumps({"auto": "Card", "adapters": [ADAPTER]}, indent=2)
    assert not figures.adapters(lines(devices), "gpu")["wrong"] and figures.adapters(lines(devices), "software")["wrong"]


def a_training_is_read_from_its_history_and_its_lines():
    with tempfile.TemporaryDirectory() as folder:
        rows = "epoch,learning_rate,loss,validation_loss,validation_roc_auc,best\n1,0.1,0.7,0.6,,true\n2,0.1,0.5,0.4,0.9,true\n"
        Path(folder, "history.csv").write_text(rows, encoding="utf-8")
        printed = [(4.0, "epoch   1/2  loss 0.7"), (6.5, "epoch   2/2  loss 0.5")]
        found = figures.training(printed, Path(folder))
    assert found["epoch_s"] == 2.5 and found["history"][1]["loss"] == 0.5, found
    assert found["history"][0]["validation_roc_auc"] is None, found
    return found


def a_step_is_ended_told_and_followed_by_the_next():
    def row(command, limit_s=5.0, **rest):
        step = steps.Step("s", ["bash", "-c", command], limit_s, 0, folder=Path("/"), **rest)
        with tempfile.NamedTemporaryFile("w") as log:
            return run.run(step, limit_s, {"PATH": "/usr/bin:/bin"}, log)

    assert row("echo ok")["state"] == "done"
    assert row("echo why; exit 3")["reason"] == "why"
    assert row("sleep 9", limit_s=0.2)["state"] == "timed out"
    assert row("echo LEFT OUT: nothing here >&2; exit 1")["state"] == "left out"
    unread = row("true", figures=lambda lines: json.loads("{"))
    assert unread["state"] == "failed" and "cannot be read" in unread["reason"]
    assert row("true", figures=lambda lines: {"wrong": "so it is"})["reason"] == "so it is"
    both = row("echo why; exit 3", figures=lambda lines: {"wrong": "so it is"})
    assert both["reason"] == "so it is; why" and both["state"] == "failed"
    missing = steps.Step("s", ["/nowhere/x"], 1, 0, folder=Path("/"))
    with tempfile.NamedTemporaryFile("w") as log:
        assert run.run(missing, 1, {}, log)["state"] == "failed"


def the_steps_fit_their_time():
    root = Path(__file__).resolve().parent.parent
    if not (root / "recipe").is_dir():
        return
    for device, whole_s in (("gpu", run.WHOLE_S["gpu"]), ("software", run.WHOLE_S["software"])):
        with tempfile.TemporaryDirectory() as work:
            planned = steps.planned(root, Path(work), device, {"missing_vulkan": ""})
        names = [step.name for step in planned]
        assert len(set(names)) == len(names) and "training" in names, names
        assert sum(step.least_s for step in planned) < 0.7 * whole_s
        if device == "gpu":
            assert whole_s <= 460, "8 minutes with unpacking"


def the_markdown_holds_what_was_measured(training):
    rows = {
        "adapters": {"adapters": [ADAPTER], "wrong": ""}, "scores of the CPU": {"scores": {"a": {"x": 0.2501}}},
        "self-test and scores": {"scores": {"a": {"x": 0.25}}}, "bench, wgsl": bench("wgsl"), "PyTorch": TORCH,
        "training": training, "training on the CPU": training, "tests: bridge": figures.tests(lines(TESTS)),
    }  # fmt: skip
    step = {"command": "c", "state": "done", "reason": "", "seconds": 1.0}
    machine = {"processor": "P", "cores": 2, "memory_gib": 4, "system": "S", "nvidia_smi": None, "vulkan": {"libraries": [], "icd": None}}
    check = {
        "device": "gpu", "started": "2026-01-02T03:04:05Z", "seconds": 9.0, "about": {"commit": "abc"}, "machine": machine,
        "steps": [{"step": name, **step, "figures": found} for name, found in rows.items()],
    }  # fmt: skip
    check["goals"] = report.goals(check)
    assert [goal["met"] for goal in check["goals"]] == [False, True, True], check["goals"]
    text = report.markdown(check)
    for part in ("## On Card", "| n | 8 | 300.0 | 200.0 | 900.0 |", "1.0e-04", "0.60 | 1 of 2", "out of memory", "2.50", "60 %"):
        assert part in text, (part, text)
    assert not any("None" in line for line in text.splitlines()), text
    nothing = {**check, "steps": [{"step": "adapters", **step, "state": "failed", "reason": "r", "figures": {}}]}
    nothing["goals"] = report.goals(nothing)
    assert "not measured" in report.markdown(nothing)


if __name__ == "__main__":
    the_parsers_read_what_is_printed()
    training = a_training_is_read_from_its_history_and_its_lines()
    a_step_is_ended_told_and_followed_by_the_next()
    the_steps_fit_their_time()
    the_markdown_holds_what_was_measured(training)
    print("self-check: ok")
