//! A picture file as gray values on a pixel grid.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader, Limits};
use ndarray::{Array2, Axis};
use tiff::ColorType;

use super::gray::{Declared, Gray, WHITE, gray};
use super::limits::{MAX_PICTURE_SIDE, MOST_BYTES};
use super::tiff::{Tiff, TiffSamples};
use super::{PictureError, bmp, jpeg, orientation, png, tiff as tiff_file};
use crate::files::stream;
use crate::geometry::Grid;
use crate::volume::{Volume, VolumeError};

/// A picture in gray, upright.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Values `[1, rows, columns]`: gray from 0 to [`WHITE`], or numbers as they are where a TIFF file
    /// holds signed or floating-point ones.
    pub volume: Volume,
    /// The value of white: [`WHITE`], whatever the bits of a sample; `None` for numbers as they are.
    pub max_value: Option<f32>,
    /// Whether samples of 16 bits stay below a sixteenth of white and nothing says that fewer bits count: they
    /// were taken for numbers of 8, 10 or 12 bits.
    pub is_dark: bool,
}

/// How a picture is stored, which says nothing of what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureEncoding {
    /// `PNG`, `JPEG`, `TIFF` or `BMP`, told by content.
    pub format: &'static str,
    /// `gray` or `colour`, with `+alpha` where there is an alpha channel.
    pub colour: &'static str,
    /// Bits a channel: 8 or 16 as decoded, in TIFF as stored.
    pub bits: u16,
}

/// The formats that are read, as their first bytes tell them.
fn format_of(beginning: &[u8]) -> Option<(ImageFormat, &'static str)> {
    if beginning.starts_with(b"II+\0") || beginning.starts_with(b"MM\0+") {
        return Some((ImageFormat::Tiff, "TIFF"));
    }
    let name = match image::guess_format(beginning).ok()? {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Bmp => "BMP",
        _ => return None,
    };
    Some((image::guess_format(beginning).ok()?, name))
}

fn beginning_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut beginning = Vec::with_capacity(16);
    stream::regular(path)?.take(16).read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// Whether the file's first bytes are those of a picture format that pulmo reads.
pub fn is_picture(path: &Path) -> bool {
    beginning_of(path).is_ok_and(|beginning| format_of(&beginning).is_some())
}

/// Returns how a picture is stored. Reads its header only.
///
/// # Errors
/// [`PictureError`] where the file is no picture or its header is damaged.
pub fn picture_encoding(path: &Path) -> Result<PictureEncoding, PictureError> {
    let (format, name) = format_of(&beginning_of(path)?).ok_or(PictureError::Format)?;
    let file = BufReader::new(stream::regular(path)?);
    let (has_colour, has_alpha, bits) = if format == ImageFormat::Tiff {
        let colours = ::tiff::decoder::Decoder::new(file)?.colortype()?;
        let has_colour = !matches!(colours, ColorType::Gray(_) | ColorType::GrayA(_));
        let has_alpha = matches!(colours, ColorType::GrayA(_) | ColorType::RGBA(_) | ColorType::CMYKA(_));
        (has_colour, has_alpha, u16::from(colours.bit_depth()))
    } else {
        let pixels = ImageReader::with_format(file, format).into_decoder()?.color_type();
        let bits = pixels.bits_per_pixel() / u16::from(pixels.channel_count());
        (pixels.has_color(), pixels.has_alpha(), bits)
    };
    let colour = match (has_colour, has_alpha) {
        (false, false) => "gray",
        (false, true) => "gray+alpha",
        (true, false) => "colour",
        (true, true) => "colour+alpha",
    };
    Ok(PictureEncoding { format: name, colour, bits })
}

/// Returns how many pixels the header of a picture promises. Reads its header only.
///
/// # Errors
/// [`PictureError`] where the file is no picture or its header is damaged.
pub fn picture_pixels(path: &Path) -> Result<usize, PictureError> {
    let (format, _) = format_of(&beginning_of(path)?).ok_or(PictureError::Format)?;
    let file = BufReader::new(stream::regular(path)?);
    let (columns, rows) = match format {
        ImageFormat::Tiff => ::tiff::decoder::Decoder::new(file)?.dimensions()?,
        _ => ImageReader::with_format(file, format).into_dimensions()?,
    };
    Ok((columns as usize).saturating_mul(rows as usize))
}

/// Reads a picture as gray from 0 to [`WHITE`], whatever the bits of its samples, and turned as its Exif
/// orientation says. Colour becomes luma with the weights 0.299, 0.587 and 0.114, and alpha is ignored;
/// nothing is rounded. Signed and floating-point samples of TIFF are numbers as they are.
///
/// # Errors
/// [`PictureError`] where the file is no picture, is too large, ends early, holds several pictures or
/// cannot be decoded.
pub fn read_picture(path: &Path) -> Result<Picture, PictureError> {
    let mut bytes = Vec::new();
    stream::regular(path)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        return Err(PictureError::TooLarge);
    }
    let (format, _) = format_of(&bytes).ok_or(PictureError::Format)?;
    let (pixels, turn) = match format {
        ImageFormat::Png => {
            let chunks = png::check(&bytes)?;
            (decode(&bytes, format, chunks.declared)?, chunks.orientation)
        }
        ImageFormat::Jpeg => {
            let turn = jpeg::check(&bytes)?;
            (decode(&bytes, format, Declared::Nothing)?, turn)
        }
        ImageFormat::Tiff => {
            let file = tiff_file::open(&bytes)?;
            let turn = file.orientation;
            (decode_tiff(file, &bytes)?, turn)
        }
        _ => {
            bmp::check(&bytes)?;
            (decode(&bytes, format, Declared::Nothing)?, Orientation::NoTransforms)
        }
    };
    pixels.upright(turn)
}

/// Decoded pixels, as they are stored.
struct Pixels {
    rows: usize,
    columns: usize,
    samples: TiffSamples,
}

fn decode(bytes: &[u8], format: ImageFormat, declared: Declared) -> Result<Pixels, PictureError> {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_PICTURE_SIDE);
    limits.max_image_height = Some(MAX_PICTURE_SIDE);
    limits.max_alloc = Some(MOST_BYTES as u64);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoded = reader.decode()?;
    let (columns, rows) = (decoded.width() as usize, decoded.height() as usize);
    Ok(Pixels { rows, columns, samples: TiffSamples::Gray(gray(&decoded, declared)?) })
}

fn decode_tiff(file: Tiff<'_>, bytes: &[u8]) -> Result<Pixels, PictureError> {
    if !matches!(file.colours, ColorType::Gray(_)) {
        return decode(bytes, ImageFormat::Tiff, Declared::Nothing);
    }
    let [rows, columns] = file.size.map(|side| side as usize);
    Ok(Pixels { rows, columns, samples: file.samples()? })
}

impl Pixels {
    fn upright(self, turn: Orientation) -> Result<Picture, PictureError> {
        let (values, max_value, is_dark) = match self.samples {
            TiffSamples::Gray(Gray { values, is_dark }) => (values, Some(WHITE), is_dark),
            TiffSamples::Numbers(values) => (values, None, false),
        };
        let stored = Grid::of_picture(self.rows, self.columns)?;
        let misfit = VolumeError::Shape { voxels_zyx: [1, 1, values.len()], grid_zyx: stored.shape_zyx() };
        let pixels = Array2::from_shape_vec((self.rows, self.columns), values).map_err(|_| misfit)?;
        let pixels = orientation::applied(pixels, turn);
        let grid = Grid::of_picture(pixels.nrows(), pixels.ncols())?;
        Ok(Picture { volume: Volume::new(grid, pixels.insert_axis(Axis(0)))?, max_value, is_dark })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::DynamicImage;

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
            assert_eq!((picture.max_value, picture.volume.grid().shape_zyx()), (Some(255.0), [1, 2, 3]));
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
    fn sixteen_bits_are_kept_on_the_scale_of_eight() {
        let pixels =
            image::ImageBuffer::<image::Luma<u16>, _>::from_vec(2, 1, vec![200 * 257, 200 * 257 + 1]);
        let picture = read(&pixels.unwrap().into(), "a.png", ImageFormat::Png);
        assert_eq!((picture.volume.as_slice()[0], picture.max_value), (200.0, Some(255.0)));
        assert!(picture.volume.as_slice()[1] > 200.0 && !picture.is_dark);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"no picture").unwrap();
        assert!(!is_picture(&path));
        assert!(matches!(read_picture(&path), Err(PictureError::Format)));
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
        assert!(matches!(read_picture(&path), Err(PictureError::Truncated)));
    }
}
