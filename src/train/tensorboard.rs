//! Event files that TensorBoard reads, scalars only.
//!
//! A file is a list of records: length (u64), checksum of the length, payload, checksum of the
//! payload, little endian. A payload is a protocol buffer `Event`; the first tells the version.
//! References: TensorFlow's `record_writer.h` (records) and `event.proto`, `summary.proto` (fields).

use std::io::{self, Write};

/// An event file under way.
#[derive(Debug)]
pub(super) struct EventWriter<W> {
    out: W,
}

impl<W: Write> EventWriter<W> {
    /// Starts a file in `out`; `wall_time_s` counts seconds since 1970.
    pub(super) fn new(out: W, wall_time_s: f64) -> io::Result<Self> {
        let mut writer = Self { out };
        let mut event = wall_time(wall_time_s);
        bytes_field(&mut event, 3, b"brain.Event:2");
        writer.record(&event)?;
        Ok(writer)
    }

    /// Adds scalars of one moment.
    #[expect(clippy::cast_possible_truncation, reason = "TensorBoard's scalars are f32")]
    pub(super) fn scalars(&mut self, wall_time_s: f64, step: u64, scalars: &[(&str, f64)]) -> io::Result<()> {
        let mut summary = Vec::new();
        for (tag, value) in scalars {
            let mut scalar = Vec::new();
            bytes_field(&mut scalar, 1, tag.as_bytes());
            scalar.push(2 << 3 | FOUR_BYTES);
            scalar.extend((*value as f32).to_le_bytes());
            bytes_field(&mut summary, 1, &scalar);
        }
        let mut event = wall_time(wall_time_s);
        event.push(2 << 3 | VARINT);
        varint(&mut event, step);
        bytes_field(&mut event, 5, &summary);
        self.record(&event)
    }

    /// Hands on what is buffered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn record(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = (payload.len() as u64).to_le_bytes();
        for part in [&length, &masked_crc(&length).to_le_bytes()[..], payload] {
            self.out.write_all(part)?;
        }
        self.out.write_all(&masked_crc(payload).to_le_bytes())
    }
}

/// Wire types of protocol buffers.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const BYTES: u8 = 2;
const FOUR_BYTES: u8 = 5;

fn wall_time(seconds: f64) -> Vec<u8> {
    let mut event = vec![1 << 3 | EIGHT_BYTES];
    event.extend(seconds.to_le_bytes());
    event
}

fn bytes_field(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | BYTES);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// Seven bits a byte, the lowest first.
#[expect(clippy::cast_possible_truncation, reason = "seven bits fit a byte")]
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), turned and shifted, so that checksums of data that
/// hold checksums are sound.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
    }

    /// `tests/golden/tensorboard/ORIGIN.md`: bytes that the `tensorboard` package wrote.
    #[test]
    fn bytes_are_tensorboards() {
        let mut writer = EventWriter::new(Vec::new(), 1_700_000_000.25).unwrap();
        writer.scalars(1_700_000_001.5, 1, &[("train/loss", 0.675)]).unwrap();
        let scalars = [("validation/loss", 0.5), ("validation/roc_auc", 0.875)];
        writer.scalars(1_700_000_002.0, 300, &scalars).unwrap();
        let golden = std::fs::read("tests/golden/tensorboard/golden.tfevents").unwrap();
        assert_eq!(writer.out, golden);
    }
}
