#!/usr/bin/env python3
"""Forward passes and training steps in PyTorch, on the networks, weights and images that `pulmo bench` timed.

    pulmo bench --device gpu --keep-networks kept --json bench.json
    python benches/peers/pytorch.py --networks kept [--batches 1,8,32] [--side 224] [--seconds 80] [--json torch.json]

First the logits for the kept images are compared with those that pulmo's device gave. Then time: eager, then
compiled, each with TF32 off (plain float32, what pulmo computes in) and, on a GPU, on. cuDNN may try its
algorithms out, as pulmo does. A forward pass ends when its logits are on the host, a training step (SGD with
momentum on the cross entropy) when its loss is; both as in `pulmo bench`. Figures are medians after a warm-up. The
file is written anew with every figure, what matters first; what `--seconds` leave no time for is named in it.
Needs: torch, torchvision, safetensors, numpy.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

try:
    import network
    import numpy as np
    import torch
    from torch.nn import functional
except ImportError as missing:
    sys.exit(f"LEFT OUT: {missing}")

# Time for one figure, and least and most runs of it.
ENOUGH_S, LEAST, MOST = 1.0, 5, 50


def arguments():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--networks", required=True, type=Path, help="folder that pulmo bench kept them in")
    options.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    options.add_argument("--batches", default="1,8,32", help="images in a batch")
    options.add_argument("--side", type=int, default=224, help="height and width of the images")
    options.add_argument("--seconds", type=float, default=80.0, help="no figure is started after so long")
    options.add_argument("--json", type=Path, help="also write the figures here")
    return options.parse_args()


def with_tf32(is_on):
    torch.backends.cuda.matmul.allow_tf32 = is_on
    torch.backends.cudnn.allow_tf32 = is_on
    torch.backends.cudnn.benchmark = True


def median_seconds(work):
    """The median of several runs of `work`, which ends with its result on the host."""
    for _ in range(3):
        work()
    seconds, start = [], time.perf_counter()
    while len(seconds) < LEAST or (len(seconds) < MOST and time.perf_counter() - start < ENOUGH_S):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def images(folder, batch, side, device):
    """The kept images, over and over, or noise where another size is wanted."""
    kept = np.load(folder / "images.npy")
    if kept.shape[2:] != (side, side):
        kept = np.random.default_rng(1).standard_normal((4, kept.shape[1], side, side), np.float32)
    return torch.from_numpy(np.resize(kept, (batch, *kept.shape[1:]))).to(device)


@torch.inference_mode()
def difference(folder, device):
    """How far PyTorch's logits lie from those that pulmo gave for the kept images, as a share of the largest."""
    with_tf32(False)
    theirs = np.load(folder / "logits.npy")
    ours = network.open_network(folder).to(device)(torch.from_numpy(np.load(folder / "images.npy")).to(device))
    return float(np.abs(ours.cpu().numpy() - theirs).max() / np.abs(theirs).max())


def forward(net, batch):
    def work():
        with torch.inference_mode():
            net(batch).cpu()

    return work


def training(net, batch, bags):
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
    labels = torch.arange(bags, device=batch.device) % 2

    def work():
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(net(batch), labels)
        loss.backward()
        optimizer.step()
        loss.item()

    return work


def plan(folders, batches, device):
    """What is measured, what matters first: (folder, what, how, whether TF32 is on, batch)."""
    precisions = [False, True] if device == "cuda" else [False]
    middle = [sorted(batches)[len(batches) // 2]]
    order = [
        ("forward", "eager", batches),
        ("training", "eager", batches),
        ("forward", "compiled", middle),
        ("training", "compiled", middle),
    ]
    return [
        (folder, what, how, tf32, batch)
        for what, how, of in order
        for tf32 in precisions
        for folder in folders
        for batch in of
    ]


def measured(options, folder, what, how, tf32, batch):
    """Images a second."""
    with_tf32(tf32)
    net = network.open_network(folder).to(options.device).train(what == "training")
    data = images(folder, batch, options.side, options.device)
    bags = 1 if net.is_study else batch
    if how == "compiled":
        torch.compiler.reset()
        net = torch.compile(net)
    work = forward(net, data) if what == "forward" else training(net, data, bags)
    return batch / median_seconds(work)


def versions(device):
    about = {"torch": torch.__version__, "python": sys.version.split()[0]}
    if device == "cuda":
        about |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        about |= {"device": torch.cuda.get_device_name(), "capability": list(torch.cuda.get_device_capability())}
    return about


def main():
    options, start = arguments(), time.monotonic()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("LEFT OUT: PyTorch sees no CUDA device")
    folders = sorted(path.parent for path in options.networks.glob("*/network.json"))
    report = {"versions": versions(options.device), "logits": {}, "rows": [], "left_out": []}

    def keep():
        if options.json:
            options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    for folder in folders:
        if not (folder / "logits.npy").is_file():
            print(f"{folder.name}: pulmo kept no logits", flush=True)
            continue
        report["logits"][folder.name] = difference(folder, options.device)
        print(f"{folder.name}: logits differ by {report['logits'][folder.name]:.1e} of the largest", flush=True)
    keep()
    for folder, what, how, tf32, batch in plan(folders, [int(b) for b in options.batches.split(",")], options.device):
        row = {"network": folder.name, "what": what, "how": how, "tf32": tf32, "batch": batch}
        if time.monotonic() - start > options.seconds:
            report["left_out"].append(row | {"reason": "no time was left"})
            continue
        try:
            row["images_per_s"] = measured(options, folder, what, how, tf32, batch)
            report["rows"].append(row)
        except Exception as error:
            report["left_out"].append(row | {"reason": f"{type(error).__name__}: {error}"[:300]})
        print(json.dumps(row), flush=True)
        keep()
    keep()


if __name__ == "__main__":
    main()
