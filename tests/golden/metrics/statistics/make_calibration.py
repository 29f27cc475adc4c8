"""Makes calibration.json: probabilities and labels, and what scikit-learn and scipy make of them.

Run:  python make_calibration.py     (in this folder; see ../ORIGIN.md for versions)
"""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

BINS = 15


def gaps(confidence, correct):
    """Guo et al. 2017, arXiv:1706.04599, equations 3 and 5, right-closed bins."""
    edges = np.arange(1, BINS) / BINS
    bins = np.searchsorted(edges, confidence, side="left")
    counts = np.bincount(bins, minlength=BINS)
    sums = np.bincount(bins, weights=confidence - correct, minlength=BINS)
    means = np.abs(sums[counts > 0]) / counts[counts > 0]
    return {"ece": float((means * counts[counts > 0]).sum() / len(bins)), "mce": float(means.max())}


def scores(labels, probabilities):
    if probabilities.shape[1] == 2:
        confidence, correct = probabilities[:, 1], labels == 1
        brier = brier_score_loss(labels, probabilities[:, 1])
    else:
        confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        brier = ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean()
    loss = log_loss(labels, probabilities, labels=np.arange(probabilities.shape[1]))
    return {**gaps(confidence, correct), "brier": float(brier), "log_loss": float(loss)}


def temperature(labels, probabilities):
    def loss(log_t):
        logits = np.log(probabilities) / np.exp(log_t)
        logits -= np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)) + logits.max(
            axis=1, keepdims=True
        )
        return -logits[np.arange(len(labels)), labels].mean()

    found = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(found.x))


def cases(rng):
    """name, labels, probabilities"""
    logits = 1.2 * rng.normal(size=400)
    labels = (rng.random(400) < 1 / (1 + np.exp(-logits))).astype(int)
    said = 1 / (1 + np.exp(-(2.7 * logits + 0.4)))
    yield "too sure", labels, np.stack([1 - said, said], axis=1)
    said = np.round(1 / (1 + np.exp(-0.4 * logits)), 2)
    yield "too modest, ties", labels, np.stack([1 - said, said], axis=1)
    logits = 1.5 * rng.normal(size=(300, 4))
    labels = np.array([rng.choice(4, p=softmax(row)) for row in logits])
    yield "four classes", labels, softmax(3.0 * logits, axis=1)


def main():
    made = []
    for name, labels, probabilities in cases(np.random.default_rng(20261122)):
        t = temperature(labels, probabilities)
        cooled = softmax(np.log(probabilities) / t, axis=1)
        case = {
            "name": name,
            "labels": labels.tolist(),
            "probabilities": probabilities.tolist(),
            "before": scores(labels, probabilities),
            "temperature": t,
            "after_temperature": scores(labels, cooled),
        }
        if probabilities.shape[1] == 2:
            isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probabilities[:, 1], labels)
            at = np.linspace(0, 1, 101)
            case["isotonic"] = {"at": at.tolist(), "values": isotonic.predict(at).tolist()}
        made.append(case)
    Path("calibration.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
