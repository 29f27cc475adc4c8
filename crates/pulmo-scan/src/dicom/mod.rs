//! DICOM: from files on disk to a CT volume in Hounsfield units, with a coded answer to every doubt.
//!
//! ```text
//! paths --discover--> Series (headers only) --assemble--> Volume (HU on an LPS grid) + warnings
//! ```
//!
//! - `gate` tells DICOM by content, checks a file's whole structure in one bounded pass and keeps what
//!   is read of it; `open` is the gate for files on disk; `listing` walks paths, `passed_over` counts
//!   what is of no concern there, `catalogue` keeps little of many headers, `grouping` makes series of them by
//!   the `identity` that files tell, and `discover` does all of it at once.
//! - `attributes` reads single attributes strictly; `header` gathers those a CT slice needs.
//! - `characters` decodes names; `describe` gathers what is shown to people.
//! - `enhanced` reads the frames of multi-frame objects; `cluster` tells apart, by `acquisition`, the
//!   reconstructions and phases that share a series; `partial` tells what is missing of one.
//! - `stack` holds the rules of geometry: what may become a volume, and on which grid; `regularize`
//!   makes a grid of tilted or uneven slices where that is asked for.
//! - `codec` and `pixels` give stored pixels; `hounsfield` turns them into HU, without any look-up
//!   table of the decoder's; `census`, `coverage` and `check` judge what came of it.
//! - `origin` keeps what the slices that were used say of patient, study, series and scanner, `instance` which
//!   stored image each is; `copy` writes that into another object, `secret_key` makes pseudonyms of it.
//!
//! No message of this room tells an attribute's text: only names, sizes and numbers that are not
//! about the patient.

mod acquisition;
mod assemble;
mod attributes;
mod catalogue;
mod census;
mod characters;
mod check;
mod cluster;
mod codec;
mod copy;
mod coverage;
mod describe;
mod discover;
mod enhanced;
mod error;
mod frames;
mod gate;
mod grouping;
mod header;
mod held;
mod hounsfield;
mod identity;
mod instance;
mod limits;
mod listing;
mod open;
mod origin;
mod padding;
mod partial;
mod passed_over;
mod pixels;
mod regularize;
mod secret_key;
mod series;
mod stack;
mod write;

pub use acquisition::Acquisition;
pub use assemble::{AssembleSettings, Assembled, Unspecified, assemble};
pub use attributes::{AttributeError, parse_decimal_string};
pub use catalogue::{Catalogue, SeriesFiles};
pub use census::LEAST_HU;
pub use check::check_volume;
pub use cluster::Doubt;
pub use codec::CodecError;
pub use copy::{CopiedModule, copy_modules, source_references, source_series};
pub use coverage::{Coverage, Cut, Shortfall, check_coverage};
pub use describe::{Description, describe};
pub use discover::{Discovery, Refused, discover};
pub use error::DicomError;
pub use gate::GateError;
pub use header::{MAX_FRAMES, MAX_SIDE, PixelFormat, SliceHeader};
pub use hounsfield::{Padding, Rescale, Units};
pub use identity::PatientStudy;
pub use limits::GeometrySettings;
pub use listing::{Links, Listing, Unlisted, list};
pub use padding::{PixelPadding, plateau};
pub use partial::{Missing, Partial, check_whole};
pub use passed_over::{Passed, PassedOver};
pub use pixels::{StoredPixels, stored_pixels};
pub use regularize::Irregular;
pub use secret_key::{SecretKey, SecretKeyError};
pub use series::{Series, Slice};
pub use stack::Stack;
pub use write::{CtSeriesDescription, PatientPosition, PixelLayout, WriteError, write_ct_series};
