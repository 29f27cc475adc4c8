//! Splits the slices of one Series Instance UID into those that may make one volume each.

use super::{Acquisition, Slice, SliceHeader};

/// Pixel spacings and directions that differ by less are the same.
const SAME_WITHIN: f64 = 1e-4;
/// Heights along the normal that differ by less are one position.
const SAME_POSITION_MM: f64 = 0.01;
/// Fewest positions of a part that is told apart by a mark: a mark of single slices is no phase.
const LEAST_POSITIONS: usize = 3;

/// Returns the slices in clusters of equal frame of reference, size, pixel spacing and orientation;
/// where several of a cluster lie at one position, split by what tells them apart (kernel, image
/// type, acquisition, phase). Clusters and slices keep the order in which they come.
pub(super) fn clusters(slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    grouped(slices, |a, b| alike(&a.header, &b.header)).into_iter().flat_map(by_marks).collect()
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

fn alike(a: &SliceHeader, b: &SliceHeader) -> bool {
    let spacing_differs =
        (0..2).any(|axis| (a.pixel_spacing_mm[axis] - b.pixel_spacing_mm[axis]).abs() > SAME_WITHIN);
    a.frame_of_reference == b.frame_of_reference
        && (a.format.rows, a.format.columns) == (b.format.rows, b.format.columns)
        && !spacing_differs
        && a.row_direction.abs_diff_eq(b.row_direction, SAME_WITHIN)
        && a.column_direction.abs_diff_eq(b.column_direction, SAME_WITHIN)
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
    let mut along_mm: Vec<f64> = slices.map(|slice| slice.header.position_mm.dot(normal)).collect();
    along_mm.sort_by(f64::total_cmp);
    let mut there = f64::NEG_INFINITY;
    along_mm
        .into_iter()
        .filter(|at_mm| {
            let is_new = at_mm - there >= SAME_POSITION_MM;
            if is_new {
                there = *at_mm;
            }
            is_new
        })
        .count()
}
