//! Which column of a manifest holds what.

use super::table::{TableFault, TableRow};

/// The columns that pulmo knows.
const KNOWN: [&str; 4] = ["path", "label", "patient_id", "split"];

/// Places of columns, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub path: usize,
    pub label: Option<usize>,
    pub patient_id: Option<usize>,
    pub split: Option<usize>,
    /// All other columns that have a name.
    pub others: Vec<(usize, String)>,
}

/// A name but for case, blanks and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a row is the header of a manifest.
pub(super) fn is_header(cells: &[String]) -> bool {
    cells.iter().any(|cell| plain(cell) == KNOWN[0])
}

impl Columns {
    /// Finds the columns by their names, whatever their case; hands names that are not as expected to `tell`.
    ///
    /// # Errors
    /// The header's line, where a name is missing or given twice.
    pub(super) fn find(header: &TableRow, tell: &mut dyn FnMut(&str)) -> Result<Self, TableFault> {
        let names: Vec<&str> = header.cells.iter().map(|cell| cell.trim()).collect();
        let wrong = |what: String| (header.line, what);
        let twice = |[first, second]: [usize; 2]| {
            let column = |place: usize| format!("{} (`{}`)", place + 1, names[place]);
            wrong(format!(
                "columns {} and {} have one name; rename or remove one",
                column(first),
                column(second)
            ))
        };
        let mut known = [None; KNOWN.len()];
        for (name, place) in KNOWN.iter().zip(&mut known) {
            let mut found = (0..names.len()).filter(|&column| plain(names[column]) == plain(name));
            *place = found.next();
            match (*place, found.next()) {
                (Some(first), Some(second)) => return Err(twice([first, second])),
                (Some(only), None) if names[only] != *name => {
                    tell(&format!("the column `{}` is read as `{name}`", names[only]));
                }
                _ => {}
            }
        }
        let others =
            (0..names.len()).filter(|place| !names[*place].is_empty() && !known.contains(&Some(*place)));
        let others: Vec<(usize, String)> = others.map(|place| (place, names[place].to_owned())).collect();
        for (index, (place, name)) in others.iter().enumerate() {
            if let Some((first, _)) = others[..index].iter().find(|(_, other)| other == name) {
                return Err(twice([*first, *place]));
            }
        }
        let [path, label, patient_id, split] = known;
        let path = path.ok_or_else(|| wrong(missing(KNOWN[0], &header.cells)))?;
        Ok(Self { path, label, patient_id, split, others })
    }
}

/// What to say where the header lacks a column.
pub(super) fn missing(name: &str, header: &[String]) -> String {
    format!("the header has no column `{name}`; it has {}", header.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &str) -> (Result<Columns, TableFault>, Vec<String>) {
        let header = TableRow { line: 2, cells: names.split(',').map(str::to_owned).collect() };
        let mut told = Vec::new();
        (Columns::find(&header, &mut |what| told.push(what.to_owned())), told)
    }

    #[test]
    fn columns_are_known_in_any_case_and_said() {
        let (found, told) = find("Patient ID,site, LABEL ,path,,");
        let found = found.unwrap();
        assert_eq!((found.path, found.label, found.patient_id, found.split), (3, Some(2), Some(0), None));
        assert_eq!(found.others, [(1, "site".to_owned())]);
        assert_eq!(
            told,
            ["the column `LABEL` is read as `label`", "the column `Patient ID` is read as `patient_id`"]
        );
        assert_eq!(find("path,label,patient_id,split").1, [""; 0]);
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let what = |names: &str| find(names).0.unwrap_err();
        let expected = "columns 2 (`label`) and 3 (`label`) have one name; rename or remove one";
        assert_eq!(what("path,label,label"), (2, expected.to_owned()));
        assert!(what("path,label,Label").1.contains("(`Label`)"));
        assert!(what("path,label,age, age").1.starts_with("columns 3"));
        assert_eq!(what("file,class").1, "the header has no column `path`; it has file, class");
    }
}
