//! What a codestream says of itself, against what the header says.

use super::super::PixelFormat;
use super::CodecError;

/// What a codestream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Codestream {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u16,
    /// Bits of one sample.
    pub(super) bits: u8,
    /// Whether samples are two's complement; `None` where the coding does not say.
    pub(super) signed: Option<bool>,
}

impl Codestream {
    /// Tells whether the codestream is the image that the header describes, before anything is
    /// allocated or decoded.
    ///
    /// Fewer bits than stored are allowed: the samples then stand in the low bits.
    ///
    /// # Errors
    /// [`CodecError::Differs`] where size, components or precision contradict the header,
    /// [`CodecError::Sign`] where signedness does.
    pub(super) fn check(&self, format: PixelFormat) -> Result<(), CodecError> {
        let &Self { rows, columns, components, bits, signed } = self;
        let agrees = rows == u32::from(format.rows)
            && columns == u32::from(format.columns)
            && components == 1
            && (1..=format.bits_allocated).contains(&u16::from(bits));
        match agrees {
            false => Err(CodecError::Differs { rows, columns, bits }),
            true if signed.is_some_and(|signed| signed != format.signed) => Err(CodecError::Sign),
            true => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_image_is_refused() {
        let format = PixelFormat { rows: 2, columns: 3, bits_allocated: 16, bits_stored: 12, signed: false };
        let sound = Codestream { rows: 2, columns: 3, components: 1, bits: 12, signed: None };
        assert!(sound.check(format).is_ok());
        for other in [
            Codestream { rows: 65500, ..sound },
            Codestream { columns: 2, ..sound },
            Codestream { components: 3, ..sound },
            Codestream { bits: 17, ..sound },
            Codestream { bits: 0, ..sound },
        ] {
            assert!(matches!(other.check(format), Err(CodecError::Differs { .. })));
        }
        let signed = Codestream { signed: Some(true), ..sound };
        assert_eq!(signed.check(format), Err(CodecError::Sign));
        assert!(signed.check(PixelFormat { signed: true, ..format }).is_ok());
    }
}
