//! The images of a series by two readers: ours and dicom-rs.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::agreement::TwoReaders;
use super::open::{DicomFile, open};
use super::{Agreement, DicomError, PixelDifference, ReaderRefusal, Slice};

/// An image of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePlace {
    /// The file.
    pub path: PathBuf,
    /// Index of the frame in a multi-frame file, from 0 on.
    pub frame: Option<usize>,
}

/// An image of which two readers give other pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferingImage {
    /// Which one.
    pub image: ImagePlace,
    /// Its first pixel that differs.
    pub difference: PixelDifference,
}

/// Images that one reader refuses for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedImages {
    /// Which reader, and why.
    pub refusal: ReaderRefusal,
    /// How many.
    pub images: usize,
    /// The first of them.
    pub first: ImagePlace,
}

/// What two readers make of the images of a series: each is equal, rounded, differing or refused.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CrossCheck {
    /// Images in all.
    pub images: usize,
    /// Images of which both give the same stored pixels.
    pub equal: usize,
    /// Images compressed by JPEG with loss whose pixels differ by its rounding only.
    pub rounded: usize,
    /// Images of which they give other pixels.
    pub differing: usize,
    /// The first of these.
    pub first_difference: Option<DifferingImage>,
    /// Images that one of them refuses, by reason.
    pub refused: Vec<RefusedImages>,
}

/// Reads the stored pixels of all slices by both readers, in the order of the slices.
pub fn cross_check(slices: &[Slice]) -> CrossCheck {
    let files: Vec<&[Slice]> = slices.chunk_by(|a, b| a.path == b.path).collect();
    let checked: Vec<Vec<Agreement>> = files.par_iter().map(|slices| check_file(slices)).collect();
    let mut check = CrossCheck::default();
    for (slice, agreement) in slices.iter().zip(checked.into_iter().flatten()) {
        check.add(slice, agreement);
    }
    check
}

/// What both make of the images of one file.
fn check_file(slices: &[Slice]) -> Vec<Agreement> {
    let path = slices.first().map_or(Path::new(""), |slice| slice.path.as_path());
    let checked = open(path).and_then(|opened| {
        let DicomFile { header, file } = opened.ok_or(DicomError::Changed)?;
        let readers = TwoReaders::of(&header, &mut file.reader())?;
        let image = |slice: &Slice| readers.image(&mut file.reader(), slice.frame.unwrap_or(0));
        let checked = slices.par_iter().map(image).collect();
        if file.is_unchanged() { Ok(checked) } else { Err(DicomError::Changed) }
    });
    checked.unwrap_or_else(|error| {
        let refusal = ReaderRefusal::from(error);
        slices.iter().map(|_| Agreement::Refused(refusal.clone())).collect()
    })
}

impl CrossCheck {
    fn add(&mut self, slice: &Slice, agreement: Agreement) {
        let image = || ImagePlace { path: slice.path.clone(), frame: slice.frame };
        self.images += 1;
        match agreement {
            Agreement::Equal => self.equal += 1,
            Agreement::Rounded => self.rounded += 1,
            Agreement::Differ(difference) => {
                self.differing += 1;
                self.first_difference.get_or_insert_with(|| DifferingImage { image: image(), difference });
            }
            Agreement::Refused(refusal) => {
                match self.refused.iter_mut().find(|refused| refused.refusal == refusal) {
                    Some(refused) => refused.images += 1,
                    None => self.refused.push(RefusedImages { refusal, images: 1, first: image() }),
                }
            }
        }
    }

    /// The same, with the paths of its images told otherwise.
    #[must_use]
    pub fn with_paths(mut self, told: impl Fn(&Path) -> PathBuf) -> Self {
        let differing = self.first_difference.iter_mut().map(|differing| &mut differing.image);
        let refused = self.refused.iter_mut().map(|refused| &mut refused.first);
        differing.chain(refused).for_each(|image| image.path = told(&image.path));
        self
    }
}
