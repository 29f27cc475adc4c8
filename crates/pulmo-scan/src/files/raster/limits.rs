//! How large a picture may be.

/// Most pixels a side of a picture.
pub const MAX_PICTURE_SIDE: u32 = 16384;

/// Most bytes of a picture's file, and most that its decoder may allocate.
pub(super) const MOST_BYTES: usize = 1 << 31;
