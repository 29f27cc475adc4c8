//! Compressed frames: from a codestream to stored samples.
//!
//! - `syntax` tells how a transfer syntax stores pixels; `frame` picks the decoder.
//! - `codestream` compares what a codestream says of itself with the header, before anything is
//!   allocated or decoded.
//! - `rle`, `jpeg_lossless`, `jpeg_dct`, `jpeg_ls` and `jpeg_2000` decode; `jpeg`, `huffman`, `bits` and
//!   `jpeg_ls_model` are their parts.
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
mod rle;
mod syntax;

pub use error::CodecError;
pub(super) use frame::decode_words;
pub(super) use syntax::{Coding, check_supported, coding};
