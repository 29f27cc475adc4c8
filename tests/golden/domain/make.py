"""Makes golden.json: features of labelled cases, and what scikit-learn says of them and of others.

Run:  python make.py     (in this folder; see ORIGIN.md for versions)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.covariance import LedoitWolf


def cases(rng):
    """name, features, labels, others"""
    mixing = rng.normal(size=(6, 6))
    labels = np.arange(60) % 2
    features = rng.normal(size=(60, 6)) @ mixing + 2.0 * labels[:, None]
    yield "correlated, two classes", features, labels, rng.normal(size=(8, 6)) * 5
    labels = np.arange(30) % 3
    features = np.maximum(rng.normal(size=(30, 40)), 0.0)
    features[:, 7] = 0.0  # a rectifier that never opened
    yield "more features than cases, rectified", features, labels, np.abs(rng.normal(size=(8, 40)))
    yield "one class", rng.normal(size=(25, 3)) * [1, 10, 0.1], np.zeros(25, int), rng.normal(size=(8, 3))


def main():
    made = []
    for name, features, labels, others in cases(np.random.default_rng(20261128)):
        # What pulmo is given has 32 bits.
        features, others = features.astype(np.float32).astype(float), others.astype(np.float32).astype(float)
        means = np.stack([features[labels == label].mean(axis=0) for label in np.unique(labels)])
        residuals = features - means[labels]
        fitted = LedoitWolf(assume_centered=True).fit(residuals)
        away = others[:, None, :] - means[None]
        squared = np.einsum("ncf,fg,ncg->nc", away, np.linalg.inv(fitted.covariance_), away)
        made.append(
            {
                "name": name,
                "features": features.tolist(),
                "labels": labels.tolist(),
                "shrinkage": fitted.shrinkage_,
                "covariance": fitted.covariance_.tolist(),
                "others": others.tolist(),
                "distances": np.sqrt(squared.min(axis=1) / features.shape[1]).tolist(),
            }
        )
    Path("golden.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
