//! The structure of data sets: lengths, nesting, items, order, value representations, deflated bytes.

use std::io::{Cursor, Read};
use std::time::Duration;

use crate::{
    INTERCEPT, PLAIN, STYLES, UID, judge, judge_forged, ok, private, rejected, shortest_time, warned,
};
use pulmo_forge::forge::{self, Body, Element, Forge, PIXEL_DATA, PRIVATE, Style};
use pulmo_scan::findings::{Code, Verdict};

#[test]
fn case_007_huge_pixel_data_length() {
    for style in PLAIN {
        let forge = Forge::styled(style).changing(PIXEL_DATA, |pixels| pixels.declared = Some(0xFFFF_FFF0));
        assert_eq!(judge_forged(&forge), rejected(Code::Length));
        assert!(shortest_time(&forge) < Duration::from_millis(50));
    }
    let forge =
        Forge::styled(Style::Deflated).changing(PIXEL_DATA, |pixels| pixels.declared = Some(0xFFFF_FFF0));
    assert_eq!(judge_forged(&forge), rejected(Code::Inflate));
}

#[test]
fn case_008_009_huge_private_lengths() {
    for style in STYLES {
        for (vr, length) in
            [("OB", 0xFFFF_FFF0), ("UN", 0x7FFF_FFF0), ("OW", 0x7FFF_FFFE), ("UT", 0xFFFF_FFFE)]
        {
            let forge = Forge::styled(style).with(private(vr, b"ab").declaring(length));
            let expected = if style == Style::Deflated { Code::Inflate } else { Code::Length };
            assert_eq!(judge_forged(&forge), rejected(expected), "{style:?} {vr}");
        }
    }
}

#[test]
fn case_010_spaces_as_a_length() {
    for style in PLAIN {
        let forge = Forge::styled(style).with(private("UN", b"    ").declaring(0x2020_2020));
        assert_eq!(judge_forged(&forge), rejected(Code::Length));
    }
}

#[test]
fn case_011_one_byte_more_than_there_is() {
    for style in PLAIN {
        let forge = Forge::styled(style).changing(PIXEL_DATA, |pixels| pixels.declared = Some(129));
        assert_eq!(judge_forged(&forge), rejected(Code::Length));
        let rest = 0x0002_0000;
        let mut forge = Forge::styled(style).with(private("OB", &vec![0; rest]).declaring(0));
        forge.elements.retain(|element| element.tag <= PRIVATE);
        let forge = forge.changing(PRIVATE, |element| element.declared = Some(rest as u32 + 1));
        assert_eq!(judge_forged(&forge), rejected(Code::Length));
    }
}

#[test]
fn case_012_odd_lengths() {
    for style in STYLES {
        let forge = Forge::styled(style)
            .with(Element::bytes(INTERCEPT, "DS", b"-1024"))
            .with(Element::bytes((0x0028, 0x1053), "DS", b"1"))
            .with(Element::bytes(UID, "UI", b"1.2.3"))
            .with(private("OB", b"abc"));
        assert_eq!(judge_forged(&forge), warned(Code::OddLength));
        assert_eq!(judge_forged(&forge), judge_forged(&forge));
    }
}

/// A private sequence of this many levels.
fn nested(levels: usize, open: fn(Vec<Vec<Element>>) -> Body) -> Element {
    let mut inner = vec![];
    for _ in 1..levels {
        inner = vec![Element::new((0x0019, 0x1002), "SQ", open(vec![inner]))];
    }
    Element::new(PRIVATE, "SQ", open(vec![inner]))
}

#[test]
fn case_013_nesting() {
    for open in [Body::Items, Body::OpenItems] {
        for style in [Style::Explicit, Style::BigEndian, Style::Deflated] {
            assert_eq!(judge_forged(&Forge::styled(style).with(nested(64, open))), ok());
            let deep = Forge::styled(style).with(nested(65, open));
            assert_eq!(judge_forged(&deep), rejected(Code::Depth));
        }
        assert_eq!(judge_forged(&Forge::ct().with(nested(1500, open))), rejected(Code::Depth));
    }
    // without recursion in the test itself: the openings are enough
    for (style, levels) in [(Style::Explicit, 100_000), (Style::Implicit, 100_000), (Style::Implicit, 65)] {
        let mut forge = Forge::styled(style);
        forge.elements.retain(|element| element.tag < PRIVATE);
        for _ in 0..levels {
            forge.tail.extend(if style == Style::Explicit {
                b"\x19\0\x01\x10SQ\0\0\xff\xff\xff\xff".to_vec()
            } else {
                b"\x19\0\x01\x10\xff\xff\xff\xff".to_vec()
            });
            forge::bare(&mut forge.tail, style, (0xFFFE, 0xE000), u32::MAX);
        }
        assert_eq!(judge_forged(&forge), rejected(Code::Depth));
    }
}

#[test]
fn case_014_items_longer_than_their_sequence() {
    for style in [Style::Explicit, Style::BigEndian] {
        let item = vec![Element::text((0x0019, 0x1002), "LO", "inside")];
        let sequence = |length| {
            let body = Body::Items(vec![item.clone()]);
            Forge::styled(style).with(Element::new(PRIVATE, "SQ", body).declaring(length))
        };
        assert_eq!(judge_forged(&sequence(22)), ok());
        for length in [1, 7, 8, 9, 14, 20, 21] {
            assert_eq!(judge_forged(&sequence(length)), rejected(Code::Sequence), "{length}");
        }
        // an element longer than its item
        let body = Body::Items(vec![vec![Element::text((0x0019, 0x1002), "LO", "inside").declaring(60)]]);
        let forge = Forge::styled(style).with(Element::new(PRIVATE, "SQ", body));
        assert_eq!(judge_forged(&forge), rejected(Code::Sequence));
    }
}

#[test]
fn case_015_stray_delimiters() {
    for style in PLAIN {
        for tags in [&[0xE00D, 0xE000][..], &[0xE00D], &[0xE000], &[0xE0DD]] {
            let mut forge = Forge::styled(style);
            tags.iter().for_each(|tag| forge::bare(&mut forge.tail, style, (0xFFFE, *tag), 0));
            assert_eq!(judge_forged(&forge), rejected(Code::Sequence), "{style:?} {tags:x?}");
        }
    }
}

#[test]
fn case_016_two_million_delimiters() {
    let mut forge = Forge::ct();
    for _ in 0..2_000_000 {
        forge::bare(&mut forge.tail, Style::Explicit, (0xFFFE, 0xE00D), 0);
    }
    assert_eq!(judge_forged(&forge), rejected(Code::Sequence));
    assert!(shortest_time(&forge) < Duration::from_secs(1));
}

/// A slice with this many private elements after its pixels.
fn crowded(elements: u32) -> Forge {
    let mut forge = Forge::ct();
    for index in 0..elements {
        let [a, b, c, d] = (0x8001_0000 + index).to_le_bytes();
        forge.tail.extend([c, d, a, b, b'U', b'S', 2, 0, 1, 0]);
    }
    forge
}

#[test]
fn case_017_too_many_elements() {
    assert_eq!(judge_forged(&crowded(99_000)), ok());
    for elements in [100_001, 500_000] {
        assert_eq!(judge_forged(&crowded(elements)), rejected(Code::Elements));
    }
    // fragments count too, also those of icons that are passed over
    let fragments = Body::Fragments(vec![], vec![vec![]; 90_000]);
    let icons = vec![vec![Element::new(PIXEL_DATA, "OB", fragments)]; 12];
    let icons = Forge::ct().with(Element::new((0x0088, 0x0200), "SQ", Body::Items(icons)));
    assert_eq!(judge_forged(&icons), rejected(Code::Elements));
    // and where they stand in items: 5 million in all
    let item: Vec<Element> = (0..50_000).map(|n| Element::word((0x0019, n), n)).collect();
    let forge = Forge::ct().with(Element::new(PRIVATE, "SQ", Body::Items(vec![item; 100])));
    assert_eq!(judge_forged(&forge), rejected(Code::Elements));
}

#[test]
fn case_018_undefined_length_where_none_may_be() {
    for vr in ["OB", "UT", "OF"] {
        let forge = Forge::ct().with(private(vr, b"abcd").declaring(u32::MAX));
        assert_eq!(judge_forged(&forge), rejected(Code::Length), "{vr}");
    }
    let forge =
        Forge::styled(Style::Implicit).changing(INTERCEPT, |element| element.declared = Some(u32::MAX));
    assert_eq!(judge_forged(&forge), rejected(Code::Length));
    // what a passed-over element of unknown VR holds is read as implicit items (PS3.5 6.2.2)
    let mut items = vec![];
    forge::bare(&mut items, Style::Explicit, (0xFFFE, 0xE000), 0);
    forge::bare(&mut items, Style::Explicit, (0xFFFE, 0xE0DD), 0);
    let forge = Forge::ct().with(private("UN", &items).declaring(u32::MAX));
    assert_eq!(judge_forged(&forge), ok());
}

#[test]
fn case_019_value_representations_that_do_not_exist() {
    for vr in ["??", "ds", "\0\0", "  ", "ZZ", "D5"] {
        let forge = Forge::ct().changing(INTERCEPT, |element| element.vr = vr.as_bytes().try_into().unwrap());
        assert_eq!(judge_forged(&forge), rejected(Code::ValueRepresentation), "{vr:?}");
        assert_eq!(judge_forged(&Forge::ct().with(private(vr, b"ab"))), rejected(Code::ValueRepresentation));
    }
}

#[test]
fn case_023_out_of_order() {
    // position after the pixels; pixels first; two neighbours changed places
    let mut late = Forge::ct();
    let position = late.elements.remove(10);
    late.elements.push(position);
    let mut first = Forge::ct();
    let pixels = first.elements.pop().unwrap();
    first.elements.insert(0, pixels);
    let mut swapped = Forge::ct();
    swapped.elements.swap(4, 5);
    for forge in [late, first, swapped] {
        for style in STYLES {
            let forge =
                Forge { style, transfer_syntax: Forge::styled(style).transfer_syntax, ..forge.clone() };
            assert_eq!(judge_forged(&forge), rejected(Code::TagOrder), "{style:?}");
        }
    }
}

#[test]
fn case_024_element_twice() {
    for index in 0..Forge::ct().elements.len() {
        let mut forge = Forge::ct();
        let twin = forge.elements[index].clone();
        forge.elements.insert(index, twin);
        assert_eq!(judge_forged(&forge), rejected(Code::DuplicateElement), "{index}");
    }
}

/// A deflated file of a slice's first elements and this many private ones of `length` zeros each.
fn bomb(elements: u16, length: u32) -> Vec<u8> {
    let mut forge = Forge::styled(Style::Deflated);
    forge.elements.retain(|element| element.tag < PRIVATE);
    let mut inside: Box<dyn Read> = Box::new(Cursor::new(forge.data_set()));
    for element in 0..elements {
        let mut header = b"\x19\0".to_vec();
        header.extend((0x1001 + element).to_le_bytes());
        header.extend(b"OB\0\0");
        header.extend(length.to_le_bytes());
        inside =
            Box::new(inside.chain(Cursor::new(header)).chain(std::io::repeat(0).take(u64::from(length))));
    }
    forge.elements.clear();
    forge.style = Style::Explicit;
    [forge.bytes(), forge::deflate(inside)].concat()
}

#[test]
fn case_025_deflate_bomb() {
    let one = bomb(1, 1 << 30);
    assert!(one.len() < 6 << 20);
    assert_eq!(judge(&one), rejected(Code::Inflate));
    // parts that fit one by one
    assert_eq!(judge(&bomb(40, 16 << 20)), rejected(Code::Inflate));
}

#[test]
fn case_026_deflate_corrupt_or_cut_off() {
    let whole = Forge::styled(Style::Deflated).bytes();
    let start =
        Forge { elements: vec![], style: Style::Explicit, ..Forge::styled(Style::Deflated) }.bytes().len();
    for length in start..whole.len() - 8 {
        let judged = judge(&whole[..length]);
        assert!(matches!(judged.verdict, Verdict::RejectFile(_)), "{length} {judged:?}");
    }
    let mut corrupt = whole;
    corrupt[start] = 0x07; // block type 3 does not exist
    assert_eq!(judge(&corrupt), rejected(Code::Inflate));
}
