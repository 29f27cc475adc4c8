//! Compressed frames: from a codestream to stored samples.
//!
//! - `syntax` tells how a transfer syntax stores pixels; `frame` picks the decoder.
//! - `codestream` compares what a codestream says of itself with the header, before anything is
//!   allocated or decoded.
//! - `rle`, `jpeg_lossless`, `jpeg_dct`, `jpeg_ls`, `jpeg_2000`, `jpeg_xl` and `plain` decode; `jpeg`, `huffman`,
//!   `bits`, `jpeg_ls_model`, `jpeg_xl_header` and `jpeg_xl_boxes` are their parts.
//!
//! A decoder returns all samples or an error: never a part of an image.

mod bits;
mod codestream;
mod error;
mod frame;
mod huffman;
mod jpeg;
mod jpeg_2000;
mod jpeg_dct;
mod jpeg_lossless;
mod jpeg_ls;
mod jpeg_ls_model;
mod jpeg_xl;
mod jpeg_xl_boxes;
mod jpeg_xl_header;
mod plain;
mod rle;
mod syntax;

pub use error::CodecError;
pub(super) use frame::decode_words;
pub(super) use plain::fill;
pub(super) use syntax::{Coding, check_supported, coding};
