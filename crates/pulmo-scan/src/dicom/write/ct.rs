//! Writing a volume as a CT series: one CT Image Storage file per slice.

use std::fs;
use std::path::{Path, PathBuf};

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use glam::{DVec2, DVec3};

use super::decimal::{decimal, decimals};
use dicom_object::InMemDicomObject;

use super::object::{DicomObject, PutAttribute};
use super::pixel_layout::bits_of;
use super::uid::uid;
use super::{PixelLayout, WriteError};
use crate::geometry::{Grid, Unit};
use crate::units::Millimetres;
use crate::volume::Volume;

/// How the patient lay in the scanner (PS3.3 C.7.3.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientPosition {
    /// Head first, supine.
    Hfs,
    /// Head first, prone.
    Hfp,
    /// Feet first, supine.
    Ffs,
    /// Feet first, prone.
    Ffp,
}

impl PatientPosition {
    /// The defined term, such as `HFS`.
    pub fn term(self) -> &'static str {
        match self {
            Self::Hfs => "HFS",
            Self::Hfp => "HFP",
            Self::Ffs => "FFS",
            Self::Ffp => "FFP",
        }
    }
}

/// The values that a viewer spreads from black to white at first (Window Center and Window Width).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DisplayWindow {
    /// The middle one.
    pub centre_hu: f64,
    /// How many.
    pub width_hu: f64,
}

/// What the files say besides values and geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct CtSeriesDescription {
    /// Patient ID and patient name.
    pub patient_id: String,
    /// Whether no patient was scanned (Synthetic Data).
    pub is_synthetic: bool,
    /// Image Type, its values parted by backslashes.
    pub image_type: String,
    /// Manufacturer of what made the images.
    pub manufacturer: String,
    /// Body Part Examined, a defined term such as `CHEST`.
    pub body_part: String,
    /// Series Description.
    pub series_description: String,
    /// Series, study, frame-of-reference and instance UIDs are drawn from this seed's stream.
    pub uid_seed: u64,
    /// How the patient lay.
    pub patient_position: PatientPosition,
    /// Slice Thickness, which may differ from the distance between slices.
    pub slice_thickness_mm: Millimetres,
    /// Peak tube voltage in kilovolts.
    pub kvp: f64,
    /// Convolution Kernel, as the vendors name it.
    pub convolution_kernel: String,
    /// How values are stored.
    pub layout: PixelLayout,
    /// Which values a viewer shows at first.
    pub window: DisplayWindow,
    /// Stored as Pixel Padding Value in each pixel whose centre lies outside the circle inscribed
    /// in the image; `None` writes the volume's values there and no such attribute. Clipped to the layout.
    pub padding_stored: Option<i32>,
    /// One file name for each slice of the volume, in the order of the volume's z index.
    pub file_names: Vec<String>,
    /// Instance Number falls, not grows, with the volume's z index.
    pub instances_descend: bool,
}

/// Returns the paths of the files written into `folder` (made where absent), in the order of the
/// volume's z index: one single-frame CT Image Storage instance for each slice, Explicit VR
/// Little Endian, uncompressed.
///
/// Each slice's position is the grid's own, so flipped, oblique and sheared (tilted-gantry)
/// stacks are written as they are. UIDs are `2.25.` and a random 128-bit number (PS3.5 B.2),
/// the same for the same seed. Values are rounded to whole Hounsfield units and clipped to the layout.
///
/// # Units
/// `volume` is in Hounsfield units on a grid in millimetres.
///
/// # Errors
/// [`WriteError`] where the names do not match the slices, the grid is a picture's or too large,
/// or a file cannot be written.
///
/// # References
/// DICOM PS3.3 A.3 (CT Image IOD), C.7.6.2 (Image Plane), C.8.2.1 (CT Image), C.7.5.1.1.2 (padding).
pub fn write_ct_series(
    folder: &Path,
    volume: &Volume,
    description: &CtSeriesDescription,
) -> Result<Vec<PathBuf>, WriteError> {
    let series = Series::new(volume.grid(), description)?;
    fs::create_dir_all(folder).map_err(|source| WriteError::Io { path: folder.to_owned(), source })?;
    let [_, rows, columns] = volume.grid().shape_zyx();
    let mut paths = Vec::with_capacity(description.file_names.len());
    let slices = volume.as_slice().chunks_exact(rows * columns);
    for (z, (slice_hu, name)) in slices.zip(&description.file_names).enumerate() {
        let path = folder.join(name);
        series.slice(z, slice_hu).write(&path)?;
        paths.push(path);
    }
    Ok(paths)
}

/// What all slices of one series share.
struct Series<'a> {
    grid: &'a Grid,
    description: &'a CtSeriesDescription,
    rows: u16,
    columns: u16,
    study_uid: String,
    series_uid: String,
    frame_uid: String,
}

impl<'a> Series<'a> {
    fn new(grid: &'a Grid, description: &'a CtSeriesDescription) -> Result<Self, WriteError> {
        let [slices, rows, columns] = grid.shape_zyx();
        if grid.unit() != Unit::Millimetre {
            return Err(WriteError::NoMillimetres);
        }
        if description.file_names.len() != slices {
            return Err(WriteError::FileNames { names: description.file_names.len(), slices });
        }
        let (Ok(rows_16), Ok(columns_16)) = (u16::try_from(rows), u16::try_from(columns)) else {
            return Err(WriteError::TooLarge { rows, columns });
        };
        let uid = |which| uid(description.uid_seed, which);
        Ok(Self {
            grid,
            description,
            rows: rows_16,
            columns: columns_16,
            study_uid: uid(0),
            series_uid: uid(1),
            frame_uid: uid(2),
        })
    }

    /// One slice as an object.
    fn slice(&self, z: usize, slice_hu: &[f32]) -> DicomObject {
        let sop_instance = uid(self.description.uid_seed, 3 + z as u64);
        let mut object = InMemDicomObject::new_empty();
        self.put_study(&mut object);
        self.put_plane(&mut object, z);
        self.put_pixels(&mut object, slice_hu);
        DicomObject::named(uids::CT_IMAGE_STORAGE, sop_instance, object)
    }

    fn put_study(&self, object: &mut InMemDicomObject) {
        let d = self.description;
        for (tag, vr, text) in [
            (tags::SYNTHETIC_DATA, VR::CS, if d.is_synthetic { "YES" } else { "NO" }),
            (tags::IMAGE_TYPE, VR::CS, &d.image_type),
            (tags::STUDY_DATE, VR::DA, ""),
            (tags::STUDY_TIME, VR::TM, ""),
            (tags::ACCESSION_NUMBER, VR::SH, ""),
            (tags::MODALITY, VR::CS, "CT"),
            (tags::MANUFACTURER, VR::LO, &d.manufacturer),
            (tags::REFERRING_PHYSICIAN_NAME, VR::PN, ""),
            (tags::SERIES_DESCRIPTION, VR::LO, &d.series_description),
            (tags::PATIENT_NAME, VR::PN, &d.patient_id),
            (tags::PATIENT_ID, VR::LO, &d.patient_id),
            (tags::PATIENT_BIRTH_DATE, VR::DA, ""),
            (tags::PATIENT_SEX, VR::CS, ""),
            (tags::BODY_PART_EXAMINED, VR::CS, &d.body_part),
            (tags::KVP, VR::DS, &decimal(d.kvp)),
            (tags::CONVOLUTION_KERNEL, VR::SH, &d.convolution_kernel),
            (tags::PATIENT_POSITION, VR::CS, d.patient_position.term()),
            (tags::STUDY_INSTANCE_UID, VR::UI, &self.study_uid),
            (tags::SERIES_INSTANCE_UID, VR::UI, &self.series_uid),
            (tags::STUDY_ID, VR::SH, ""),
            (tags::SERIES_NUMBER, VR::IS, "1"),
            (tags::ACQUISITION_NUMBER, VR::IS, "1"),
            (tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.frame_uid),
            (tags::POSITION_REFERENCE_INDICATOR, VR::LO, ""),
        ] {
            object.put_text(tag, vr, text);
        }
    }

    fn put_plane(&self, object: &mut InMemDicomObject, z: usize) {
        let d = self.description;
        let [spacing_z, spacing_y, spacing_x] = self.grid.spacing_mm();
        let [_, down, along] = self.grid.direction();
        let position = self.grid.patient_point(DVec3::new(0.0, 0.0, z as f64));
        let orientation = [along.to_array(), down.to_array()].concat();
        let slices = self.grid.shape_zyx()[0];
        let instance = if d.instances_descend { slices - z } else { z + 1 };
        let location = position.dot(along.cross(down).normalize());
        for (tag, vr, text) in [
            (tags::SLICE_THICKNESS, VR::DS, decimal(d.slice_thickness_mm)),
            (tags::SPACING_BETWEEN_SLICES, VR::DS, decimal(spacing_z)),
            (tags::INSTANCE_NUMBER, VR::IS, instance.to_string()),
            (tags::IMAGE_POSITION_PATIENT, VR::DS, decimals(&position.to_array())),
            (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, decimals(&orientation)),
            (tags::SLICE_LOCATION, VR::DS, decimal(location)),
            (tags::PIXEL_SPACING, VR::DS, decimals(&[spacing_y, spacing_x])),
        ] {
            object.put_text(tag, vr, &text);
        }
    }

    fn put_pixels(&self, object: &mut InMemDicomObject, slice_hu: &[f32]) {
        let CtSeriesDescription { layout, window, .. } = self.description;
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, self.rows),
            (tags::COLUMNS, self.columns),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, layout.bits()),
            (tags::HIGH_BIT, layout.bits() - 1),
            (tags::PIXEL_REPRESENTATION, u16::from(layout.signed())),
        ] {
            object.put_number(tag, value);
        }
        for (tag, vr, text) in [
            (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
            (tags::WINDOW_CENTER, VR::DS, &decimal(window.centre_hu)),
            (tags::WINDOW_WIDTH, VR::DS, &decimal(window.width_hu)),
            (tags::RESCALE_INTERCEPT, VR::DS, &layout.intercept().to_string()),
            (tags::RESCALE_SLOPE, VR::DS, "1"),
            (tags::RESCALE_TYPE, VR::LO, "HU"),
        ] {
            object.put_text(tag, vr, text);
        }
        let mut stored: Vec<u16> = slice_hu.iter().map(|hu| layout.stored(*hu)).collect();
        if let Some(padding) = self.padding() {
            let value = PrimitiveValue::from(padding);
            let vr = if layout.signed() { VR::SS } else { VR::US };
            object.put_value(tags::PIXEL_PADDING_VALUE, vr, value);
            self.pad(&mut stored, padding);
        }
        let bytes: Vec<u8> = stored.iter().flat_map(|value| value.to_le_bytes()).collect();
        object.put_value(tags::PIXEL_DATA, VR::OW, PrimitiveValue::from(bytes));
    }

    fn padding(&self) -> Option<u16> {
        let (low, high) = self.description.layout.stored_range();
        self.description.padding_stored.map(|stored| bits_of(stored.clamp(low, high)))
    }

    fn pad(&self, stored: &mut [u16], padding: u16) {
        let size = DVec2::new(f64::from(self.columns), f64::from(self.rows));
        let radius = size.min_element() / 2.0;
        for (row, values) in stored.chunks_exact_mut(usize::from(self.columns)).enumerate() {
            for (column, value) in values.iter_mut().enumerate() {
                let from_centre = DVec2::new(column as f64, row as f64) + 0.5 - size / 2.0;
                if from_centre.length_squared() > radius * radius {
                    *value = padding;
                }
            }
        }
    }
}
