//! A tiny font: each letter three pixels wide and five high.

/// Pixels from one letter to the next.
pub(crate) const PITCH: usize = 4;

/// Rows of a letter.
pub(crate) const HEIGHT: usize = 5;

/// Returns the rows of a letter from above, each three bits with the left pixel highest; letters of lower case are those
/// of upper case, and what the font does not hold is a blank.
pub(crate) fn rows(letter: char) -> [u8; HEIGHT] {
    // five octal digits, one a row
    let drawn: u16 = match letter.to_ascii_uppercase() {
        'A' => 0o25755,
        'B' => 0o65656,
        'C' => 0o34443,
        'D' => 0o65556,
        'E' => 0o74647,
        'F' => 0o74644,
        'G' => 0o34553,
        'H' => 0o55755,
        'I' => 0o72227,
        'J' => 0o11152,
        'K' => 0o55655,
        'L' => 0o44447,
        'M' => 0o57755,
        'N' => 0o65555,
        'O' => 0o25552,
        'P' => 0o65644,
        'Q' => 0o25563,
        'R' => 0o65655,
        'S' => 0o34216,
        'T' => 0o72222,
        'U' => 0o55557,
        'V' => 0o55552,
        'W' => 0o55775,
        'X' => 0o55255,
        'Y' => 0o55222,
        'Z' => 0o71247,
        '0' => 0o75557,
        '1' => 0o26227,
        '2' => 0o61247,
        '3' => 0o71317,
        '4' => 0o55711,
        '5' => 0o74616,
        '6' => 0o34757,
        '7' => 0o71222,
        '8' => 0o75757,
        '9' => 0o75716,
        '.' => 0o00002,
        '-' => 0o00700,
        '+' => 0o02720,
        ':' => 0o02020,
        '%' => 0o51245,
        _ => 0,
    };
    [12, 9, 6, 3, 0].map(|shift| ((drawn >> shift) & 0o7) as u8)
}
