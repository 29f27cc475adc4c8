//! `pulmo calibrate`.

use anyhow::Context;

use super::shared::{
    cases_of_split, loading_bar, manifest_cases, of_split, open_bundle, open_device_for, watch_loading,
};
use crate::bundle::Bundle;
use crate::cli::args::CalibrateArgs;
use crate::cli::exit::UsageError;
use crate::cli::{Exit, output, printer};
use crate::cohort::{Case, Split};
use crate::engine::Engine;
use crate::metrics::{Reliability, Samples, calibration_scores, cross_calibrate};
use crate::report::{
    CalibrationReport, CalibrationRow, calibration_json, calibration_text, reliability_change_svg,
};
use crate::train::{Calibrated, CalibrationJob, calibrate, evaluate, with_calibration};

/// Parts of the cross-check on the cases that the calibration is fitted on.
const FOLDS: usize = 5;

pub(super) fn run(args: &CalibrateArgs) -> anyhow::Result<Exit> {
    if Split::parse(&args.split) == Some(Split::Train) {
        let what = "--split train: weights fit their training cases too well to calibrate on; use val";
        return Err(UsageError(what.into()).into());
    }
    let cases = of_split(manifest_cases(&args.data)?, &args.split, &args.data)?;
    let bundle = open_bundle(Some(&args.bundle))?;
    let compute = open_device_for(&bundle, args.device)?;
    let how = CalibrationJob {
        method: args.method,
        compute,
        partial: args.series.partial(),
        outside: args.outside.outside(),
    };
    let bar = loading_bar();
    let calibrated = calibrate(&bundle, &cases, &how, &watch_loading(&bar))?;
    bar.finish_and_clear();
    let mut rows = own_rows(&calibrated, args)?;
    let mut shown = calibrated.before.samples.clone();
    if let Some(split) = &args.check {
        shown = checked(&calibrated.bundle, &cases_of_split(&args.data, split)?, &how)?;
        rows.push(row(format!("{split}, not fitted on"), &shown, &after(&shown, &calibrated.bundle))?);
    }
    let report = CalibrationReport {
        map: calibrated.bundle.manifest().calibration.clone().context("no calibration was fitted")?.map,
        threshold: [&bundle.clone().uncalibrated(), &calibrated.bundle]
            .map(|bundle| bundle.manifest().threshold),
        rows,
    };
    let out = args.out.as_deref().unwrap_or(&args.bundle);
    calibrated.bundle.write(out)?;
    for (name, text) in [
        ("calibration.json", calibration_json(&report)?),
        ("reliability_change.svg", figure(&shown, &calibrated.bundle)?),
    ] {
        output::write_file(&out.join(name), text)?;
    }
    printer::data(&calibration_text(&report))?;
    printer::say(&format!("calibrated bundle: {}", out.display()));
    Ok(Exit::of_items(calibrated.before.failures.len(), cases.len()))
}

/// Cases to check on, as the bundle sees them without calibration.
fn checked(bundle: &Bundle, cases: &[Case], how: &CalibrationJob) -> anyhow::Result<Samples> {
    let bar = loading_bar();
    let engine = Engine::new(&bundle.clone().uncalibrated(), &how.compute)
        .with_partial(how.partial)
        .with_outside(how.outside);
    let evaluated = evaluate(&engine, cases, &watch_loading(&bar))?;
    bar.finish_and_clear();
    Ok(evaluated.samples)
}

fn after(samples: &Samples, bundle: &Bundle) -> Vec<Vec<f64>> {
    with_calibration(samples, bundle).probabilities
}

fn row(cases: String, samples: &Samples, after: &[Vec<f64>]) -> anyhow::Result<CalibrationRow> {
    let labels = &samples.labels;
    let before = calibration_scores(labels, &samples.probabilities)?;
    Ok(CalibrationRow { cases, n: labels.len(), before, after: calibration_scores(labels, after)? })
}

/// The cases that the map was fitted on, by it and by maps fitted on others of them.
fn own_rows(calibrated: &Calibrated, args: &CalibrateArgs) -> anyhow::Result<Vec<CalibrationRow>> {
    let samples = &calibrated.before.samples;
    let fitted = row(
        format!("{}, fitted on these (optimistic)", args.split),
        samples,
        &after(samples, &calibrated.bundle),
    )?;
    match cross_calibrate(args.method, samples, FOLDS) {
        Ok(crossed) => {
            let name = format!("{}, each patient by a map fitted on others ({FOLDS} folds)", args.split);
            Ok(vec![fitted, row(name, samples, &crossed)?])
        }
        // Too few cases for folds: no reason to fail.
        Err(error) => {
            printer::say(&format!("no cross-check in {FOLDS} folds: {error}"));
            Ok(vec![fitted])
        }
    }
}

fn figure(samples: &Samples, bundle: &Bundle) -> anyhow::Result<String> {
    let said = match samples.classes.as_slice() {
        [_, positive] => format!("probability of {positive}"),
        _ => "probability of the most probable class".to_owned(),
    };
    let before = Reliability::of_probabilities(&samples.labels, &samples.probabilities)?;
    let after = Reliability::of_probabilities(&samples.labels, &after(samples, bundle))?;
    Ok(reliability_change_svg(&said, [&before, &after]))
}
