//! The gate: pulmo's own reader of DICOM data sets, through which every file goes before anything else.
//!
//! One streaming pass checks a file's structure and keeps the few elements that pulmo reads. Values
//! are never trusted to be as long as they say, sequences never to end, and nothing of a file is
//! held but what is kept. There is no unsafe code and no panic in it.
//!
//! # References
//! DICOM PS3.5 section 7 (data sets), annex A (transfer syntaxes); PS3.10 section 7 (files).

mod budget;
mod bytes;
mod copied;
mod data_set;
mod element_header;
mod encoding;
mod error;
mod file_header;
mod meta;
mod pixel_data;
mod sequence;
mod walk;
mod wanted;

pub(super) use data_set::{DataElement, DataSet, ElementValue};
pub(super) use encoding::Endianness;
pub use error::GateError;
pub(super) use file_header::{DataSetStorage, FileHeader, read_file_header, read_file_header_into};
pub(super) use meta::BEGINNING;
pub(super) use pixel_data::{Extent, PixelData};
