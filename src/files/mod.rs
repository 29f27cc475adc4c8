//! Pictures and plain arrays: what comes without DICOM's geometry and units.
//!
//! Formats are told by content, never by a file's name.

mod npy;
mod png;
mod raster;

pub use npy::{NpyArray, NpyError, is_npy, read_npy, read_npy_volume, write_npy};
pub use png::write_png;
pub use raster::{MAX_PICTURE_SIDE, Picture, PictureError, is_picture, read_picture};
