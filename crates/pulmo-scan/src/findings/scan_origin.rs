//! Where a scan comes from: how it was made, and whose it is.

use super::Identity;
use crate::units::Millimetres;

/// Scanner and protocol: what decides whether a classifier may be trusted with a scan. Nothing here is about
/// the patient; what is missing or is no sound value is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanProtocol {
    /// Manufacturer of the scanner.
    pub manufacturer: Option<String>,
    /// The manufacturer's name of the scanner's model.
    pub model: Option<String>,
    /// Convolution Kernel; `None` where slices differ.
    pub convolution_kernel: Option<String>,
    /// Slice Thickness, which is not the distance between slices; `None` where slices differ.
    pub slice_thickness_mm: Option<Millimetres>,
    /// Peak tube voltage in kilovolts.
    pub kvp: Option<f64>,
}

/// Where a scan comes from. Pictures and volume files say nothing of it: all of it is `None` then.
#[derive(Clone, Default, PartialEq)]
pub struct ScanOrigin {
    /// Scanner and protocol.
    pub protocol: ScanProtocol,
    /// Patient, study, series and every instance, for writers of DICOM objects; `None` of what is no DICOM.
    pub identity: Option<Identity>,
}

/// Tells nothing of the patient.
impl std::fmt::Debug for ScanOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanOrigin").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}
