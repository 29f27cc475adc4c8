#!/usr/bin/env python3
"""pulmo beside what a user would take instead: runs every comparison of this folder and prints the ratios.

    python benches/peers/run.py --series FOLDER [--bundle models/lung-nodule-phantom] [--pulmo target/release/pulmo]
                                [--runs 7] [--json report.json]

Needs what the scripts need: SimpleITK, pydicom, pylibjpeg, pylibjpeg-libjpeg, scipy, monai, torch, onnx, onnxscript,
onnxruntime, safetensors, numpy. Each script stops where the results of both sides differ, so a ratio is one of
equal work.
"""

import subprocess
import sys
from pathlib import Path

import forward
import preprocess
import whole
from measure import OPTIONS, machine, parser, write_report

# What pulmo aims at on two CPU cores.
GOALS = {
    "chain, SimpleITK on 2 threads": 3.0,
    "chain, scipy": 4.0,
    "forward, onnxruntime": 0.5,
    "whole, SimpleITK": 2.0,
    "whole, pydicom": 2.0,
}


def ratios(report):
    """Times of the others over pulmo's: above 1, pulmo is faster."""

    def of(table, ours, theirs):
        seconds = {
            who: min(taken["median_s"] for name, taken in report[table].items() if fits(name))
            for who, fits in (("ours", ours), ("theirs", theirs))
        }
        return seconds["theirs"] / seconds["ours"]

    def is_ours(name):
        return name.startswith("pulmo")

    two = "2 threads"
    return {
        "chain, SimpleITK on 2 threads": of("chain", is_ours, lambda n: n.startswith("SimpleITK") and two in n),
        "chain, scipy": of("chain", is_ours, lambda n: n == "scipy"),
        "chain, MONAI on 2 threads": of("chain", is_ours, lambda n: n.startswith("MONAI") and two in n),
        "forward, onnxruntime": of("forward", is_ours, lambda n: n == "onnxruntime"),
        "forward, PyTorch eager": of("forward", is_ours, lambda n: n.startswith("PyTorch eager")),
        "whole, SimpleITK": of("whole", is_ours, lambda n: n.startswith("SimpleITK")),
        "whole, pydicom": of("whole", is_ours, lambda n: n.startswith("pydicom")),
    }


def main():
    arguments = parser(__doc__, *OPTIONS).parse_args()
    print(machine())
    print("\n== load", flush=True)
    load = [sys.executable, Path(__file__).with_name("load.py"), "--series", arguments.series]
    subprocess.run([*load, "--pulmo", arguments.pulmo, "--runs", str(arguments.runs)], check=True)
    report = {"machine": machine()}
    for part in (preprocess, forward, whole):
        print(f"\n== {part.__name__}", flush=True)
        report |= part.run(arguments)
    report["ratios"] = ratios(report)
    print("\n== how many times as fast pulmo is (medians)")
    for name, ratio in report["ratios"].items():
        goal = f"  goal {GOALS[name]}" if name in GOALS else ""
        print(f"  {name:34} {ratio:6.2f}{goal}")
    write_report(arguments.json, report)


if __name__ == "__main__":
    main()
