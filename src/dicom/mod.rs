//! DICOM: from files on disk to a CT volume in Hounsfield units, with a coded answer to every doubt.
//!
//! ```text
//! paths --discover--> Series (headers only) --assemble--> Volume (HU on an LPS grid) + warnings
//! ```
//!
//! - `attributes` reads single attributes strictly; `header` gathers those a CT slice needs.
//! - `open` tells DICOM by content and hides the parser; `discover` walks paths and groups slices.
//! - `stack` holds the rules of geometry: what may become a volume, and on which grid.
//! - `codec` and `pixels` give stored pixels; `hounsfield` turns them into HU, without any look-up
//!   table of the decoder's.
//!
//! No message of this room tells an attribute's text: only names, sizes and numbers that are not
//! about the patient.

mod assemble;
mod attributes;
mod codec;
mod discover;
mod error;
mod header;
mod hounsfield;
mod open;
mod pixels;
mod series;
mod stack;
mod write;

pub use assemble::{AssembleSettings, Assembled, assemble};
pub use attributes::{AttributeError, parse_decimal_string};
pub use discover::{Discovery, Refused, discover};
pub use error::DicomError;
pub use header::{MAX_SIDE, PixelFormat, SliceHeader};
pub use hounsfield::{Padding, PixelPadding, Rescale};
pub use pixels::{StoredPixels, stored_pixels};
pub use series::{Series, Slice};
pub use stack::{GeometrySettings, Stack};
pub use write::{CtSeriesDescription, PatientPosition, PixelLayout, WriteError, write_ct_series};
