"""Writes froc.json: FROC curves of made-up detectors, by numpy alone and by the definition, threshold by threshold."""

import json

import numpy as np

RATES = [0.125, 0.25, 0.5, 1, 2, 4, 8]


def curve(scans):
    """For each threshold count anew which targets are hit and which marks hit none."""
    scores = sorted({m[3] for s in scans for m in s["marks"]}, reverse=True)
    total = sum(len(s["targets"]) for s in scans)
    points = []
    for threshold in scores:
        found, false = 0, 0
        for scan in scans:
            hit = set()
            for x, y, z, score in scan["marks"]:
                if score < threshold:
                    continue
                near = [
                    (np.linalg.norm(np.subtract((x, y, z), t[:3])), i)
                    for i, t in enumerate(scan["targets"])
                    if np.linalg.norm(np.subtract((x, y, z), t[:3])) <= t[3]
                ]
                if near:
                    hit.add(min(near)[1])
                else:
                    false += 1
            found += len(hit)
        points.append([false / len(scans), found / total, threshold])
    return points


def sensitivities(points):
    """Between points linear, from (0, 0); of points with the same false positives the last on the left, the first on the right."""
    told = []
    for rate in RATES:
        left = [0.0, 0.0]
        right = None
        for false, found, _ in points:
            if false <= rate:
                left = [false, found]
            elif right is None:
                right = [false, found]
        told.append(left[1] if right is None else float(np.interp(rate, [left[0], right[0]], [left[1], right[1]])))
    return told


random = np.random.default_rng(20261128)
cases = []
for scans_n, marks_n, decimals in [(12, 30, 6), (20, 14, 1), (3, 40, 2)]:
    scans = []
    for _ in range(scans_n):
        targets = [[*random.uniform(0, 300, 3).round(3), round(random.uniform(2, 15), 3)] for _ in range(random.integers(0, 4))]
        marks = []
        for x, y, z, radius in targets:
            for _ in range(random.integers(0, 3)):
                at = np.array([x, y, z]) + random.normal(0, radius * 0.5, 3)
                marks.append([*at.round(3), round(float(random.beta(5, 2)), decimals)])
        for _ in range(random.integers(0, marks_n)):
            marks.append([*random.uniform(0, 300, 3).round(3), round(float(random.beta(2, 4)), decimals)])
        scans.append({"targets": targets, "marks": marks})
    points = curve(scans)
    told = sensitivities(points)
    cases.append({"scans": scans, "points": points, "sensitivities": told, "cpm": float(np.mean(told))})
json.dump(cases, open("froc.json", "w"))
