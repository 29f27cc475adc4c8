//! The manifest: which cases there are, what they show and whom they belong to.

use std::path::Path;

use super::CohortError;
use super::case::{Case, Split};
use super::columns::{Columns, is_header, missing};
use super::doubts::{Entry, check, is_missing};
use super::table::{CsvTable, TableFault, TableRow};

/// What becomes of the column `label`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// Every row must have one.
    Needed,
    /// They are empty, whatever the file says, and the column may be left out.
    Ignored,
}

/// Reads a manifest: CSV with the header `path,label[,patient_id][,split]`; other columns are
/// kept as attributes.
///
/// # Errors
/// As [`read_cases`].
pub fn read_manifest(path: &Path) -> Result<Vec<Case>, CohortError> {
    read_cases(path, Labels::Needed, &mut |_| {})
}

/// Reads a manifest whose labels do not count: they are empty, whatever the file says, and the column
/// `label` may be left out.
///
/// # Errors
/// As [`read_cases`].
pub fn read_unlabelled(path: &Path) -> Result<Vec<Case>, CohortError> {
    read_cases(path, Labels::Ignored, &mut |_| {})
}

/// Reads a manifest and hands a sentence to `tell` for what was read in another way than it is written, or may not have
/// been meant: another separator, other names of columns, comments, a file in two rows.
///
/// # Errors
/// [`CohortError::Manifest`] names the line, as an editor counts it, and what is wrong with it.
pub fn read_cases(path: &Path, labels: Labels, tell: &mut dyn FnMut(&str)) -> Result<Vec<Case>, CohortError> {
    let wrong = |(line, what): TableFault| CohortError::Manifest { path: path.to_owned(), line, what };
    let bytes = std::fs::read(path).map_err(|error| wrong((1, format!("it cannot be read: {error}"))))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let entries = entries(&bytes, labels, folder, tell).map_err(wrong)?;
    check(&entries, tell).map_err(wrong)?;
    Ok(entries.into_iter().map(|entry| entry.case).collect())
}

fn entries(
    bytes: &[u8],
    labels: Labels,
    folder: &Path,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<Entry>, TableFault> {
    let table = CsvTable::read(bytes, is_header)?;
    let mut columns = Columns::find(&table.header, tell)?;
    match labels {
        Labels::Needed if columns.label.is_none() => {
            return Err((table.header.line, missing("label", &table.header.cells)));
        }
        Labels::Needed => {}
        Labels::Ignored => columns.label = None,
    }
    if table.rows.is_empty() {
        return Err((table.header.line, "there are no rows below the header".to_owned()));
    }
    tell_form(&table, tell);
    if let Some(comment) = table.comments.iter().find(|comment| is_file(comment, &columns, folder)) {
        let what = "the line begins with # as a comment does, but names a file that exists; write ./ before the path";
        return Err((comment.line, what.to_owned()));
    }
    table.rows.iter().map(|row| entry(row, &columns, folder)).collect()
}

/// Tells a form that is not the usual one.
fn tell_form(table: &CsvTable, tell: &mut dyn FnMut(&str)) {
    match table.separator {
        ',' => {}
        '\t' => tell("cells are read as separated by tabs"),
        separator => tell(&format!("cells are read as separated by `{separator}`")),
    }
    if let Some(first) = table.comments.first() {
        tell(&format!(
            "{} lines that begin with # are taken as comments, the first is line {}",
            table.comments.len(),
            first.line
        ));
    }
}

fn is_file(comment: &TableRow, columns: &Columns, folder: &Path) -> bool {
    comment.cells.get(columns.path).is_some_and(|path| folder.join(path).exists())
}

/// What a row says.
fn entry(row: &TableRow, columns: &Columns, folder: &Path) -> Result<Entry, TableFault> {
    let wrong = |what: String| (row.line, what);
    let one_line = |column: usize, name: &str| {
        let cell = row.cells[column].as_str();
        let cell = Some(cell).filter(|cell| !cell.contains(['\n', '\r']));
        cell.ok_or_else(|| wrong(format!("the cell of `{name}` has a line break")))
    };
    let optional = |column: Option<usize>, name| column.map(|column| one_line(column, name)).transpose();
    let path = one_line(columns.path, "path")?.trim().to_owned();
    if path.is_empty() {
        return Err(wrong("the path is empty".to_owned()));
    }
    let label = optional(columns.label, "label")?;
    if let Some(label) = label.filter(|label| is_missing(label)) {
        return Err(wrong(format!("the label is missing (`{}`); give one, or remove the row", label.trim())));
    }
    let patient_id = optional(columns.patient_id, "patient_id")?.map(str::trim).filter(|id| !id.is_empty());
    if let Some(id) = patient_id.filter(|id| is_missing(id)) {
        return Err(wrong(format!(
            "the patient_id `{id}` names nobody; leave the cell empty where it is unknown"
        )));
    }
    let split = optional(columns.split, "split")?.map(str::trim).filter(|split| !split.is_empty());
    let parsed = split.map(|split| {
        Split::parse(split).ok_or_else(|| wrong(format!("split must be train, val or test, not `{split}`")))
    });
    let attribute = |(column, name): &(usize, String)| (name.clone(), row.cells[*column].trim().to_owned());
    let case = Case {
        file: folder.join(&path),
        label: label.map_or(String::new(), |label| label.trim().to_owned()),
        patient_id: patient_id.unwrap_or(&path).to_owned(),
        path,
        split: parsed.transpose()?,
        attributes: columns.others.iter().map(attribute).collect(),
    };
    let has_patient = patient_id.is_some();
    Ok(Entry { line: row.line, label: label.map(str::to_owned), has_patient, case })
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

/// Returns two classes with the one called `positive` last, which makes it the positive one.
///
/// # Errors
/// [`CohortError::Positive`] where there are not two classes, or none of that name.
pub fn positive_last(classes: &[String], positive: &str) -> Result<Vec<String>, CohortError> {
    let wrong = |what| CohortError::Positive { name: positive.to_owned(), what, classes: classes.to_vec() };
    match classes {
        [one, other] if other == positive => Ok(vec![one.clone(), other.clone()]),
        [one, other] if one == positive => Ok(vec![other.clone(), one.clone()]),
        [_, _] => Err(wrong("no label is written like this")),
        _ => Err(wrong("only one of two classes can be positive")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
    fn the_positive_class_is_the_last_of_two() {
        let classes = ["nodule", "other"].map(str::to_owned);
        assert_eq!(positive_last(&classes, "nodule").unwrap(), ["other", "nodule"]);
        assert_eq!(positive_last(&classes, "other").unwrap(), ["nodule", "other"]);
        let error = |classes: &[String], name: &str| positive_last(classes, name).unwrap_err().to_string();
        let unknown = error(&classes, "Nodule");
        assert_eq!(
            unknown,
            "no positive class `Nodule`: no label is written like this; the classes are nodule, other"
        );
        assert!(error(&["a", "b", "c"].map(str::to_owned), "a").contains("of two classes"));
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

    fn fault(text: &str) -> (usize, String) {
        match read(text) {
            Err(CohortError::Manifest { line, what, .. }) => (line, what),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// What is told of a manifest that is read.
    fn told(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        std::fs::write(&path, text).unwrap();
        let mut told = Vec::new();
        read_cases(&path, Labels::Needed, &mut |what| told.push(what.to_owned())).unwrap();
        told
    }

    #[test]
    fn faults_name_their_line() {
        let line = |text: &str| fault(text).0;
        assert_eq!(line("path,class\nx,a\n"), 1);
        assert_eq!(line("path,label\n"), 1);
        assert_eq!(line("path,label,split\nx,a,train\ny,b,tset\n"), 3);
        assert_eq!(line("path,label\nx,a\ny,\n"), 3);
        assert_eq!(line("path,label\r\n\r\nx,a\r\n# more\r\ny,\r\n"), 5);
        assert_eq!(line("path,label,note\nx,a,\"one\ntwo\"\ny,,\n"), 4);
        assert_eq!(line("path,label\nx,\"a\ny\",b\n"), 2);
        assert_eq!(line("\n\npath;label;label\nx;a;a\n"), 3);
    }

    #[test]
    fn labels_that_name_no_class_are_refused() {
        for label in ["", " ", "nan", "NaN", "N/A", "<NA>", "null", "\"\""] {
            let (line, what) = fault(&format!("path,label\nx,a\n\ny,{label}\n"));
            assert_eq!(line, 4, "{label}");
            assert!(what.contains("label is missing"), "{what}");
        }
        assert!(told("path,label\nx,None\ny,nodule\n")[0].contains("`None` is taken as a class"));
        assert_eq!(fault("path,label,patient_id\nx,a,1\ny,a,nan\n").0, 3);
    }

    #[test]
    fn labels_that_differ_only_in_writing_are_refused_with_both_lines() {
        for [a, b] in [
            ["1", "1.0"],
            ["1", "01"],
            ["0", "-0"],
            ["1", "1e0"],
            ["1.5", "\"1,5\""],
            ["1", "1 "],
            ["1", " 1"],
            ["Nodule", "nodule"],
            ["no nodule", "no  nodule"],
            ["no nodule", "no\u{a0}nodule"],
            ["x", "x\u{200b}"],
            ["MÜLL", "müll"],
        ] {
            let (line, what) = fault(&format!("path,label\nx,{a}\n\ny,other\nz,{b}\n"));
            assert_eq!(line, 5, "{a} {b}");
            assert!(what.contains("of line 2 but for case"), "{what}");
        }
        let sound = read("path, label\nx, 1\ny, 2\nz, 1\nu, 10\nv, 1.5\nw, a-1\nt, a1\n").unwrap();
        assert_eq!(labels(&sound), ["1", "1.5", "10", "2", "a-1", "a1"]);
        let long = "path,label\nx,12345678901234567890\ny,12345678901234567891\n";
        assert_eq!(labels(&read(long).unwrap()).len(), 2);
    }

    #[test]
    fn one_file_has_one_label_however_its_path_is_written() {
        for path in ["a.png", "./a.png", "b/../a.png", ".//a.png", "\"a.png\""] {
            let (line, what) = fault(&format!("path,label\na.png,x\n\n{path},y\n"));
            assert_eq!(line, 4, "{path}");
            assert!(what.contains("line 2 names as `a.png`, with the label `x`, not `y`"), "{what}");
        }
        assert!(fault("path,label\nseries,x\nseries/1.dcm,y\n").1.contains("lies in the folder"));
        assert!(fault("path,label,patient_id\na,x,1\n./a,x,2\n").1.contains("another patient"));
        assert_eq!(
            told("path,label\na,x\nb,x\n./a,x\n"),
            ["lines 2 and 4 name one file, which counts twice"]
        );
        assert_eq!(told("path,label\nseries,x\nseries2,y\n"), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn one_file_has_one_label_behind_links_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        std::fs::write(folder.path().join("a.png"), "").unwrap();
        std::os::unix::fs::symlink("a.png", folder.path().join("b.png")).unwrap();
        std::fs::write(&path, "path,label\na.png,x\nb.png,y\n").unwrap();
        let error = read_manifest(&path).unwrap_err().to_string();
        assert!(error.contains("line 3: `b.png` is the same file that line 2 names as `a.png`"), "{error}");
        // A row whose path begins with # is no comment.
        std::fs::write(folder.path().join("#1.png"), "").unwrap();
        std::fs::write(&path, "path,label\na.png,x\n#1.png,y\n").unwrap();
        assert!(read_manifest(&path).unwrap_err().to_string().contains("line 3"));
        std::fs::write(&path, "path,label\na.png,x\n./#1.png,y\n").unwrap();
        assert_eq!(read_manifest(&path).unwrap().len(), 2);
    }

    #[test]
    fn other_forms_are_read_and_told() {
        let semicolons = "\u{feff}Patient ID;Path;Label;Split\r\np1;x;a;train\r\np2;y;b;VAL\r\n";
        let cases = read(semicolons).unwrap();
        assert_eq!(
            cases,
            read("path,label,patient_id,split\nx,a,p1,train\ny,b,p2,val\n")
                .map(|mut plain| {
                    plain.iter_mut().zip(&cases).for_each(|(plain, case)| plain.file.clone_from(&case.file));
                    plain
                })
                .unwrap()
        );
        let told_of = told(semicolons);
        assert!(told_of.contains(&"cells are read as separated by `;`".to_owned()), "{told_of:?}");
        assert_eq!(told_of.len(), 5, "{told_of:?}");
        assert_eq!(told("path\tlabel\nx\ta\n"), ["cells are read as separated by tabs"]);
        assert_eq!(told("# mine\npath,label\nx,a\n#y,b\n").len(), 1);
        assert_eq!(told("path,label,,\nx,a,,\n"), [""; 0]);
        assert!(told("path,label,patient_id\nx,a,p1\ny,a,P1\n")[0].contains("lines 2 and 3"));
    }
}
