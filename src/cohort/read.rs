//! From a row of a manifest to the one image or series it names.

use super::Case;
use crate::findings::{Code, Reason};
use crate::intake::{self, Item, Loaded, Settings};

/// A case that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As written in the manifest.
    pub path: String,
    /// Why, as a code; `None` where the reason lies in the preprocessing chain.
    pub code: Option<Code>,
    /// Why, as a sentence.
    pub what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or("its chain", Code::as_str);
        write!(f, "{}: {code}: {}", self.path, self.what)
    }
}

/// Returns the one image or series that a case names, and its volume.
///
/// # Errors
/// [`Failure`] where it cannot be read, is not evaluable, or holds several series.
pub fn open(case: &Case) -> Result<(Item, Loaded), Failure> {
    let failure =
        |Reason { code, message }| Failure { path: case.path.clone(), code: Some(code), what: message };
    let found = intake::find(std::slice::from_ref(&case.file));
    let refused = found.iter().find_map(|item| item.refusal()?.reasons().first().cloned());
    let mut usable: Vec<Item> = found.into_iter().filter(|item| item.refusal().is_none()).collect();
    match (usable.pop(), usable.len()) {
        (None, _) => Err(failure(
            refused.unwrap_or_else(|| Reason::new(Code::Unreadable, "there is nothing to read at this path")),
        )),
        (Some(item), 0) => match item.load(&Settings::default()) {
            Ok(loaded) => Ok((item, loaded)),
            Err(error) => Err(failure(error.reason())),
        },
        (Some(_), more) => Err(failure(Reason::new(
            Code::Mixed,
            format!("the path holds {} images or series; name one in each row", more + 1),
        ))),
    }
}
