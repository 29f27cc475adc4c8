//! Why a file does not pass the gate.

use dicom_core::Tag;

use crate::findings::Code;

/// Why a file does not pass the gate. Tags and lengths are told, never a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable {
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than the bound.
    #[error("a file of {bytes} bytes is larger than the bound of {most}")]
    FileSize {
        /// Bytes of the file.
        bytes: u64,
        /// Most allowed.
        most: u64,
    },
    /// What pulmo reads of the header is larger than the bound.
    #[error("what is read of the header is larger than the bound of {most} bytes")]
    HeaderSize {
        /// Most allowed.
        most: u64,
    },
    /// The file meta information is broken.
    #[error("the file meta information is broken")]
    Meta,
    /// The transfer syntax is missing or no UID of the standard.
    #[error("the transfer syntax is missing or unknown")]
    UnknownSyntax,
    /// The data are not encoded as the transfer syntax says.
    #[error("the data contradict the transfer syntax")]
    ContradictedSyntax,
    /// The file ends within an element.
    #[error("the file ends within element {tag}")]
    Truncated {
        /// The element, or the last one begun.
        tag: Tag,
    },
    /// An element declares more bytes than are left, or an undefined length where none may be.
    #[error("element {tag} declares {length} bytes where {left} are left")]
    Length {
        /// The element.
        tag: Tag,
        /// Bytes declared; 4294967295 stands for an undefined length.
        length: u32,
        /// Bytes left.
        left: u64,
    },
    /// A value that pulmo reads is longer than any of its kind.
    #[error("the value of element {tag} has {length} bytes, more than any of its kind")]
    LongValue {
        /// The element.
        tag: Tag,
        /// Bytes declared.
        length: u32,
    },
    /// Sequences are nested too deeply.
    #[error("sequences are nested deeper than {most} levels")]
    Depth {
        /// Most levels allowed.
        most: u32,
    },
    /// The items of a sequence are broken.
    #[error("items or delimiters are broken at element {tag}")]
    Sequence {
        /// The element at which this was seen.
        tag: Tag,
    },
    /// There are too many elements.
    #[error("there are more than {most} elements")]
    Elements {
        /// Most allowed.
        most: u32,
    },
    /// An element's value representation is none of the standard's, or not the one of its tag.
    #[error("element {tag} has a wrong value representation")]
    ValueRepresentation {
        /// The element.
        tag: Tag,
    },
    /// An element stands after one with a higher tag.
    #[error("element {tag} stands after a higher one")]
    TagOrder {
        /// The element.
        tag: Tag,
    },
    /// An element stands twice in a data set.
    #[error("element {tag} stands twice")]
    DuplicateElement {
        /// The element.
        tag: Tag,
    },
    /// The deflated data set cannot be inflated within the bound.
    #[error("the deflated data set is corrupt, cut off, or larger than {most} bytes")]
    Inflate {
        /// Most bytes allowed.
        most: u64,
    },
    /// Fragments of Pixel Data are broken.
    #[error("the fragments of the pixel data are broken")]
    Fragments,
}

impl GateError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::Unreadable,
            Self::FileSize { .. } | Self::HeaderSize { .. } => Code::FileSize,
            Self::Meta => Code::Meta,
            Self::UnknownSyntax | Self::ContradictedSyntax => Code::Syntax,
            Self::Truncated { .. } => Code::Truncated,
            Self::Length { .. } | Self::LongValue { .. } => Code::Length,
            Self::Depth { .. } => Code::Depth,
            Self::Sequence { .. } => Code::Sequence,
            Self::Elements { .. } => Code::Elements,
            Self::ValueRepresentation { .. } => Code::ValueRepresentation,
            Self::TagOrder { .. } => Code::TagOrder,
            Self::DuplicateElement { .. } => Code::DuplicateElement,
            Self::Inflate { .. } => Code::Inflate,
            Self::Fragments => Code::Fragments,
        }
    }
}
