//! How a pass on arrays larger than a device can bind is cut into dispatches on parts of them.
//!
//! An array is one buffer; a dispatch binds the run of whole planes that it reads and the run that it
//! writes. Each output voxel is worked out by exactly one dispatch, from the same values in the same
//! order as without cutting, so that the result is the same bit for bit.

use std::ops::Range;

use super::layout::Chunk;
use super::{Pass, Reads, Work};

/// What a device can bind and dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of one binding.
    pub(super) binding_bytes: u64,
    /// Bytes that the start of a binding is a multiple of.
    pub(super) alignment: u64,
    /// Workgroups along an axis.
    pub(super) workgroups: u32,
}

/// One dispatch of a pass: what it binds of input and output in bytes, and what the kernel is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dispatch {
    pub(super) chunk: Chunk,
    pub(super) planes: usize,
    pub(super) input: Range<u64>,
    pub(super) output: Range<u64>,
}

/// A run of planes.
type Planes = Range<usize>;

/// The planes of an array as bytes.
#[derive(Clone, Copy)]
struct Array {
    plane_bytes: u64,
    limits: Limits,
}

impl Array {
    /// The bytes bound for a run of planes.
    fn bytes(&self, planes: &Planes) -> Range<u64> {
        let [start, end] = [planes.start, planes.end].map(|plane| plane as u64 * self.plane_bytes);
        start - start % self.limits.alignment..end.next_multiple_of(4)
    }

    fn fits(&self, planes: &Planes) -> bool {
        let bytes = self.bytes(planes);
        bytes.end - bytes.start <= self.limits.binding_bytes
    }
}

/// The dispatches of a pass in order; `None` where not even one plane fits.
pub(super) fn dispatches(pass: &Pass, limits: Limits) -> Option<Vec<Dispatch>> {
    let plane = |[_, y, x]: [usize; 3], bytes: u64| Array { plane_bytes: (y * x) as u64 * bytes, limits };
    let input = plane(pass.in_shape_zyx, pass.work.in_value_bytes());
    let output = plane(pass.out_shape_zyx, 4);
    let most = limits.workgroups as usize * pass.work.tile_xyz()[2] as usize;
    let writable = |planes: &Planes| planes.len() <= most && output.fits(planes);
    let (in_planes, out_planes) = (0..pass.in_shape_zyx[0], 0..pass.out_shape_zyx[0]);
    let cuts: Vec<[Planes; 3]> = match &pass.reads {
        Reads::Planes(reads) => {
            let read = |planes: &Planes| {
                let reads = &reads[planes.clone()];
                let start = reads.iter().map(|[start, _]| *start).min().unwrap_or(0);
                start..reads.iter().map(|[_, end]| *end).max().unwrap_or(0)
            };
            match runs(out_planes.clone(), |planes| writable(planes) && input.fits(&read(planes))) {
                Some(runs) => {
                    runs.into_iter().map(|run| [run.clone(), read(&run), in_planes.clone()]).collect()
                }
                // Sums over more planes than can be bound go on from dispatch to dispatch.
                None if matches!(pass.work, Work::Separable(_)) => {
                    pairs(&runs(out_planes, writable)?, &runs(in_planes, |planes| input.fits(planes))?)
                        .map(|[run, from]| [run, from.clone(), from])
                        .collect()
                }
                None => return None,
            }
        }
        Reads::Anywhere { margin } => {
            let around = |planes: &Planes| {
                planes.start.saturating_sub(*margin)..(planes.end + margin).min(in_planes.end)
            };
            let sources = runs(in_planes.clone(), |planes| input.fits(&around(planes)))?;
            let written = runs(out_planes, writable)?;
            pairs(&written, &sources).map(|[run, from]| [run, around(&from), from]).collect()
        }
    };
    cuts.into_iter().map(|cut| dispatch(cut, input, output)).collect()
}

fn dispatch([written, read, taken]: [Planes; 3], input: Array, output: Array) -> Option<Dispatch> {
    let (in_bytes, out_bytes) = (input.bytes(&read), output.bytes(&written));
    let number = |value: usize| u32::try_from(value).ok();
    let words = |bytes: u64| u32::try_from(bytes / 4).ok();
    let chunk = Chunk {
        first_z: number(written.start)?,
        end_z: number(written.end)?,
        from_z: number(taken.start)?,
        to_z: number(taken.end)?,
        in_offset: words(in_bytes.start)?,
        out_offset: words(out_bytes.start)?,
        padding_0: 0,
        padding_1: 0,
    };
    Some(Dispatch { chunk, planes: written.len(), input: in_bytes, output: out_bytes })
}

/// Each run of written planes with each run of source planes, those in ascending order.
fn pairs<'a>(written: &'a [Planes], sources: &'a [Planes]) -> impl Iterator<Item = [Planes; 2]> + 'a {
    written.iter().flat_map(|run| sources.iter().map(|from| [run.clone(), from.clone()]))
}

/// The planes cut into the longest runs that fit, first to last; `None` where one plane does not fit.
fn runs(planes: Planes, fits: impl Fn(&Planes) -> bool) -> Option<Vec<Planes>> {
    let mut runs: Vec<Planes> = Vec::new();
    for plane in planes {
        let longer = runs.last().map(|run| run.start..plane + 1).filter(&fits);
        match (longer, runs.last_mut()) {
            (Some(longer), Some(last)) => *last = longer,
            _ if fits(&(plane..plane + 1)) => runs.push(plane..plane + 1),
            _ => return None,
        }
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{Ramp, SeparableParams};

    fn limits(binding_bytes: u64) -> Limits {
        Limits { binding_bytes, alignment: 16, workgroups: 65_535 }
    }

    /// Planes of 3 x 5 values, so that planes do not start at multiples of 16 bytes.
    fn pass(planes: usize, reads: Reads) -> Pass {
        let pass = Pass::intensity(Ramp::IDENTITY, [planes, 3, 5]);
        Pass { reads, ..pass }
    }

    #[test]
    fn what_fits_is_one_dispatch() {
        for reads in [Reads::around(1, 7), Reads::Anywhere { margin: 2 }] {
            let all = dispatches(&pass(7, reads), limits(7 * 60)).unwrap();
            let [only] = all.as_slice() else { panic!("{all:?}") };
            assert_eq!((only.input.clone(), only.output.clone()), (0..420, 0..420));
            assert_eq!((only.chunk.first_z, only.chunk.end_z, only.chunk.to_z), (0, 7, 7));
        }
    }

    #[test]
    fn every_plane_is_written_once_and_what_it_reads_is_bound() {
        for binding in [196, 256, 300] {
            let reads = Reads::around(1, 9);
            let all = dispatches(&pass(9, reads), limits(binding)).unwrap();
            let mut next = 0;
            for dispatch in &all {
                assert_eq!(dispatch.chunk.first_z, next);
                next = dispatch.chunk.end_z;
                for bytes in [&dispatch.input, &dispatch.output] {
                    assert!(bytes.start % 16 == 0 && bytes.end - bytes.start <= binding);
                }
                assert!(dispatch.input.start <= u64::from(dispatch.chunk.first_z.saturating_sub(1)) * 60);
                assert!(dispatch.input.end >= u64::from((dispatch.chunk.end_z + 1).min(9)) * 60);
            }
            assert!(next == 9 && all.len() > 1);
        }
    }

    #[test]
    fn every_pair_of_written_and_source_planes_is_taken_once() {
        let all = dispatches(&pass(9, Reads::Anywhere { margin: 1 }), limits(256)).unwrap();
        for (written, source) in (0..9).flat_map(|z| (0..9).map(move |from| (z, from))) {
            let takes = |d: &&Dispatch| {
                (d.chunk.first_z..d.chunk.end_z).contains(&written)
                    && (d.chunk.from_z..d.chunk.to_z).contains(&source)
            };
            assert_eq!(all.iter().filter(takes).count(), 1);
        }
    }

    #[test]
    fn long_sums_go_on_from_dispatch_to_dispatch() {
        let (in_shape, out_shape, tile) = ([5, 3, 9], [5, 3, 2], [16, 1, 16]);
        let params = SeparableParams { in_shape, axis: 2, out_shape, width: 9, tile, span: 9 };
        let work = Work::Separable(params);
        let pass = Pass { work, out_shape_zyx: [2, 3, 5], ..pass(9, Reads::Planes(vec![[0, 9]; 2])) };
        let all = dispatches(&pass, limits(256)).unwrap();
        let sources: Vec<_> = all.iter().map(|d| (d.chunk.from_z, d.chunk.to_z)).collect();
        assert_eq!(sources, [(0, 4), (4, 8), (8, 9)]);
    }

    #[test]
    fn a_plane_that_does_not_fit_is_refused() {
        assert_eq!(dispatches(&pass(2, Reads::around(0, 2)), limits(48)), None);
        assert_eq!(dispatches(&pass(9, Reads::Anywhere { margin: 2 }), limits(120)), None);
    }
}
