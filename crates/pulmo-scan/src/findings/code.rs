//! Why a scan is doubtful or refused: the closed set of codes.

use serde::Serialize;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $advice:literal;)+) => {
        /// Why a file or series is doubtful or refused. The text form is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])+ $name),+ }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable text form, as it appears in JSON and tables.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it means, in the words of this page.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }

            /// What a user can do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),+ }
            }
        }
    };
}

codes! {
    /// The file is neither DICOM nor a picture or volume format that pulmo reads.
    NotDicom = "NOT_DICOM", "check the path; pulmo reads DICOM, NIfTI, MetaImage, NRRD, NumPy arrays, PNG, JPEG, TIFF and zip";
    /// The file cannot be opened or read.
    Unreadable = "UNREADABLE", "check the file's permissions and the disk";
    /// The file ends before its declared content.
    Truncated = "TRUNC", "copy or export the file again";
    /// A header breaks the rules of its format: a DICOM data set, a volume file or a picture.
    Malformed = "MALFORMED", "export it again from where it came";
    /// The file meta information is broken: pulmo cannot tell where the data set starts.
    Meta = "META", "export the series again from the archive";
    /// An element declares more bytes than the file holds.
    Length = "LEN", "copy or export the file again";
    /// Sequences are nested deeper than 64 levels.
    Depth = "DEPTH", "export the series again without private elements";
    /// The items of a sequence do not fit into it, or an item or delimiter stands where none may.
    Sequence = "SEQ", "export the series again from the archive";
    /// The header holds more elements than any image needs.
    Elements = "ELEMS", "export the series again without private elements";
    /// An element has no value representation of the standard, or not the one that its tag asks for.
    ValueRepresentation = "VR", "export the series again from the archive";
    /// Elements do not stand in the order of their tags.
    TagOrder = "ORDER", "export the series again from the archive";
    /// An element stands twice in one data set, so that two values compete.
    DuplicateElement = "DUP_ELEM", "export the series again from the archive";
    /// The deflated data set is corrupt, cut off, or larger than the bound once inflated.
    Inflate = "INFLATE", "copy or export the file again";
    /// The file or its header is larger than the bound.
    FileSize = "SIZE", "check the file: no CT object is that large";
    /// The file changed while it was being read.
    Changed = "CHANGED", "wait until the series has arrived completely and run again";
    /// The transfer syntax is missing, unknown, or contradicted by the data.
    Syntax = "TS", "export the series again from the archive";
    /// The transfer syntax is one of the standard's that pulmo does not read.
    TransferSyntax = "TS_UNSUPPORTED", "transcode the DICOM series to Explicit VR Little Endian";
    /// The object is not a CT image (another modality or SOP class).
    NotCt = "NOT_CT", "pass CT series only";
    /// The object holds no pixel data.
    NoPixels = "NOPIX", "export the series with its pixel data";
    /// The numbers of rows, columns or axes are those of no image or volume.
    Dimensions = "DIM", "export it again from where it came";
    /// The image has more than one sample a pixel, or none: a colour picture is no CT.
    SamplesPerPixel = "SPP", "pass the CT images, not screen captures";
    /// Number of Frames is not a number of frames.
    Frames = "FRAMES", "export the series again from the archive";
    /// Fragments, offset tables and frames of compressed pixel data do not fit together.
    Fragments = "FRAG", "transcode the DICOM series to Explicit VR Little Endian";
    /// Bits allocated, stored and high bit do not fit together.
    Bits = "BITS", "export the series again from the archive";
    /// The pixel data are shorter or longer than rows x columns says.
    PixelLength = "PIXLEN", "copy or export the file again";
    /// The pixel data are damaged, or of a kind that pulmo does not read.
    Codec = "CODEC", "export it again, uncompressed where that can be chosen";
    /// The compressed image has another size than the DICOM header says.
    CodecDimensions = "CODEC_DIM", "export the series again from the archive";
    /// The compressed image is signed where the DICOM header says unsigned, or the other way round.
    CodecSign = "CODEC_SIGN", "have the sender correct Pixel Representation";
    /// A decimal string (slope, intercept, spacing) is not a number.
    DecimalString = "DS", "have the sender correct the number's format";
    /// Rescale slope is zero or negative.
    Slope = "SLOPE", "have the sender correct Rescale Slope";
    /// Rescale slope or intercept is missing: stored values cannot become Hounsfield units.
    NoRescale = "NO_RESCALE", "export the original CT images, not a derived series";
    /// The stored values are not Hounsfield units after rescaling (Rescale Type, Modality LUT).
    NotHounsfield = "NOT_HU", "export the original CT images, not a derived series";
    /// Image Position (Patient) is missing.
    NoPosition = "NO_IPP", "export the original axial series";
    /// The orientation is missing or no set of orthonormal directions.
    Orientation = "IOP", "export the original images with their orientation";
    /// Pixel Spacing is missing or not positive.
    PixelSpacing = "PIXEL_SPACING", "export the original images with their spacing, not screen captures";
    /// Localizer (scout) images were found among the slices and left out.
    Localizer = "LOCALIZER", "nothing: localizers carry no volume";
    /// Byte-identical copies of slices were found and merged.
    Duplicate = "DUP", "nothing: the copies are identical";
    /// Two different images lie at the same position.
    DuplicatePosition = "DUP_POS", "separate the reconstructions or phases into series";
    /// Several images lie at each position: phases or reconstructions that the headers do not tell apart.
    Phases = "4D", "export each phase or reconstruction as a series of its own";
    /// Slices are missing inside the series.
    Gap = "GAP", "fetch the complete series from the archive";
    /// The distance between slices varies.
    Spacing = "SPACING", "use a series with uniform spacing";
    /// The gantry was tilted: slices are sheared along the table.
    Tilt = "TILT", "use a series without gantry tilt";
    /// The volume was resampled to an orthogonal grid of uniform spacing, as was asked for.
    Regularized = "REGULARIZED", "nothing: the volume was resampled on request";
    /// Images of different size, spacing, orientation, reconstruction or phase share one series; each
    /// kind is a series of its own.
    Mixed = "MIXED", "separate the images into series";
    /// Some files of the series cannot be read or used, so that slices are or may be missing.
    Partial = "PARTIAL", "fetch the complete series from the archive, or use what is left by --allow-partial";
    /// Parts of one series that differ in patient, study, frame of reference, size, spacing or orientation lie
    /// among each other in space, so that one scan may be two, or two one.
    Overlap = "OVERLAP", "export the series again from the archive, or separate the images into series";
    /// The series has too few slices for a volume.
    FewSlices = "FEW_SLICES", "pass the whole series";
    /// Rescale values differ between slices; each slice is converted by its own.
    VaryingRescale = "VAR_RESCALE", "nothing: each slice is converted by its own values";
    /// Patient Position contradicts Image Orientation; the orientation is used.
    PatientPosition = "PATIENT_POSITION", "nothing: the orientation vectors are used";
    /// The images were compressed with loss.
    Lossy = "LOSSY", "prefer the lossless original where there is one";
    /// The 128 bytes before the data set are not zero; they are never read or copied.
    Preamble = "PREAMBLE", "nothing: pulmo passes over the preamble";
    /// A value has an odd number of bytes.
    OddLength = "ODD_LEN", "nothing: the value is read as it stands";
    /// Values lie outside what CT gives (-1100 to 4000 HU after padding).
    HuRange = "HU_RANGE", "check that the values are Hounsfield units: slope and intercept against the scanner's export";
    /// Values jump between neighbouring slices as no anatomy does.
    HuJump = "HU_JUMP", "check slope and intercept of the single slices";
    /// Rescale Type says that the unit is unspecified; the values were taken for Hounsfield units.
    RescaleType = "RESCALE_TYPE", "check that the images are original CT images";
    /// The volume is constant, all air or otherwise empty.
    Content = "CONTENT", "pass a chest CT";
    /// The values are no CT of a body: nothing has the value of air or of lung.
    OutOfDomain = "OOD", "pass a chest CT; other modalities give no Hounsfield units";
    /// The lungs are not in the volume, or not as a whole.
    Coverage = "COVERAGE", "pass a chest CT that covers the lungs";
    /// A preprocessing step found no lungs or no body to work on.
    NoAnatomy = "NO_ANATOMY", "pass a chest CT that covers the lungs";
    /// The multi-frame functional groups are not supported or incomplete.
    FunctionalGroups = "FG", "export the series as single-frame CT";
    /// The volume is larger than the memory bound.
    TooLarge = "TOO_LARGE", "raise the memory bound or resample the series";
    /// The archive, or an entry of it, is damaged, encrypted, nested, or names a place outside it.
    Archive = "ARCHIVE", "unpack the archive and pass the folder";
    /// Voxels far below air that all hold one value were taken for padding and became air.
    Padding = "PADDING", "nothing: they lie outside the reconstruction";
    /// The transforms of a volume file (sform, qform) differ: a rigid motion apart the sform is used, else
    /// one of them is wrong.
    Transforms = "TRANSFORMS", "check where the scan lies and write both transforms anew";
    /// The picture file holds several pages or frames.
    Pages = "PAGES", "save each page or frame as a file of its own, or a stack of slices as NIfTI, MetaImage or .npy";
    /// The samples of a picture use a sixteenth of their 16 bits at most, and nothing says how many bits count: they were
    /// taken for numbers of 8, 10 or 12 bits.
    GrayScale = "GRAY_SCALE", "check that it is right, or say in the file how many bits count (MaxSampleValue in TIFF, sBIT in PNG)";
    /// The volume has more or fewer slices than the scans that the bundle was trained on.
    DomainSlices = "OOD_SLICES", "pass a series like those that the bundle was trained on; its `[domain]` in bundle.toml tells which";
    /// The distance of slices is not that of the scans that the bundle was trained on.
    DomainSliceSpacing = "OOD_SLICE_SPACING", "pass a reconstruction with the bundle's distance of slices";
    /// The slices are thicker or thinner than those that the bundle was trained on.
    DomainSliceThickness = "OOD_SLICE_THICKNESS", "pass a reconstruction with the bundle's slice thickness";
    /// The pixels are larger or smaller than those that the bundle was trained on.
    DomainPixelSpacing = "OOD_PIXEL_SPACING", "pass a reconstruction with the bundle's field of view and matrix";
    /// There is more or less aerated lung than in the scans that the bundle was trained on: not a whole chest, or none.
    DomainLungVolume = "OOD_LUNG_VOLUME", "pass a chest CT that covers the lungs";
    /// The ends of the volume cut the lungs as those of no scan did that the bundle was trained on.
    DomainLungCut = "OOD_LUNG_CUT", "pass a chest CT that covers the lungs";
    /// The aerated parts have another shape than lungs had in the scans that the bundle was trained on.
    DomainLungShape = "OOD_LUNG_SHAPE", "pass a chest CT that covers the lungs";
    /// The aerated lung is denser or less dense than in the scans that the bundle was trained on.
    DomainLungDensity = "OOD_LUNG_DENSITY", "use a bundle that was trained on such lungs";
    /// More or less of the lung is only partly aerated than in the scans that the bundle was trained on.
    DomainDenseLung = "OOD_DENSE_LUNG", "use a bundle that was trained on such lungs";
    /// There is more or less fat around the lungs than in the scans that the bundle was trained on.
    DomainFat = "OOD_FAT", "use a bundle that was trained on such patients";
    /// The body fills more or less of the field of view than in the scans that the bundle was trained on.
    DomainBodyShare = "OOD_BODY_SHARE", "pass a reconstruction with the bundle's field of view";
    /// What lies between the lungs is denser or less dense than in the scans that the bundle was trained on, as by contrast medium.
    DomainMediastinum = "OOD_MEDIASTINUM", "pass a series of the phase, with or without contrast medium, that the bundle was trained on";
    /// The noise is stronger or weaker than in the scans that the bundle was trained on.
    DomainNoise = "OOD_NOISE", "pass a reconstruction with the bundle's dose and kernel";
    /// The noise is finer or coarser than in the scans that the bundle was trained on, as by a sharper or a softer kernel.
    DomainSharpness = "OOD_SHARPNESS", "pass a reconstruction with one of the bundle's kernels";
    /// The network sees something unlike all that it was trained on.
    DomainFeatures = "OOD_FEATURES", "use a bundle that was trained on such scans";
    /// The heat map that was asked for could not be made; the prediction stands.
    HeatMap = "HEAT_MAP", "run again with --device cpu, or without --heat-maps";
    /// The device failed while working on this item.
    Device = "DEVICE", "run again with --device cpu";
    /// pulmo itself failed on this item; the others are not affected.
    Fault = "FAULT", "report it to pulmo's authors with the file's header";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_one_text_each() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
