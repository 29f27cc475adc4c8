//! An audit as text, JSON and a page with pictures. Patients are never named.

use std::io::Write;

use serde_json::{Value, json};

use super::gallery::write_gallery;
use super::html::{open_table, write_head, write_row};
use super::table::{aligned, interval_text, number_text};
use super::{GalleryItem, ReportError};
use pulmo_cohort::audit::{Audit, ClassCount, Confound, Confounds, SharedImages, SharedPatientCases};
use pulmo_cohort::cohort::Split;

const CLASS_HEADS: [&str; 4] = ["class", "split", "cases", "patients"];
const CONFOUND_HEADS: [&str; 4] = ["property", "auc", "95 % interval", "verdict"];
const PAIR_HEADS: [&str; 4] = ["first", "second", "likeness", "what is wrong"];

fn split_name(split: Option<Split>) -> &'static str {
    split.map_or("none", Split::name)
}

fn class_row(count: &ClassCount) -> [String; 4] {
    let split = split_name(count.split).to_owned();
    [count.label.clone(), split, count.cases.to_string(), count.patients.to_string()]
}

fn confound_row(confound: &Confound) -> [String; 4] {
    let verdict = match (confound.auc, confound.predicts) {
        (None, _) => "the same for all",
        (_, true) => "PREDICTS THE CLASS",
        (_, false) => "",
    };
    let auc = confound.auc.map_or_else(String::new, |auc| number_text(Some(auc)));
    [confound.name.to_owned(), auc, interval_text(confound.ci95), verdict.to_owned()]
}

/// What is wrong with a pair, in words.
fn wrongs(pair: &SharedImages) -> String {
    let [first, second] = &pair.cases;
    let mut wrongs = Vec::new();
    if pair.crosses_splits() {
        wrongs.push(format!("in {} and {}", split_name(first.split), split_name(second.split)));
    }
    if pair.crosses_patients() {
        wrongs.push("of two patients".to_owned());
    }
    if pair.contradicts() {
        wrongs.push(format!("labelled {} and {}", first.label, second.label));
    }
    wrongs.join(", ")
}

fn pair_row(pair: &SharedImages) -> [String; 4] {
    let likeness = pair.correlation.map_or("identical".to_owned(), |correlation| format!("{correlation:.4}"));
    let [first, second] = pair.cases.each_ref().map(|case| case.path.clone());
    [first, second, likeness, wrongs(pair)]
}

fn patient_row(shared: &SharedPatientCases) -> String {
    let splits: Vec<&str> = shared.splits.iter().map(|split| split.name()).collect();
    format!("one patient in {}: {}", splits.join(" and "), shared.paths.join(", "))
}

fn chance_sentence(confounds: &Confounds) -> String {
    format!(
        "How well each property alone tells the class, judged on unseen patients ({} folds). With labels dealt \
         at random, the best property of all stays below {:.3} in 95 % of the deals.",
        confounds.folds, confounds.chance_auc
    )
}

/// What could not be judged.
fn notes(audit: &Audit) -> Vec<String> {
    let mut notes: Vec<String> = audit.partial.iter().map(|missing| format!("{missing}.")).collect();
    if !audit.has_patients {
        notes.push("The manifest has no patient_id: every case counts as a patient of its own.".to_owned());
    }
    if audit.confounds.is_none() {
        notes.push("Properties were not judged: that needs two classes of two patients each.".to_owned());
    }
    if audit.harmless_pairs > 0 {
        notes.push(format!(
            "{} pairs of like images of one patient within one split do no harm and are not listed.",
            audit.harmless_pairs
        ));
    }
    notes
}

/// The audit as aligned text, at most `most` pairs and patients listed.
pub fn audit_text(audit: &Audit, most: usize) -> String {
    let table = |heads: [&str; 4], rows: Vec<[String; 4]>| {
        aligned(&std::iter::once(heads.map(String::from)).chain(rows).collect::<Vec<_>>())
    };
    let mut text = table(CLASS_HEADS, audit.classes.iter().map(class_row).collect());
    if let Some(confounds) = &audit.confounds {
        let rows = confounds.properties.iter().map(confound_row).collect();
        text += &format!("\n{}\n{}", chance_sentence(confounds), table(CONFOUND_HEADS, rows));
    }
    if !audit.shared_images.is_empty() {
        let rows = audit.shared_images.iter().take(most).map(pair_row).collect();
        text += &format!("\n{}", table(PAIR_HEADS, rows));
    }
    let patients = audit.shared_patients.iter().take(most).map(patient_row);
    let failures = audit.failures.iter().take(most).map(ToString::to_string);
    for line in patients.chain(failures).chain(notes(audit)) {
        text += &format!("\n{line}\n");
    }
    let faults = audit.faults();
    if faults.is_empty() {
        return text + "\nclean: nothing found\n";
    }
    text + "\nnot clean:\n" + &faults.iter().map(|fault| format!("  {fault}\n")).collect::<String>()
}

/// The text of `audit.json`; what is undefined is `null`.
///
/// # Errors
/// The serializer fails.
pub fn audit_json(audit: &Audit) -> Result<String, ReportError> {
    let class = |count: &ClassCount| {
        json!({ "class": count.label, "split": count.split.map(Split::name),
                "cases": count.cases, "patients": count.patients })
    };
    let pair = |pair: &SharedImages| {
        let case = |index: usize| {
            let case = &pair.cases[index];
            json!({ "path": case.path, "label": case.label, "split": case.split.map(Split::name) })
        };
        json!({ "first": case(0), "second": case(1), "identical": pair.correlation.is_none(),
                "correlation": pair.correlation, "crosses_splits": pair.crosses_splits(),
                "crosses_patients": pair.crosses_patients(), "two_labels": pair.contradicts() })
    };
    let patient = |shared: &SharedPatientCases| {
        let splits: Vec<&str> = shared.splits.iter().map(|split| split.name()).collect();
        json!({ "splits": splits, "paths": shared.paths })
    };
    let confound = |confound: &Confound| {
        json!({ "property": confound.name, "auc": confound.auc, "ci95": confound.ci95,
                "predicts_class": confound.predicts })
    };
    let failures = audit.failures.iter().map(|failure| json!({ "path": failure.path, "why": failure.what }));
    let document = json!({
        "clean": audit.is_clean(),
        "faults": audit.faults(),
        "notes": notes(audit),
        "cases": audit.cases,
        "unreadable": failures.collect::<Vec<Value>>(),
        "classes": audit.classes.iter().map(class).collect::<Vec<_>>(),
        "patients_in_several_splits": audit.shared_patients.iter().map(patient).collect::<Vec<_>>(),
        "like_images": audit.shared_images.iter().map(pair).collect::<Vec<_>>(),
        "harmless_pairs": audit.harmless_pairs,
        "chance_auc": audit.confounds.as_ref().map(|confounds| confounds.chance_auc),
        "folds": audit.confounds.as_ref().map(|confounds| confounds.folds),
        "confounds": audit.confounds.iter().flat_map(|found| &found.properties).map(confound).collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Writes the audit as a page, with `pictures` of the pairs under their table.
///
/// # Errors
/// Writing fails.
pub fn write_audit(mut out: impl Write, audit: &Audit, pictures: &[GalleryItem]) -> Result<(), ReportError> {
    let out = &mut out;
    let faults = audit.faults();
    let verdict =
        if faults.is_empty() { "Clean: nothing found.".to_owned() } else { "Not clean:".to_owned() };
    let intro: Vec<String> = std::iter::once(verdict).chain(faults).chain(notes(audit)).collect();
    write_head(out, "pulmo audit", &intro)?;
    write_table(out, "Classes", &CLASS_HEADS, audit.classes.iter().map(class_row))?;
    if let Some(confounds) = &audit.confounds {
        let rows = confounds.properties.iter().map(confound_row);
        write_table(out, "Properties", &CONFOUND_HEADS, rows)?;
        writeln!(out, "<p class=\"soft\">{}</p>", chance_sentence(confounds))?;
    }
    if !audit.shared_images.is_empty() {
        write_table(out, "Like images", &PAIR_HEADS, audit.shared_images.iter().map(pair_row))?;
        write_gallery(out, pictures)?;
    }
    if !audit.shared_patients.is_empty() {
        let rows = audit.shared_patients.iter().map(|shared| [patient_row(shared)]);
        write_table(out, "Patients in more than one split", &["patient and cases"], rows)?;
    }
    if !audit.failures.is_empty() {
        let rows = audit.failures.iter().map(|failure| [failure.to_string()]);
        write_table(out, "Cases that cannot be read", &["case"], rows)?;
    }
    Ok(writeln!(out, "</body>\n</html>")?)
}

fn write_table<const N: usize>(
    out: &mut impl Write,
    title: &str,
    heads: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<(), ReportError> {
    writeln!(out, "<section><h2>{title}</h2>")?;
    open_table(out, heads)?;
    for row in rows {
        let class = if row.iter().any(|cell| cell == "PREDICTS THE CLASS") { " class=\"wrong\"" } else { "" };
        write_row(out, class, &row)?;
    }
    Ok(writeln!(out, "</table></div></section>")?)
}
