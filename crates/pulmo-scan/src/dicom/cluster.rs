//! Splits the slices of one group of files into those that may make one volume each.

use glam::DVec3;

use super::identity::{PatientStudy, differ};
use super::{Acquisition, Doubt, Slice, SliceHeader};

/// Pixel spacings that differ by less (in millimetres) are the same.
const SAME_WITHIN_MM: f64 = 1e-4;
/// Directions that differ by less are the same: scanners write them with few digits.
const SAME_WITHIN_DEGREES: f64 = 0.1;
/// Slices whose normals differ by less lie along one line, and may lie among each other.
const ALONG_WITHIN_DEGREES: f64 = 10.0;
/// Heights along the normal that differ by less are one position.
const SAME_POSITION_MM: f64 = 0.01;
/// Fewest positions of a part that stands for itself: a mark of single slices is no phase.
const LEAST_POSITIONS: usize = 3;
/// Steps from the end of a part within which a few slices continue it.
const NEXT_WITHIN_STEPS: f64 = 1.5;

/// Slices that may make one volume.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cluster {
    /// In the order in which they came.
    pub(super) slices: Vec<Slice>,
    /// Why it cannot be told which of them are one scan; `None` where nothing speaks against it.
    pub(super) doubt: Option<Doubt>,
}

/// Returns the slices in clusters of one patient, study, frame of reference, size, pixel spacing and
/// orientation, where what a header does not tell contradicts nothing; where several slices of a cluster
/// lie at one position, split by what tells them apart (kernel, image type, acquisition, phase). Clusters
/// and slices keep the order in which they come.
///
/// Clusters that lie among each other along one normal, or are few slices beside others, are one doubtful
/// scan: half of a scan must never pass for one. Where they share their positions they are images of
/// the same places (reconstructions), and where they lie apart they are passes: both stay separate.
pub(super) fn clusters(slices: Vec<Slice>) -> Vec<Cluster> {
    let parts = doubtful(alike(slices));
    parts
        .into_iter()
        .flat_map(|part| match part.doubt {
            Some(_) => vec![part],
            None => by_marks(part.slices).into_iter().map(|slices| Cluster { slices, doubt: None }).collect(),
        })
        .collect()
}

/// What the slices of a group say together.
struct Known {
    patient_study: PatientStudy,
    frame_of_reference: Option<String>,
    /// Places of the slices in the order in which they came.
    members: Vec<usize>,
}

impl Known {
    /// Whether what is known of both does not differ.
    fn may_be(&self, patient_study: &PatientStudy, frame_of_reference: Option<&String>) -> bool {
        self.patient_study.may_be(patient_study)
            && !differ(self.frame_of_reference.as_ref(), frame_of_reference)
    }

    fn may_hold(&self, slices: &[Slice], header: &SliceHeader) -> bool {
        self.may_be(&header.patient_study, header.frame_of_reference.as_ref())
            && difference_of_grid(&slices[self.members[0]].header, header).is_none()
    }
}

/// Groups slices of which nothing known differs. What says more comes first, so that a slice that says
/// little joins the one group that it fits; where it fits several it stands with others like it.
fn alike(slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    let known = |header: &SliceHeader| {
        header.patient_study.known() + usize::from(header.frame_of_reference.is_some())
    };
    let mut order: Vec<usize> = (0..slices.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(known(&slices[*index].header)));
    let mut groups: Vec<Known> = Vec::new();
    for index in order {
        let header = &slices[index].header;
        let homes: Vec<usize> =
            (0..groups.len()).filter(|group| groups[*group].may_hold(&slices, header)).collect();
        let are_one = |first: &Known| {
            let other = |home: &usize| &groups[*home];
            homes
                .iter()
                .map(other)
                .all(|other| first.may_be(&other.patient_study, other.frame_of_reference.as_ref()))
        };
        match homes.first().filter(|first| are_one(&groups[**first])) {
            Some(home) => {
                let home = &mut groups[*home];
                home.patient_study = home.patient_study.with(&header.patient_study);
                if home.frame_of_reference.is_none() {
                    home.frame_of_reference.clone_from(&header.frame_of_reference);
                }
                home.members.push(index);
            }
            None => groups.push(Known {
                patient_study: header.patient_study,
                frame_of_reference: header.frame_of_reference.clone(),
                members: vec![index],
            }),
        }
    }
    groups.iter_mut().for_each(|group| group.members.sort_unstable());
    groups.sort_by_key(|group| group.members[0]);
    let mut slices: Vec<Option<Slice>> = slices.into_iter().map(Some).collect();
    let taken = |group: &Known, slices: &mut Vec<Option<Slice>>| {
        group.members.iter().filter_map(|index| slices[*index].take()).collect()
    };
    groups.iter().map(|group| taken(group, &mut slices)).collect()
}

/// The attribute of size, spacing or orientation in which two slices differ.
fn difference_of_grid(a: &SliceHeader, b: &SliceHeader) -> Option<&'static str> {
    let spacing_differs =
        (0..2).any(|axis| (a.pixel_spacing_mm[axis] - b.pixel_spacing_mm[axis]).abs() > SAME_WITHIN_MM);
    let turned = |a: DVec3, b: DVec3| a.angle_between(b).to_degrees() > SAME_WITHIN_DEGREES;
    [
        ((a.format.rows, a.format.columns) != (b.format.rows, b.format.columns), "Rows and Columns"),
        (spacing_differs, "Pixel Spacing"),
        (
            turned(a.row_direction, b.row_direction) || turned(a.column_direction, b.column_direction),
            "Image Orientation (Patient)",
        ),
    ]
    .into_iter()
    .find_map(|(differs, name)| differs.then_some(name))
}

/// The first attribute in which two slices differ.
fn difference(a: &SliceHeader, b: &SliceHeader) -> Option<&'static str> {
    let of_patient = || a.patient_study.has_other_patient(&b.patient_study).then_some("Patient ID");
    let of_study = || a.patient_study.has_other_study(&b.patient_study).then_some("Study Instance UID");
    let of_frame = || {
        differ(a.frame_of_reference.as_ref(), b.frame_of_reference.as_ref())
            .then_some("Frame of Reference UID")
    };
    of_patient().or_else(of_study).or_else(of_frame).or_else(|| difference_of_grid(a, b))
}

/// Joins parts that lie among each other to one doubtful cluster.
fn doubtful(parts: Vec<Vec<Slice>>) -> Vec<Cluster> {
    let mut joined: Vec<usize> = (0..parts.len()).collect();
    for (index, part) in parts.iter().enumerate() {
        for other in 0..index {
            if lie_among_each_other(&parts[other], part) {
                let (from, to) = (joined[index].max(joined[other]), joined[index].min(joined[other]));
                joined.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
            }
        }
    }
    let mut clusters: Vec<Cluster> = parts.iter().map(|_| Cluster::default()).collect();
    let counts = |group: usize| joined.iter().filter(|other| **other == group).count();
    let firsts: Vec<&SliceHeader> = parts.iter().map(|part| &part[0].header).collect();
    for (index, group) in joined.iter().copied().enumerate().filter(|(index, group)| index != group) {
        let differ_in = difference(firsts[group], firsts[index]).unwrap_or("what their headers leave out");
        let parts = counts(group);
        clusters[group].doubt.get_or_insert(Doubt { parts, differ_in });
    }
    for (part, group) in parts.into_iter().zip(&joined) {
        clusters[*group].slices.extend(part);
    }
    clusters.retain(|cluster| !cluster.slices.is_empty());
    for cluster in clusters.iter_mut().filter(|cluster| cluster.doubt.is_some()) {
        cluster.slices.sort_by(|a, b| (&a.path, a.frame).cmp(&(&b.path, b.frame)));
    }
    clusters
}

/// Whether two parts lie along one line and among each other, or one is a few slices beside the other.
fn lie_among_each_other(a: &[Slice], b: &[Slice]) -> bool {
    let normal = a[0].header.normal();
    let angle = normal.angle_between(b[0].header.normal()).to_degrees();
    if angle > ALONG_WITHIN_DEGREES {
        return false;
    }
    let [a, b] = [a, b].map(|part| heights(part.iter(), normal));
    let shared = a.iter().filter(|at| b.iter().any(|other| (*at - other).abs() < SAME_POSITION_MM)).count();
    if 2 * shared >= a.len().min(b.len()) {
        return false;
    }
    let (from, to) = (a[0].max(b[0]), a[a.len() - 1].min(b[b.len() - 1]));
    if from < to || a.len().min(b.len()) == 1 && from == to {
        return true;
    }
    // apart: passes of their own, unless one is too short to be one and follows on the other
    let step = step_of(&a).max(step_of(&b));
    let is_next = step == 0.0 || from - to <= NEXT_WITHIN_STEPS * step;
    a.len().min(b.len()) < LEAST_POSITIONS && is_next
}

/// The largest distance of neighbours; 0 of a single position.
fn step_of(heights_mm: &[f64]) -> f64 {
    heights_mm.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

fn grouped(slices: Vec<Slice>, same: impl Fn(&Slice, &Slice) -> bool) -> Vec<Vec<Slice>> {
    let mut groups: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        match groups.iter_mut().find(|group| same(&group[0], &slice)) {
            Some(group) => group.push(slice),
            None => groups.push(vec![slice]),
        }
    }
    groups
}

/// Splits slices that share positions by the first mark that makes fewer share one, and its parts by
/// the next. Slices that no mark tells apart stay together: copies, or a reason to refuse.
fn by_marks(slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    let sharing = slices.len() - positions(slices.iter());
    if sharing == 0 {
        return vec![slices];
    }
    for mark in 0..Acquisition::MARKS.len() {
        let value = |slice: &Slice| slice.header.acquisition.marks[mark].clone();
        let mut values: Vec<Option<String>> = slices.iter().map(value).collect();
        values.sort_unstable();
        values.dedup();
        let counts = |wanted: &Option<String>| {
            let part = || slices.iter().filter(|slice| slice.header.acquisition.marks[mark] == *wanted);
            (part().count(), positions(part()))
        };
        // a mark of more than half as many values as slices cannot make parts that are large enough
        if values.len() < 2 || values.len() * LEAST_POSITIONS > slices.len() {
            continue;
        }
        let parts: Vec<(usize, usize)> = values.iter().map(counts).collect();
        let still_sharing: usize = parts.iter().map(|(slices, positions)| slices - positions).sum();
        if still_sharing < sharing && parts.iter().all(|(_, positions)| *positions >= LEAST_POSITIONS) {
            return grouped(slices, |a, b| value(a) == value(b)).into_iter().flat_map(by_marks).collect();
        }
    }
    vec![slices]
}

/// The number of different heights along the normal.
fn positions<'a>(slices: impl Iterator<Item = &'a Slice>) -> usize {
    let mut slices = slices.peekable();
    let Some(normal) = slices.peek().map(|slice| slice.header.normal()) else { return 0 };
    heights(slices, normal).len()
}

/// The different heights along the normal, ascending.
fn heights<'a>(slices: impl Iterator<Item = &'a Slice>, normal: DVec3) -> Vec<f64> {
    let mut along_mm: Vec<f64> = slices.map(|slice| slice.header.position_mm.dot(normal)).collect();
    along_mm.sort_by(f64::total_cmp);
    along_mm.dedup_by(|at_mm, there_mm| *at_mm - *there_mm < SAME_POSITION_MM);
    along_mm
}
