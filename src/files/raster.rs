//! PNG, JPEG, TIFF and BMP pictures as gray values on a pixel grid.

use std::io::{BufReader, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use ndarray::Array3;

use super::stream;
use crate::geometry::{Grid, GridError};
use crate::volume::{Volume, VolumeError};

/// Most pixels a side of a picture.
pub const MAX_PICTURE_SIDE: u32 = 16384;

/// Most bytes a picture's decoder may allocate.
const MOST_BYTES: u64 = 1 << 31;

const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp];

/// Weights of red, green and blue in luma (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Why a file gives no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be opened or read.
    #[error("the picture cannot be read")]
    Unreadable {
        /// What the operating system says.
        #[from]
        source: std::io::Error,
    },
    /// The content is none of the formats read.
    #[error("the file is no PNG, JPEG, TIFF or BMP picture")]
    Format,
    /// The picture exceeds the limits of size.
    #[error("the picture is larger than {MAX_PICTURE_SIDE} pixels a side")]
    TooLarge,
    /// The pixels are floating-point numbers or of another unusual kind.
    #[error("pictures of {kind:?} pixels are not supported")]
    Pixels {
        /// The kind of pixel.
        kind: image::ColorType,
    },
    /// The decoder failed.
    #[error("the picture cannot be decoded")]
    Decode {
        /// What the decoder says.
        source: ImageError,
    },
    /// The picture has no pixels.
    #[error("the picture is empty")]
    Empty {
        /// What the grid says.
        #[from]
        source: GridError,
    },
    /// Pixels and grid do not fit together.
    #[error("the picture has another size than it states")]
    Volume {
        /// What the volume says.
        #[from]
        source: VolumeError,
    },
}

/// A picture in gray.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Gray values, `[1, rows, columns]`, from 0 to [`max_value`](Self::max_value).
    pub volume: Volume,
    /// The value of white: 255 for 8 bits a channel, 65535 for 16.
    pub max_value: f32,
}

/// How a picture is stored, which says nothing of what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureEncoding {
    /// `PNG`, `JPEG`, `TIFF` or `BMP`, told by content.
    pub format: &'static str,
    /// `gray` or `colour`, with `+alpha` where there is an alpha channel.
    pub colour: &'static str,
    /// Bits a channel, as decoded: 8 or 16.
    pub bits: u16,
}

/// Returns how a picture is stored. Reads its header only.
///
/// # Errors
/// [`PictureError`] where the file is no picture or its header is damaged.
pub fn picture_encoding(path: &Path) -> Result<PictureEncoding, PictureError> {
    let reader = ImageReader::new(BufReader::new(stream::regular(path)?)).with_guessed_format()?;
    let format = match reader.format() {
        Some(ImageFormat::Png) => "PNG",
        Some(ImageFormat::Jpeg) => "JPEG",
        Some(ImageFormat::Tiff) => "TIFF",
        Some(ImageFormat::Bmp) => "BMP",
        _ => return Err(PictureError::Format),
    };
    let pixels = reader.into_decoder().map_err(|source| PictureError::Decode { source })?.color_type();
    let colour = match (pixels.has_color(), pixels.has_alpha()) {
        (false, false) => "gray",
        (false, true) => "gray+alpha",
        (true, false) => "colour",
        (true, true) => "colour+alpha",
    };
    let bits = pixels.bits_per_pixel() / u16::from(pixels.channel_count());
    Ok(PictureEncoding { format, colour, bits })
}

/// Returns how many pixels the header of a picture promises. Reads its header only.
///
/// # Errors
/// [`PictureError`] where the file is no picture or its header is damaged.
pub fn picture_pixels(path: &Path) -> Result<usize, PictureError> {
    let reader = ImageReader::new(BufReader::new(stream::regular(path)?)).with_guessed_format()?;
    let (columns, rows) = reader.into_dimensions().map_err(|source| PictureError::Decode { source })?;
    Ok((columns as usize).saturating_mul(rows as usize))
}

/// Whether the file's first bytes are those of a picture format that pulmo reads.
pub fn is_picture(path: &Path) -> bool {
    let mut beginning = Vec::with_capacity(16);
    let read = stream::regular(path).and_then(|file| file.take(16).read_to_end(&mut beginning));
    read.is_ok() && image::guess_format(&beginning).is_ok_and(|format| FORMATS.contains(&format))
}

/// Reads a picture as gray: colour becomes luma with the weights 0.299, 0.587 and 0.114, and alpha
/// is ignored. Luma is not rounded.
///
/// # Errors
/// [`PictureError`] where the file is no picture, is too large or cannot be decoded.
pub fn read_picture(path: &Path) -> Result<Picture, PictureError> {
    let mut reader = ImageReader::new(BufReader::new(stream::regular(path)?)).with_guessed_format()?;
    if !reader.format().is_some_and(|format| FORMATS.contains(&format)) {
        return Err(PictureError::Format);
    }
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_PICTURE_SIDE);
    limits.max_image_height = Some(MAX_PICTURE_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|source| match source {
        ImageError::Limits(_) => PictureError::TooLarge,
        source => PictureError::Decode { source },
    })?;
    let (columns, rows) = (decoded.width() as usize, decoded.height() as usize);
    let (gray, max_value) = gray(decoded)?;
    let grid = Grid::of_picture(rows, columns)?;
    let shape = VolumeError::Shape { voxels_zyx: [1, 1, gray.len()], grid_zyx: grid.shape_zyx() };
    let voxels = Array3::from_shape_vec(grid.shape_zyx(), gray).map_err(|_| shape)?;
    Ok(Picture { volume: Volume::new(grid, voxels)?, max_value })
}

/// The gray values, row by row, and the value of white.
fn gray(decoded: DynamicImage) -> Result<(Vec<f32>, f32), PictureError> {
    const WHITE_8: f32 = 255.0;
    const WHITE_16: f32 = 65535.0;
    Ok(match decoded {
        DynamicImage::ImageLuma8(pixels) => (gray_of(&pixels, 1), WHITE_8),
        DynamicImage::ImageLumaA8(pixels) => (gray_of(&pixels, 2), WHITE_8),
        DynamicImage::ImageRgb8(pixels) => (gray_of(&pixels, 3), WHITE_8),
        DynamicImage::ImageRgba8(pixels) => (gray_of(&pixels, 4), WHITE_8),
        DynamicImage::ImageLuma16(pixels) => (gray_of(&pixels, 1), WHITE_16),
        DynamicImage::ImageLumaA16(pixels) => (gray_of(&pixels, 2), WHITE_16),
        DynamicImage::ImageRgb16(pixels) => (gray_of(&pixels, 3), WHITE_16),
        DynamicImage::ImageRgba16(pixels) => (gray_of(&pixels, 4), WHITE_16),
        other => return Err(PictureError::Pixels { kind: other.color() }),
    })
}

fn gray_of<T: Copy + Into<f32>>(samples: &[T], channels: usize) -> Vec<f32> {
    samples
        .chunks_exact(channels)
        .map(|pixel| match pixel {
            [red, green, blue, ..] => luma([*red, *green, *blue].map(Into::into)),
            _ => pixel[0].into(),
        })
        .collect()
}

fn luma([red, green, blue]: [f32; 3]) -> f32 {
    // gray stays exactly what it is
    if red == green && green == blue { red } else { LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(decoded: &DynamicImage, name: &str, format: ImageFormat) -> Picture {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        decoded.save_with_format(&path, format).unwrap();
        assert!(is_picture(&path));
        read_picture(&path).unwrap()
    }

    #[test]
    fn content_tells_the_format_not_the_name() {
        let pixels = image::GrayImage::from_fn(3, 2, |x, y| image::Luma([u8::try_from(10 * y + x).unwrap()]));
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp] {
            let picture = read(&pixels.clone().into(), "lies.jpg", format);
            assert_eq!(picture.volume.as_slice(), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("lies.jpg");
            DynamicImage::from(pixels.clone()).save_with_format(&path, format).unwrap();
            let name = format.extensions_str()[0].to_ascii_uppercase();
            let encoding = picture_encoding(&path).unwrap();
            // The decoder of BMP makes colour of its palettes.
            let colour = if format == ImageFormat::Bmp { "colour" } else { "gray" };
            assert_eq!((encoding.colour, encoding.bits), (colour, 8));
            assert_eq!(encoding.format, if name == "TIF" { "TIFF" } else { name.as_str() });
            assert_eq!((picture.max_value, picture.volume.grid().shape_zyx()), (255.0, [1, 2, 3]));
        }
    }

    #[test]
    fn colour_becomes_luma_and_alpha_is_ignored() {
        let pixels = image::RgbaImage::from_vec(2, 1, vec![255, 0, 0, 0, 77, 77, 77, 128]).unwrap();
        let picture = read(&pixels.into(), "a.png", ImageFormat::Png);
        assert!((picture.volume.as_slice()[0] - 76.245).abs() < 1e-3);
        assert_eq!(picture.volume.as_slice()[1], 77.0);
    }

    #[test]
    fn sixteen_bits_are_kept() {
        let pixels = image::ImageBuffer::<image::Luma<u16>, _>::from_vec(1, 1, vec![40000]).unwrap();
        let picture = read(&pixels.into(), "a.png", ImageFormat::Png);
        assert_eq!((picture.volume.as_slice()[0], picture.max_value), (40000.0, 65535.0));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"no picture").unwrap();
        assert!(!is_picture(&path));
        assert!(matches!(read_picture(&path), Err(PictureError::Format)));
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
        assert!(matches!(read_picture(&path), Err(PictureError::Decode { .. })));
    }
}
