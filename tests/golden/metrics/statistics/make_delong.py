"""Makes delong.json: paired scores, and what MLstatkit's DeLong test says of them.

Run:  python make_delong.py     (in this folder; see ../ORIGIN.md for versions)
"""

import json
from pathlib import Path

import numpy as np
from MLstatkit import Delong_test

# DeLong, DeLong and Clarke-Pearson 1988: 43 patients with ovarian cancer and bowel obstruction. Albumin,
# total protein, Krebs-Goplerud score (low is good), outcome after surgery (1: good).
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def cases(rng):
    """name, which are positive, scores of two classifiers"""
    albumin, protein, score, good = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4).T
    yield "ovarian: K-G score and albumin", good == 1, 10 - score, albumin
    yield "ovarian: K-G score and total protein", good == 1, 10 - score, protein
    positive = rng.random(500) < 0.15
    shared = rng.normal(size=500) + 1.2 * positive
    yield "500, no ties", positive, shared + 0.5 * rng.normal(size=500), shared + rng.normal(size=500)
    coarse = [np.round(s, 1) for s in (shared + rng.normal(size=500), 0.4 * shared + rng.normal(size=500))]
    yield "500, many ties", positive, *coarse
    yield "near perfect", positive, positive + 0.3 * rng.normal(size=500), positive + 0.2 * rng.normal(size=500)


def main():
    made = []
    for name, positive, first, second in cases(np.random.default_rng(20261121)):
        z, p, ci_a, ci_b, auc_a, auc_b, info = Delong_test(positive.astype(int), first, second, alpha=0.95)
        made.append(
            {
                "name": name,
                "positive": [bool(is_positive) for is_positive in positive],
                "scores": [first.tolist(), second.tolist()],
                "areas": [auc_a, auc_b],
                "ci95": [list(ci_a), list(ci_b)],
                "z": z,
                "p": p,
                "variance_of_difference": info["var_diff"],
            }
        )
    Path("delong.json").write_text(json.dumps(made, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
