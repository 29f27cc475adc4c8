//! The plan as a recipe that people can read: every choice under its reason.

use std::fmt::Write;

use super::{Design, Fingerprint, Modality, RangeSummary};
use crate::domain::DomainConfig;
use crate::network::NetworkKind;

/// TOML line by line.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn section(&mut self, head: &str) {
        self.line(format_args!("\n{head}"));
    }

    /// A value under the reason for it.
    fn set(&mut self, key: &str, value: impl std::fmt::Debug, reason: &str) {
        self.line(format_args!("# {reason}\n{key} = {value:?}"));
    }

    /// A value that needs no reason.
    fn plain(&mut self, key: &str, value: impl std::fmt::Debug) {
        self.line(format_args!("{key} = {value:?}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        _ = writeln!(self.0, "{line}");
    }
}

/// The recipe of a design as TOML with the reason of every choice; `name` becomes the bundle's name.
pub fn recipe_text(name: &str, found: &Fingerprint, plan: &Design) -> String {
    let mut lines = Lines::default();
    head(&mut lines, name, found);
    network(&mut lines, found, plan);
    chain(&mut lines, found, plan);
    augment(&mut lines, plan);
    course(&mut lines, found, plan);
    lines.0
}

fn range(range: RangeSummary) -> String {
    let RangeSummary { min, median, max } = range;
    if min == max { format!("{min}") } else { format!("{min:.4} to {max:.4}, median {median:.4}") }
}

fn head(lines: &mut Lines, name: &str, found: &Fingerprint) {
    let [slices, rows, columns] = found.shape.map(range);
    lines.line(format_args!(
        "# Planned by pulmo {} from {} training cases.",
        env!("CARGO_PKG_VERSION"),
        found.cases
    ));
    lines.line(format_args!(
        "# Each case is {}; slices {slices}; rows {rows}; columns {columns}.",
        found.modality
    ));
    if found.modality == Modality::Hounsfield {
        let [through, down, across] = found.spacing_mm.map(range);
        lines.line(format_args!("# Spacing in mm: slices {through}; rows {down}; columns {across}."));
    }
    if !found.failures.is_empty() {
        lines.line(format_args!("# {} cases could not be read and were left out.", found.failures.len()));
    }
    for class in &found.classes {
        let (label, cases, patients) = (&class.label, class.cases, class.patients);
        lines.line(format_args!(
            "# {label:?}: {cases} training cases; {patients} patients outside the test split."
        ));
    }
    lines.plain("name", name);
    let labels: Vec<&str> = found.classes.iter().map(|class| class.label.as_str()).collect();
    lines.plain("description", format!("{}; planned by `pulmo plan`.", labels.join(" against ")));
    lines.set(
        "classes",
        labels,
        "Of two classes the second is the positive one: change the order if it is not (or plan with --positive).",
    );
    lines.set("seed", 1, "Everything random follows from it; change it to see how much is luck.");
}

fn network(lines: &mut Lines, found: &Fingerprint, plan: &Design) {
    lines.section("[network]");
    let kind = match plan.kind {
        NetworkKind::Slice => "slice",
        NetworkKind::Mil => "mil",
        NetworkKind::Volume => "volume",
    };
    lines.set("kind", kind, &plan.kind_reason);
    if plan.kind == NetworkKind::Mil {
        lines.set(
            "neighbours",
            1,
            "A slice is seen with the ones below and above it: findings go through slices.",
        );
    }
    lines.set("dropout", 0.3, "Few cases by the standards of networks.");
    lines.section("[network.encoder]");
    lines.set(
        "widths",
        &plan.widths,
        &format!("Sized for {} training cases: a larger one would learn them by heart.", found.cases),
    );
    lines.plain("depths", vec![1; plan.widths.len()]);
    let [rows, columns] = plan.sides;
    let stem = format!("How soon images of {rows} x {columns} are made smaller.");
    lines.set("stem_kernel", if plan.stem_pool || plan.stem_stride > 2 { 5 } else { 3 }, &stem);
    lines.plain("stem_stride", plan.stem_stride);
    lines.plain("stem_pool", plan.stem_pool);
    let pooling = "Mean for findings that change the whole look, maximum for small ones wherever they are.";
    // Debug of a word is its TOML.
    lines.set("pooling", "average_max", pooling);
}

fn step(lines: &mut Lines, kind: &str) {
    lines.section("[[chain.step]]");
    lines.plain("kind", kind);
}

fn chain(lines: &mut Lines, found: &Fingerprint, plan: &Design) {
    let [rows, columns] = plan.sides;
    let [low, high] = found.clip;
    match plan.spacing_mm {
        Some(spacing_mm) => {
            step(lines, "orient");
            step(lines, "resample");
            let why = format!(
                "The median spacing, or as much coarser as brings the median extent to at most {} x {} voxels{}.",
                224,
                224,
                if spacing_mm[0] > 0.0 { " and 64 slices" } else { "" }
            );
            lines.set("spacing_mm", spacing_mm, &why);
            step(lines, "crop_or_pad");
            let kept = if plan.slices == 0 { "; 0 keeps all slices" } else { "" };
            let why = format!("The median extent at that spacing{kept}.");
            lines.set("shape", [plan.slices, rows, columns], &why);
            lines.set("fill", low, "What lies outside has the lowest value.");
        }
        None => {
            step(lines, "resize");
            let why = "The median of the shorter side (or the one shape that all have), in multiples of 16, 32 to 224.";
            lines.set("shape", [0, rows, columns], why);
        }
    }
    step(lines, "clip");
    lines.set(
        "low",
        low,
        "The 0.5th and the 99.5th percentile of the training cases: beyond are letters and metal.",
    );
    lines.plain("high", high);
    step(lines, "normalize");
    let deviation = if found.deviation > 0.0 { found.deviation } else { 1.0 };
    let (mean, std) = (rounded(found.mean), rounded(deviation));
    lines.line(format_args!(
        "# Mean and standard deviation of the training cases between these bounds.\n\
         statistics = {{ fixed = {{ mean = {mean:?}, std = {std:?} }} }}"
    ));
}

/// What the bundle will refuse.
fn domain(lines: &mut Lines) {
    let config = DomainConfig::default();
    lines.section("[domain]");
    let why =
        "Scans unlike these cases will not be scored; of the cases themselves 1 in 100 may be an outlier.";
    lines.set("quantile", config.quantile, why);
    let why = "As much beyond what was seen, in shares of its range, a scan may still be measured to be.";
    lines.set("range_margin", config.range_margin, why);
    let why = "As many times farther from training than the validation cases the network's features may lie.";
    lines.set("distance_margin", config.distance_margin, why);
}

/// Five significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

fn augment(lines: &mut Lines, plan: &Design) {
    lines.section("[augment]");
    lines.set("flip_x", 0.5, "A finding on the left means the same on the right.");
    if plan.kind != NetworkKind::Slice {
        lines.set("flip_z", 0.5, "The order of slices says little of the class.");
    }
    lines.set("rotate_degrees", 10.0, "As much as patients lie askew.");
    lines.set("scale", 0.15, "As much as patients differ in size.");
    lines.plain("shift", 0.05);
    lines.set("brightness", 0.2, "In standard deviations: scanners and printers differ.");
    lines.plain("contrast", 0.2);
    lines.plain("noise", 0.1);
}

fn course(lines: &mut Lines, found: &Fingerprint, plan: &Design) {
    lines.section("[optimizer]");
    lines.plain("kind", "adamw");
    let rate = if plan.batch_size >= 8 { 0.001 } else { 0.0005 };
    lines.set("learning_rate", rate, &format!("For batches of {}.", plan.batch_size));
    lines.plain("weight_decay", 0.05);
    lines.section("[schedule]");
    lines.set("warmup_epochs", (plan.epochs as f64 / 20.0).round().max(1.0), "A twentieth of the course.");
    lines.section("[course]");
    let steps = plan.epochs * found.cases.div_ceil(plan.batch_size);
    lines.set("epochs", plan.epochs, &format!("About {steps} steps; few cases are soon known by heart."));
    lines.set("patience", plan.patience, "A third of the course without a better validation AUC ends it.");
    let (step, memory) = (plan.step_mib, plan.memory_mib);
    let why =
        format!("A training step takes about {step} MiB by estimate; the limit is half of {memory} MiB.");
    lines.set("batch_size", plan.batch_size, &why);
    let why = format!("The largest class has {:.2} times the cases of the smallest.", plan.imbalance);
    lines.set("class_weights", if plan.imbalance > 1.2 { "balanced" } else { "equal" }, &why);
    lines.set("label_smoothing", 0.1, "Labels of findings are seldom certain.");
    lines.set("average_decay", plan.average_decay, "Averaged weights are steadier than the last ones.");
    lines.set("clip_norm", 5.0, "One odd batch must not undo the rest.");
    lines.set(
        "cache_mib",
        plan.cache_mib,
        "Preprocessed cases, at most a quarter of what is at hand; the rest goes to disk.",
    );
    domain(lines);
    lines.section("[split]");
    let why = if found.has_splits {
        "The manifest names train and val, which are used; --folds K cross-validates instead."
    } else {
        "Each patient is validated on once: one validation split of so few would be luck."
    };
    lines.set("folds", plan.folds, why);
}
