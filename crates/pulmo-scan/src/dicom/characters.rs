//! Texts by their Specific Character Set, code extensions by ISO 2022 included.
//!
//! # References
//! DICOM PS3.3 C.12.1.1.2 (defined terms), PS3.5 section 6.1.2 and annexes H to K (examples).

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6,
    ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::attributes::{Attribute, Attributes, attribute, trimmed};
use super::gate::DataSet;

const CHARACTER_SET: Attribute = attribute(tags::SPECIFIC_CHARACTER_SET, "Specific Character Set");
const ESCAPE: u8 = 0x1B;

/// The text of an attribute by the data set's character set, without padding; `None` where it is missing or
/// empty.
pub(super) fn text_of(data_set: &DataSet, tag: Tag) -> Option<String> {
    let terms = Attributes(data_set).texts(CHARACTER_SET).ok().flatten().unwrap_or_default();
    let terms: Vec<String> = terms.iter().map(|term| term.trim().to_owned()).collect();
    let text = decoded(data_set.get(tag)?.bytes(), &terms);
    Some(trimmed(&text).to_owned()).filter(|text| !text.is_empty())
}

/// What the bytes above 127 of a defined term's character set stand for. The registered sets differ from the
/// encodings of the web only in control characters and in a backslash for a yen sign.
fn encoding_of(term: &str) -> Option<&'static Encoding> {
    let number = term.strip_prefix("ISO_IR ").or_else(|| term.strip_prefix("ISO 2022 IR ")).unwrap_or(term);
    Some(match number {
        "100" => WINDOWS_1252,
        "101" => ISO_8859_2,
        "109" => ISO_8859_3,
        "110" => ISO_8859_4,
        "144" => ISO_8859_5,
        "127" => ISO_8859_6,
        "126" => ISO_8859_7,
        "138" => ISO_8859_8,
        "148" => WINDOWS_1254,
        "203" => ISO_8859_15,
        "13" => SHIFT_JIS,
        "166" => WINDOWS_874,
        "149" => EUC_KR,
        "58" => GBK,
        "192" => UTF_8,
        "GB18030" => GB18030,
        "GBK" => GBK,
        _ => return None,
    })
}

/// The set that escape sequences put below 128: single bytes, or pairs of a Japanese one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Low {
    Single,
    /// JIS X 0208.
    Kanji,
    /// JIS X 0212.
    Supplement,
}

/// Returns a text whose bytes are of the character sets that `terms` (the values of Specific Character Set)
/// name. What cannot be decoded becomes U+FFFD.
fn decoded(bytes: &[u8], terms: &[String]) -> String {
    let known: Vec<&'static Encoding> = terms.iter().filter_map(|term| encoding_of(term)).collect();
    let first = terms.first().and_then(|term| encoding_of(term));
    match first {
        // these know no escapes, and a part of a character may look like a delimiter
        Some(encoding) if [UTF_8, GB18030].contains(&encoding) || terms.len() == 1 && encoding == GBK => {
            encoding.decode_without_bom_handling(bytes).0.into_owned()
        }
        None if known.is_empty() && !bytes.contains(&ESCAPE) => undeclared(bytes),
        _ => extended(bytes, first.or(known.first().copied()).unwrap_or(WINDOWS_1252)),
    }
}

/// A text that declares no character set: ASCII by the standard, UTF-8 or Latin 1 in the field.
fn undeclared(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), str::to_owned)
}

/// A text with escape sequences; delimiters and ends of lines bring back the `initial` sets.
fn extended(bytes: &[u8], initial: &'static Encoding) -> String {
    let mut text = String::new();
    let mut sets = Sets { low: Low::Single, high: initial };
    let mut run = Vec::new();
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let escape = (*byte == ESCAPE).then(|| designation(after)).flatten();
        if let Some((designated, length)) = escape {
            sets.decode(&mut run, &mut text);
            match designated {
                Designated::Low(set) => sets.low = set,
                Designated::High(set) => sets.high = set,
            }
            rest = &after[length..];
            continue;
        }
        run.push(*byte);
        let is_delimiter = sets.low == Low::Single && b"^=\\\r\n\t\x0C".contains(byte);
        if is_delimiter {
            sets.decode(&mut run, &mut text);
            sets = Sets { low: Low::Single, high: initial };
        }
        rest = after;
    }
    sets.decode(&mut run, &mut text);
    text
}

/// The sets that are in use.
struct Sets {
    low: Low,
    high: &'static Encoding,
}

impl Sets {
    /// Appends the text of a run of bytes, and empties the run.
    fn decode(&self, run: &mut Vec<u8>, text: &mut String) {
        let upper = |pair: &[u8]| pair.iter().map(|byte| byte | 0x80).collect::<Vec<u8>>();
        let (encoding, bytes) = match self.low {
            Low::Single => (self.high, std::mem::take(run)),
            Low::Kanji => (EUC_JP, upper(run)),
            // EUC-JP marks characters of the supplement by a byte of its own
            Low::Supplement => {
                (EUC_JP, run.chunks(2).flat_map(|pair| [&[0x8F], &upper(pair)[..]].concat()).collect())
            }
        };
        run.clear();
        text.push_str(&encoding.decode_without_bom_handling(&bytes).0);
    }
}

enum Designated {
    Low(Low),
    High(&'static Encoding),
}

/// The set that an escape sequence designates, and its length without the escape itself.
fn designation(after: &[u8]) -> Option<(Designated, usize)> {
    let low = |set, length| Some((Designated::Low(set), length));
    let high = |set, length| Some((Designated::High(set), length));
    match after {
        [b'(', b'B' | b'J', ..] => low(Low::Single, 2),
        [b'$', b'B' | b'@', ..] => low(Low::Kanji, 2),
        [b'$', b'(', b'D', ..] => low(Low::Supplement, 3),
        [b'$', b')', b'C', ..] => high(EUC_KR, 3),
        [b'$', b')', b'A', ..] => high(GBK, 3),
        [b')', b'I', ..] => high(SHIFT_JIS, 2),
        [b'-', b'A', ..] => high(WINDOWS_1252, 2),
        [b'-', b'B', ..] => high(ISO_8859_2, 2),
        [b'-', b'C', ..] => high(ISO_8859_3, 2),
        [b'-', b'D', ..] => high(ISO_8859_4, 2),
        [b'-', b'L', ..] => high(ISO_8859_5, 2),
        [b'-', b'G', ..] => high(ISO_8859_6, 2),
        [b'-', b'F', ..] => high(ISO_8859_7, 2),
        [b'-', b'H', ..] => high(ISO_8859_8, 2),
        [b'-', b'M', ..] => high(WINDOWS_1254, 2),
        [b'-', b'b', ..] => high(ISO_8859_15, 2),
        [b'-', b'T', ..] => high(WINDOWS_874, 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(terms: &str, bytes: &[u8]) -> String {
        let terms: Vec<String> = terms.split('\\').map(str::to_owned).collect();
        decoded(bytes, &terms)
    }

    /// ORIGIN: the worked examples of DICOM PS3.5 (2024b) annexes H.3.1, H.3.2, I.2, J.3, J.4, K.2; exact.
    #[test]
    fn the_standards_examples_are_read() {
        let kanji = b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B";
        let expected = "Yamada^Tarou=山田^太郎=やまだ^たろう";
        assert_eq!(text("\\ISO 2022 IR 87", kanji), expected);
        let half_width = b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J";
        let expected = "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう";
        assert_eq!(text("ISO 2022 IR 13\\ISO 2022 IR 87", half_width), expected);
        let korean =
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF";
        assert_eq!(text("\\ISO 2022 IR 149", korean), "Hong^Gildong=洪^吉洞=홍^길동");
        let unicode = "Wang^XiaoDong=王^小東=";
        assert_eq!(text("ISO_IR 192", unicode.as_bytes()), unicode);
        assert_eq!(text("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB="), "Wang^XiaoDong=王^小东=");
        let chinese = b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=";
        assert_eq!(text("\\ISO 2022 IR 58", chinese), "Zhang^XiaoDong=张^小东=");
    }

    /// ORIGIN: `'…'.encode('iso8859-N')` of Python 3.11; exact.
    #[test]
    fn single_bytes_are_read_by_their_part_of_iso_8859() {
        assert_eq!(text("ISO_IR 100", b"Buc^J\xE9r\xF4me"), "Buc^Jérôme");
        assert_eq!(text("ISO_IR 101", b"W\xB1s"), "Wąs");
        assert_eq!(text("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2"), "Διονυσιος");
        assert_eq!(text("ISO_IR 144", b"\xBB\xEE\xDA"), "Люк");
        assert_eq!(text("ISO_IR 148", b"\xDDnan\xE7 \xDE"), "İnanç Ş");
        assert_eq!(text("ISO_IR 166", b"\xA1"), "ก");
        assert_eq!(text("ISO 2022 IR 100\\ISO 2022 IR 144", b"J\xE9=\x1B-L\xBB\xEE^J\xE9"), "Jé=Лю^Jé");
    }

    #[test]
    fn what_declares_nothing_or_nonsense_is_read_as_it_is_in_the_field() {
        assert_eq!(text("", "Jérôme".as_bytes()), "Jérôme");
        assert_eq!(text("", b"J\xE9r\xF4me"), "Jérôme");
        assert_eq!(text("NONSENSE", b"plain"), "plain");
        // high bytes of a set that was declared and never designated
        assert_eq!(text("\\ISO 2022 IR 149", b"\xC8\xAB"), "홍");
        // a broken pair, and an escape that means nothing
        assert_eq!(text("\\ISO 2022 IR 87", b"\x1B$B;"), "\u{FFFD}");
        assert_eq!(text("\\ISO 2022 IR 87", b"a\x1B%b"), "a\u{1B}%b");
    }
}
