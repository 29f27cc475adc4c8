//! Why a file or series cannot become a volume.

use super::number_text::{decimal_text, integer_text};
use super::{AttributeError, CodecError, Cut, Doubt, GateError, Missing};
use crate::findings::{Code, Reason};

/// Why a file or series cannot become a volume. Each has one [`Code`].
///
/// Messages name attributes and numbers; they never hold an attribute's text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DicomError {
    /// The file cannot be opened or read.
    #[error("the file cannot be read")]
    Unreadable {
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file's header is no longer what it was when the series was found.
    #[error("the file changed while it was being read")]
    Changed,
    /// The content is not DICOM.
    #[error("the file is not DICOM")]
    NotDicom,
    /// The file does not pass the gate.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The data set breaks the rules of its encoding.
    #[error("the data set breaks the rules of its encoding")]
    Malformed,
    /// The transfer syntax is missing or not supported.
    #[error("the transfer syntax is missing or not supported")]
    TransferSyntax,
    /// An attribute is missing or wrong.
    #[error("{source}")]
    Attribute {
        /// What this attribute's failure means for the series.
        code: Code,
        /// The attribute and what is wrong with it.
        source: AttributeError,
    },
    /// The object is not a CT image.
    #[error("the object is not a CT image")]
    NotCt,
    /// The object is a localizer.
    #[error("the image is a localizer")]
    Localizer,
    /// The object holds several frames.
    #[error("multi-frame CT ({} frames) is not supported", integer_text(*.frames))]
    MultiFrame {
        /// Number of Frames.
        frames: i64,
    },
    /// Number of Frames is not positive, or more than pulmo reads.
    #[error("{} frames are no image", integer_text(*.frames))]
    Frames {
        /// Number of Frames.
        frames: i64,
    },
    /// Samples per Pixel is not 1.
    #[error("{samples} samples a pixel are no CT image")]
    SamplesPerPixel {
        /// Samples per Pixel.
        samples: u16,
    },
    /// Rows or columns are impossible for CT.
    #[error("{rows} rows x {columns} columns are no CT image")]
    Dimensions {
        /// Rows.
        rows: u16,
        /// Columns.
        columns: u16,
    },
    /// Bits allocated, stored, high bit and pixel representation do not fit together.
    #[error("{allocated} bits allocated, {stored} stored, high bit {high}, representation {representation}")]
    Bits {
        /// Bits Allocated.
        allocated: u16,
        /// Bits Stored.
        stored: u16,
        /// High Bit.
        high: u16,
        /// Pixel Representation.
        representation: u16,
    },
    /// The object holds no pixel data.
    #[error("the object holds no pixel data")]
    NoPixels,
    /// The pixel data are shorter or longer than the header says.
    #[error("pixel data of {found} bytes where {expected} are declared")]
    PixelLength {
        /// Rows x columns x bytes per sample.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The compressed pixel data cannot be decoded.
    #[error("the compressed pixel data cannot be decoded")]
    Codec {
        /// What the decoder says.
        source: CodecError,
    },
    /// The compressed image is another one than the header describes.
    #[error("the compressed image ({rows} x {columns}, {bits} bits) contradicts the header")]
    CodecDimensions {
        /// Rows of the codestream.
        rows: u32,
        /// Columns of the codestream.
        columns: u32,
        /// Precision of the codestream.
        bits: u8,
    },
    /// The compressed image is signed and the header unsigned, or the other way round.
    #[error("the compressed image contradicts pixel representation")]
    CodecSign,
    /// Rescale slope is zero or negative.
    #[error("rescale slope {} is not positive", decimal_text(*.slope))]
    Slope {
        /// Rescale Slope.
        slope: f64,
    },
    /// Rescale slope or intercept is missing.
    #[error("{slices} of the slices have no rescale slope or intercept")]
    NoRescale {
        /// Slices without.
        slices: usize,
    },
    /// Rescale type or a modality look-up table says that values are not Hounsfield units.
    #[error("{slices} of the slices are not in Hounsfield units")]
    NotHounsfield {
        /// Slices that are not.
        slices: usize,
    },
    /// The orientation is not two orthonormal directions.
    #[error(
        "image orientation is not orthonormal (|row| {}, |column| {}, row.column {})",
        decimal_text(*.row),
        decimal_text(*.column),
        decimal_text(*.dot)
    )]
    Orientation {
        /// Length of the row direction.
        row: f64,
        /// Length of the column direction.
        column: f64,
        /// Scalar product of both.
        dot: f64,
    },
    /// Pixel spacing is not positive.
    #[error("pixel spacing {} x {} mm is not positive", decimal_text(*.row_mm), decimal_text(*.column_mm))]
    PixelSpacing {
        /// Distance between rows.
        row_mm: f64,
        /// Distance between columns.
        column_mm: f64,
    },
    /// Too few slices.
    #[error("{slices} slice positions are fewer than {least}")]
    FewSlices {
        /// Different positions.
        slices: usize,
        /// Least allowed.
        least: usize,
    },
    /// Different images at one position.
    #[error("different images lie at one position, {} mm along the normal", decimal_text(*.at_mm))]
    DuplicatePosition {
        /// Position along the normal.
        at_mm: f64,
    },
    /// Slices are sheared along the table.
    #[error("the gantry was tilted by {degrees:.2} degrees")]
    Tilt {
        /// Angle between the line of slice corners and the slices' normal.
        degrees: f64,
    },
    /// The slices' corners do not lie on a line.
    #[error("slice corners lie up to {} mm off a straight line", decimal_text(*.off_mm))]
    Scattered {
        /// Largest distance from the line.
        off_mm: f64,
    },
    /// Slices are missing.
    #[error("{missing} slice positions are missing at a spacing of {} mm", decimal_text(*.spacing_mm))]
    Gap {
        /// Positions missing.
        missing: usize,
        /// Median spacing.
        spacing_mm: f64,
    },
    /// The distance between slices varies.
    #[error("slice spacing varies from {} to {} mm", decimal_text(*.least_mm), decimal_text(*.most_mm))]
    Spacing {
        /// Smallest distance of neighbours.
        least_mm: f64,
        /// Largest distance of neighbours.
        most_mm: f64,
    },
    /// A length is not fit for the purpose that the settings state.
    #[error("{what} of {} mm is outside {least_mm} to {most_mm} mm", decimal_text(*.found_mm))]
    Limit {
        /// The length.
        what: &'static str,
        /// What it means for the series.
        code: Code,
        /// The length found.
        found_mm: f64,
        /// Least allowed.
        least_mm: f64,
        /// Most allowed.
        most_mm: f64,
    },
    /// Several different images lie at most positions.
    #[error("several images lie at {shared} of {positions} positions")]
    Phases {
        /// Positions with several images.
        shared: usize,
        /// Positions in all.
        positions: usize,
    },
    /// The volume is larger than the memory bound.
    #[error("{voxels} voxels are more than the bound of {most}")]
    TooLarge {
        /// Voxels of the series.
        voxels: usize,
        /// Most allowed.
        most: usize,
    },
    /// Values lie outside what CT gives.
    #[error("{below} voxels lie below -1100 HU and {above} above 4000 HU, of {voxels}")]
    HuRange {
        /// Voxels below -1100 HU.
        below: u64,
        /// Voxels above 4000 HU.
        above: u64,
        /// Voxels that are not padding.
        voxels: u64,
    },
    /// The volume is constant, all air or all padding.
    #[error("the volume is empty: {voxels} voxels from {} to {} HU", decimal_text(f64::from(*.least)), decimal_text(f64::from(*.most)))]
    Content {
        /// Voxels that are not padding.
        voxels: u64,
        /// Smallest value.
        least: f32,
        /// Largest value.
        most: f32,
    },
    /// Values jump between neighbouring slices.
    #[error("values jump by {} HU from slice {slice} to the next", decimal_text(f64::from(*.jump_hu)))]
    HuJump {
        /// Number of the lower slice, from 0.
        slice: usize,
        /// Median difference of all pixels.
        jump_hu: f32,
    },
    /// Nothing has the value of air or lung.
    #[error("{airy} of {voxels} voxels have the value of air or lung")]
    OutOfDomain {
        /// Voxels below -500 HU.
        airy: u64,
        /// Voxels that are not padding.
        voxels: u64,
    },
    /// The lungs are not in the volume as a whole.
    #[error(
        "the scan holds {lung_ml:.0} ml of lung; its last slice shows {:.0} % of their largest area towards the feet and \
         {:.0} % towards the head, where whole lungs show next to nothing",
        100.0 * .cut.feet,
        100.0 * .cut.head
    )]
    Coverage {
        /// Volume of both lungs as far as they hold air.
        lung_ml: f64,
        /// How much of them the ends of the volume cut.
        cut: Cut,
    },
    /// A multi-frame object lacks a functional group.
    #[error("the functional group of {name} is missing or wrong")]
    FunctionalGroup {
        /// What the group would tell.
        name: &'static str,
    },
    /// All files of the series were set aside, the first of them for this reason.
    #[error("none of the {files} files of the series can be used; the first: {}", .reason.message)]
    NothingLeft {
        /// Files of the series.
        files: usize,
        /// The first file's reason.
        reason: Reason,
    },
    /// Some files of the series cannot be used.
    #[error("{missing}")]
    Partial {
        /// How many and why, and where slices are missing.
        missing: Missing,
    },
    /// Parts of the series lie among each other in space although their headers tell them apart.
    #[error("{} parts of the series differ in {} but lie among each other in space: whether they are one scan cannot be told", .doubt.parts, .doubt.differ_in)]
    Overlap {
        /// How many parts, and what tells them apart.
        doubt: Doubt,
    },
    /// Voxels and grid do not fit together.
    #[error("the slices do not make a volume")]
    Volume {
        /// What the volume says.
        #[from]
        source: crate::volume::VolumeError,
    },
    /// The grid is singular.
    #[error("the slices do not lie on a grid")]
    Grid {
        /// What the grid says.
        #[from]
        source: crate::geometry::GridError,
    },
}

impl DicomError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::Unreadable,
            Self::Changed => Code::Changed,
            Self::Gate(error) => error.code(),
            Self::NotDicom => Code::NotDicom,
            Self::Malformed => Code::Malformed,
            Self::TransferSyntax => Code::TransferSyntax,
            Self::Attribute { code, .. } | Self::Limit { code, .. } => *code,
            Self::NothingLeft { reason, .. } => reason.code,
            Self::Partial { .. } => Code::Partial,
            Self::Overlap { .. } => Code::Overlap,
            Self::NotCt => Code::NotCt,
            Self::Localizer => Code::Localizer,
            Self::MultiFrame { .. } | Self::FunctionalGroup { .. } => Code::FunctionalGroups,
            Self::Frames { .. } => Code::Frames,
            Self::SamplesPerPixel { .. } => Code::SamplesPerPixel,
            Self::Dimensions { .. } => Code::Dimensions,
            Self::Bits { .. } => Code::Bits,
            Self::NoPixels => Code::NoPixels,
            Self::PixelLength { .. } => Code::PixelLength,
            Self::Codec { .. } => Code::Codec,
            Self::CodecDimensions { .. } => Code::CodecDimensions,
            Self::CodecSign => Code::CodecSign,
            Self::Slope { .. } => Code::Slope,
            Self::NoRescale { .. } => Code::NoRescale,
            Self::NotHounsfield { .. } => Code::NotHounsfield,
            Self::Orientation { .. } => Code::Orientation,
            Self::PixelSpacing { .. } => Code::PixelSpacing,
            Self::FewSlices { .. } => Code::FewSlices,
            Self::DuplicatePosition { .. } => Code::DuplicatePosition,
            Self::Phases { .. } => Code::Phases,
            Self::Tilt { .. } => Code::Tilt,
            Self::Gap { .. } => Code::Gap,
            Self::Spacing { .. } => Code::Spacing,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::HuRange { .. } => Code::HuRange,
            Self::HuJump { .. } => Code::HuJump,
            Self::OutOfDomain { .. } => Code::OutOfDomain,
            Self::Coverage { .. } => Code::Coverage,
            Self::Content { .. } => Code::Content,
            Self::Scattered { .. } | Self::Volume { .. } | Self::Grid { .. } => Code::Mixed,
        }
    }
}

impl DicomError {
    /// The error of an attribute whose absence means `code`; a wrong kind is always told as such.
    pub(super) fn attribute(source: AttributeError, code: Code) -> Self {
        let is_kind = matches!(source, AttributeError::Kind { .. });
        let code = if is_kind { Code::ValueRepresentation } else { code };
        Self::Attribute { code, source }
    }
}

impl From<CodecError> for DicomError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Differs { rows, columns, bits } => Self::CodecDimensions { rows, columns, bits },
            CodecError::Sign => Self::CodecSign,
            source => Self::Codec { source },
        }
    }
}

/// The error's code and sentence.
impl From<&DicomError> for Reason {
    fn from(error: &DicomError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
