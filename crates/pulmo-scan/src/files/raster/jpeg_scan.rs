//! Walks every code of a scan of a JPEG file, without its pixels: a decoder makes up what is missing.
//!
//! Sequential and progressive frames coded by Huffman are walked; other ones are left to the decoder,
//! which reads none of them.
//!
//! # References
//! ITU-T T.81 annexes B, F and G.

use super::PictureError;
use super::jpeg_huffman::{Bits, HuffmanTable};
use super::limits::MAX_PICTURE_SIDE;

/// What the segments so far say of the picture.
#[derive(Debug, Default)]
pub(super) struct JpegFrame {
    /// The frame header's marker; 0 before it.
    process: u8,
    rows: usize,
    columns: usize,
    components: Vec<Component>,
    /// Tables by class (DC, AC) and number.
    tables: [[Option<HuffmanTable>; 4]; 2],
    restart_interval: usize,
}

#[derive(Debug)]
struct Component {
    id: u8,
    /// Blocks of a unit, across and down.
    sampling: [usize; 2],
    /// For each block, which coefficients are not 0 so far: later scans of a progressive frame depend on it.
    known: Vec<u64>,
    /// The lowest bit that came of each coefficient; none where nothing came.
    low: [Option<u8>; 64],
}

impl Component {
    fn is_whole(&self) -> bool {
        self.low[0].is_some() && self.low.iter().flatten().all(|low| *low == 0)
    }
}

/// One scan's header.
struct Scan {
    /// Index of each component and the numbers of its tables.
    components: Vec<(usize, [usize; 2])>,
    start: u32,
    end: u32,
    is_refinement: bool,
    /// The lowest bit that comes.
    low: u8,
}

const DAMAGED_HEADER: PictureError =
    PictureError::Damaged { what: "a header of its JPEG stream breaks the rules" };

impl JpegFrame {
    /// Whether a marker starts a frame.
    pub(super) fn is_start(marker: u8) -> bool {
        matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
    }

    /// Rows and columns, 0 before the frame header.
    pub(super) fn size(&self) -> [u16; 2] {
        [self.rows, self.columns].map(|side| u16::try_from(side).unwrap_or(u16::MAX))
    }

    /// Takes in a segment that scans depend on.
    pub(super) fn take(&mut self, marker: u8, segment: &[u8]) -> Result<(), PictureError> {
        match marker {
            0xC4 => self.take_tables(segment),
            0xDD => {
                let interval = segment.first_chunk().ok_or(DAMAGED_HEADER)?;
                self.restart_interval = usize::from(u16::from_be_bytes(*interval));
                Ok(())
            }
            _ if Self::is_start(marker) => self.take_header(marker, segment),
            _ => Ok(()),
        }
    }

    fn take_header(&mut self, marker: u8, segment: &[u8]) -> Result<(), PictureError> {
        let [_, y1, y0, x1, x0, count] = *segment.first_chunk().ok_or(DAMAGED_HEADER)?;
        let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
        let (rows, columns) = (side(y1, y0), side(x1, x0));
        if rows.max(columns) > MAX_PICTURE_SIDE as usize {
            return Err(PictureError::TooLarge);
        }
        let listed = segment[6..].as_chunks::<3>().0;
        let is_sound = |&[_, sampling, _]: &[u8; 3]| {
            (1..=4).contains(&(sampling >> 4)) && (1..=4).contains(&(sampling & 15))
        };
        if self.process != 0
            || !(1..=4).contains(&listed.len())
            || listed.len() != usize::from(count)
            || !listed.iter().all(is_sound)
        {
            return Err(DAMAGED_HEADER);
        }
        (self.process, self.rows, self.columns) = (marker, rows, columns);
        let component = |&[id, sampling, _]: &[u8; 3]| Component {
            id,
            sampling: [usize::from(sampling >> 4), usize::from(sampling & 15)],
            known: Vec::new(),
            low: [None; 64],
        };
        self.components = listed.iter().map(component).collect();
        let [across, down] = self.units();
        for component in self.components.iter_mut().filter(|_| marker == 0xC2) {
            let [wide, high] = component.sampling;
            component.known = vec![0; across * wide * down * high];
        }
        Ok(())
    }

    fn take_tables(&mut self, mut rest: &[u8]) -> Result<(), PictureError> {
        while let Some((head, after)) = rest.split_first() {
            let (table, after) = HuffmanTable::read(after).ok_or(DAMAGED_HEADER)?;
            let place = self
                .tables
                .get_mut(usize::from(head >> 4))
                .and_then(|class| class.get_mut(usize::from(head & 15)));
            *place.ok_or(DAMAGED_HEADER)? = Some(table);
            rest = after;
        }
        Ok(())
    }

    /// The widest and the highest sampling.
    fn most(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.components.iter().map(|component| component.sampling[axis]).max().unwrap_or(1))
    }

    /// Units of all components across and down.
    fn units(&self) -> [usize; 2] {
        let [wide, high] = self.most();
        [self.columns.div_ceil(8 * wide), self.rows.div_ceil(8 * high)]
    }

    /// Tells whether every component came, and each of its coefficients that came did so to the last bit.
    pub(super) fn check_components(&self) -> Result<(), PictureError> {
        let is_whole = !self.is_walked() || self.components.iter().all(Component::is_whole);
        if self.process != 0 && is_whole { Ok(()) } else { Err(PictureError::Truncated) }
    }

    fn is_walked(&self) -> bool {
        matches!(self.process, 0xC0..=0xC2)
    }

    fn scan(&self, header: &[u8]) -> Option<Scan> {
        let (count, rest) = header.split_first()?;
        let (listed, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let [start, end, approximation] = *rest.first_chunk()?;
        let component = |&[id, tables]: &[u8; 2]| {
            let index = self.components.iter().position(|component| component.id == id)?;
            Some((index, [usize::from(tables >> 4 & 3), usize::from(tables & 3)]))
        };
        let components: Vec<_> = listed.as_chunks().0.iter().map(component).collect::<Option<_>>()?;
        let is_one = components.len() == 1;
        let is_sound = match self.process {
            0xC2 => start <= end && end < 64 && (end == 0 || start > 0 && is_one),
            _ => true,
        };
        let (start, end) = if self.process == 0xC2 { (start, end) } else { (0, 63) };
        let scan = Scan {
            components,
            start: start.into(),
            end: end.into(),
            is_refinement: self.process == 0xC2 && approximation >> 4 != 0,
            low: if self.process == 0xC2 { approximation & 15 } else { 0 },
        };
        (is_sound && !scan.components.is_empty()).then_some(scan)
    }

    /// The blocks of unit number `unit` of a scan: component and block, in order.
    fn blocks(&self, scan: &Scan, unit: usize) -> impl Iterator<Item = (usize, usize)> {
        let across = self.units()[0];
        let is_one = scan.components.len() == 1;
        let width = self.width_of(scan);
        scan.components.iter().flat_map(move |(index, _)| {
            let [wide, high] = self.components[*index].sampling;
            let stride = across * wide;
            let (row, column) = (unit / width, unit % width);
            // a scan of one component has units of one block
            let [wide, high] = if is_one { [1, 1] } else { [wide, high] };
            (0..wide * high).map(move |block| {
                (*index, (row * high + block / wide) * stride + column * wide + block % wide)
            })
        })
    }

    fn width_of(&self, scan: &Scan) -> usize {
        self.counts(scan)[0].max(1)
    }

    /// Units of a scan across and down.
    fn counts(&self, scan: &Scan) -> [usize; 2] {
        match scan.components.as_slice() {
            [(index, _)] => {
                let ([wide, high], [most_wide, most_high]) = (self.components[*index].sampling, self.most());
                [
                    (self.columns * wide).div_ceil(most_wide).div_ceil(8),
                    (self.rows * high).div_ceil(most_high).div_ceil(8),
                ]
            }
            _ => self.units(),
        }
    }
}

/// Walks a scan and returns what follows it, from the next marker on.
pub(super) fn check_scan<'a>(
    frame: &mut JpegFrame,
    header: &[u8],
    data: &'a [u8],
) -> Result<&'a [u8], PictureError> {
    if !frame.is_walked() {
        return Ok(data);
    }
    let scan = frame.scan(header).ok_or(DAMAGED_HEADER)?;
    let [across, down] = frame.counts(&scan);
    let units = across * down;
    let interval = if frame.restart_interval == 0 { units.max(1) } else { frame.restart_interval };
    let mut bits = Bits::new(data);
    let mut run = 0;
    for unit in 0..units {
        if unit > 0 && unit.is_multiple_of(interval) {
            bits.restart(unit / interval - 1).ok_or(PictureError::Truncated)?;
            run = 0;
        }
        let blocks: Vec<_> = frame.blocks(&scan, unit).collect();
        for (index, block) in blocks {
            let numbers =
                scan.components.iter().find(|(of, _)| *of == index).map_or([0; 2], |(_, numbers)| *numbers);
            let tables = [0, 1].map(|class: usize| frame.tables[class][numbers[class]].as_ref());
            let known = frame.components[index].known.get_mut(block);
            let walked = Block { scan: &scan, tables, run: &mut run }.walk(&mut bits, known);
            if bits.is_beyond() {
                return Err(PictureError::Truncated);
            }
            walked.ok_or(PictureError::Damaged { what: "a code of its JPEG stream is none" })?;
        }
    }
    for (index, _) in &scan.components {
        frame.components[*index].low[scan.start as usize..=scan.end as usize].fill(Some(scan.low));
    }
    Ok(bits.rest())
}

/// One block of a scan.
struct Block<'a> {
    scan: &'a Scan,
    /// Of DC and AC.
    tables: [Option<&'a HuffmanTable>; 2],
    /// Blocks still to come of which nothing follows.
    run: &'a mut u32,
}

impl Block<'_> {
    /// Walks the block's codes; `None` where they are no codes.
    fn walk(&mut self, bits: &mut Bits<'_>, known: Option<&mut u64>) -> Option<()> {
        let mut none = 0;
        let known = known.unwrap_or(&mut none);
        if self.scan.start == 0 {
            if self.scan.is_refinement {
                bits.skip(1);
                return Some(());
            }
            let size = self.tables[0]?.take(bits)?;
            bits.skip((size <= 16).then_some(size)?.into());
        }
        let first = self.scan.start.max(1);
        match self.scan.is_refinement {
            _ if self.scan.end == 0 => Some(()),
            false => self.walk_new(bits, first, known),
            true => self.walk_refined(bits, first, known),
        }
    }

    /// Coefficients that come for the first time (T.81 F.2.2.2 and G.1.2.2).
    fn walk_new(&mut self, bits: &mut Bits<'_>, mut at: u32, known: &mut u64) -> Option<()> {
        if *self.run > 0 {
            *self.run -= 1;
            return Some(());
        }
        while at <= self.scan.end {
            let code = self.tables[1]?.take(bits)?;
            match (u32::from(code >> 4), u32::from(code & 15)) {
                (15, 0) => at += 16,
                (zeros, 0) => {
                    *self.run = (1 << zeros) - 1 + bits.take(zeros);
                    return Some(());
                }
                (zeros, size) => {
                    at += zeros;
                    *known |= 1_u64.checked_shl(at)?;
                    bits.skip(size);
                    at += 1;
                }
            }
        }
        Some(())
    }

    /// One more bit of coefficients that came before, and new ones between them (T.81 G.1.2.3).
    fn walk_refined(&mut self, bits: &mut Bits<'_>, mut at: u32, known: &mut u64) -> Option<()> {
        while *self.run == 0 && at <= self.scan.end {
            let code = self.tables[1]?.take(bits)?;
            let (mut zeros, size) = (u32::from(code >> 4), code & 15);
            if size == 0 && zeros < 15 {
                *self.run = (1 << zeros) + bits.take(zeros);
                break;
            }
            bits.skip(u32::from(size.min(1)));
            while at <= self.scan.end {
                let is_known = *known >> at & 1 == 1;
                if !is_known && zeros == 0 {
                    break;
                }
                bits.skip(u32::from(is_known));
                zeros -= u32::from(!is_known);
                at += 1;
            }
            if size > 0 && at <= self.scan.end {
                *known |= 1 << at;
            }
            at += 1;
        }
        if *self.run > 0 {
            *self.run -= 1;
            let rest = (at..=self.scan.end).filter(|at| *known >> at & 1 == 1).count();
            (0..rest).for_each(|_| bits.skip(1));
        }
        Some(())
    }
}
