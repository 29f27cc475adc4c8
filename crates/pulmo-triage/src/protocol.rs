//! What supervisor and worker say to each other: one JSON value a line (`docs/worker.md`).

use std::path::{Path, PathBuf};

use pulmo_system::{path_bytes, path_of_bytes};
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, WorkStage};
use crate::ledger::Method;

/// A path as text: bytes that are no UTF-8, control characters and `%` stand as `%` and two hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WirePath(String);

/// Tells nothing: paths name patients.
impl std::fmt::Debug for WirePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WirePath")
    }
}

impl WirePath {
    /// The text of a path.
    pub fn of(path: &Path) -> Self {
        let mut text = String::new();
        for chunk in path_bytes(path).utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == '%' || c.is_control() {
                    c.encode_utf8(&mut [0; 4])
                        .bytes()
                        .for_each(|byte| text.push_str(&format!("%{byte:02X}")));
                } else {
                    text.push(c);
                }
            }
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
        }
        Self(text)
    }

    /// A text that [`WirePath::of`] made.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The path.
    pub fn path(&self) -> PathBuf {
        let mut bytes = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
            let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
            match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => {
                    bytes.push(*first);
                    rest = after;
                }
            }
        }
        path_of_bytes(bytes)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Files directly in one folder of an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The archive, as it was named.
    pub root: WirePath,
    /// The folder below it; empty for the archive itself.
    pub folder: WirePath,
    /// Names of the files; `None` for all in the folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub names: Option<Vec<WirePath>>,
}

impl Place {
    /// Where the folder is.
    pub fn path(&self) -> PathBuf {
        let root = self.root.path();
        if self.folder.as_str().is_empty() { root } else { root.join(self.folder.path()) }
    }
}

/// What a supervisor asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Which studies the files in a folder belong to.
    List(Place),
    /// What is to be said about a study.
    Score(StudyRequest),
}

/// A study and where it lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyRequest {
    /// Its name, a keyed hash.
    pub study: String,
    /// Where its files are.
    pub places: Vec<Place>,
    /// Whether nothing else is to be read or computed meanwhile: for machines that compute on the cores that read,
    /// and for a study whose worker ended.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub alone: bool,
}

/// What a worker does with a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    /// Which.
    pub study: String,
    /// What.
    pub stage: WorkStage,
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is ready, and scores by this method: the first line.
    Ready(Method),
    /// What it does now; the deadline of a series begins anew.
    Stage(Working),
    /// A study that files in the folder belong to.
    Found(FoundStudy),
    /// All studies of the folder were told.
    Listed,
    /// What is to be said about the study.
    Scored(Box<ScoredStudy>),
}

/// Files of a study in one folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundStudy {
    /// The study's name, a keyed hash.
    pub study: String,
    /// Hash of the files' names, sizes and times of change.
    pub fingerprint: String,
    /// Names of the files; `None` for all in the folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub names: Option<Vec<WirePath>>,
}

/// What is said about a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredStudy {
    /// Fingerprint of the files that were read.
    pub fingerprint: String,
    /// The content of its row.
    pub finding: Finding,
    /// When the study was scanned, `YYYYMMDD` or `YYYYMMDDHHMMSS`: kept on the machine that the archive is on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acquired: Option<String>,
    /// The most memory that the worker used so far, in bytes.
    pub peak_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_there_and_back() {
        for path in ["a/b c", "100%", "%41", "ü/ß", "", "a\nb\x1b[31m"] {
            let wire = WirePath::of(Path::new(path));
            assert_eq!(wire.path(), Path::new(path));
            assert!(!wire.as_str().contains(char::is_control));
        }
        let odd = path_of_bytes(vec![b'a', 0xff, b'/', 0xc3]);
        assert_eq!(WirePath::of(&odd).path(), odd);
    }

    #[test]
    fn lines_are_as_documented() {
        let place =
            Place { root: WirePath::of(Path::new("/a")), folder: WirePath::of(Path::new("b")), names: None };
        let line = serde_json::to_string(&Request::List(place)).unwrap();
        assert_eq!(line, r#"{"list":{"root":"/a","folder":"b"}}"#);
        let working = Working { study: "f8".to_owned(), stage: WorkStage::Read };
        let line = serde_json::to_string(&Answer::Stage(working)).unwrap();
        assert_eq!(line, r#"{"stage":{"study":"f8","stage":"read"}}"#);
        assert_eq!(serde_json::to_string(&Answer::Listed).unwrap(), r#""listed""#);
    }
}
