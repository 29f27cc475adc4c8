//! Why a compressed frame cannot be decoded.

/// Why a compressed frame cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The codestream ends before the last sample.
    #[error("the codestream ends before the last sample")]
    Truncated,
    /// The codestream breaks the rules of its coding.
    #[error("the codestream breaks the rules of its coding: {what}")]
    Malformed {
        /// Which part of it.
        what: &'static str,
    },
    /// The codestream uses a part of its coding that pulmo does not read.
    #[error("the codestream uses {what}, which is not read")]
    Unsupported {
        /// Which part.
        what: &'static str,
    },
    /// The codestream is another image than the header describes.
    #[error("the codestream ({rows} x {columns}, {bits} bits) contradicts the header")]
    Differs {
        /// Rows of the codestream.
        rows: u32,
        /// Columns of the codestream.
        columns: u32,
        /// Precision of the codestream.
        bits: u8,
    },
    /// The codestream is signed and the header unsigned, or the other way round.
    #[error("the codestream contradicts pixel representation")]
    Sign,
}

/// A part of the codestream that breaks the rules.
pub(super) fn malformed(what: &'static str) -> CodecError {
    CodecError::Malformed { what }
}
