//! Bits and Huffman codes of a JPEG scan.
//!
//! # References
//! ITU-T T.81 annex C, F.1.2.3 and F.2.2.

/// Codes of so many bits or fewer are looked up.
const SHORT: u32 = 9;

/// A Huffman table.
#[derive(Debug, Clone)]
pub(super) struct HuffmanTable {
    /// By the next bits: length (0 for none) and symbol.
    short: Vec<[u8; 2]>,
    /// By length: the first code that is too large for it, and what to add to a code for its place.
    long: [(usize, usize); 17],
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// Reads a table, and returns what follows it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = bytes.split_first_chunk::<16>()?;
        let total = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(total)?;
        let mut table =
            Self { short: vec![[0; 2]; 1 << SHORT], long: [(0, 0); 17], symbols: symbols.to_vec() };
        let (mut code, mut place) = (0_usize, 0_usize);
        for (length, count) in (1_u8..).zip(counts) {
            let end = code + usize::from(*count);
            if end > 1 << length {
                return None;
            }
            table.long[usize::from(length)] = (end, place.wrapping_sub(code));
            for code in code..end {
                if let Some(spare) = SHORT.checked_sub(length.into()) {
                    table.short[code << spare..(code + 1) << spare].fill([length, symbols[place]]);
                }
                place += 1;
            }
            code = end << 1;
        }
        Some((table, rest))
    }

    /// Takes a code and returns its symbol; `None` where the next bits are no code.
    pub(super) fn take(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let next = bits.peek() as usize;
        let [length, symbol] = self.short[next >> (16 - SHORT)];
        if length > 0 {
            bits.skip(length.into());
            return Some(symbol);
        }
        let length = (SHORT + 1..=16).find(|length| next >> (16 - length) < self.long[*length as usize].0)?;
        bits.skip(length);
        let code = next >> (16 - length);
        self.symbols.get(code.wrapping_add(self.long[length as usize].1)).copied()
    }
}

/// The bits of a scan, most significant first, without the zeros stuffed behind 0xFF. Beyond the next
/// marker they are zeros, which [`is_beyond`](Self::is_beyond) tells.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    buffer: u64,
    held: u32,
    /// How many of the bits held were made up.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: data, buffer: 0, held: 0, made_up: 0 }
    }

    fn fill(&mut self) {
        while self.held <= 48 {
            let (byte, length) = match self.rest {
                [0xFF, 0, ..] => (0xFF, 2),
                [0xFF, ..] | [] => (0, 0),
                [byte, ..] => (*byte, 1),
            };
            self.rest = &self.rest[length..];
            self.made_up += if length == 0 { 8 } else { 0 };
            self.buffer |= u64::from(byte) << (56 - self.held);
            self.held += 8;
        }
    }

    /// The next 16 bits.
    fn peek(&mut self) -> u32 {
        self.fill();
        u32::from(self.buffer.to_be_bytes()[0]) << 8 | u32::from(self.buffer.to_be_bytes()[1])
    }

    /// Passes over up to 16 bits.
    pub(super) fn skip(&mut self, count: u32) {
        self.fill();
        self.buffer <<= count;
        self.held -= count;
    }

    /// Takes up to 15 bits.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let taken = self.peek() >> (16 - count);
        self.skip(count);
        taken
    }

    /// Whether bits were taken that are not there.
    pub(super) fn is_beyond(&self) -> bool {
        self.made_up > self.held
    }

    /// Passes over the restart marker number `index`, and what stands before it.
    pub(super) fn restart(&mut self, index: usize) -> Option<()> {
        let rest = self.rest();
        let at = rest.iter().position(|byte| *byte != 0xFF)?;
        (at > 0 && usize::from(rest[at]) == 0xD0 + index % 8).then_some(())?;
        *self = Self::new(&rest[at + 1..]);
        Some(())
    }

    /// What follows from the next marker on.
    pub(super) fn rest(&self) -> &'a [u8] {
        let marker = self.rest.windows(2).position(|pair| pair[0] == 0xFF && pair[1] != 0);
        marker.map_or(&[], |at| &self.rest[at..])
    }
}
