//! Writing DICOM objects.
//!
//! `object` holds one object of any class and writes it as a file, `uid` names objects, and `decimal` writes
//! numbers; `ct` says what a CT image holds, its values as `pixel_layout` stores them.

mod ct;
mod decimal;
mod error;
mod object;
mod pixel_layout;
mod uid;

pub use ct::{CtSeriesDescription, DisplayWindow, PatientPosition, write_ct_series};
pub use decimal::{decimal, decimals};
pub use error::WriteError;
pub use object::{DicomObject, PutAttribute};
pub use pixel_layout::PixelLayout;
pub use uid::content_uid;
