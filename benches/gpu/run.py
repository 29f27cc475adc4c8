#!/usr/bin/env python3
"""Runs the steps of the check one after the other, each within its own time, and writes what came of them.

    python3 run.py [--device gpu|software] [--out DIR]

Started by check.sh in the unpacked folder. A step that fails, hangs or has nothing to run on does not stop the next.
check.json and check.md in DIR are written anew after every step, so that what was measured is there whatever comes.
Only the standard library is used.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import drivers
import report
import steps

ROOT = Path(__file__).resolve().parent.parent
# Seconds for everything on a GPU; a software adapter takes as long as it takes.
WHOLE_S = {"gpu": 460, "software": 14000}


def run(step, limit_s, environment, log):
    """Runs one step; returns its row. What it prints goes to the log, each line with its second."""
    row = {"step": step.name, "command": " ".join(map(str, step.command)), "limit_s": round(limit_s)}
    log.write(f"\n== {step.name}\n$ {row['command']}\n")
    log.flush()
    start = time.monotonic()
    rc, lines = watched(step, limit_s, environment)
    row |= {"rc": rc, "seconds": round(time.monotonic() - start, 2)}
    for second, line in lines:
        log.write(f"{second:8.2f}  {line}\n")
    row["state"], row["reason"] = judged(rc, lines)
    try:
        row["figures"] = step.figures(lines)
    except Exception as error:
        row["figures"] = {}
        row["reason"] = row["reason"] or f"its figures cannot be read: {error}"
        row["state"] = "failed" if row["state"] == "done" else row["state"]
    wrong = row["figures"].get("wrong")
    if wrong and row["state"] in ("done", "failed"):
        row["state"], row["reason"] = "failed", "; ".join(filter(None, [wrong, row["reason"]]))
    return row


def watched(step, limit_s, environment):
    """Runs the step's command; returns its exit status, None where it was ended, and its lines, each with its second."""
    start, lines, beginning = time.monotonic(), [], ""
    with tempfile.NamedTemporaryFile("w+", suffix=".out") as out, open(out.name, encoding="utf-8", errors="replace") as seen:
        try:
            process = subprocess.Popen(
                list(map(str, step.command)), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=environment | step.environment, cwd=step.folder, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return 127, [(0.0, str(error))]
        is_over = False
        while not is_over:
            rc, second = process.poll(), time.monotonic() - start
            is_over = rc is not None or second > limit_s
            *whole, beginning = (beginning + seen.read()).split("\n")
            lines += [(second, line) for line in whole]
            time.sleep(0.0 if is_over else 0.05)
        end(process)
    return rc, lines + ([(second, beginning)] if beginning else [])


def end(process):
    """Ends the step's own processes, if any is left."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def judged(rc, lines):
    last = next((line for _, line in reversed(lines) if line.strip()), "")
    if rc is None:
        return "timed out", "it ran past its limit; figures are those until then"
    if rc != 0 and last.startswith("LEFT OUT: "):
        return "left out", last.removeprefix("LEFT OUT: ")
    return ("done", "") if rc == 0 else ("failed", last[:300])


def left_out(step, reason):
    return {"step": step.name, "command": " ".join(map(str, step.command)), "state": "left out", "reason": reason, "figures": {}}


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else None


def machine():
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    query = "--query-gpu=name,driver_version,memory.total,vbios_version,clocks.max.sm,clocks.max.memory"
    return {
        "processor": names[0].split(":")[1].strip() if names else "?",
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        "glibc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "nvidia_smi": first_line(["nvidia-smi", query, "--format=csv,noheader"]),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="gpu")
    options.add_argument("--out", required=True, type=Path)
    options = options.parse_args()
    kind = "software" if options.device == "software" else "gpu"
    start, whole_s = time.monotonic(), WHOLE_S[kind]
    about = json.loads((ROOT / "about.json").read_text(encoding="utf-8"))
    environment, note = drivers.environment(ROOT, options.device)
    environment.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    check = {
        "format": 1,
        "device": options.device,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "about": about,
        "machine": machine() | {"vulkan": note},
        "steps": [],
    }

    def keep():
        check["seconds"] = round(time.monotonic() - start, 1)
        check["goals"] = report.goals(check)
        (options.out / "check.json").write_text(json.dumps(check, indent=2) + "\n", encoding="utf-8")
        (options.out / "check.md").write_text(report.markdown(check), encoding="utf-8")

    with tempfile.TemporaryDirectory() as work, open(options.out / "check.log", "w", encoding="utf-8") as log:
        # Kernels found fast are kept from step to step, and nothing after the last.
        environment["XDG_CACHE_HOME"] = work
        planned = steps.planned(ROOT, Path(work), options.device, about)
        for number, step in enumerate(planned):
            left_s = whole_s - (time.monotonic() - start) - sum(later.least_s for later in planned[number + 1 :])
            limit_s = min(step.limit_s, left_s)
            if step.absent:
                row = left_out(step, step.absent)
            elif limit_s < min(5, step.least_s):
                row = left_out(step, "no time was left")
            else:
                row = run(step, limit_s, environment, log)
            check["steps"].append(row)
            keep()
            print(report.line(row), flush=True)
    print(f"{check['seconds']:.0f} s; {options.out}/check.json, check.md, check.log")
    if kind == "gpu":
        print("\n".join(map(report.goal_line, check["goals"])))


if __name__ == "__main__":
    main()
