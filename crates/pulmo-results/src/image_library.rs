//! The images that a report is about.
//!
//! # References
//! DICOM PS3.16 TID 1600, 1601, 1602.

use super::concept::{
    CHEST, CT, FRAME_OF_REFERENCE, HORIZONTAL_SPACING, IMAGE_LIBRARY, IMAGE_LIBRARY_GROUP, MILLIMETRE,
    MODALITY, PIXEL_COLUMNS, PIXEL_ROWS, PIXELS, TARGET_REGION, VERTICAL_SPACING,
};
use super::content::{Quantity, Relation, ReportItem};
use super::origin_study::OriginStudy;

/// Returns the library of all images that a scan was made of.
pub(crate) fn image_library(study: &OriginStudy<'_>) -> ReportItem {
    let images = study.references.iter().cloned().map(ReportItem::library_image);
    let group = ReportItem::container(IMAGE_LIBRARY_GROUP)
        .with_all(Relation::AcquisitionContext, descriptors(study))
        .with_all(Relation::Contains, images);
    ReportItem::container(IMAGE_LIBRARY).of_template("1600").with(Relation::Contains, group)
}

/// What holds for all images.
fn descriptors(study: &OriginStudy<'_>) -> Vec<ReportItem> {
    let mut found = vec![
        ReportItem::code(MODALITY, CT),
        ReportItem::code(TARGET_REGION, CHEST),
        ReportItem::uid(FRAME_OF_REFERENCE, &study.frame_of_reference),
    ];
    if let Some(plane) = study.planes.first() {
        let [_, rows, columns] = plane.shape_zyx().map(|side| side as f64);
        let [_, down_mm, along_mm] = plane.spacing_mm();
        found.extend(
            [
                (PIXEL_ROWS, rows, PIXELS),
                (PIXEL_COLUMNS, columns, PIXELS),
                (HORIZONTAL_SPACING, along_mm, MILLIMETRE),
                (VERTICAL_SPACING, down_mm, MILLIMETRE),
            ]
            .map(|(name, value, unit)| ReportItem::number(name, Quantity { value, unit })),
        );
    }
    found
}
