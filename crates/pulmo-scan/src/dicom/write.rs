//! Writing a volume as a CT series: one CT Image Storage file per slice.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use glam::{DVec2, DVec3};

use crate::geometry::{Grid, Unit};
use crate::units::{Hounsfield, Millimetres};
use crate::volume::Volume;
use pulmo_random::Random;

/// Why a CT series cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The description names another number of files than the volume has slices.
    #[error("{names} file names for {slices} slices")]
    FileNames {
        /// Names given.
        names: usize,
        /// Slices of the volume.
        slices: usize,
    },
    /// The volume has no size in millimetres: it comes from a picture.
    #[error("a volume without millimetres cannot be written as CT")]
    NoMillimetres,
    /// A side is longer than DICOM's 16-bit Rows and Columns can say.
    #[error("{rows} x {columns} pixels do not fit a DICOM image")]
    TooLarge {
        /// Rows of a slice.
        rows: usize,
        /// Columns of a slice.
        columns: usize,
    },
    /// The folder or a file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The DICOM encoder refused a slice.
    #[error("cannot encode {path}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        source: Box<dicom_object::WriteError>,
    },
    /// The DICOM encoder refused a slice's file meta group.
    #[error("cannot encode the file meta group of {path}")]
    Meta {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        source: Box<dicom_object::WithMetaError>,
    },
}

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

/// How Hounsfield units become 16-bit stored values; the slope is always 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelLayout {
    /// 12 bits, unsigned, intercept -1024: -1024 to 3071 HU.
    Unsigned12,
    /// 16 bits, unsigned, intercept -1024: -1024 to 64511 HU.
    Unsigned16,
    /// 12 bits, two's complement, intercept 0: -2048 to 2047 HU.
    Signed12,
    /// 16 bits, two's complement, intercept 0: -32768 to 32767 HU.
    Signed16,
}

impl PixelLayout {
    fn bits(self) -> u16 {
        if matches!(self, Self::Unsigned12 | Self::Signed12) { 12 } else { 16 }
    }

    fn signed(self) -> bool {
        matches!(self, Self::Signed12 | Self::Signed16)
    }

    fn intercept(self) -> i32 {
        if self.signed() { 0 } else { -1024 }
    }

    fn stored_range(self) -> (i32, i32) {
        let values = 1i32 << self.bits();
        if self.signed() { (-values / 2, values / 2 - 1) } else { (0, values - 1) }
    }

    /// The stored value whose Hounsfield value is nearest, as the 16 bits written: half a unit is
    /// rounded away from zero, what the layout cannot hold is clipped, and NaN becomes the lowest.
    pub fn stored(self, value_hu: Hounsfield) -> u16 {
        let (low, high) = self.stored_range();
        let wanted = (value_hu.round() - self.intercept() as f32).max(low as f32).min(high as f32);
        #[expect(clippy::cast_possible_truncation, reason = "clipped to 16 bits just above")]
        let stored = wanted as i32;
        bits_of(stored)
    }
}

/// The low 16 bits of a value in two's complement.
fn bits_of(stored: i32) -> u16 {
    (stored.cast_unsigned() & 0xFFFF) as u16
}

/// What the files say besides values and geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct CtSeriesDescription {
    /// Patient ID and patient name.
    pub patient_id: String,
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
        series.write_slice(&path, z, slice_hu)?;
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

    fn write_slice(&self, path: &Path, z: usize, slice_hu: &[f32]) -> Result<(), WriteError> {
        let sop_uid = uid(self.description.uid_seed, 3 + z as u64);
        let mut slice = InMemDicomObject::new_empty();
        self.put_study(&mut slice, &sop_uid);
        self.put_plane(&mut slice, z);
        self.put_pixels(&mut slice, slice_hu);
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
            .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
            .media_storage_sop_instance_uid(sop_uid);
        let file = slice
            .with_meta(meta)
            .map_err(|source| WriteError::Meta { path: path.to_owned(), source: Box::new(source) })?;
        let io = |source| WriteError::Io { path: path.to_owned(), source };
        let mut to = BufWriter::with_capacity(1 << 16, File::create(path).map_err(io)?);
        file.write_all(&mut to)
            .map_err(|source| WriteError::Encode { path: path.to_owned(), source: Box::new(source) })?;
        to.flush().map_err(io)
    }

    fn put_study(&self, slice: &mut InMemDicomObject, sop_uid: &str) {
        let d = self.description;
        for (tag, vr, text) in [
            (tags::SYNTHETIC_DATA, VR::CS, "YES"),
            (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL"),
            (tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE),
            (tags::SOP_INSTANCE_UID, VR::UI, sop_uid),
            (tags::STUDY_DATE, VR::DA, ""),
            (tags::STUDY_TIME, VR::TM, ""),
            (tags::ACCESSION_NUMBER, VR::SH, ""),
            (tags::MODALITY, VR::CS, "CT"),
            (tags::MANUFACTURER, VR::LO, "pulmo phantom"),
            (tags::REFERRING_PHYSICIAN_NAME, VR::PN, ""),
            (tags::SERIES_DESCRIPTION, VR::LO, &d.series_description),
            (tags::PATIENT_NAME, VR::PN, &d.patient_id),
            (tags::PATIENT_ID, VR::LO, &d.patient_id),
            (tags::PATIENT_BIRTH_DATE, VR::DA, ""),
            (tags::PATIENT_SEX, VR::CS, ""),
            (tags::BODY_PART_EXAMINED, VR::CS, "CHEST"),
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
            put(slice, (tag, vr), text);
        }
    }

    fn put_plane(&self, slice: &mut InMemDicomObject, z: usize) {
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
            put(slice, (tag, vr), &text);
        }
    }

    fn put_pixels(&self, slice: &mut InMemDicomObject, slice_hu: &[f32]) {
        let layout = self.description.layout;
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, self.rows),
            (tags::COLUMNS, self.columns),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, layout.bits()),
            (tags::HIGH_BIT, layout.bits() - 1),
            (tags::PIXEL_REPRESENTATION, u16::from(layout.signed())),
        ] {
            slice.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        }
        for (tag, vr, text) in [
            (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
            (tags::WINDOW_CENTER, VR::DS, "-600"),
            (tags::WINDOW_WIDTH, VR::DS, "1500"),
            (tags::RESCALE_INTERCEPT, VR::DS, &layout.intercept().to_string()),
            (tags::RESCALE_SLOPE, VR::DS, "1"),
            (tags::RESCALE_TYPE, VR::LO, "HU"),
        ] {
            put(slice, (tag, vr), text);
        }
        let mut stored: Vec<u16> = slice_hu.iter().map(|hu| layout.stored(*hu)).collect();
        if let Some(padding) = self.padding() {
            let value = PrimitiveValue::from(padding);
            let vr = if layout.signed() { VR::SS } else { VR::US };
            slice.put(DataElement::new(tags::PIXEL_PADDING_VALUE, vr, value));
            self.pad(&mut stored, padding);
        }
        let bytes: Vec<u8> = stored.iter().flat_map(|value| value.to_le_bytes()).collect();
        slice.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::from(bytes)));
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

fn put(slice: &mut InMemDicomObject, (tag, vr): (Tag, VR), text: &str) {
    let value = if text.is_empty() { PrimitiveValue::Empty } else { PrimitiveValue::from(text) };
    slice.put(DataElement::new(tag, vr, value));
}

/// A UID derived from a random (version 4) UUID: PS3.5 B.2.
fn uid(seed: u64, which: u64) -> String {
    let mut random = Random::keyed(seed, &[0x5549_4453, which]);
    let bits = (u128::from(random.bits()) << 64) | u128::from(random.bits());
    let version_and_variant: u128 = (0xF << 76) | (0x3 << 62);
    let uuid = (bits & !version_and_variant) | (0x4 << 76) | (0x2 << 62);
    format!("2.25.{uuid}")
}

/// A decimal string of at most 16 characters (PS3.5 6.2, DS) with as many digits as fit.
fn decimal(value: f64) -> String {
    let longest = (0..15).rev().map(|digits| format!("{value:.digits$}")).find(|text| text.len() <= 16);
    let text = longest.unwrap_or_else(|| format!("{value:.8e}"));
    let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if trimmed == "-0" { "0".to_owned() } else { trimmed.to_owned() }
}

fn decimals(values: &[f64]) -> String {
    values.iter().map(|value| decimal(*value)).collect::<Vec<_>>().join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_and_clipped_to_the_layout() {
        assert_eq!(PixelLayout::Unsigned12.stored(-1024.0), 0);
        assert_eq!(PixelLayout::Unsigned12.stored(0.4), 1024);
        assert_eq!(PixelLayout::Unsigned12.stored(1e9), 4095);
        assert_eq!(PixelLayout::Unsigned16.stored(4000.0), 5024);
        assert_eq!(PixelLayout::Signed12.stored(-5000.0).cast_signed(), -2048);
        assert_eq!(PixelLayout::Signed16.stored(-999.6).cast_signed(), -1000);
        assert_eq!(PixelLayout::Signed16.stored(f32::NAN).cast_signed(), i16::MIN);
    }

    #[test]
    fn decimal_strings_fit_and_keep_their_value() {
        for value in [0.0, 1.0, -1.0, 0.703125, -1234.5678901234567, 1.0 / 3.0, -1e-9, 0.998_629_534_754_574]
        {
            let text = decimal(value);
            assert!(text.len() <= 16, "{text}");
            let back: f64 = text.parse().unwrap();
            assert!((back - value).abs() <= 1e-8 * value.abs().max(1e-3), "{value} as {text}");
        }
        assert_eq!(decimal(-1e-17), "0");
        assert_eq!(decimal(120.0), "120");
    }

    #[test]
    fn uids_are_stable_distinct_and_short() {
        assert_eq!(uid(7, 1), uid(7, 1));
        assert_ne!(uid(7, 1), uid(7, 2));
        assert!(uid(7, 1).len() <= 64 && uid(7, 1).starts_with("2.25."));
    }
}
