//! Coded concepts.
//!
//! # References
//! DICOM PS3.16 2024: the context groups named beside each table, and annex D for the scheme DCM. Nodule densities are
//! those of RadLex that the DICOM conversion of LIDC-IDRI uses (doi:10.1002/mp.14445).

use dicom_core::VR;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use pulmo_scan::dicom::PutAttribute;
use pulmo_scan::findings::{LungThird, NoduleKind, Side};

/// A concept of a coding scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concept {
    scheme: &'static str,
    value: &'static str,
    meaning: &'static str,
}

impl Concept {
    /// The concept as an item of a code sequence.
    pub(crate) fn item(self) -> InMemDicomObject {
        let mut item = InMemDicomObject::new_empty();
        item.put_text(tags::CODE_VALUE, VR::SH, self.value);
        item.put_text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, self.scheme);
        item.put_text(tags::CODE_MEANING, VR::LO, self.meaning);
        item
    }

    /// What it is called.
    pub(crate) fn meaning(self) -> &'static str {
        self.meaning
    }

    /// The side of a lung, CID 244.
    pub(crate) fn of_side(side: Side) -> Self {
        match side {
            Side::Left => LEFT,
            Side::Right => RIGHT,
        }
    }

    /// A third of a lung, CID 6171.
    pub(crate) fn of_zone(zone: LungThird) -> Self {
        match zone {
            LungThird::Upper => sct("281392002", "Upper zone of lung"),
            LungThird::Middle => sct("281393007", "Middle zone of lung"),
            LungThird::Lower => sct("281394001", "Lower zone of lung"),
        }
    }

    /// The density of a nodule.
    pub(crate) fn of_density(density: NoduleKind) -> Self {
        let radlex = |value, meaning| Self { scheme: "RADLEX", value, meaning };
        match density {
            NoduleKind::Solid => radlex("RID50151", "solid pulmonary nodule"),
            NoduleKind::PartSolid => radlex("RID50152", "part-solid pulmonary nodule"),
            NoduleKind::GroundGlass => radlex("RID50153", "non-solid pulmonary nodule"),
        }
    }
}

const fn dcm(value: &'static str, meaning: &'static str) -> Concept {
    Concept { scheme: "DCM", value, meaning }
}

const fn sct(value: &'static str, meaning: &'static str) -> Concept {
    Concept { scheme: "SCT", value, meaning }
}

const fn ucum(value: &'static str, meaning: &'static str) -> Concept {
    Concept { scheme: "UCUM", value, meaning }
}

// what there is (CID 4, 7150, 7159, 244)
pub(crate) const LUNG: Concept = sct("39607008", "Lung");
pub(crate) const NODULE: Concept = sct("27925004", "Nodule");
pub(crate) const LEFT: Concept = sct("7771000", "Left");
pub(crate) const RIGHT: Concept = sct("24028007", "Right");
pub(crate) const CHEST: Concept = sct("816094009", "Chest");
pub(crate) const ANATOMICAL_STRUCTURE: Concept = sct("91723000", "Anatomical Structure");
pub(crate) const ABNORMAL_STRUCTURE: Concept = sct("49755003", "Morphologically Abnormal Structure");
pub(crate) const BACKGROUND: Concept = dcm("125040", "Background");
pub(crate) const CT: Concept = dcm("CT", "Computed Tomography");
pub(crate) const CT_CHEST: Concept = Concept { scheme: "LN", value: "24627-2", meaning: "CT Chest" };
pub(crate) const ENGLISH: Concept = Concept { scheme: "RFC5646", value: "en", meaning: "English" };

// names of a report's items (TID 1001, 1204, 1410, 1411, 1419, 1500, 1600, 1602, 4019)
pub(crate) const REPORT: Concept = dcm("126000", "Imaging Measurement Report");
pub(crate) const LANGUAGE: Concept = dcm("121049", "Language of Content Item and Descendants");
pub(crate) const OBSERVER_TYPE: Concept = dcm("121005", "Observer Type");
pub(crate) const DEVICE: Concept = dcm("121007", "Device");
pub(crate) const DEVICE_UID: Concept = dcm("121012", "Device Observer UID");
pub(crate) const DEVICE_NAME: Concept = dcm("121013", "Device Observer Name");
pub(crate) const DEVICE_MANUFACTURER: Concept = dcm("121014", "Device Observer Manufacturer");
pub(crate) const DEVICE_MODEL: Concept = dcm("121015", "Device Observer Model Name");
pub(crate) const PROCEDURE: Concept = dcm("121058", "Procedure reported");
pub(crate) const COMMENT: Concept = dcm("121106", "Comment");
pub(crate) const IMAGE_LIBRARY: Concept = dcm("111028", "Image Library");
pub(crate) const IMAGE_LIBRARY_GROUP: Concept = dcm("126200", "Image Library Group");
pub(crate) const MODALITY: Concept = dcm("121139", "Modality");
pub(crate) const TARGET_REGION: Concept = dcm("123014", "Target Region");
pub(crate) const FRAME_OF_REFERENCE: Concept = dcm("112227", "Frame of Reference UID");
pub(crate) const PIXEL_ROWS: Concept = dcm("110910", "Pixel Data Rows");
pub(crate) const PIXEL_COLUMNS: Concept = dcm("110911", "Pixel Data Columns");
pub(crate) const HORIZONTAL_SPACING: Concept = dcm("111026", "Horizontal Pixel Spacing");
pub(crate) const VERTICAL_SPACING: Concept = dcm("111066", "Vertical Pixel Spacing");
pub(crate) const MEASUREMENTS: Concept = dcm("126010", "Imaging Measurements");
pub(crate) const QUALITATIVE_EVALUATIONS: Concept =
    Concept { scheme: "UMLS", value: "C0034375", meaning: "Qualitative Evaluations" };
pub(crate) const GROUP: Concept = dcm("125007", "Measurement Group");
pub(crate) const TRACKING_IDENTIFIER: Concept = dcm("112039", "Tracking Identifier");
pub(crate) const TRACKING_UID: Concept = dcm("112040", "Tracking Unique Identifier");
pub(crate) const FINDING: Concept = dcm("121071", "Finding");
pub(crate) const FINDING_CATEGORY: Concept = sct("276214006", "Finding category");
pub(crate) const FINDING_SITE: Concept = sct("363698007", "Finding Site");
pub(crate) const LATERALITY: Concept = sct("272741003", "Laterality");
pub(crate) const ALGORITHM_NAME: Concept = dcm("111001", "Algorithm Name");
pub(crate) const ALGORITHM_VERSION: Concept = dcm("111003", "Algorithm Version");
pub(crate) const ALGORITHM_PARAMETERS: Concept = dcm("111002", "Algorithm Parameters");
pub(crate) const REFERENCED_SEGMENT: Concept = dcm("121191", "Referenced Segment");
pub(crate) const SOURCE_IMAGE: Concept = dcm("121233", "Source image for segmentation");
pub(crate) const SOURCE_SERIES: Concept = dcm("121232", "Source series for segmentation");
pub(crate) const SOURCE_OF_MEASUREMENT: Concept = dcm("121112", "Source of Measurement");
pub(crate) const IMAGE_REGION: Concept = dcm("111030", "Image Region");
pub(crate) const CENTRE: Concept = dcm("111010", "Center");
pub(crate) const TEXTURE: Concept = Concept { scheme: "NCIt", value: "C41144", meaning: "Texture" };

// measurements (CID 7469, 7470, 7472) and their units
pub(crate) const VOLUME: Concept = sct("118565006", "Volume");
pub(crate) const LONG_AXIS: Concept = sct("103339001", "Long axis");
pub(crate) const SHORT_AXIS: Concept = sct("103340004", "Short axis");
pub(crate) const DIAMETER: Concept = sct("81827009", "Diameter");
pub(crate) const ATTENUATION: Concept = dcm("112031", "Attenuation Coefficient");
pub(crate) const CERTAINTY: Concept = dcm("111012", "Certainty of Finding");
pub(crate) const DERIVATION: Concept = dcm("121401", "Derivation");
pub(crate) const MEAN: Concept = sct("373098007", "Mean");
pub(crate) const CUBIC_MILLIMETRE: Concept = ucum("mm3", "cubic millimeter");
pub(crate) const MILLIMETRE: Concept = ucum("mm", "mm");
pub(crate) const HOUNSFIELD: Concept = ucum("[hnsf'U]", "Hounsfield unit");
pub(crate) const PERCENT: Concept = ucum("%", "Percent");
pub(crate) const PIXELS: Concept = ucum("{pixels}", "Pixels");

// how images were made of others (CID 7202, 7203, 7162, 7005)
pub(crate) const SEGMENTED: Concept = dcm("113076", "Segmentation");
pub(crate) const IMAGE_PROCESSED: Concept = dcm("121322", "Source image for image processing operation");
pub(crate) const ARTIFICIAL_INTELLIGENCE: Concept = dcm("123110", "Artificial Intelligence");
pub(crate) const ACQUISITION_EQUIPMENT: Concept = dcm("109101", "Acquisition Equipment");
