//! From a row of a manifest to the one image or series it names.

use std::ops::ControlFlow;

use super::Case;
use pulmo_scan::dicom::Partial;
use pulmo_scan::findings::{Code, Reason};
use pulmo_scan::intake::{self, Bounds, Claim, Item, Loaded, ReadSettings, each_ahead};

/// A case that cannot be used, or not as a whole.
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

/// How cases are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// How far ahead of their use.
    pub bounds: Bounds,
    /// What becomes of a series of which files cannot be used.
    pub partial: Partial,
}

/// Returns the one image or series that a case names, and its volume.
///
/// # Errors
/// [`Failure`] where it cannot be read, is not evaluable, or holds several series.
pub fn open(case: &Case, partial: Partial) -> Opened {
    load(case, item_of(case)?, partial)
}

/// A case that was opened, or why it could not be.
pub type Opened = Result<(Item, Loaded), Failure>;

/// Opens each case on several threads, within a bound of bytes, and hands what `look` makes of it to
/// `using`, in order, until that breaks off. `look` gets the case's place in the row, and tells the
/// bytes that what it makes takes.
pub fn each_case<'a, T: Send>(
    cases: impl Iterator<Item = &'a Case> + Send,
    reading: Reading,
    look: impl Fn((usize, &'a Case), Opened) -> (usize, T) + Sync,
    using: impl FnMut(Vec<T>) -> ControlFlow<()>,
) {
    let work = |(place, case): (usize, &'a Case), claim: &mut Claim| {
        let opened = item_of(case).and_then(|item| {
            claim.reserve(item.promised_bytes());
            load(case, item, reading.partial)
        });
        let (bytes, made) = look((place, case), opened);
        claim.reserve(bytes);
        made
    };
    each_ahead(cases.enumerate(), reading.bounds, work, using);
}

/// Returns the one image or series that a case names, not yet read.
///
/// # Errors
/// [`Failure`] where there is none, or several.
pub fn item_of(case: &Case) -> Result<Item, Failure> {
    let found = intake::find(std::slice::from_ref(&case.file));
    let refused = found.iter().find_map(|item| item.refusal()?.reasons().first().cloned());
    let mut usable: Vec<Item> = found.into_iter().filter(|item| item.refusal().is_none()).collect();
    match (usable.pop(), usable.len()) {
        (None, _) => Err(Failure::of(
            case,
            refused.unwrap_or_else(|| Reason::new(Code::Unreadable, "there is nothing to read at this path")),
        )),
        (Some(item), 0) => Ok(item),
        (Some(_), more) => {
            let what = format!("the path holds {} images or series; name one in each row", more + 1);
            Err(Failure::of(case, Reason::new(Code::Mixed, what)))
        }
    }
}

fn load(case: &Case, item: Item, partial: Partial) -> Opened {
    match item.load(&ReadSettings::default().with_partial(partial)) {
        Ok(loaded) => Ok((item, loaded)),
        Err(error) => Err(Failure::of(case, error.reason())),
    }
}

/// What is missing of a case of which only a part was read; `None` of a whole one.
pub fn missing_of(case: &Case, loaded: &Loaded) -> Option<Failure> {
    let reason = loaded.warnings.iter().find(|reason| reason.code == Code::Partial)?;
    Some(Failure::of(case, reason.clone()))
}

impl Failure {
    /// A case that cannot be used for this reason.
    pub fn of(case: &Case, Reason { code, message }: Reason) -> Self {
        Self { path: case.path.clone(), code: Some(code), what: message }
    }
}
