//! The wire format of protobuf, as far as ONNX needs it.
//!
//! A message is a row of fields, each a key (`number << 3 | wire type`) and a value.
//!
//! # References
//! <https://protobuf.dev/programming-guides/encoding/>

/// Wire types.
const VARINT: u64 = 0;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// A message that is being written. Fields are to be given in the order of their numbers, as other writers do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// The message with an integer; what is negative takes ten bytes.
    pub(crate) fn integer(mut self, field: u32, value: i64) -> Self {
        self.key(field, VARINT);
        self.varint(value.cast_unsigned());
        self
    }

    /// The message with a 32-bit float.
    pub(crate) fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, FIXED_32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// The message with a text or bytes.
    pub(crate) fn bytes(mut self, field: u32, value: impl AsRef<[u8]>) -> Self {
        self.key(field, BYTES);
        self.varint(value.as_ref().len() as u64);
        self.bytes.extend_from_slice(value.as_ref());
        self
    }

    /// The message with another message inside.
    pub(crate) fn message(self, field: u32, value: Self) -> Self {
        self.bytes(field, value.bytes)
    }

    /// The message with each of the given ones inside.
    pub(crate) fn messages(self, field: u32, values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(field, value))
    }

    /// The message's bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn key(&mut self, field: u32, wire_type: u64) {
        self.varint(u64::from(field) << 3 | wire_type);
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push((value & 0x7F) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of protobuf's own description of its encoding.
    #[test]
    fn fields_are_written_as_protobuf_describes_them() {
        assert_eq!(Message::default().integer(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().bytes(2, "testing").into_bytes(), b"\x12\x07testing");
        let inner = Message::default().integer(1, 150);
        assert_eq!(Message::default().message(3, inner).into_bytes(), [0x1A, 0x03, 0x08, 0x96, 0x01]);
        let negative = [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        assert_eq!(Message::default().integer(1, -2).into_bytes()[1..], negative);
        assert_eq!(Message::default().float(20, 1.0).into_bytes(), [0xA5, 0x01, 0, 0, 0x80, 0x3F]);
    }
}
