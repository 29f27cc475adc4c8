//! The manifest: which cases there are, what they show and whom they belong to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::CohortError;

/// Which part of a data set a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// Weights are fitted on it.
    Train,
    /// The best weights and the threshold are chosen on it.
    Validation,
    /// Only evaluated.
    Test,
}

impl Split {
    /// Reads `train`, `val`, `valid`, `validation`, `dev` or `test`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }

    /// The name in manifests: `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }
}

/// One row of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// As written in the manifest.
    pub path: String,
    /// The path to open: relative ones are taken from the manifest's folder.
    pub file: PathBuf,
    /// The label, as written.
    pub label: String,
    /// The patient; the path itself where the manifest has no `patient_id`.
    pub patient_id: String,
    /// The split named in the manifest, if any.
    pub split: Option<Split>,
    /// The cells of all other columns, by name: age, sex, scanner, whatever the manifest has.
    pub attributes: BTreeMap<String, String>,
}

/// Reads a manifest: CSV with the header `path,label[,patient_id][,split]`; other columns are
/// kept as attributes.
///
/// # Errors
/// [`CohortError::Manifest`] names the line and what is wrong with it.
pub fn read_manifest(path: &Path) -> Result<Vec<Case>, CohortError> {
    read_rows(path, Labels::Needed)
}

/// Reads a manifest whose labels do not count: they are empty, whatever the file says, and the column
/// `label` may be left out.
///
/// # Errors
/// As [`read_manifest`].
pub fn read_unlabelled(path: &Path) -> Result<Vec<Case>, CohortError> {
    read_rows(path, Labels::Ignored)
}

/// What becomes of the column `label`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    Needed,
    Ignored,
}

fn read_rows(path: &Path, labels: Labels) -> Result<Vec<Case>, CohortError> {
    let wrong = |line: usize, what: String| CohortError::Manifest { path: path.to_owned(), line, what };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(false)
        .from_path(path)
        .map_err(|error| wrong(1, error.to_string()))?;
    let header = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
    let column =
        |name: &str| header.iter().position(|title| title.trim().trim_start_matches('\u{feff}') == name);
    let needed =
        |name: &str| column(name).ok_or_else(|| wrong(1, format!("the header has no column `{name}`")));
    let path_column = needed("path")?;
    let label_column = if labels == Labels::Needed { Some(needed("label")?) } else { column("label") };
    let (patient_column, split_column) = (column("patient_id"), column("split"));
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut cases = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let line = index + 2;
        let row = row.map_err(|error| wrong(line, error.to_string()))?;
        let cell = |column: usize| row.get(column).unwrap_or("").trim().to_owned();
        let case_path = cell(path_column);
        let label = label_column.filter(|_| labels == Labels::Needed).map(cell).unwrap_or_default();
        if case_path.is_empty() || (label.is_empty() && labels == Labels::Needed) {
            return Err(wrong(line, "path and label must not be empty".into()));
        }
        let patient_id =
            patient_column.map(cell).filter(|id| !id.is_empty()).unwrap_or_else(|| case_path.clone());
        let split = match split_column.map(cell).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(
                Split::parse(&text).ok_or_else(|| wrong(line, "split must be train, val or test".into()))?,
            ),
        };
        let known = [Some(path_column), label_column, patient_column, split_column];
        let others = (0..header.len()).filter(|&column| !known.contains(&Some(column)));
        let attributes = others.map(|column| (header[column].trim().to_owned(), cell(column))).collect();
        let file = folder.join(&case_path);
        cases.push(Case { file, path: case_path, label, patient_id, split, attributes });
    }
    if cases.is_empty() {
        return Err(wrong(1, "there are no rows below the header".into()));
    }
    Ok(cases)
}

/// What the rows say, a line each for path, label, patient and split: by its hash runs on the same data are told.
pub fn rows_text<'a>(rows: impl Iterator<Item = (&'a Case, Option<Split>)>) -> String {
    rows.fold(String::new(), |text, (Case { path, label, patient_id, .. }, split)| {
        text + &format!("{path}\n{label}\n{patient_id}\n{}\n", split.map_or("", Split::name))
    })
}

/// Returns the labels of `cases`, sorted, each once.
pub fn labels(cases: &[Case]) -> Vec<String> {
    let mut labels: Vec<String> = cases.iter().map(|case| case.label.clone()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Case>, CohortError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        std::fs::write(&path, text).unwrap();
        read_manifest(&path)
    }

    #[test]
    fn columns_are_found_by_name_and_others_kept() {
        let cases = read("age,label,path,split\n60,b,x.png,val\n61,a,y.png,\n").unwrap();
        assert_eq!(cases[0].split, Some(Split::Validation));
        assert_eq!(cases[1].split, None);
        assert_eq!(cases[1].attributes, BTreeMap::from([("age".to_owned(), "61".to_owned())]));
        assert_eq!(cases[0].patient_id, "x.png");
        assert!(cases[0].file.ends_with("x.png") && cases[0].file.is_absolute());
        assert_eq!(labels(&cases), ["a", "b"]);
    }

    #[test]
    fn labels_may_be_left_out_where_they_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        for text in ["path\nx.png\n", "path,label\nx.png,a\n", "path,label\nx.png,\n"] {
            std::fs::write(&path, text).unwrap();
            let cases = read_unlabelled(&path).unwrap();
            assert_eq!((cases[0].path.as_str(), cases[0].label.as_str()), ("x.png", ""), "{text}");
        }
    }

    #[test]
    fn faults_name_their_line() {
        let line = |text: &str| match read(text) {
            Err(CohortError::Manifest { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line("path,class\nx,a\n"), 1);
        assert_eq!(line("path,label\n"), 1);
        assert_eq!(line("path,label,split\nx,a,train\ny,b,tset\n"), 3);
        assert_eq!(line("path,label\nx,a\ny,\n"), 3);
    }
}
