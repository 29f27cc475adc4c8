//! What `docs/formats.md` says, and whether a document is as it says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A field of a format.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// As it is written on the page.
    pub(crate) name: String,
    path: Vec<String>,
    is_always: bool,
}

/// The page.
pub(crate) struct Page {
    /// Fields by the format's heading.
    pub(crate) formats: BTreeMap<String, Vec<Field>>,
    /// Names of files, with `<...>` for what varies.
    files: Vec<String>,
    /// Format and field of all that was met in a document.
    met: BTreeSet<(String, String)>,
    /// Formats of which a document was looked at.
    checked: BTreeSet<String>,
}

/// The parts of a path: names, and `[]` for an element.
fn parts(path: &str) -> Vec<String> {
    path.replace("[]", ".[]").split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Whether a name is one that the pattern stands for: `<...>` is any text.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('<') else { return pattern == name };
    let after = rest.split_once('>').map_or("", |(_, after)| after);
    let Some(left) = name.strip_prefix(before) else { return false };
    let cuts = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    cuts.skip(1).any(|at| fits(after, &left[at..]))
}

impl Field {
    /// Whether the field stands for the place in a document, or is below it.
    fn covers(&self, place: &[String]) -> bool {
        let open = self.path.last().is_some_and(|last| last == "**");
        let path = if open { &self.path[..self.path.len() - 1] } else { &self.path[..] };
        let enough = place.len() <= path.len() || open;
        enough && path.iter().zip(place).all(|(pattern, part)| fits(pattern, part))
    }

    /// Whether the field stands for just this place.
    fn is_at(&self, place: &[String]) -> bool {
        let open = self.path.last().is_some_and(|last| last == "**");
        self.covers(place) && (place.len() == self.path.len() || open && place.len() > self.path.len())
    }
}

impl Page {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string("docs/formats.md").unwrap();
        let mut page = Self {
            formats: BTreeMap::new(),
            files: Vec::new(),
            met: BTreeSet::new(),
            checked: BTreeSet::new(),
        };
        let mut heading = String::new();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("### ").or(line.strip_prefix("## ")) {
                title.clone_into(&mut heading);
            }
            let Some(row) = line.strip_prefix("| `") else { continue };
            let name = row.split_once('`').unwrap().0.to_owned();
            let last = row.trim_end_matches([' ', '|']).rsplit_once(" | ").unwrap().1;
            match heading.as_str() {
                "Files" => page.files.push(name),
                _ => page.formats.entry(heading.clone()).or_default().push(Field {
                    path: parts(&name),
                    is_always: last == "always",
                    name,
                }),
            }
        }
        page
    }

    /// Asserts that every field of the document stands on the page, and every field that always stands there
    /// in the document.
    pub(crate) fn check(&mut self, format: &str, document: &Value) {
        let fields = self.formats.get(format).unwrap_or_else(|| panic!("no format `{format}`"));
        let mut places = Vec::new();
        walk(document, &mut Vec::new(), &mut places);
        for place in &places {
            let covering: Vec<&Field> = fields.iter().filter(|field| field.covers(place)).collect();
            assert!(!covering.is_empty(), "{format}: `{}` is not on the page", place.join("."));
            let met = covering.into_iter().filter(|field| field.is_at(place));
            self.met.extend(met.map(|field| (format.to_owned(), field.name.clone())));
        }
        for field in fields.iter().filter(|field| field.is_always) {
            assert!(
                !lacks(document, &field.path),
                "{format}: `{}` is not always there: {document}",
                field.name
            );
        }
        self.checked.insert(format.to_owned());
    }

    /// Asserts that a file of this name stands on the page.
    pub(crate) fn check_file(&self, name: &str) {
        assert!(self.files.iter().any(|pattern| fits(pattern, name)), "the file `{name}` is not on the page");
    }

    /// Asserts that all formats were looked at and all their fields met, except those named, `*` being any end.
    pub(crate) fn check_all_met(&self, but: &[(&str, &str)]) {
        let mut missing = Vec::new();
        for (format, fields) in &self.formats {
            for field in fields {
                let found = (format.clone(), field.name.clone());
                let is_known = but.iter().any(|(other, name)| {
                    let ends = name
                        .strip_suffix('*')
                        .map_or(field.name == *name, |start| field.name.starts_with(start));
                    other == format && ends
                });
                if !self.met.contains(&found) && !is_known {
                    missing.push(format!("{format}: {}", field.name));
                }
            }
        }
        assert!(missing.is_empty(), "nothing wrote:\n{}", missing.join("\n"));
        assert!(self.checked.len() > 20, "{:?}", self.checked);
    }
}

/// The places of a document: names of fields, and `[]` for the elements of an array of objects.
fn walk(value: &Value, place: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    let mut step = |part: &str, value: &Value, places: &mut Vec<Vec<String>>| {
        place.push(part.to_owned());
        places.push(place.clone());
        walk(value, place, places);
        place.pop();
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| step(name, value, places)),
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            elements.iter().for_each(|element| step("[]", element, places));
        }
        _ => {}
    }
}

/// Whether a field is missing in a document, or in any of its parts that should have it.
fn lacks(value: &Value, path: &[String]) -> bool {
    let Some((part, rest)) = path.split_first() else { return false };
    match value {
        Value::Object(_) if part == "**" => false,
        Value::Object(fields) if part.contains('<') => {
            fields.iter().filter(|(name, _)| fits(part, name)).any(|(_, value)| lacks(value, rest))
        }
        Value::Object(fields) => fields.get(part).is_none_or(|value| lacks(value, rest)),
        Value::Array(elements) if part == "[]" => elements.iter().any(|element| lacks(element, rest)),
        _ => true,
    }
}

#[test]
fn patterns_stand_for_what_varies() {
    assert!(fits("<name>-heat.png", "a-heat.png") && !fits("<name>-heat.png", "-heat.png"));
    assert!(fits("<study>-<n>.nii.gz", "p-0-12.nii.gz") && !fits("a<b>", "b"));
    assert_eq!(parts("[].nodules[].kind"), ["[]", "nodules", "[]", "kind"]);
}

#[test]
fn a_document_that_differs_from_the_page_is_found() {
    let field = |name: &str, is_always| Field { name: name.into(), path: parts(name), is_always };
    let fields = [field("a", true), field("b[].<x>", false), field("c.**", false)];
    let covered = |place: &[&str]| {
        let place: Vec<String> = place.iter().map(|part| (*part).to_owned()).collect();
        fields.iter().any(|field| field.covers(&place))
    };
    assert!(covered(&["b"]) && covered(&["b", "[]", "any"]) && covered(&["c", "d", "e"]));
    assert!(!covered(&["d"]) && !covered(&["a", "b"]) && !covered(&["b", "x"]));
    assert!(lacks(&serde_json::json!({ "b": 1 }), &parts("a")));
    assert!(lacks(&serde_json::json!({ "b": [{ "x": 1 }, {}] }), &parts("b[].x")));
    assert!(!lacks(&serde_json::json!({ "a": null }), &parts("a")));
}
