"""Figures out of what the steps print and write. Lines come as (second, text)."""

import csv
import json
import re


def text(lines):
    return "\n".join(line for _, line in lines)


def document(lines):
    """The JSON document among what a command printed."""
    whole = text(lines)
    return json.loads(whole[whole.index("\n{") + 1 if not whole.startswith("{") else 0 :])


def adapters(lines, device):
    found = document(lines)
    kind = [a for a in found["adapters"] if (a["device_type"] == "software") == (device == "software")]
    wrong = "" if kind else f"no adapter for --device {device}"
    return {"auto": found["auto"], "adapters": found["adapters"], "wrong": wrong}


def predictions(lines):
    rows = [json.loads(line) for _, line in lines if line.startswith("{")]
    refused = [line for _, line in lines if " is not used: " in line]
    scores = {row["path"].rsplit("/", 1)[-1]: row["probabilities"] for row in rows if row["probabilities"]}
    wrong = refused[0] if refused else "" if len(scores) == len(rows) > 0 else "not every study was scored"
    return {"devices": sorted({row["device"] for row in rows}), "scores": scores, "wrong": wrong}


def tests(lines):
    """Of one or more runs of libtest; a run inside a test (of a process of its own) prints into that test's output."""
    result = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text(lines), re.MULTILINE)
    failing = re.findall(r"^test (\S+) \.\.\. FAILED", text(lines), re.MULTILINE)
    started = re.findall(r"^running (\d+) tests?$", text(lines), re.MULTILINE)
    passed, failed, ignored = (sum(int(row[column]) for row in result) for column in range(3))
    wrong = ""
    if not result:
        passed, failed = len(re.findall(r"^test \S+ \.\.\. ok$", text(lines), re.MULTILINE)), len(failing)
        wrong = f"the tests did not end; {passed} of {started[0] if started else 0} had passed"
    elif failed:
        wrong = f"{failed} failed: {', '.join(failing)}"
    elif not passed:
        wrong = "no test ran"
    return {"tests": int(started[0]) if started else 0, "passed": passed, "failed": failed, "ignored": ignored,
            "failing": failing, "wrong": wrong}  # fmt: skip


def bench(path):
    """All of the file: that of a bench that was ended holds what it had measured."""
    return json.loads(path.read_text(encoding="utf-8"))


def torch(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    return found | {"wrong": "" if found["rows"] else "no figure was measured"}


def training(lines, folder):
    """The losses, and the seconds of an epoch: after the first, in which a device tries its kernels out."""
    with open(folder / "history.csv", newline="", encoding="utf-8") as rows:
        history = [{name: number(value) for name, value in row.items()} for row in csv.DictReader(rows)]
    ends = [second for second, line in lines if re.match(r"epoch +\d+/\d+ ", line)]
    later = [after - before for before, after in zip(ends, ends[1:])]
    return {
        "history": history,
        "first_epoch_ends_s": ends[0] if ends else None,
        "epoch_s": sum(later) / len(later) if later else None,
    }


def number(value):
    try:
        return float(value)
    except ValueError:
        return value or None
