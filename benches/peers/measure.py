"""What the scripts of this folder have in common: pulmo as a process, and times taken in turn."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

OPTIONS = {
    "series": {"required": True, "type": Path, "help": "folder of one CT series"},
    "bundle": {"default": Path("models/lung-nodule-phantom"), "type": Path, "help": "folder of the bundle"},
    "pulmo": {"default": "target/release/pulmo", "help": "the binary"},
    "device": {"default": "cpu", "help": "what pulmo computes on"},
    "threads": {"type": int, "default": 2, "help": "threads of each, where one number is meant"},
    "runs": {"type": int, "default": 7, "help": "timed runs of each"},
    "json": {"type": Path, "help": "also write the times here"},
}


def parser(about, *names):
    """A parser of the options `names`, with a script's own text as its help."""
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in names:
        options.add_argument(f"--{name}", **OPTIONS[name])
    return options


def pulmo(arguments, threads):
    """Runs pulmo on so many threads and gives (stdout, stderr)."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    done = subprocess.run([str(a) for a in arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout, done.stderr


def timed(work):
    """The seconds that `work()` takes, for `in_turn`."""

    def run():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def in_turn(runs, clocks):
    """Asks each clock, a function that works and gives its seconds, once to warm up and then `runs` times,
    all in turn, so that a busy moment of the machine meets all. Gives {name: {"median_s", "best_s"}}."""
    for clock in clocks.values():
        clock()
    seconds = {name: [] for name in clocks}
    for _ in range(runs):
        for name, clock in clocks.items():
            seconds[name].append(clock())
    return {
        name: {"median_s": statistics.median(taken), "best_s": min(taken)} for name, taken in seconds.items()
    }


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def table(title, taken, ours):
    """Prints times and their ratios to that of `ours`: above 1, pulmo is faster."""
    print(f"\n{title}\n  {'':34} {'median s':>9} {'best s':>8} {'x pulmo (median)':>17} {'x pulmo (best)':>15}")
    for name, of in taken.items():
        ratios = [of[kind] / taken[ours][kind] for kind in ("median_s", "best_s")]
        print(f"  {name:34} {of['median_s']:9.3f} {of['best_s']:8.3f} {ratios[0]:17.2f} {ratios[1]:15.2f}")


def machine():
    """CPU, cores and operating system, for the head of a report."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, {os.uname().sysname} {os.uname().release}; load {load}"


def write_report(path, report):
    if path is not None:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
