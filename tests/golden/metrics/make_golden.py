"""Makes the cases of tests/metrics.rs: samples (predictions.csv) and what scikit-learn says of them.

Run:  python make_golden.py     (in this folder; see ORIGIN.md for versions)

Undefined is null. scikit-learn is asked with zero_division=nan for every class; where it then says
nan, or warns that a score is not defined, null is written. Two policies are ours, not its own: a
macro average over a class without a value is null (scikit-learn averages the others), and so is a
weighted average if that class has samples.
"""

import csv
import json
import math
import warnings
from pathlib import Path

import numpy as np
from sklearn import metrics as sk

HERE = Path(__file__).parent
BOOTSTRAPS = 4000


def number(value):
    value = float(value)
    return None if math.isnan(value) else value


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def binary(positive):
    positive = np.asarray(positive, dtype=float)
    return np.stack([1.0 - positive, positive], axis=1)


def cases(rng):
    """name, classes, labels, probabilities, threshold (None: most probable), patients"""
    # Two scans of each patient that are nearly alike: drawing scans would halve the variance.
    labels = np.repeat(rng.permutation(np.repeat([0, 1], 30)), 2)
    of_patient, of_scan = np.repeat(rng.normal(size=60), 2) * 1.3, rng.normal(size=120) * 0.2
    scores = 1 / (1 + np.exp(-(of_patient + of_scan + 1.6 * labels - 0.8)))
    yield "binary_balanced", 2, labels, binary(scores), 0.5, np.arange(120) // 2
    labels = (rng.random(200) < 0.12).astype(int)
    scores = np.round(np.clip(rng.beta(2, 6, size=200) + 0.25 * labels, 0, 1) * 16) / 16
    yield "binary_imbalanced_ties", 2, labels, binary(scores), 0.4375, np.arange(200) // 3
    labels = rng.choice(3, size=150, p=[0.5, 0.3, 0.2])
    logits = rng.normal(size=(150, 3)) + 1.2 * np.eye(3)[labels]
    yield "three_classes", 3, labels, softmax(logits), None, np.arange(150) // 2
    yield "one_class_only", 2, np.ones(30, dtype=int), binary(rng.random(30)), 0.5, np.arange(30)
    yield "one_class_all_right", 2, np.zeros(12, dtype=int), binary(rng.random(12) * 0.4), 0.5, np.arange(12)
    labels = rng.choice(3, size=60)
    logits = rng.normal(size=(60, 3)) + np.eye(3)[labels]
    logits[:, 2] -= 20.0
    yield "class_never_predicted", 3, labels, softmax(logits), None, np.arange(60)
    labels = rng.choice(2, size=60)
    logits = rng.normal(size=(60, 3)) + np.eye(3)[labels]
    logits[:, 2] -= 20.0
    yield "class_never_seen", 3, labels, softmax(logits), None, np.arange(60)


def decide(probabilities, threshold):
    if threshold is None:
        return probabilities.argmax(axis=1)
    return (probabilities[:, 1] >= threshold).astype(int)


def per_class(labels, predictions, probabilities):
    result = []
    nan = {"zero_division": np.nan}
    for k in range(probabilities.shape[1]):
        truth, given = (labels == k).astype(int), (predictions == k).astype(int)
        one_kind = truth.min() == truth.max()
        result.append({
            "precision": number(sk.precision_score(truth, given, **nan)),
            "recall": number(sk.recall_score(truth, given, **nan)),
            "specificity": number(sk.recall_score(truth, given, pos_label=0, **nan)),
            "f1": number(sk.f1_score(truth, given, **nan)),
            "negative_predictive_value": number(sk.precision_score(truth, given, pos_label=0, **nan)),
            "support": int(truth.sum()),
            "roc_auc": None if one_kind else number(sk.roc_auc_score(truth, probabilities[:, k])),
            "average_precision":
                None if truth.max() == 0 else number(sk.average_precision_score(truth, probabilities[:, k])),
        })
    return result


def averaged(name, kind, classes, labels, predictions, scores):
    values = [score[name] for score in scores]
    needed = [v for v, s in zip(values, scores) if kind == "macro" or s["support"] > 0]
    if kind != "micro" and None in needed:
        return None
    if name == "specificity":
        return float(np.mean(values))
    function = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}[name]
    return number(function(labels, predictions, labels=range(classes), average=kind, zero_division=np.nan))


def matthews(labels, predictions):
    # scikit-learn says 0 where truth or prediction is constant: the denominator is 0.
    if len(set(labels)) == 1 or len(set(predictions)) == 1:
        return None
    return number(sk.matthews_corrcoef(labels, predictions))


def calibration_error(labels, predictions, probabilities):
    # As Guo et al. 2017 define it, 15 bins (low, high]; scikit-learn has no such function.
    confidence = probabilities[np.arange(len(labels)), predictions]
    right, edges, total = predictions == labels, np.arange(16) / 15, 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = ((confidence > low) | ((low == 0) & (confidence == 0))) & (confidence <= high)
        if inside.any():
            total += abs(confidence[inside].mean() - right[inside].mean()) * inside.mean()
    return float(total)


def all_metrics(classes, labels, predictions, probabilities, scores):
    result = {
        "accuracy": number(sk.accuracy_score(labels, predictions)),
        "balanced_accuracy": number(sk.balanced_accuracy_score(labels, predictions)),
        "mcc": matthews(labels, predictions),
        "expected_calibration_error": calibration_error(labels, predictions, probabilities),
    }
    for name in ("precision", "recall", "f1"):
        for kind in ("micro", "macro", "weighted"):
            result[f"{name}_{kind}"] = averaged(name, kind, classes, labels, predictions, scores)
    result["specificity_macro"] = averaged("specificity", "macro", classes, labels, predictions, scores)
    if classes == 2:
        for name in ("precision", "recall", "specificity", "f1", "roc_auc", "average_precision"):
            result[name] = scores[1][name]
        result["brier"] = number(sk.brier_score_loss(labels, probabilities[:, 1], labels=[0, 1], pos_label=1))
    else:
        for name in ("precision", "recall", "specificity", "f1"):
            result[name] = result[f"{name}_macro"]
        whole = all(0 < score["support"] < len(labels) for score in scores)
        truth = np.eye(classes)[labels]
        result["roc_auc"] = number(sk.roc_auc_score(labels, probabilities, multi_class="ovr")) if whole else None
        result["average_precision"] = (
            number(sk.average_precision_score(truth, probabilities, average="macro")) if whole else None)
        result["brier"] = number(
            sk.brier_score_loss(labels, probabilities, labels=list(range(classes)), scale_by_half=False))
    return result


def curves(labels, probabilities):
    if probabilities.shape[1] != 2 or labels.min() == labels.max():
        return None
    fpr, tpr, roc_thresholds = sk.roc_curve(labels, probabilities[:, 1], drop_intermediate=False)
    precision, recall, pr_thresholds = sk.precision_recall_curve(labels, probabilities[:, 1])
    return {
        "false_positive_rate": fpr.tolist(),
        "true_positive_rate": tpr.tolist(),
        "roc_thresholds": roc_thresholds[1:].tolist(),
        "precision": precision[::-1].tolist(),
        "recall": recall[::-1].tolist(),
        "pr_thresholds": pr_thresholds[::-1].tolist(),
        "youden": float(roc_thresholds[1:][np.argmax((tpr - fpr)[1:])]),
    }


def intervals(rng, labels, predictions, probabilities, patients):
    """Percentile intervals by drawing patients and handing the drawn samples to scikit-learn."""
    members = [np.flatnonzero(patients == p) for p in np.unique(patients)]
    accuracies, areas = [], []
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        accuracies.append(sk.accuracy_score(labels[drawn], predictions[drawn]))
        if labels[drawn].min() != labels[drawn].max():
            areas.append(sk.roc_auc_score(labels[drawn], probabilities[drawn, 1]))
    bounds = lambda values: np.percentile(values, [2.5, 97.5]).tolist()
    return {"accuracy": bounds(accuracies), "roc_auc": bounds(areas)}


def write_predictions(folder, names, labels, predictions, probabilities, patients):
    with open(folder / "predictions.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "patient_id", "label", "prediction"] + [f"probability_{name}" for name in names])
        for i, row in enumerate(probabilities):
            patient = f"p{patients[i]:03d}"
            values = [repr(float(p)) for p in row]
            writer.writerow([f"{i:03d}.dcm", patient, names[labels[i]], names[predictions[i]]] + values)


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(20260917)
    for name, classes, labels, probabilities, threshold, patients in cases(rng):
        predictions = decide(probabilities, threshold)
        names = ["benign", "malignant"] if classes == 2 else ["normal", "benign", "malignant"]
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        write_predictions(folder, names, labels, predictions, probabilities, patients)
        scores = per_class(labels, predictions, probabilities)
        golden = {
            "classes": names,
            "n": len(labels),
            "confusion": sk.confusion_matrix(labels, predictions, labels=range(classes)).tolist(),
            "metrics": all_metrics(classes, labels, predictions, probabilities, scores),
            "per_class": dict(zip(names, scores)),
            "curves": curves(labels, probabilities),
            "ci95": intervals(rng, labels, predictions, probabilities, patients)
                if name.startswith("binary") else None,
        }
        (folder / "golden.json").write_text(json.dumps(golden, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
