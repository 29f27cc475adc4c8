//! What stands before the first scan of a JPEG or JPEG-LS codestream.
//!
//! # References
//! ITU-T T.81 annex B, ITU-T T.87 annex C.

use super::CodecError;
use super::codestream::Codestream;
use super::error::malformed;

/// Marker of lossless frames coded by Huffman (SOF3).
pub(super) const LOSSLESS: u8 = 0xC3;
/// Marker of JPEG-LS frames (SOF55).
pub(super) const JPEG_LS: u8 = 0xF7;

/// A Huffman table as it is written: how many codes of each length, and their symbols in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct HuffmanSpecification<'a> {
    pub(super) counts: &'a [u8; 16],
    pub(super) symbols: &'a [u8],
}

/// What stands before the first scan, and the scan itself.
#[derive(Debug, Default)]
pub(super) struct JpegHeader<'a> {
    /// The marker of the frame header, which tells the process.
    pub(super) process: u8,
    frame: &'a [u8],
    scan: &'a [u8],
    /// Huffman tables by class (DC or lossless, AC) and number.
    pub(super) huffman: [[Option<HuffmanSpecification<'a>>; 4]; 2],
    /// Quantisation tables in zigzag order, bytes or big-endian words.
    pub(super) quantisation: [Option<&'a [u8]>; 4],
    /// Minimum coded units between restart markers, 0 for none.
    pub(super) restart_interval: u32,
    /// The preset coding parameters of JPEG-LS: the LSE segment of type 1.
    pub(super) presets: Option<&'a [u8; 10]>,
    /// The first scan's entropy-coded data and all that follows.
    pub(super) data: &'a [u8],
}

/// The scan header of a scan of one component.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScanHeader {
    /// Numbers of the DC (or lossless) and AC Huffman table; of the mapping table in JPEG-LS.
    pub(super) tables: [u8; 2],
    /// Start of spectral selection; the predictor in lossless mode; NEAR in JPEG-LS.
    pub(super) start: u8,
    /// End of spectral selection; the interleave mode in JPEG-LS.
    pub(super) end: u8,
    /// The point transform, or the low bit position.
    pub(super) low: u8,
}

impl<'a> JpegHeader<'a> {
    /// Reads all marker segments up to the first scan. Allocates nothing.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] where a segment is cut, or there is not one frame header and a scan.
    pub(super) fn read(frame: &'a [u8]) -> Result<Self, CodecError> {
        let mut rest =
            without_padding(frame).strip_prefix(&[0xFF, 0xD8]).ok_or(malformed("start of image"))?;
        let mut header = Self::default();
        loop {
            let Some((&[0xFF, marker], after)) = rest.split_first_chunk::<2>() else {
                return Err(malformed("marker"));
            };
            match marker {
                // a fill byte: the second 0xFF starts the marker
                0xFF => rest = &rest[1..],
                // TEM stands alone
                0x01 => rest = after,
                0xD0..=0xD9 => return Err(malformed("marker")),
                _ => {
                    let length = after.first_chunk::<2>().ok_or(malformed("segment"))?;
                    let length = usize::from(u16::from_be_bytes(*length));
                    let segment = after.get(2..length).ok_or(malformed("segment"))?;
                    rest = &after[length..];
                    if marker == 0xDA {
                        (header.scan, header.data) = (segment, rest);
                        return if header.process == 0 { Err(malformed("scan")) } else { Ok(header) };
                    }
                    header.segment(marker, segment)?;
                }
            }
        }
    }

    fn segment(&mut self, marker: u8, segment: &'a [u8]) -> Result<(), CodecError> {
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | JPEG_LS => {
                if self.process != 0 || segment.len() < 6 {
                    return Err(malformed("frame header"));
                }
                (self.process, self.frame) = (marker, segment);
            }
            0xC4 => self.huffman_tables(segment)?,
            0xDB => self.quantisation_tables(segment)?,
            0xDD => {
                let is_known = (2..=4).contains(&segment.len());
                let interval = segment.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
                self.restart_interval = is_known.then_some(interval).ok_or(malformed("restart interval"))?;
            }
            0xF8 => match segment {
                [1, presets @ ..] => {
                    let presets = presets.try_into().map_err(|_| malformed("preset parameters"))?;
                    self.presets = Some(presets);
                }
                _ => return Err(CodecError::Unsupported { what: "a mapping table or an extended size" }),
            },
            _ => {}
        }
        Ok(())
    }

    fn huffman_tables(&mut self, mut rest: &'a [u8]) -> Result<(), CodecError> {
        while let Some((head, after)) = rest.split_first() {
            let (counts, after) = after.split_first_chunk::<16>().ok_or(malformed("Huffman table"))?;
            let symbols = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, after) = after.split_at_checked(symbols).ok_or(malformed("Huffman table"))?;
            let class = self.huffman.get_mut(usize::from(head >> 4));
            let place = class.and_then(|tables| tables.get_mut(usize::from(head & 15)));
            *place.ok_or(malformed("Huffman table"))? = Some(HuffmanSpecification { counts, symbols });
            rest = after;
        }
        Ok(())
    }

    fn quantisation_tables(&mut self, mut rest: &'a [u8]) -> Result<(), CodecError> {
        while let Some((head, after)) = rest.split_first() {
            let length = if head >> 4 == 0 { 64 } else { 128 };
            let (table, after) = after.split_at_checked(length).ok_or(malformed("quantisation table"))?;
            let place = self.quantisation.get_mut(usize::from(head & 15));
            *place.ok_or(malformed("quantisation table"))? = Some(table);
            rest = after;
        }
        Ok(())
    }

    /// What the frame header says of the image.
    pub(super) fn codestream(&self) -> Codestream {
        // `read` lets no shorter frame header pass
        let [bits, y1, y0, x1, x0, components] = *self.frame.first_chunk::<6>().unwrap_or(&[0; 6]);
        Codestream {
            rows: u32::from(u16::from_be_bytes([y1, y0])),
            columns: u32::from(u16::from_be_bytes([x1, x0])),
            components: u16::from(components),
            bits,
            signed: None,
        }
    }

    /// The quantisation table that the one component uses.
    pub(super) fn quantisation_of_component(&self) -> Option<&'a [u8]> {
        self.quantisation.get(usize::from(*self.frame.get(8)?)).copied().flatten()
    }

    /// The scan header, where the scan and the frame hold one and the same component.
    pub(super) fn scan(&self) -> Result<ScanHeader, CodecError> {
        let &[1, component, tables, start, end, approximation] = self.scan else {
            return Err(malformed("scan header"));
        };
        if self.frame.get(6) != Some(&component) {
            return Err(malformed("scan header"));
        }
        Ok(ScanHeader { tables: [tables >> 4, tables & 15], start, end, low: approximation & 15 })
    }
}

/// A frame without the byte that pads it to an even length (DICOM PS3.5 A.4): where the end marker was cut
/// off, that byte must not pass for the last samples.
fn without_padding(frame: &[u8]) -> &[u8] {
    match frame {
        [codestream @ .., 0] => codestream,
        _ => frame,
    }
}

/// Takes the restart marker number `index` from the start of `rest`.
pub(super) fn take_restart(rest: &[u8], index: usize) -> Result<&[u8], CodecError> {
    match rest.split_first_chunk::<2>() {
        Some((&[0xFF, marker], after)) if usize::from(marker) == 0xD0 + index % 8 => Ok(after),
        Some(_) => Err(malformed("restart marker")),
        None => Err(CodecError::Truncated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: [u8; 23] =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 9, 9, 0xFF, 0x01, 0xFF, 0xFF, 0xC3, 0, 11, 12, 0, 2, 0, 3, 1, 1, 0x11];

    #[test]
    fn a_jpeg_tells_its_size() {
        let mut jpeg = START.to_vec();
        jpeg.extend([0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0, 7]);
        let header = JpegHeader::read(&jpeg).unwrap();
        let codestream = header.codestream();
        assert_eq!((codestream.rows, codestream.columns, codestream.bits), (2, 3, 12));
        assert_eq!((header.scan().unwrap().start, header.data), (1, &[7][..]));
        for end in 0..jpeg.len() - 1 {
            assert!(JpegHeader::read(&jpeg[..end]).is_err());
        }
    }

    #[test]
    fn two_frame_headers_are_refused() {
        let mut jpeg = START.to_vec();
        jpeg.push(0);
        jpeg.extend_from_slice(&START[11..]);
        jpeg.extend([0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0, 7]);
        assert_eq!(JpegHeader::read(&jpeg).err(), Some(malformed("frame header")));
    }

    #[test]
    fn restart_markers_come_in_order() {
        assert_eq!(take_restart(&[0xFF, 0xD1, 5], 9), Ok(&[5][..]));
        assert!(take_restart(&[0xFF, 0xD2], 9).is_err() && take_restart(&[], 0).is_err());
    }
}
