//! What makes labels, files and patients of a manifest doubtful: ways of writing that mean one thing, or nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use super::Case;
use super::table::TableFault;

/// Cells that programs write for a value that is missing, in small letters.
const MISSING: [&str; 11] = ["nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "nat", "?", "."];

/// A case, and how it stands in the manifest.
pub(super) struct Entry {
    pub line: usize,
    /// The label with the blanks around it; `None` where labels do not count.
    pub label: Option<String>,
    /// Whether the manifest names the patient.
    pub has_patient: bool,
    pub case: Case,
}

/// Whether a cell says that its value is missing.
pub(super) fn is_missing(cell: &str) -> bool {
    let cell = cell.trim().to_lowercase();
    cell.is_empty() || MISSING.contains(&cell.as_str())
}

/// One text for all ways of writing a name: without case, blanks, and the zeros of numbers.
fn meaning(name: &str) -> String {
    let is_blank = |letter: &char| letter.is_whitespace() || ('\u{200b}'..='\u{200f}').contains(letter);
    let plain: String =
        name.chars().filter(|letter| !is_blank(letter)).flat_map(char::to_lowercase).collect();
    // Longer numbers are not told apart by their values.
    let number = Some(plain.replacen(',', ".", 1)).filter(|text| text.len() <= 15);
    let number = number.and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite());
    number.map_or(plain, |value| format!("{}", value + 0.0))
}

/// Refuses what gives a case two answers, and tells what may not have been meant.
///
/// # Errors
/// The later line, and what it has in common with an earlier one.
pub(super) fn check(entries: &[Entry], tell: &mut dyn FnMut(&str)) -> Result<(), TableFault> {
    check_labels(entries, tell)?;
    check_files(entries, tell)?;
    tell_patients(entries, tell);
    Ok(())
}

/// Labels that are written in two ways would become two classes.
fn check_labels(entries: &[Entry], tell: &mut dyn FnMut(&str)) -> Result<(), TableFault> {
    let mut first: HashMap<String, (usize, &str)> = HashMap::new();
    for Entry { line, label, .. } in entries {
        let Some(label) = label else { continue };
        let (before, written) = *first.entry(meaning(label)).or_insert_with(|| {
            if label.trim().eq_ignore_ascii_case("none") {
                tell(&format!("line {line}: the label `{}` is taken as a class", label.trim()));
            }
            (*line, label)
        });
        if written != label {
            let what = format!(
                "the label `{label}` is `{written}` of line {before} but for case, blanks or the way a number is \
                 written; write one of them everywhere"
            );
            return Err((*line, what));
        }
    }
    Ok(())
}

/// One file, however its path is written, has one label and one patient.
fn check_files(entries: &[Entry], tell: &mut dyn FnMut(&str)) -> Result<(), TableFault> {
    let places: Vec<PathBuf> = entries.iter().map(|entry| place(&entry.case.file)).collect();
    let mut first: BTreeMap<&Path, &Entry> = BTreeMap::new();
    let mut again = Vec::new();
    for (entry, place) in entries.iter().zip(&places) {
        match first.get(place.as_path()) {
            Some(before) => {
                agree(before, entry, "is the same file")?;
                again.push((before.line, entry.line));
            }
            None => _ = first.insert(place, entry),
        }
    }
    for (entry, place) in entries.iter().zip(&places) {
        let folder = place.ancestors().skip(1).find_map(|folder| first.get(folder));
        folder.map_or(Ok(()), |folder| agree(folder, entry, "lies in the folder"))?;
    }
    if let Some((before, line)) = again.first() {
        let more = if again.len() > 1 { format!(", and {} more", again.len() - 1) } else { String::new() };
        tell(&format!("lines {before} and {line} name one file, which counts twice{more}"));
    }
    Ok(())
}

fn agree(before: &Entry, entry: &Entry, relation: &str) -> Result<(), TableFault> {
    let [(first, a), (second, b)] = [before, entry].map(|entry| (entry.line, &entry.case));
    let other = if a.label != b.label {
        format!("the label `{}`, not `{}`", a.label, b.label)
    } else if before.has_patient && entry.has_patient && a.patient_id != b.patient_id {
        "another patient".to_owned()
    } else {
        return Ok(());
    };
    Err((second, format!("`{}` {relation} that line {first} names as `{}`, with {other}", b.path, a.path)))
}

/// Where a file is, links followed; a file that cannot be found is where its path says.
fn place(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| {
        file.components().fold(PathBuf::new(), |mut place, part| {
            match part {
                Component::CurDir => {}
                Component::ParentDir if place.file_name().is_some() => _ = place.pop(),
                part => place.push(part),
            }
            place
        })
    })
}

/// Patients are told apart by the very letters of their names, which hospitals may have meant.
fn tell_patients(entries: &[Entry], tell: &mut dyn FnMut(&str)) {
    let mut first: HashMap<String, (usize, &str)> = HashMap::new();
    let mut doubtful = Vec::new();
    for Entry { line, case, .. } in entries.iter().filter(|entry| entry.has_patient) {
        let id = case.patient_id.as_str();
        let before = *first.entry(meaning(id)).or_insert((*line, id));
        if before.1 != id {
            doubtful.push((before.0, *line));
        }
    }
    if let Some((before, line)) = doubtful.first() {
        tell(&format!(
            "the patient_id of lines {before} and {line} differs only in case, blanks or the way a number is written; \
             they count as two patients ({} such lines)",
            doubtful.len()
        ));
    }
}
