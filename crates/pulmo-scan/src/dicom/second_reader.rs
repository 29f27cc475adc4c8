//! The second reader of pixels: dicom-rs, which shares no code with ours but the decoder of JPEG 2000.
//!
//! It allocates what a header announces, recurses as deep as sequences go, and panics where a codestream is another image
//! than the header says. So it never sees a file: it gets the elements of the image alone, byte for byte as they stand in a
//! file that passed the gate, and it is asked only for frames that our own decoder has decoded.

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_dictionary_std::uids;
use dicom_object::{DefaultDicomObject, FileMetaTableBuilder, from_reader};
use dicom_pixeldata::PixelDecoder;

use super::PixelFormat;
use super::codec::{self, Coding};
use super::gate::{DataSetStorage, FileHeader};

/// Most bytes of pixels and what describes them that the second reader gets.
const MOST_BYTES: u64 = 1 << 30;

/// Why the second reader gives no pixels. Its own words are not told: they may hold values of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum SecondReaderError {
    /// It is not asked: the pixel data are too large to be held as a whole.
    #[error("was not asked: the pixel data are larger than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    /// It is not asked: boxes stand around the codestream, in which it might find another one.
    #[error("was not asked: the codestream stands in boxes")]
    Boxes,
    /// It has no decoder for the transfer syntax: for JPEG-LS it would take C++, for JPEG XL it has the one that we use.
    #[error("has no decoder for the transfer syntax")]
    TransferSyntax,
    /// It cannot read the data set.
    #[error("cannot read the data set")]
    DataSet,
    /// It cannot decode the pixels.
    #[error("cannot decode the pixels")]
    Pixels,
    /// It gives another number of samples than the header says.
    #[error("gives {found} bytes of pixels where the header says {expected}")]
    Length {
        /// Rows x columns x bytes per sample.
        expected: usize,
        /// Bytes that it gives.
        found: usize,
    },
    /// It panicked.
    #[error("failed with a panic")]
    Panic,
}

/// The image of a file, as dicom-rs understands it.
pub(super) struct SecondReader {
    object: DefaultDicomObject,
}

impl SecondReader {
    /// Lets dicom-rs read the image elements of a file that passed the gate.
    ///
    /// # Errors
    /// [`SecondReaderError`] where it does not.
    pub(super) fn open<R: Read + Seek>(
        header: &FileHeader,
        source: &mut R,
    ) -> Result<Self, SecondReaderError> {
        if let Some(Coding::JpegLs | Coding::JpegXl) = codec::coding(&header.transfer_syntax) {
            return Err(SecondReaderError::TransferSyntax);
        }
        let file = image_alone(header, source)?;
        match catch_unwind(|| from_reader(file.as_slice())) {
            Err(_) => Err(SecondReaderError::Panic),
            Ok(read) => read.map(|object| Self { object }).map_err(|_| SecondReaderError::DataSet),
        }
    }

    /// The words of a frame that our own decoder has decoded.
    ///
    /// # Errors
    /// [`SecondReaderError`] where it gives none, or not as many as a frame has samples.
    pub(super) fn words(&self, frame: usize, format: PixelFormat) -> Result<Vec<u16>, SecondReaderError> {
        let frame = u32::try_from(frame).map_err(|_| SecondReaderError::TooLarge)?;
        let decoded = catch_unwind(AssertUnwindSafe(|| self.object.decode_pixel_data_frame(frame)));
        let decoded = decoded.map_err(|_| SecondReaderError::Panic)?;
        let decoded = decoded.map_err(|_| SecondReaderError::Pixels)?;
        let bytes = decoded.data();
        if bytes.len() != format.bytes() {
            return Err(SecondReaderError::Length { expected: format.bytes(), found: bytes.len() });
        }
        let mut words = vec![0; format.samples()];
        codec::fill(&mut words, bytes, format);
        Ok(words)
    }
}

/// A file of nothing but the image elements, which are written as in the file that passed the gate.
fn image_alone<R: Read + Seek>(header: &FileHeader, source: &mut R) -> Result<Vec<u8>, SecondReaderError> {
    let length: u64 = header.image_elements.iter().map(|place| place.end - place.start).sum();
    if length > MOST_BYTES {
        return Err(SecondReaderError::TooLarge);
    }
    let transfer_syntax = match header.storage {
        DataSetStorage::Plain => header.transfer_syntax.as_str(),
        // the gate has inflated it
        DataSetStorage::Deflated { .. } => uids::EXPLICIT_VR_LITTLE_ENDIAN,
    };
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(transfer_syntax)
        .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid("2.25.0")
        .build()
        .map_err(|_| SecondReaderError::DataSet)?;
    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM");
    meta.write(&mut file).map_err(|_| SecondReaderError::DataSet)?;
    for place in &header.image_elements {
        let start = file.len();
        let length = usize::try_from(place.end - place.start).map_err(|_| SecondReaderError::TooLarge)?;
        file.resize(start + length, 0);
        let read = header.storage.read(source, place.start, &mut file[start..]);
        read.map_err(|_| SecondReaderError::DataSet)?;
    }
    Ok(file)
}
