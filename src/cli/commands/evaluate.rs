//! `pulmo evaluate`.

use std::collections::BTreeMap;
use std::path::Path;

use super::assess::Assessor;
use super::shared::{
    loading_bar, manifest_cases, mirrored, of_split, open_bundle, open_device_for, watch_loading,
};
use crate::cli::args::EvaluateArgs;
use crate::cli::{Exit, output, printer};
use crate::engine::Engine;
use crate::findings::Code;
use crate::report::{
    Assessment, Figures, PredictionRow, Predictions, assessment_json, assessment_text, decision_curve_csv,
    decision_curve_svg,
};
use crate::train::{Evaluated, evaluate};

pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<Exit> {
    let cases = manifest_cases(&args.data)?;
    let cases = match &args.split {
        Some(name) => of_split(cases, name, &args.data)?,
        None => cases,
    };
    let bundle = open_bundle(args.bundle.as_deref())?;
    output::make_folder(&args.out)?;
    let compute = open_device_for(&bundle, args.device)?;
    let engine = Engine::new(&bundle, &compute)
        .with_partial(args.series.partial())
        .with_outside(args.outside.outside());
    let engine = if args.tta { mirrored(engine) } else { engine };
    let assessor = Assessor { args, engine: &engine };
    assessor.check()?;
    let bar = loading_bar();
    let evaluated = evaluate(&engine, &cases, &watch_loading(&bar))?;
    bar.finish_and_clear();
    let assessment = assessor.assess(&evaluated)?;
    let provenance = serde_json::to_string_pretty(engine.provenance())? + "\n";
    output::write_file(&args.out.join("provenance.json"), provenance)?;
    write_assessment(&evaluated, &assessment, &args.out)?;
    Ok(Exit::of_items(evaluated.failures.len(), cases.len()))
}

/// Writes `metrics.json`, `predictions.csv` and the pictures into `out` and prints the table.
pub(super) fn write_evaluation(evaluated: &Evaluated, out: &Path) -> anyhow::Result<()> {
    write_assessment(evaluated, &evaluated.evaluation.clone().into(), out)
}

fn write_assessment(evaluated: &Evaluated, assessment: &Assessment, out: &Path) -> anyhow::Result<()> {
    let figures = Figures::draw(&evaluated.samples, &evaluated.evaluation)?;
    let mut csv = Vec::new();
    predictions(evaluated).write(&mut csv)?;
    let mut files = vec![
        ("metrics.json", assessment_json(assessment)?.into_bytes()),
        ("predictions.csv", csv),
        ("roc.svg", figures.roc.into_bytes()),
        ("precision_recall.svg", figures.precision_recall.into_bytes()),
        ("confusion.svg", figures.confusion.into_bytes()),
        ("reliability.svg", figures.reliability.into_bytes()),
    ];
    if !assessment.decision_curve.is_empty() {
        files.push(("decision_curve.csv", decision_curve_csv(&assessment.decision_curve).into_bytes()));
        files.push(("decision_curve.svg", decision_curve_svg(&assessment.decision_curve).into_bytes()));
    }
    for (name, bytes) in files {
        output::write_file(&out.join(name), bytes)?;
    }
    printer::data(&assessment_text(assessment))?;
    if !evaluated.failures.is_empty() {
        printer::say(&format!(
            "{} cases could not be scored and are not in the table",
            evaluated.failures.len()
        ));
    }
    say_warnings(evaluated);
    printer::say(&format!("written: {}", out.display()));
    Ok(())
}

/// Says what was seen and dealt with while the cases were read, by code.
fn say_warnings(evaluated: &Evaluated) {
    let mut cases: BTreeMap<Code, usize> = BTreeMap::new();
    for reason in evaluated.scored.iter().flat_map(|scored| &scored.warnings) {
        *cases.entry(reason.code).or_default() += 1;
    }
    for (code, count) in cases {
        let of = evaluated.scored.len();
        printer::say(&format!("warning: {code} in {count} of {of} cases: {}", code.meaning()));
    }
}

/// The rows of `predictions.csv`.
pub(super) fn predictions(evaluated: &Evaluated) -> Predictions {
    let rows = evaluated.scored.iter().map(|scored| PredictionRow {
        patient_id: scored.case.patient_id.clone(),
        label: Some(scored.case.label.clone()),
        ..PredictionRow::new(&scored.case.path, &scored.prediction)
    });
    Predictions { classes: evaluated.evaluation.classes.clone(), rows: rows.collect() }
}
