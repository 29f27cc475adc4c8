//! PNG, JPEG, TIFF and BMP pictures as gray values on a pixel grid.
//!
//! Decoders forgive: they make up what a cut file lacks, give the first of several pictures, and
//! leave a camera's turn undone. So each file is first walked from its first to its last byte.

mod bmp;
mod error;
mod gray;
mod jpeg;
mod jpeg_huffman;
mod jpeg_scan;
mod limits;
mod orientation;
mod picture;
mod png;
mod tiff;

pub use error::PictureError;
pub use gray::WHITE;
pub use limits::MAX_PICTURE_SIDE;
pub use picture::{Picture, PictureEncoding, is_picture, picture_encoding, picture_pixels, read_picture};
