#!/usr/bin/env python3
"""An archive of CT studies: `pulmo triage` against `pulmo predict` and against a pool of Python processes.

    python benches/peers/archive.py --archive FOLDER [--bundle models/lung-nodule-phantom] [--workers 2] [--runs 3]
                                    [--no-python]

FOLDER holds one folder for each study of one series. The pool is what a user would write: `multiprocessing` over the
folders, SimpleITK to read, scipy for the chain of the bundle, onnxruntime for its network, as in `whole.py`; its start
and its imports are in its time, as pulmo's start is in pulmo's. All three must give the same probabilities, to 1e-4.
Needs: for the pool what `whole.py` needs.
"""

import multiprocessing
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from measure import in_turn, json_lines, machine, parser, pulmo, table, timed, write_report

ALLOWED = 1e-4
OURS = "pulmo triage"
STATE = {}


def begin(bundle, onnx):
    """What each process of the pool makes once."""
    import onnxruntime
    import SimpleITK as sitk

    import network

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    manifest = tomllib.loads((bundle / "bundle.toml").read_text(encoding="utf-8"))
    STATE["steps"] = manifest["chain"]["step"]
    STATE["neighbours"] = network.open_network(bundle).neighbours
    STATE["session"] = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def score(folder):
    import network
    import whole

    volume = whole.preprocessed(whole.read_with_simpleitk(folder), STATE["steps"])
    images = network.with_neighbours(volume, STATE["neighbours"])
    return whole.probabilities(STATE["session"].run(None, {"images": images})[0]).tolist()


def pool(arguments, onnx, folders):
    context = multiprocessing.get_context("spawn")
    with context.Pool(arguments.workers, begin, (arguments.bundle, str(onnx))) as processes:
        return processes.map(score, folders, chunksize=1)


def triage(arguments, scratch):
    out = scratch / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [arguments.pulmo, "triage", arguments.archive, "--out", out, "--bundle", arguments.bundle]
    pulmo([*command, "--device", "cpu", "--workers", arguments.workers], 1)
    return json_lines((out / "results.jsonl").read_text(encoding="utf-8"))


def predict(arguments):
    command = [arguments.pulmo, "predict", arguments.archive, "--bundle", arguments.bundle, "--device", "cpu"]
    return json_lines(pulmo(command, arguments.workers)[0])


def differ(name, ours, theirs):
    off = max(abs(a - b) for a, b in zip(sorted(ours), sorted(theirs), strict=True))
    print(f"  probabilities of pulmo triage and {name} differ by {off:.1e} on {len(ours)} studies")
    if off > ALLOWED:
        sys.exit(f"allowed is {ALLOWED}")


def run(arguments):
    folders = sorted(path for path in arguments.archive.iterdir() if path.is_dir())
    manifest = tomllib.loads((arguments.bundle / "bundle.toml").read_text(encoding="utf-8"))
    last = manifest["classes"][-1]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        ours = [line["probabilities"][last] for line in triage(arguments, scratch)]
        differ("pulmo predict", ours, [line["probabilities"][last] for line in predict(arguments)])
        clocks = {
            OURS: timed(lambda: triage(arguments, scratch)),
            "pulmo predict": timed(lambda: predict(arguments)),
        }
        if not arguments.no_python:
            import network
            import whole

            net = network.open_network(arguments.bundle)
            volume = whole.preprocessed(whole.read_with_simpleitk(folders[0]), manifest["chain"]["step"])
            onnx = scratch / "n.onnx"
            network.onnx_session(net, network.with_neighbours(volume, net.neighbours), onnx, 1)
            differ("the Python pool", ours, [said[-1] for said in pool(arguments, onnx, folders)])
            clocks["pool of SimpleITK, scipy, onnxruntime"] = timed(lambda: pool(arguments, onnx, folders))
        taken = in_turn(arguments.runs, clocks)
    table(f"{len(folders)} studies, {arguments.workers} processes", taken, OURS)
    for name, of in taken.items():
        print(f"  {name:40} {60 * len(folders) / of['median_s']:8.1f} studies a minute")
    return {"archive": taken}


if __name__ == "__main__":
    options = parser(__doc__, "bundle", "pulmo", "runs", "json")
    options.add_argument("--archive", required=True, type=Path, help="folder of folders, one for each study")
    options.add_argument("--workers", type=int, default=2, help="processes of triage and of the pool")
    options.add_argument("--no-python", action="store_true", help="pulmo alone")
    arguments = options.parse_args()
    print(machine())
    write_report(arguments.json, run(arguments))
