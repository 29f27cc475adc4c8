//! A JPEG-LS encoder, written from ITU-T T.87 annex A, variable by variable, apart from the decoder.

use super::encoders::{Bits, Image, frame_header, segment};

/// How to encode JPEG-LS.
#[derive(Debug, Clone, Copy, Default)]
pub struct NearLossless {
    pub near: i32,
    /// T1, T2, T3 and RESET, written in a preset segment; `None` for the defaults.
    pub presets: Option<[i32; 4]>,
    /// Rows between restart markers; 0 for none.
    pub restart_rows: usize,
}

const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Encodes JPEG-LS; the samples that a decoder must give come with it.
pub fn jpeg_ls(image: &Image, how: NearLossless) -> (Vec<u8>, Vec<u16>) {
    let maxval = (1 << image.bits) - 1;
    let [t1, t2, t3, reset] = how.presets.unwrap_or_else(|| defaults(maxval, how.near));
    let mut out = [vec![0xFF, 0xD8], frame_header(0xF7, image)].concat();
    if how.presets.is_some() {
        let words = [maxval, t1, t2, t3, reset].map(|word| (word as u16).to_be_bytes());
        out.extend(segment(0xF8, &[&[1][..], words.as_flattened()].concat()));
    }
    if how.restart_rows > 0 {
        out.extend(segment(0xDD, &(how.restart_rows as u16).to_be_bytes()));
    }
    out.extend(segment(0xDA, &[1, 1, 0, how.near as u8, 0, 0]));
    let rows = if how.restart_rows == 0 { image.rows } else { how.restart_rows };
    let mut decoded = Vec::new();
    for (index, samples) in image.samples.chunks(rows * image.columns).enumerate() {
        if index > 0 {
            out.extend([0xFF, 0xD0 + (index - 1) as u8 % 8]);
        }
        let mut encoder = Encoder::new(maxval, how.near, [t1, t2, t3, reset]);
        let mut above = vec![0; image.columns + 2];
        for line in samples.chunks(image.columns) {
            let row = encoder.line(line, &above);
            decoded.extend(row[1..=image.columns].iter().map(|sample| *sample as u16));
            above = row;
        }
        out.extend(encoder.bits.finish(0));
    }
    out.extend([0xFF, 0xD9]);
    (out, decoded)
}

fn defaults(maxval: i32, near: i32) -> [i32; 4] {
    let clamp = |i: i32, j: i32| if i > maxval || i < j { j } else { i };
    let (b1, b2, b3);
    if maxval >= 128 {
        let factor = (maxval.min(4095) + 128) / 256;
        b1 = factor + 2 + 3 * near;
        b2 = 4 * factor + 3 + 5 * near;
        b3 = 17 * factor + 4 + 7 * near;
    } else {
        let factor = 256 / (maxval + 1);
        b1 = 2.max(3 / factor + 3 * near);
        b2 = 3.max(7 / factor + 5 * near);
        b3 = 4.max(21 / factor + 7 * near);
    }
    let t1 = clamp(b1, near + 1);
    let t2 = clamp(b2, t1);
    [t1, t2, clamp(b3, t2), 64]
}

struct Encoder {
    bits: Bits,
    maxval: i32,
    near: i32,
    t: [i32; 4],
    range: i32,
    qbpp: u32,
    limit: u32,
    a: [i32; 367],
    b: [i32; 365],
    c: [i32; 365],
    n: [i32; 367],
    nn: [i32; 2],
    run_index: usize,
}

impl Encoder {
    fn new(maxval: i32, near: i32, t: [i32; 4]) -> Self {
        let range = if near == 0 { maxval + 1 } else { (maxval + 2 * near) / (2 * near + 1) + 1 };
        let log2 = |count: i32| f64::from(count).log2().ceil() as u32;
        let bpp = log2(maxval + 1).max(2);
        Self {
            bits: Bits::of_jpeg_ls(),
            maxval,
            near,
            t,
            range,
            qbpp: log2(range),
            limit: 2 * (bpp + bpp.max(8)),
            a: [2.max((range + 32) / 64); 367],
            b: [0; 365],
            c: [0; 365],
            n: [1; 367],
            nn: [0; 2],
            run_index: 0,
        }
    }

    fn line(&mut self, line: &[u16], above: &[i32]) -> Vec<i32> {
        let columns = line.len();
        let mut above = above.to_vec();
        above[columns + 1] = above[columns];
        let mut row = vec![0; columns + 2];
        row[0] = above[1];
        let mut x = 1;
        while x <= columns {
            let (ra, rb, rc, rd) = (row[x - 1], above[x], above[x - 1], above[x + 1]);
            let q = [rd - rb, rb - rc, rc - ra].map(|d| self.quantize(d));
            if q != [0, 0, 0] {
                row[x] = self.regular(i32::from(line[x - 1]), q, [ra, rb, rc]);
                x += 1;
                continue;
            }
            let mut run = 0;
            while x + run <= columns && (i32::from(line[x + run - 1]) - ra).abs() <= self.near {
                row[x + run] = ra;
                run += 1;
            }
            x += run;
            self.run(run as u32, x > columns);
            if x <= columns {
                row[x] = self.interruption(i32::from(line[x - 1]), ra, above[x]);
                x += 1;
            }
        }
        row
    }

    fn quantize(&self, d: i32) -> i32 {
        let [t1, t2, t3, _] = self.t;
        let magnitude = match d.abs() {
            d if d <= self.near => 0,
            d if d < t1 => 1,
            d if d < t2 => 2,
            d if d < t3 => 3,
            _ => 4,
        };
        magnitude * d.signum()
    }

    fn regular(&mut self, ix: i32, q: [i32; 3], [ra, rb, rc]: [i32; 3]) -> i32 {
        let first = q.iter().find(|q| **q != 0).unwrap();
        let sign = first.signum();
        let q = (81 * q[0] + 9 * q[1] + q[2]).unsigned_abs() as usize;
        let px = if rc >= ra.max(rb) {
            ra.min(rb)
        } else if rc <= ra.min(rb) {
            ra.max(rb)
        } else {
            ra + rb - rc
        };
        let px = (px + sign * self.c[q]).clamp(0, self.maxval);
        let (errval, rx) = self.error(sign * (ix - px), px, sign);
        let k = (0..).find(|k| self.n[q] << k >= self.a[q]).unwrap();
        let merrval = if self.near == 0 && k == 0 && 2 * self.b[q] <= -self.n[q] {
            if errval >= 0 { 2 * errval + 1 } else { -2 * (errval + 1) }
        } else if errval >= 0 {
            2 * errval
        } else {
            -2 * errval - 1
        };
        self.golomb(merrval, k, self.limit);
        self.b[q] += errval * (2 * self.near + 1);
        self.a[q] += errval.abs();
        if self.n[q] == self.t[3] {
            self.a[q] >>= 1;
            self.b[q] = if self.b[q] >= 0 { self.b[q] >> 1 } else { -((1 - self.b[q]) >> 1) };
            self.n[q] >>= 1;
        }
        self.n[q] += 1;
        if self.b[q] <= -self.n[q] {
            self.b[q] += self.n[q];
            self.c[q] -= i32::from(self.c[q] > -128);
            if self.b[q] <= -self.n[q] {
                self.b[q] = -self.n[q] + 1;
            }
        } else if self.b[q] > 0 {
            self.b[q] -= self.n[q];
            self.c[q] += i32::from(self.c[q] < 127);
            if self.b[q] > 0 {
                self.b[q] = 0;
            }
        }
        rx
    }

    /// Quantises an error; also the sample that comes of it.
    fn error(&self, errval: i32, px: i32, sign: i32) -> (i32, i32) {
        let step = 2 * self.near + 1;
        let mut errval =
            if errval > 0 { (errval + self.near) / step } else { -((self.near - errval) / step) };
        let rx = (px + sign * errval * step).clamp(0, self.maxval);
        if errval < 0 {
            errval += self.range;
        }
        if errval >= (self.range + 1) / 2 {
            errval -= self.range;
        }
        (errval, rx)
    }

    fn run(&mut self, mut run: u32, is_end_of_line: bool) {
        while run >= 1 << J[self.run_index] {
            self.bits.put(1, 1);
            run -= 1 << J[self.run_index];
            self.run_index = (self.run_index + 1).min(31);
        }
        if !is_end_of_line {
            self.bits.put(0, 1);
            self.bits.put(run, J[self.run_index]);
        } else if run > 0 {
            self.bits.put(1, 1);
        }
    }

    fn interruption(&mut self, ix: i32, ra: i32, rb: i32) -> i32 {
        let ritype = i32::from((ra - rb).abs() <= self.near);
        let px = if ritype == 1 { ra } else { rb };
        let sign = if ritype == 0 && ra > rb { -1 } else { 1 };
        let (errval, rx) = self.error(sign * (ix - px), px, sign);
        let q = 365 + ritype as usize;
        let temp = if ritype == 0 { self.a[365] } else { self.a[366] + (self.n[366] >> 1) };
        let k = (0..).find(|k| self.n[q] << k >= temp).unwrap();
        let nn = &mut self.nn[ritype as usize];
        let map = (k == 0 && errval > 0 && 2 * *nn < self.n[q])
            || (errval < 0 && 2 * *nn >= self.n[q])
            || (errval < 0 && k != 0);
        let emerrval = 2 * errval.abs() - ritype - i32::from(map);
        *nn += i32::from(errval < 0);
        self.golomb(emerrval, k, self.limit - J[self.run_index] - 1);
        self.a[q] += (emerrval + 1 - ritype) >> 1;
        if self.n[q] == self.t[3] {
            self.a[q] >>= 1;
            self.n[q] >>= 1;
            self.nn[ritype as usize] >>= 1;
        }
        self.n[q] += 1;
        self.run_index = self.run_index.saturating_sub(1);
        rx
    }

    fn golomb(&mut self, value: i32, k: u32, limit: u32) {
        let value = value as u32;
        let most = limit - self.qbpp - 1;
        if value >> k < most {
            self.bits.put(1, (value >> k) + 1);
            self.bits.put(value & ((1 << k) - 1), k);
        } else {
            self.bits.put(1, most + 1);
            self.bits.put(value - 1, self.qbpp);
        }
    }
}
