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

/// The files of one group.
#[derive(Default)]
struct Group {
    traits: Vec<Traits>,
    members: Vec<Member>,
}

impl Group {
    fn add(&mut self, traits: Vec<Traits>, members: Vec<Member>) {
        self.members.extend(members);
        for traits in traits {
            if !self.traits.contains(&traits) {
                self.traits.push(traits);
            }
        }
    }

    fn may_hold(&self, traits: &[Traits]) -> bool {
        traits.iter().any(|one| self.traits.iter().any(|other| one.may_be(other)))
    }
}

/// Returns the series that files make, in the order of their first files.
pub(super) fn group(parts: impl IntoIterator<Item = Part>) -> Vec<Series> {
    let mut named: BTreeMap<SeriesKey, Group> = BTreeMap::new();
    for Part { key, traits, members } in parts {
        named.entry(key).or_default().add(vec![traits], members);
    }
    let (mut named, unnamed): (BTreeMap<_, _>, BTreeMap<_, _>) =
        named.into_iter().partition(|(key, _)| matches!(key, SeriesKey::Named(_)));
    let mut alone = Vec::new();
    for (_, Group { traits, members }) in unnamed {
        let mut homes = named.values_mut().filter(|group| group.may_hold(&traits));
        match (homes.next(), homes.next()) {
            (Some(home), None) => home.add(traits, members),
            _ => alone.push(Group { traits, members }),
        }
    }
    named.into_values().chain(alone).flat_map(split).collect()
}

/// Splits the files of one group into those that may make one volume each. Files that cannot be used are
/// listed with the first, and missing in all.
fn split(Group { mut members, .. }: Group) -> Vec<Series> {
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

/// Hands files that could not be read, and do not say whose they are, to the series of their folder; where a
/// folder holds several, each is warned. Returns those that no series can be missing.
pub(super) fn hand_out(orphans: Vec<Refused>, series: &mut [Series]) -> Vec<Refused> {
    let mut by_folder: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (index, one) in series.iter().enumerate() {
        for folder in one.slices.iter().filter_map(|slice| slice.path.parent()) {
            let there = by_folder.entry(folder.to_path_buf()).or_default();
            if there.last() != Some(&index) {
                there.push(index);
            }
        }
    }
    let mut homeless = Vec::new();
    for orphan in orphans {
        match orphan.path.parent().and_then(|folder| by_folder.get(folder)).map(Vec::as_slice) {
            Some(&[only]) => {
                series[only].lost.push(orphan.clone());
                series[only].set_aside.push(orphan);
            }
            Some(several) => {
                let message = "a file of its folder cannot be read, and may be a slice of this series";
                several.iter().for_each(|index| {
                    series[*index].warnings.push(Reason::new(Code::Partial, message));
                });
                homeless.push(orphan);
            }
            None => homeless.push(orphan),
        }
    }
    homeless
}
