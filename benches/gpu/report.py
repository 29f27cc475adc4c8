"""What came of a check, in words: the goals, and the section for benches/RESULTS.md."""

COPY_SHARE = 0.7
PEER = ("forward", "eager", False)
BENCHES = {"WGSL": "bench, wgsl", "SPIR-V": "bench, vulkan"}


def figures(check, name):
    return next((row["figures"] for row in check["steps"] if row["step"] == name), {})


def benches(check):
    """What each binary measured, by what it compiles networks to."""
    return {name: found for name, step in BENCHES.items() if (found := figures(check, step)).get("steps")}


def passes(bench):
    """Every pass with its step: {"step", "pass", "ms", "gb_per_s", "share_of_copy"}."""
    return [row | {"step": step["step"]} for step in bench["steps"] for row in step["passes"]]


def rates(check, what):
    """Images a second by (network, batch): each binary's, and PyTorch's by (how, TF32)."""
    table = {}
    for name, bench in benches(check).items():
        for row in bench["networks"]:
            if row[f"{what}_images_per_s"]:
                table.setdefault((row["network"], row["batch"]), {})[name] = row[f"{what}_images_per_s"]
    for row in figures(check, "PyTorch").get("rows", []):
        if row["what"] == what:
            table.setdefault((row["network"], row["batch"]), {})[(row["how"], row["tf32"])] = row["images_per_s"]
    return table


def ratios(check):
    """The faster binary's forward rate over PyTorch's, eager and in plain float32, by (network, batch)."""
    found = {}
    for case, of in rates(check, "forward").items():
        ours = [of[name] for name in BENCHES if name in of]
        if ours and PEER[1:] in of:
            found[case] = max(ours) / of[PEER[1:]]
    return found


def goals(check):
    """What a data-centre GPU is to reach; `met` is None where nothing was measured."""

    def goal(what, values, least):
        met = all(value >= least for value in values) if values else None
        return {"goal": what, "least": least, "lowest": min(values, default=None), "of": len(values),
                "reached_by": sum(value >= least for value in values), "met": met}  # fmt: skip

    first = next(iter(benches(check).values()), None)
    shares = [row["share_of_copy"] for row in passes(first)] if first else []
    handovers = [bench["handover"] for bench in benches(check).values() if bench["handover"]]
    resident = [row["through_host_ms"] / row["on_device_ms"] for row in handovers]
    return [
        goal("each pass, share of the copy bandwidth", shares, COPY_SHARE),
        goal("forward pass, times PyTorch eager float32", list(ratios(check).values()), 1.0),
        goal("resident path, times as fast as read-back", resident, 1.0),
    ]


def goal_line(goal):
    if goal["met"] is None:
        return f"{goal['goal']}: not measured"
    return f"{goal['goal']}: lowest {goal['lowest']:.2f}, {goal['reached_by']} of {goal['of']} reach {goal['least']}"


def line(row):
    took = f"{row['seconds']:7.1f} s" if "seconds" in row else 9 * " "
    return f"{took}  {row['state']:10} {row['step']}{': ' + row['reason'] if row['reason'] else ''}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows] + [""]


def adapter(check):
    """The adapter that was worked on: that of the bench, else the first of its kind."""
    for bench in benches(check).values():
        if bench["machine"]["adapter"]:
            return bench["machine"]["adapter"]
    software = check["device"] == "software"
    found = figures(check, "adapters").get("adapters", [])
    return next((one for one in found if (one["device_type"] == "software") == software), None)


def score_difference(check, name):
    """The largest difference of a probability from the CPU's; None where there is nothing to compare."""
    ours, cpu = (figures(check, step).get("scores") or {} for step in (name, "scores of the CPU"))
    off = [abs(value - cpu[study][which]) for study, of in ours.items() if study in cpu for which, value in of.items()]
    return max(off, default=None)


def markdown(check):
    found, machine = adapter(check), check["machine"]
    name = found["name"] if found else f"a machine without an adapter for --device {check['device']}"
    lines = [f"## On {name}", ""]
    if check["device"] == "software":
        lines += ["**A software adapter at small sizes: that the check works is all that these figures say.**", ""]
    lines += [
        f"`bash check.sh run --device {check['device']}`, {check['started'][:10]}, commit {check['about']['commit']}, "
        f"{check['seconds']:.0f} s. All in one run; medians after a wait for the device.",
        "",
        *about(check, found, machine),
        "",
        *steps(check),
        *goal_table(check),
        *pass_table(check),
        *network_tables(check),
        *job_table(check),
        *training_table(check),
    ]
    return "\n".join(lines).rstrip() + "\n"


def about(check, found, machine):
    lines = []
    if found:
        lines.append(f"- Adapter: {found['name']}, {found['backend']}, driver {found['driver']} {found['driver_info']}")
    if machine["nvidia_smi"]:
        lines.append(f"- nvidia-smi (name, driver, memory, vbios, highest clocks): {machine['nvidia_smi']}")
    cores = f"{machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}"
    lines.append(f"- CPU: {machine['processor']}, {cores}")
    versions = figures(check, "PyTorch").get("versions")
    if versions:
        lines.append("- PyTorch: " + ", ".join(f"{key} {value}" for key, value in versions.items()))
    used = machine["vulkan"]
    if used["libraries"] or used["icd"]:
        lines.append(f"- Brought along: {', '.join(used['libraries']) or 'no library'}; ICD file: {used['icd'] or 'found by the loader'}")
    return lines


def steps(check):
    rows = []
    for row in check["steps"]:
        of = row["figures"]
        note = row["reason"]
        if row["step"].startswith("self-test") and row["state"] == "done":
            off = score_difference(check, row["step"])
            note = "passed" if off is None else f"passed; probabilities differ from the CPU's by {off:.1e} at most"
        elif row["step"].startswith("tests") and of:
            note = f"{of['passed']} passed" + (f"; {note}" if note else "")
        rows.append([row["step"], row["state"], f"{row['seconds']:.1f}" if "seconds" in row else "", note])
    return table(["step", "", "s", ""], rows)


def goal_table(check):
    """Only for a GPU: no software adapter is meant to reach them."""
    if check["device"] == "software":
        return []

    def found(goal):
        if goal["met"] is None:
            return ["not measured", ""]
        return [f"{goal['lowest']:.2f}", f"{goal['reached_by']} of {goal['of']}"]

    rows = [[goal["goal"], goal["least"], *found(goal)] for goal in check["goals"]]
    return table(["goal", "at least", "lowest", "reached by"], rows)


def pass_table(check):
    first = next(iter(benches(check).values()), None)
    if not first:
        return []
    rows = [
        [row["step"], row["pass"], f"{row['ms']:.3f}", f"{row['gb_per_s']:.1f}", f"{100 * row['share_of_copy']:.0f} %"]
        for row in passes(first)
    ]
    return table(["step", "pass", "ms", f"GB/s (a copy: {first['copy_gb_per_s']:.1f})", "of copy"], rows)


def network_tables(check):
    lines = []
    for what in ("forward", "training"):
        of = rates(check, what)
        columns = [column for column in [*BENCHES, *((how, tf32) for how in ("eager", "compiled") for tf32 in (False, True))]
                   if any(column in row for row in of.values())]  # fmt: skip
        heads = [c if isinstance(c, str) else f"PyTorch {c[0]}{', TF32' if c[1] else ''}" for c in columns]
        rows = [
            [network, batch, *(f"{row[column]:.1f}" if column in row else "" for column in columns)]
            for (network, batch), row in of.items()
        ]
        lines += table([f"{what}, images/s", "batch", *heads], rows) if rows else []
    logits = figures(check, "PyTorch").get("logits", {})
    if logits:
        told = ", ".join(f"{name} {off:.1e}" for name, off in logits.items())
        lines += [f"Logits of the same images and weights in PyTorch lie off by, as a share of the largest: {told}.", ""]
    problems = [f"{row['network']} at {row['batch']}: {row['problem']}"
                for bench in benches(check).values() for row in bench["networks"] if row["problem"]]  # fmt: skip
    return lines + (["The device failed at " + "; ".join(problems) + ".", ""] if problems else [])


def job_table(check):
    rows = []
    for name, bench in benches(check).items():
        hand, job = bench["handover"], bench["pipeline"]
        if hand:
            ways = f"{hand['on_device_ms']:.1f} ms left on the device, {hand['through_host_ms']:.1f} ms through the host"
            rows.append([name, "volume to network input", ways])
        if job:
            shares = [f"{100 * job[f'share_{part}']:.0f} % {part}" for part in ("read", "preprocess", "predict")]
            told = f"{job['studies_per_s']:.2f} studies/s ({job['slices'] // max(job['studies'], 1)} slices each); {', '.join(shares)}"
            rows.append([name, "DICOM to probability", told])
    return table(["", "job", ""], rows) if rows else []


def training_table(check):
    runs = {"device": figures(check, "training"), "CPU": figures(check, "training on the CPU")}
    epochs = max((len(run.get("history", [])) for run in runs.values()), default=0)
    rows = []
    for epoch in range(epochs):
        cells = []
        for run in runs.values():
            history = run.get("history", [])
            row = history[epoch] if epoch < len(history) else None
            cells += [f"{row['loss']:.4f}", f"{row['validation_loss']:.4f}"] if row else ["", ""]
        rows.append([epoch + 1, *cells])
    if not rows:
        return []
    heads = [f"{what}, {name}" for name in runs for what in ("loss", "validation loss")]
    seconds = [f"{name} {run['epoch_s']:.2f}" for name, run in runs.items() if run.get("epoch_s")]
    told = [f"Seconds for an epoch after the first: {', '.join(seconds)}.", ""] if seconds else []
    return table(["epoch", *heads], rows) + told
