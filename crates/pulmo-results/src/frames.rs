//! Where the frames of a segmentation lie, and which images they were made of.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use glam::DVec3;
use pulmo_scan::dicom::{PutAttribute, decimal, decimals};
use pulmo_scan::geometry::Grid;

use super::ResultsError;
use super::concept::{IMAGE_PROCESSED, SEGMENTED};
use super::origin_study::OriginStudy;

/// Cosine of the angle between rows and columns below which they are perpendicular.
const PERPENDICULAR_WITHIN: f64 = 1e-3;

/// Share of the distance between frames within which a frame and a source image are one plane: the volume's grid is
/// the mean of its slices' positions.
const SAME_PLANE_WITHIN: f64 = 0.1;

/// The slices of a volume as frames.
pub(crate) struct SegmentFrames<'a> {
    grid: &'a Grid,
    study: &'a OriginStudy<'a>,
    /// Rows and columns.
    pub(crate) shape: [u16; 2],
    normal: DVec3,
    spacing_mm: f64,
}

impl<'a> SegmentFrames<'a> {
    /// The frames of a volume's grid.
    ///
    /// # Errors
    /// [`ResultsError`] where a frame is no DICOM image.
    pub(crate) fn of(grid: &'a Grid, study: &'a OriginStudy<'a>) -> Result<Self, ResultsError> {
        let [_, rows, columns] = grid.shape_zyx();
        let (Ok(rows_16), Ok(columns_16)) = (u16::try_from(rows), u16::try_from(columns)) else {
            return Err(ResultsError::TooLarge { rows, columns });
        };
        let [step, down, along] = grid.direction();
        let cosine = along.dot(down);
        if cosine.abs() > PERPENDICULAR_WITHIN {
            return Err(ResultsError::Skewed { cosine });
        }
        let normal = along.cross(down).normalize();
        let spacing_mm = grid.spacing_mm()[0] * step.dot(normal).abs();
        Ok(Self { grid, study, shape: [rows_16, columns_16], normal, spacing_mm })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.grid.shape_zyx()[0]
    }

    /// The source image that lies in the plane of a frame.
    pub(crate) fn source(&self, z: usize) -> Option<usize> {
        let corner = self.corner(z);
        let off_mm = |plane: &Grid| (plane.origin_mm() - corner).dot(self.normal).abs();
        let is_parallel = |plane: &Grid| plane.direction()[0].dot(self.normal).abs() > 1.0 - 1e-4;
        let planes = self.study.planes.iter().enumerate().filter(|(_, plane)| is_parallel(plane));
        let (index, plane) = planes.min_by(|(_, a), (_, b)| off_mm(a).total_cmp(&off_mm(b)))?;
        (off_mm(plane) <= SAME_PLANE_WITHIN * self.spacing_mm).then_some(index)
    }

    /// The source image of a frame, as a reference.
    pub(crate) fn reference(&self, z: usize) -> Option<&InMemDicomObject> {
        self.study.references.get(self.source(z)?)
    }

    fn corner(&self, z: usize) -> DVec3 {
        self.grid.patient_point(DVec3::new(0.0, 0.0, z as f64))
    }

    /// Whether a frame's pixels are those of a source image.
    fn keeps_pixels(&self, z: usize, plane: &Grid) -> bool {
        let [_, rows, columns] = self.grid.shape_zyx();
        let far = DVec3::new(columns as f64 - 1.0, rows as f64 - 1.0, 0.0);
        let places = [DVec3::ZERO, DVec3::new(far.x, 0.0, 0.0), far].map(|pixel| {
            let there = plane.voxel_point(self.grid.patient_point(pixel.with_z(z as f64)));
            (there - pixel).truncate().abs().max_element() <= SAME_PLANE_WITHIN
        });
        plane.shape_zyx()[1..] == [rows, columns] && places == [true; 3]
    }

    /// What all frames share: size of a pixel, and direction.
    pub(crate) fn shared_groups(&self) -> InMemDicomObject {
        let [_, spacing_y, spacing_x] = self.grid.spacing_mm();
        let mut measures = InMemDicomObject::new_empty();
        measures.put_text(tags::PIXEL_SPACING, VR::DS, &decimals(&[spacing_y, spacing_x]));
        measures.put_text(tags::SLICE_THICKNESS, VR::DS, &decimal(self.spacing_mm));
        measures.put_text(tags::SPACING_BETWEEN_SLICES, VR::DS, &decimal(self.spacing_mm));
        let [_, down, along] = self.grid.direction();
        let mut orientation = InMemDicomObject::new_empty();
        let directions = [along.to_array(), down.to_array()].concat();
        orientation.put_text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &decimals(&directions));
        let mut shared = InMemDicomObject::new_empty();
        shared.put_items(tags::PIXEL_MEASURES_SEQUENCE, vec![measures]);
        shared.put_items(tags::PLANE_ORIENTATION_SEQUENCE, vec![orientation]);
        shared
    }

    /// What a frame says of its place.
    pub(crate) fn own_groups(&self, z: usize) -> InMemDicomObject {
        let mut position = InMemDicomObject::new_empty();
        let corner = decimals(&self.corner(z).to_array());
        position.put_text(tags::IMAGE_POSITION_PATIENT, VR::DS, &corner);
        let mut groups = InMemDicomObject::new_empty();
        groups.put_items(tags::PLANE_POSITION_SEQUENCE, vec![position]);
        groups
    }

    /// How a frame was made of the image that lies in its plane.
    pub(crate) fn derivation(&self, z: usize) -> Option<InMemDicomObject> {
        let source = self.source(z)?;
        let mut image = source_image(self.study.references.get(source)?);
        let keeps = self.study.planes.get(source).is_some_and(|plane| self.keeps_pixels(z, plane));
        image.put_text(tags::SPATIAL_LOCATIONS_PRESERVED, VR::CS, if keeps { "YES" } else { "NO" });
        Some(derived_from(vec![image]))
    }

    /// How frames that lie in no image's plane were made of all images.
    pub(crate) fn whole_derivation(&self) -> InMemDicomObject {
        let images = self.study.references.iter().map(|reference| {
            let mut image = source_image(reference);
            image.put_text(tags::SPATIAL_LOCATIONS_PRESERVED, VR::CS, "NO");
            image
        });
        derived_from(images.collect())
    }

    /// The images that a picture of a slice was made of: the one in its plane, or all.
    pub(crate) fn source_images(&self, z: usize) -> Vec<InMemDicomObject> {
        match self.reference(z) {
            Some(reference) => vec![source_image(reference)],
            None => self.study.references.iter().map(source_image).collect(),
        }
    }
}

fn source_image(reference: &InMemDicomObject) -> InMemDicomObject {
    let mut image = reference.clone();
    image.put_items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![IMAGE_PROCESSED.item()]);
    image
}

fn derived_from(images: Vec<InMemDicomObject>) -> InMemDicomObject {
    let mut derivation = InMemDicomObject::new_empty();
    derivation.put_items(tags::DERIVATION_CODE_SEQUENCE, vec![SEGMENTED.item()]);
    derivation.put_items(tags::SOURCE_IMAGE_SEQUENCE, images);
    derivation
}
