//! A slice as a picture, and what is drawn over it.

use super::colour::{BLACK, Colour, WHITE};
use super::letters::{HEIGHT, PITCH, rows};
use super::placed_mask::MaskWindow;

/// At what height a line of letters stands.
#[derive(Clone, Copy)]
pub(crate) enum TextLine {
    /// So many lines from above.
    Above(usize),
    Middle,
    Last,
}

/// A picture in colours.
pub(crate) struct PictureCanvas {
    columns: usize,
    /// How many pixels each side of a pixel of the slice has here.
    scale: usize,
    /// Red, green and blue of each pixel, by rows.
    pixels: Vec<[u8; 3]>,
}

/// Columns from which on letters can be read.
const LEAST_COLUMNS: usize = 384;

/// The window of a lung: what is black, and how far above it white is.
const BLACK_HU: f32 = -1350.0;
const WIDTH_HU: f32 = 1500.0;

impl PictureCanvas {
    /// A slice in Hounsfield units, by rows of `columns`, in a lung window; small slices are enlarged by a whole number.
    pub(crate) fn of_slice(slice_hu: &[f32], columns: usize) -> Self {
        let scale = LEAST_COLUMNS.div_ceil(columns.max(1));
        let mut pixels = Vec::with_capacity(slice_hu.len() * scale * scale);
        for row in slice_hu.chunks_exact(columns.max(1)) {
            let wide: Vec<[u8; 3]> =
                row.iter().flat_map(|hu| std::iter::repeat_n([gray(*hu); 3], scale)).collect();
            (0..scale).for_each(|_| pixels.extend_from_slice(&wide));
        }
        Self { columns: columns * scale, scale, pixels }
    }

    /// Rows and columns.
    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.pixels.len() / self.columns.max(1), self.columns]
    }

    /// How many pixels each side of a pixel of the slice has here.
    pub(crate) fn scale(&self) -> usize {
        self.scale
    }

    /// Red, green and blue of each pixel, one behind the other.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.pixels.into_iter().flatten().collect()
    }

    fn set(&mut self, row: usize, column: usize, colour: Colour) {
        if column < self.columns
            && let Some(pixel) = self.pixels.get_mut(row * self.columns + column)
        {
            *pixel = colour.0;
        }
    }

    /// Tints each pixel of the slice by its share, 0 to 1 and at most half.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of two bytes")]
    pub(crate) fn tint(&mut self, shares: &[f32], colour: Colour) {
        let of_slice = self.columns / self.scale;
        for (index, pixel) in self.pixels.iter_mut().enumerate() {
            let (row, column) = (index / self.columns / self.scale, index % self.columns / self.scale);
            let share = 0.5 * shares.get(row * of_slice + column).map_or(0.0, |share| share.clamp(0.0, 1.0));
            for (own, over) in pixel.iter_mut().zip(colour.0) {
                *own = (f32::from(*own) * (1.0 - share) + f32::from(over) * share).round() as u8;
            }
        }
    }

    /// Draws around a mask's pixels, just outside of them, so that nothing of it is hidden.
    pub(crate) fn outline(&mut self, window: &MaskWindow<'_>, colour: Colour) {
        let [height, width] = self.shape();
        let mut inside = vec![false; height * width];
        for [row, column] in window.pixels() {
            for place in self.square(row, column) {
                if let Some(inside) = inside.get_mut(place) {
                    *inside = true;
                }
            }
        }
        let is_inside =
            |row: usize, column: usize| row < height && column < width && inside[row * width + column];
        let mut edge = Vec::new();
        for row in 0..height {
            for column in 0..width {
                let beside = [
                    is_inside(row.wrapping_sub(1), column),
                    is_inside(row + 1, column),
                    is_inside(row, column.wrapping_sub(1)),
                    is_inside(row, column + 1),
                ];
                if !is_inside(row, column) && beside.contains(&true) {
                    edge.push([row, column]);
                }
            }
        }
        edge.into_iter().for_each(|[row, column]| self.set(row, column, colour));
    }

    /// The pixels here of a pixel of the slice.
    fn square(&self, row: usize, column: usize) -> Vec<usize> {
        let side = 0..self.scale;
        let of_row = |down: usize| (row * self.scale + down) * self.columns + column * self.scale;
        side.clone().flat_map(|down| side.clone().map(move |along| of_row(down) + along)).collect()
    }

    /// Draws a cross with an open middle around a pixel of the slice.
    pub(crate) fn cross(&mut self, [row, column]: [usize; 2], colour: Colour) {
        let middle = |at: usize| at * self.scale + self.scale / 2;
        let (row, column) = (middle(row), middle(column));
        for arm in 4 * self.scale..8 * self.scale {
            for (down, along) in [(row + arm, column), (row, column + arm)] {
                self.set(down, along, colour);
            }
            if let Some(up) = row.checked_sub(arm) {
                self.set(up, column, colour);
            }
            if let Some(back) = column.checked_sub(arm) {
                self.set(row, back, colour);
            }
        }
    }

    /// How large letters are: pixels of a pixel of theirs.
    fn letter_scale(&self) -> usize {
        (self.columns / 192).max(1)
    }

    /// Writes a line in white on black; `share` of the free width stays before it.
    pub(crate) fn write(&mut self, text: &str, line: TextLine, share: f64) {
        let (scale, [height, width]) = (self.letter_scale(), self.shape());
        let pitch = scale * (HEIGHT + 3);
        let top = match line {
            TextLine::Above(lines) => scale * 2 + lines * pitch,
            TextLine::Middle => height / 2,
            TextLine::Last => height.saturating_sub(pitch),
        };
        let free = width.saturating_sub(text.chars().count() * PITCH * scale + 4 * scale);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the width")]
        let left = 2 * scale + (free as f64 * share.clamp(0.0, 1.0)) as usize;
        for (index, letter) in text.chars().enumerate() {
            self.letter(letter, [top, left + index * PITCH * scale]);
        }
    }

    fn letter(&mut self, letter: char, [top, left]: [usize; 2]) {
        let scale = self.letter_scale();
        for row in 0..(HEIGHT + 2) * scale {
            for column in 0..(PITCH + 1) * scale {
                // one pixel of black around the letter
                let bits = (row / scale).checked_sub(1).and_then(|row| rows(letter).get(row).copied());
                let is_white = (column / scale)
                    .checked_sub(1)
                    .is_some_and(|column| column < 3 && bits.unwrap_or(0) & (4 >> column) != 0);
                let colour = if is_white { WHITE } else { BLACK };
                let from_top = (top + row).checked_sub(scale);
                let from_left = (left + column).checked_sub(scale);
                if let Some((row, column)) = from_top.zip(from_left) {
                    self.set(row, column, colour);
                }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clipped to a byte")]
fn gray(hu: f32) -> u8 {
    ((hu - BLACK_HU) / WIDTH_HU * 255.0).round().clamp(0.0, 255.0) as u8
}
