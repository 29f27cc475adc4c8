#!/usr/bin/env python3
"""Images a second through one bundle's network: pulmo against onnxruntime and PyTorch, same weights.

    python benches/peers/forward.py [--bundle models/lung-nodule-phantom] [--pulmo target/release/pulmo] [--runs 7]

First the logits are compared: a volume of noise goes through `pulmo predict` with the bundle's network and an
empty chain, and through the same network in PyTorch and onnxruntime, read from the bundle's own files. pulmo
tells probabilities, so differences of logits are what is compared; 1e-4 is allowed.

Then time, for batches of 8 images of 224 x 224; pulmo's comes from `pulmo bench --json FILE`, the others' from
three times as many runs, on the CPU and, where there is one, on CUDA.
Needs: torch, onnx, onnxscript, onnxruntime, safetensors, numpy.
"""

import json
import math
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

import network
import numpy as np
import onnxruntime
import torch
from measure import in_turn, json_lines, machine, parser, pulmo, timed, write_report

BATCH, SIDE = 8, 224
SLICES = {"slice": 1, "mil": 8}
ALLOWED = 1e-4


def without_chain(bundle, folder):
    """A copy of the bundle that takes volumes as they are."""
    shutil.copytree(bundle, folder)
    manifest = folder / "bundle.toml"
    text = manifest.read_text(encoding="utf-8")
    bare = re.sub(r"\[\[chain\.step\]\].*?(?=^\[origin\]|\Z)", "", text, flags=re.DOTALL | re.MULTILINE)
    manifest.write_text(bare.replace("[origin]", "[chain]\n\n[origin]"), encoding="utf-8")
    return folder


def classes_of(bundle):
    text = (bundle / "bundle.toml").read_text(encoding="utf-8")
    return re.findall(r'"([^"]*)"', re.search(r"classes = \[(.*?)\]", text, re.DOTALL).group(1))


def predict(arguments, bundle, volume):
    command = [arguments.pulmo, "predict", volume, "--bundle", bundle, "--device", arguments.device]
    return json_lines(pulmo(command, arguments.threads)[0])[0]


def differences(logits):
    return np.asarray(logits, float).ravel() - np.asarray(logits, float).ravel()[0]


def compare(arguments, bundle, volume, peers):
    """Stops unless pulmo and its peers give the same logits, but for what all have in common."""
    said = predict(arguments, bundle, volume)["probabilities"]
    ours = differences([math.log(said[name]) for name in classes_of(bundle)])
    for name, logits in peers.items():
        off = np.abs(ours - differences(logits)).max()
        print(f"  logits of pulmo and {name} differ by {off:.1e} in {np.abs(ours).max():.2f}")
        if off > ALLOWED:
            raise SystemExit(f"allowed is {ALLOWED}")


def benched(path, bundle):
    """Images a second of the bundle's network, batches of 8 x 224 x 224, in the file of `pulmo bench`."""
    name = tomllib.loads((bundle / "bundle.toml").read_text(encoding="utf-8"))["name"]
    rows = json.loads(path.read_text(encoding="utf-8"))["networks"]
    wanted = (name, BATCH, [SIDE, SIDE])
    rates = [r["forward_images_per_s"] for r in rows if (r["network"], r["batch"], r["image"][1:]) == wanted]
    return rates[0]


def with_bench(arguments, folder):
    """Seconds for a batch by `pulmo bench`."""
    command = [arguments.pulmo, "bench", "--json", folder / "bench.json", "--device", arguments.device]
    command += ["--bundle", arguments.bundle, "--networks", "bundle"]
    subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return BATCH / benched(folder / "bench.json", arguments.bundle)


def peers_times(arguments, net, session, images):
    tensor = torch.from_numpy(images)
    clocks = {
        "onnxruntime": timed(lambda: session.run(None, {"images": images})),
        "PyTorch eager": timed(lambda: net(tensor)),
    }
    if torch.cuda.is_available():
        on_gpu, there = network.open_network(arguments.bundle).cuda(), tensor.cuda()
        clocks["PyTorch eager, CUDA"] = timed(lambda: (on_gpu(there), torch.cuda.synchronize()))
    return in_turn(arguments.runs * 3, clocks)


@torch.inference_mode()
def run(arguments):
    torch.set_num_threads(arguments.threads)
    net = network.open_network(arguments.bundle)
    slices = SLICES["mil" if net.is_study else "slice"]
    noise = np.random.default_rng(1).random((slices, SIDE, SIDE), np.float32)
    images = network.with_neighbours(noise, net.neighbours)
    batch = np.resize(images, (BATCH, *images.shape[1:]))
    print(f"PyTorch {torch.__version__}, onnxruntime {onnxruntime.__version__}, {arguments.threads} threads each")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session = network.onnx_session(net, batch, folder / "network.onnx", arguments.threads)
        bundle = without_chain(arguments.bundle, folder / "bundle")
        np.save(folder / "noise.npy", noise)
        outputs = {"PyTorch": net(torch.from_numpy(images)), "onnxruntime": session.run(None, {"images": images})[0]}
        compare(arguments, bundle, folder / "noise.npy", outputs)
        taken = peers_times(arguments, net, session, batch)
        seconds = with_bench(arguments, folder)
        taken["pulmo bench"] = {"median_s": seconds, "best_s": seconds}
    tell(taken)
    return {"forward": taken}


def tell(taken):
    print(f"\nforward, batch {BATCH}, {SIDE} x {SIDE}\n  {'':34} {'images/s':>9} {'best':>8} {'of onnxruntime':>15}")
    for name, of in taken.items():
        share = taken["onnxruntime"]["median_s"] / of["median_s"]
        print(f"  {name:34} {BATCH / of['median_s']:9.1f} {BATCH / of['best_s']:8.1f} {share:15.2f}")


if __name__ == "__main__":
    arguments = parser(__doc__, "bundle", "pulmo", "device", "threads", "runs", "json").parse_args()
    print(machine())
    write_report(arguments.json, run(arguments))
