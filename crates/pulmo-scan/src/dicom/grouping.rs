//! From files that were looked at to series: which belong together, and what is missing of them.
//!
//! 1. Files of one Series Instance UID are one group, wherever they lie; files without one are a group by
//!    what remains (folder, study, Series Number, kernel), and join the group with a UID where just one of
//!    their folder may be theirs.
//! 2. A group is split into clusters of one patient, study, frame of reference, size, pixel spacing and
//!    orientation ([`clusters`]). Clusters that lie among each other in space are one doubtful scan.
//! 3. A file that cannot be read belongs to the series that it names, else to that of its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cluster::{Cluster, clusters};
use super::identity::{SeriesKey, Traits};
use super::{Refused, Series, Slice, SliceHeader};
use crate::findings::{Code, Reason};

/// A slice, or why a file or frame is none.
pub(super) type Member = Result<Box<Slice>, Refused>;

/// What a file holds of a series.
pub(super) struct Part {
    pub(super) key: SeriesKey,
    pub(super) traits: Traits,
    pub(super) members: Vec<Member>,
}

/// Files of one key, and the traits of any of them.
struct Group<T> {
    traits: Vec<Traits>,
    files: Vec<T>,
}

impl<T> Group<T> {
    fn may_hold(&self, traits: &[Traits]) -> bool {
        traits.iter().any(|one| self.traits.iter().any(|other| one.may_be(other)))
    }
}

/// Files by the series that they say they are of, taken in one after the other.
pub(super) struct Groups<T>(BTreeMap<Arc<SeriesKey>, Group<T>>);

impl<T> Groups<T> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes in a file, given what is made of its key.
    pub(super) fn add(&mut self, key: SeriesKey, traits: Traits, file: impl FnOnce(Arc<SeriesKey>) -> T) {
        let key = self.0.get_key_value(&key).map_or_else(|| Arc::new(key), |(known, _)| known.clone());
        let group = self.0.entry(key.clone()).or_insert_with(|| Group { traits: vec![], files: vec![] });
        group.files.push(file(key));
        if !group.traits.contains(&traits) {
            group.traits.push(traits);
        }
    }

    /// The files of each series.
    pub(super) fn finish(self) -> Vec<Vec<T>> {
        let (mut named, unnamed): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.0.into_iter().partition(|(key, _)| matches!(**key, SeriesKey::Named(_)));
        let mut alone = Vec::new();
        for (_, Group { traits, files }) in unnamed {
            let mut homes = named.values_mut().filter(|group| group.may_hold(&traits));
            match (homes.next(), homes.next()) {
                (Some(home), None) => home.files.extend(files),
                _ => alone.push(files),
            }
        }
        named.into_values().map(|group| group.files).chain(alone).collect()
    }
}

/// Splits the files of one group into those that may make one volume each. Files that cannot be used are
/// listed with the first, and missing in all.
pub(super) fn split(mut members: Vec<Member>) -> Vec<Series> {
    members.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
    let mut set_aside = Vec::new();
    let mut slices = Vec::with_capacity(members.len());
    for member in members {
        match member {
            Err(refused) => set_aside.push(refused),
            Ok(slice) => slices.push(*slice),
        }
    }
    set_aside.dedup();
    let mut series: Vec<Series> = clusters(slices).into_iter().map(series_of).collect();
    if series.is_empty() {
        series.push(series_of(Cluster::default()));
    }
    let count = series.len();
    if count > 1 {
        let mixed =
            Reason::new(Code::Mixed, format!("one of {count} parts of a series, told apart by headers"));
        series.iter_mut().for_each(|series| series.warnings.push(mixed.clone()));
    }
    let (localizers, lost): (Vec<Refused>, Vec<Refused>) =
        set_aside.iter().cloned().partition(|refused| refused.verdict.codes() == [Code::Localizer]);
    series.iter_mut().for_each(|series| series.lost.clone_from(&lost));
    if !localizers.is_empty() {
        let message = format!("{} localizer images are left out", localizers.len());
        series[0].warnings.push(Reason::new(Code::Localizer, message));
    }
    series[0].set_aside = set_aside;
    series
}

/// File and frame of a member.
fn place_of(member: &Member) -> (&Path, Option<usize>) {
    match member {
        Ok(slice) => (&slice.path, slice.frame),
        Err(refused) => (&refused.path, None),
    }
}

fn series_of(Cluster { slices, doubt }: Cluster) -> Series {
    let contradicts = |slice: &&Slice| {
        let SliceHeader { acquisition, column_direction, .. } = &slice.header;
        acquisition.contradicts(slice.header.normal(), *column_direction)
    };
    let contradicting = slices.iter().filter(contradicts).count();
    let message = format!("Patient Position contradicts Image Orientation in {contradicting} slices");
    let warning = (contradicting > 0).then(|| Reason::new(Code::PatientPosition, message));
    let warnings = warning.into_iter().collect();
    Series { path: PathBuf::new(), slices, set_aside: Vec::new(), lost: Vec::new(), doubt, warnings }
}
