//! What comes without DICOM: pictures, plain arrays, research formats of volumes, and archives.
//!
//! Formats are told by content, never by a file's name. Sizes that a header declares are believed
//! only as far as bytes come: memory grows with what was read, up to [`MAX_VOLUME_VOXELS`].

mod archive;
mod element;
mod error;
mod header_lines;
mod metaimage;
mod metaimage_write;
mod nifti;
mod nifti_fields;
mod nifti_place;
mod nifti_write;
mod npy;
mod npz;
mod nrrd;
mod nrrd_place;
mod placement;
mod png;
mod raster;
mod stored;
mod stream;
mod temporary;
mod torch;
mod volume_file;
mod volume_format;
mod warning;

pub use archive::{
    ArchiveError, MAX_ARCHIVE_BYTES, MAX_ARCHIVE_ENTRIES, MAX_ARCHIVE_RATIO, RATIO_FREE_BYTES, unpack,
};
pub use element::MAX_VOLUME_VOXELS;
pub use error::VolumeFileError;
pub use metaimage::read_metaimage;
pub use metaimage_write::write_metaimage;
pub use nifti::read_nifti;
pub use nifti_write::{Gzip, write_nifti, write_nifti_described};
pub use npy::{NpyArray, read_npy, read_npy_volume, write_npy};
pub use npz::read_npz;
pub use nrrd::read_nrrd;
pub use png::{write_overlay, write_png};
pub use raster::{
    MAX_PICTURE_SIDE, Picture, PictureEncoding, PictureError, WHITE, is_picture, picture_encoding,
    picture_pixels, read_picture,
};
pub use temporary::{TemporaryFolder, remove_all_temporary, wait_if_removed, while_going};
pub use torch::{TorchError, TorchTensor, bfloat, half, is_torch, read_torch};
pub use volume_file::VolumeFile;
pub use volume_format::{Container, VolumeFormat, read_volume, recognise_container, volume_voxels};
pub use warning::VolumeFileWarning;
