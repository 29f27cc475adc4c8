//! DICOM: from files on disk to a CT volume in Hounsfield units, with a coded answer to every doubt.
//!
//! ```text
//! paths --discover--> Series (headers only) --assemble--> Volume (HU on an LPS grid) + warnings
//! ```
//!
//! - `gate` tells DICOM by content, checks a file's whole structure in one bounded pass and keeps what
//!   is read of it; `open` is the gate for files on disk; `listing` walks paths, `passed_over` counts
//!   what is of no concern there, `examine` tells what one file is, `catalogue` keeps little of many headers,
//!   `grouping` makes series of them by the `identity` that files tell, and `discover` does all of it at once.
//! - `attributes` reads single attributes strictly; `pixel_format` and `header` gather those a CT slice needs.
//! - `characters` decodes names; `describe` gathers what is shown to people.
//! - `enhanced` reads the frames of multi-frame objects; `cluster` tells apart, by `acquisition`, the
//!   reconstructions and phases that share a series; `partial` tells what is missing of one.
//! - `stack` holds the rules of geometry: what may become a volume, and on which grid; `regularize`
//!   makes a grid of tilted or uneven slices where that is asked for.
//! - `second_reader` is dicom-rs behind the gate; `agreement` and `cross_check` compare its pixels with ours.
//! - `codec` and `pixels` give stored pixels; `rescale` and `padding` say what they stand for, and `hounsfield`
//!   turns them into HU, without any look-up table of the decoder's; `statistics`, `coverage` and `check` judge
//!   what came of it.
//! - `refused`, `doubt`, `missing` and `cut` are facts that an `error` or a series carries; `number_text` writes
//!   numbers of headers as text.
//! - `origin` keeps what the slices that were used say of patient, study, series and scanner, `instance` which
//!   stored image each is; `copy` writes that into another object, `pseudonyms` makes keyed names of it.
//!
//! No message of this room tells an attribute's text: only names, sizes and numbers that are not
//! about the patient.

mod acquisition;
mod agreement;
mod assemble;
mod assemble_settings;
mod attributes;
mod catalogue;
mod characters;
mod check;
mod cluster;
mod codec;
mod copy;
mod coverage;
mod cross_check;
mod cut;
mod describe;
mod discover;
mod doubt;
mod enhanced;
mod error;
mod examine;
mod frames;
mod gate;
mod grouping;
mod header;
mod hounsfield;
mod identity;
mod instance;
mod limits;
mod listing;
mod missing;
mod number_text;
mod open;
mod open_file;
mod origin;
mod padding;
mod partial;
mod passed_over;
mod pixel_format;
mod pixels;
mod pseudonyms;
mod refused;
mod regularize;
mod rescale;
mod second_reader;
mod seen_padding;
mod series;
mod stack;
mod statistics;
mod write;

pub use acquisition::Acquisition;
pub use agreement::{Agreement, PixelDifference, ReaderRefusal, compare_readers};
pub use assemble::{Assembled, assemble};
pub use assemble_settings::{AssembleSettings, Unspecified};
pub use attributes::{AttributeError, parse_decimal_string};
pub use catalogue::{Catalogue, SeriesFiles};
pub use check::check_volume;
pub use codec::CodecError;
pub use copy::{CopiedModule, copy_modules, derived_uid, source_planes, source_references, source_series};
pub use coverage::{Coverage, Shortfall, check_coverage};
pub use cross_check::{CrossCheck, DifferingImage, ImagePlace, RefusedImages, cross_check};
pub use cut::Cut;
pub use describe::{Description, describe};
pub use discover::{Discovery, discover};
pub use doubt::Doubt;
pub use error::DicomError;
pub use gate::GateError;
pub use header::SliceHeader;
pub use identity::PatientStudy;
pub use limits::GeometrySettings;
pub use listing::{Links, Listing, Unlisted, list};
pub use missing::Missing;
pub use padding::{Padding, PixelPadding, Plateau, plateau};
pub use partial::{Partial, check_whole};
pub use passed_over::{Passed, PassedOver};
pub use pixel_format::{MAX_FRAMES, MAX_SIDE, PixelFormat};
pub use pixels::{StoredPixels, stored_pixels};
pub use pseudonyms::{acquired, pseudonyms};
pub use refused::Refused;
pub use regularize::Irregular;
pub use rescale::{Rescale, Units};
pub use second_reader::SecondReaderError;
pub use series::{Series, Slice};
pub use stack::Stack;
pub use statistics::LEAST_HU;
pub use write::{
    CtSeriesDescription, DicomObject, DisplayWindow, PatientPosition, PixelLayout, PutAttribute, WriteError,
    content_uid, decimal, decimals, write_ct_series,
};
