#!/usr/bin/env python3
"""Whether onnxruntime gives what pulmo gives: every `CASE/model.onnx` below a folder, checked by `onnx`, then run.

    python peer.py FOLDER

Beside each model lie `N.voxels.npy` and what pulmo says of them, `N.logits.npy`, `N.probabilities.npy` and for networks
that weigh slices `N.attention.npy`. Exits with 77 where onnx, onnxruntime or numpy are not installed. Needs nothing of pulmo.
"""

import sys
from pathlib import Path

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"LEFT OUT: {missing}")
    sys.exit(77)

ALLOWED = 1e-4


def session(path):
    """The model in onnxruntime as it is written: nothing is rewritten or folded."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def differences(model, batch):
    """For each output how far it lies from pulmo's, as a share of the largest where that is above 1."""
    names = [output.name for output in model.get_outputs()]
    voxels = np.load(batch)
    for name, found in zip(names, model.run(names, {"voxels": voxels})):
        wanted = np.load(batch.with_name(batch.name.replace("voxels", name)))
        if found.shape != wanted.shape or found.dtype != np.float32:
            raise SystemExit(f"{batch}: {name} has shape {found.shape} where pulmo gives {wanted.shape}")
        yield name, float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))


def main(folder):
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}")
    paths, worst = sorted(folder.glob("*/model.onnx")), {}
    for path in paths:
        onnx.checker.check_model(str(path), full_check=True)
        model, batches = session(path), sorted(path.parent.glob("*.voxels.npy"))
        of_model = [pair for batch in batches for pair in differences(model, batch)]
        told = {name: max(off for other, off in of_model if other == name) for name, _ in of_model}
        print(f"{path.parent.name}: {len(batches)} batches, " + ", ".join(f"{n} {off:.1e}" for n, off in told.items()))
        wrong = [name for name, off in told.items() if not off <= ALLOWED]
        if wrong or not batches:
            raise SystemExit(f"{path.parent.name}: {wrong} differ by more than {ALLOWED}")
        worst = {name: max(off, worst.get(name, 0.0)) for name, off in told.items()} | {
            name: off for name, off in worst.items() if name not in told
        }
    print(f"{len(paths)} models, at worst " + ", ".join(f"{name} {off:.1e}" for name, off in worst.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
