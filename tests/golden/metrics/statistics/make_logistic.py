"""Makes logistic.json: rows of numbers, and the probabilities of scikit-learn's logistic regression.

Run:  python make_logistic.py     (in this folder; see ../ORIGIN.md for versions)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def cases(rng):
    """name, rows, positive"""
    rows = rng.normal(size=(120, 5)) * [1, 10, 0.1, 1, 1] + [0, 5, 0, -3, 0]
    rows[:, 4] = 7.0  # never varies
    positive = rng.random(120) < 1 / (1 + np.exp(-(rows[:, 0] - rows[:, 3] - 3)))
    yield "overlapping, a constant column", rows, positive
    rows = rng.normal(size=(40, 3))
    yield "separable, few positive", rows, rows[:, 0] > 1.0
    rows = rng.dirichlet(np.ones(32), size=80)
    yield "histograms that sum to 1", rows, rng.random(80) < 0.3 + 3 * rows[:, 3]


def main():
    made = []
    for name, rows, positive in cases(np.random.default_rng(20261124)):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12))
        probabilities = model.fit(rows, positive).predict_proba(rows)[:, 1]
        made.append(
            {
                "name": name,
                "rows": rows.tolist(),
                "positive": positive.tolist(),
                "probabilities": probabilities.tolist(),
            }
        )
    Path("logistic.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
