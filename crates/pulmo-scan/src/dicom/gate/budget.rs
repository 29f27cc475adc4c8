//! What a header may cost at most, whatever it declares.

use super::GateError;

/// Deepest nesting of sequences.
pub(super) const MOST_LEVELS: u32 = 64;
/// Most elements of one data set, the file's own or one item's, and most fragments of Pixel Data.
pub(super) const MOST_ELEMENTS: u32 = 100_000;
/// Most elements and items of a file, at all levels: 4,096 frames of functional groups need 400,000.
const MOST_ELEMENTS_IN_ALL: u32 = 1_000_000;
/// Most memory that kept elements may take.
const MOST_KEPT: usize = 24 << 20;
/// What an element or item takes beside its value, with room for a growing list.
const OVERHEAD: usize = 96;

/// What a walk has spent.
#[derive(Debug, Default)]
pub(super) struct HeaderBudget {
    elements: u32,
    kept: usize,
}

impl HeaderBudget {
    /// Element and item headers read so far.
    pub(super) fn elements(&self) -> u32 {
        self.elements
    }

    /// Pays for the header of an element or item.
    pub(super) fn count(&mut self) -> Result<(), GateError> {
        self.elements += 1;
        match self.elements <= MOST_ELEMENTS_IN_ALL {
            true => Ok(()),
            false => Err(GateError::Elements { most: MOST_ELEMENTS_IN_ALL }),
        }
    }

    /// Pays for keeping an element or item with a value of `length` bytes.
    pub(super) fn keep(&mut self, length: usize) -> Result<(), GateError> {
        self.kept += OVERHEAD + length;
        match self.kept <= MOST_KEPT {
            true => Ok(()),
            false => Err(GateError::HeaderSize { most: MOST_KEPT as u64 }),
        }
    }
}
