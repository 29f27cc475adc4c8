"""Makes decisions.json: thresholds chosen by scikit-learn's curve, and dcurves' net benefit.

Run:  python make_decisions.py     (in this folder; see ../ORIGIN.md for versions)
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca
from sklearn.metrics import confusion_matrix, roc_curve
from statsmodels.stats.proportion import proportion_confint

DEMANDS = [0.5, 0.8, 0.9, 0.95, 1.0]


def chosen(positive, scores):
    """The threshold of each rule, read off the whole curve; of several the highest."""
    fpr, tpr, thresholds = roc_curve(positive, scores, drop_intermediate=False)
    fpr, tpr, thresholds = fpr[1:], tpr[1:], thresholds[1:]
    yield "youden", thresholds[np.argmax(np.round(tpr - fpr, 12))]
    for demand in DEMANDS:
        good = tpr >= demand - 1e-9
        yield f"sensitivity={demand}", thresholds[good][np.argmin(fpr[good])]
        good = 1 - fpr >= demand - 1e-9
        yield f"specificity={demand}", thresholds[good][np.argmax(tpr[good])] if good.any() else None


def point(positive, scores, threshold):
    (tn, fp), (fn, tp) = confusion_matrix(positive, scores >= threshold, labels=[False, True])
    rates = {"sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp), "ppv": (tp, tp + fp), "npv": (tn, tn + fn)}
    return {
        name: [part / whole, *proportion_confint(part, whole, method="wilson")] if whole else None
        for name, (part, whole) in rates.items()
    }


def case(rng, name, count, prevalence, decimals):
    positive = rng.random(count) < prevalence
    scores = np.round(1 / (1 + np.exp(-(rng.normal(size=count) + 1.5 * positive - 1.0))), decimals)
    table = pd.DataFrame({"positive": positive.astype(int), "model": scores})
    curve = dca(data=table, outcome="positive", modelnames=["model"], thresholds=np.arange(1, 100) / 100)
    benefit = {name: rows.sort_values("threshold")["net_benefit"].tolist() for name, rows in curve.groupby("model")}
    rules = {
        rule: None if threshold is None else {"threshold": threshold, **point(positive, scores, threshold)}
        for rule, threshold in chosen(positive, scores)
    }
    return {
        "name": name,
        "positive": positive.tolist(),
        "scores": scores.tolist(),
        "rules": rules,
        "model": benefit["model"],
        "treat_all": benefit["all"],
    }


def main():
    rng = np.random.default_rng(20261123)
    made = [case(rng, "no ties", 240, 0.35, 12), case(rng, "ties, few positive", 150, 0.08, 1)]
    Path("decisions.json").write_text(json.dumps(made, separators=(",", ":"), default=float) + "\n")


if __name__ == "__main__":
    main()
