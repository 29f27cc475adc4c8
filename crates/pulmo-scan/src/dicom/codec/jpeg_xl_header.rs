//! What the beginning of a JPEG XL codestream says, read before the decoder sees a byte.
//!
//! # References
//! ISO/IEC 18181-1 annexes B (bits) and D (image header).

use super::CodecError;
use super::codestream::Codestream;
use super::error::malformed;

/// What a JPEG XL codestream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageHeader {
    pub(super) codestream: Codestream,
    /// Whether colours were changed to XYB, which loses.
    pub(super) is_xyb: bool,
}

/// Reads the header of a bare codestream, from its signature to its colour space.
///
/// # Errors
/// [`CodecError`] where it ends early, or holds what no slice needs and a decoder would spend memory on: a turned image, a
/// preview, an animation, further channels, fractions, a colour profile.
pub(super) fn image_header(codestream: &[u8]) -> Result<ImageHeader, CodecError> {
    let rest = codestream.strip_prefix(&[0xFF, 0x0A]).ok_or(malformed("signature"))?;
    let mut bits = LowBits { bytes: rest, next: 0 };
    let (rows, columns) = size(&mut bits)?;
    let image = |components, bits| Codestream { rows, columns, components, bits, signed: None };
    if bits.flag()? {
        // all else as usual: colours of 8 bits
        return Ok(ImageHeader { codestream: image(3, 8), is_xyb: true });
    }
    if bits.flag()? {
        extra_fields(&mut bits)?;
    }
    let bits_per_sample = bits_per_sample(&mut bits)?;
    let _fits_16_bits = bits.flag()?;
    if bits.choose([(0, 0), (1, 0), (2, 4), (1, 12)])? != 0 {
        return Err(CodecError::Unsupported { what: "further channels" });
    }
    let is_xyb = bits.flag()?;
    let components = if is_gray(&mut bits)? { 1 } else { 3 };
    Ok(ImageHeader { codestream: image(components, bits_per_sample), is_xyb })
}

/// Rows and columns.
fn size(bits: &mut LowBits<'_>) -> Result<(u32, u32), CodecError> {
    const SIDE: [(u32, u32); 4] = [(1, 9), (1, 13), (1, 18), (1, 30)];
    let is_small = bits.flag()?;
    let side = |bits: &mut LowBits<'_>| {
        if is_small { Ok(8 * (bits.take(5)? + 1)) } else { bits.choose(SIDE) }
    };
    let rows = side(bits)?;
    let columns = match bits.take(3)? {
        0 => side(bits)?,
        ratio => {
            let (width, height) =
                [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)][ratio as usize - 1];
            u32::try_from(u64::from(rows) * width / height).map_err(|_| malformed("size"))?
        }
    };
    Ok((rows, columns))
}

/// Passes over the rarer fields, where they ask for nothing.
fn extra_fields(bits: &mut LowBits<'_>) -> Result<(), CodecError> {
    if bits.take(3)? != 0 {
        return Err(CodecError::Unsupported { what: "an orientation" });
    }
    if bits.flag()? {
        let _intrinsic_size = size(bits)?;
    }
    match (bits.flag()?, bits.flag()?) {
        (true, _) => Err(CodecError::Unsupported { what: "a preview" }),
        (_, true) => Err(CodecError::Unsupported { what: "an animation" }),
        (false, false) => Ok(()),
    }
}

fn bits_per_sample(bits: &mut LowBits<'_>) -> Result<u8, CodecError> {
    if bits.flag()? {
        return Err(CodecError::Unsupported { what: "fractions" });
    }
    let found = bits.choose([(8, 0), (10, 0), (12, 0), (1, 6)])?;
    u8::try_from(found).map_err(|_| malformed("bits"))
}

/// Whether the colour space is gray; it must not be one of a profile.
fn is_gray(bits: &mut LowBits<'_>) -> Result<bool, CodecError> {
    if bits.flag()? {
        return Ok(false);
    }
    match bits.flag()? {
        true => Err(CodecError::Unsupported { what: "a colour profile" }),
        false => Ok(bits.choose([(0, 0), (1, 0), (2, 4), (18, 6)])? == 1),
    }
}

/// Reads bits, the lowest of a byte first.
struct LowBits<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl LowBits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, CodecError> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.next / 8).ok_or(CodecError::Truncated)?;
            value |= u32::from(byte >> (self.next % 8) & 1) << place;
            self.next += 1;
        }
        Ok(value)
    }

    fn flag(&mut self) -> Result<bool, CodecError> {
        Ok(self.take(1)? == 1)
    }

    /// A number by one of four ways, each with its least value and how many bits are added to it.
    fn choose(&mut self, ways: [(u32, u32); 4]) -> Result<u32, CodecError> {
        let (least, count) = ways[self.take(2)? as usize];
        Ok(least + self.take(count)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORIGIN: first 12 bytes of imagecodecs 2026.3.6 (libjxl 0.11.2): `jpegxl_encode(a, lossless=True, bitspersample=b)` of
    /// gray arrays of these rows, columns and bits.
    const HEADERS: [(&[u8; 12], u32, u32, u8); 8] = [
        (b"\xff\x0a\x41\x40\x50\xdc\x08\x08\x04\x01\x00\x40", 8, 8, 8),
        (b"\xff\x0a\x17\x0e\x08\x8a\x1b\x01\x08\x04\x01\x00", 96, 64, 8),
        (b"\xff\x0a\x80\x70\x8c\x04\x45\x8b\x08\x04\x01\x00", 17, 34, 9),
        (b"\xff\x0a\x05\x08\x0a\x8a\x16\x01\x08\x04\x01\x00", 24, 40, 10),
        (b"\xff\x0a\xf8\x1f\x18\x14\x2d\x02\x08\x02\x01\x00", 512, 512, 12),
        (b"\xff\x0a\xfa\x7f\xe8\x76\xc1\xa0\x68\x11\x08\x02", 4096, 3000, 12),
        (b"\xff\x0a\xf8\x1f\xfc\x00\x45\x8b\x08\x02\x01\x00", 512, 512, 16),
        (b"\xff\x0a\x58\x09\x06\xe2\x07\x28\x5a\x04\x08\x04", 300, 260, 16),
    ];

    #[test]
    fn size_and_bits_are_told() {
        for (bytes, rows, columns, bits) in HEADERS {
            let codestream = Codestream { rows, columns, components: 1, bits, signed: None };
            assert_eq!(image_header(bytes), Ok(ImageHeader { codestream, is_xyb: false }));
            for end in 0..5 {
                assert!(image_header(&bytes[..end]).is_err(), "cut at {end}");
            }
        }
    }

    /// ORIGIN: as above, of arrays of 24 rows and 40 columns: 8-bit RGB, gray with alpha, float32, three frames; and lossy gray.
    #[test]
    fn what_is_no_slice_is_told() {
        let unsupported = |bytes: &[u8], what| {
            assert_eq!(image_header(bytes), Err(CodecError::Unsupported { what }));
        };
        unsupported(b"\xff\x0a\x05\x08\x58\x14\x37\x02\x08\x10", "further channels");
        unsupported(b"\xff\x0a\x05\x08\x39\xa0\x68\x11\x08\x04", "fractions");
        unsupported(b"\xff\x0a\x05\x88\xa0\x09\x00\x04\xc5\x2d", "an animation");
        let colours = image_header(b"\xff\x0a\x05\x08\x88\x04\x08\x04\x01\x00").unwrap();
        assert_eq!(colours.codestream.components, 3);
        let lossy = image_header(b"\xff\x0a\x05\x08\x48\x8a\x1b\x01\x00\x13").unwrap();
        assert_eq!((lossy.codestream.components, lossy.is_xyb), (1, true));
    }
}
