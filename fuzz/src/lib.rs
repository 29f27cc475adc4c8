//! What the targets need around the bytes of an untrusted file.

mod frames;
mod whole;

pub use frames::{decode_as, framed, native, slice};
pub use whole::{assert_sound, with_file, with_folder, zipped};
