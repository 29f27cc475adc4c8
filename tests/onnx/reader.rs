//! A reader of ONNX models, as far as these tests look at them: fields of messages, by their numbers.

use std::collections::BTreeMap;

/// A message's fields, in the order in which they stand there.
struct Fields<'a> {
    bytes: &'a [u8],
}

/// What a field holds.
enum Content<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    Float,
}

impl Fields<'_> {
    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = self.bytes.split_first().unwrap();
            self.bytes = rest;
            value |= u64::from(first & 0x7F) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Content<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let key = self.varint();
        let content = match key & 7 {
            0 => Content::Integer(self.varint()),
            2 => {
                let length = self.varint() as usize;
                let (content, rest) = self.bytes.split_at(length);
                self.bytes = rest;
                Content::Bytes(content)
            }
            5 => {
                self.bytes = &self.bytes[4..];
                Content::Float
            }
            other => panic!("wire type {other}"),
        };
        Some((key >> 3, content))
    }
}

/// The messages or texts of a field.
fn all(bytes: &[u8], number: u64) -> Vec<&[u8]> {
    let of_number = Fields { bytes }.filter(|(found, _)| *found == number);
    let content = of_number.filter_map(|(_, content)| match content {
        Content::Bytes(bytes) => Some(bytes),
        Content::Integer(_) | Content::Float => None,
    });
    content.collect()
}

fn integers(bytes: &[u8], number: u64) -> Vec<u64> {
    let of_number = Fields { bytes }.filter(|(found, _)| *found == number);
    let content = of_number.filter_map(|(_, content)| match content {
        Content::Integer(value) => Some(value),
        Content::Bytes(_) | Content::Float => None,
    });
    content.collect()
}

fn text(bytes: &[u8], number: u64) -> String {
    String::from_utf8(all(bytes, number).concat()).unwrap()
}

fn texts(bytes: &[u8], number: u64) -> Vec<String> {
    all(bytes, number).into_iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
}

/// A node as it stands in a model.
pub(crate) struct ReadNode {
    pub(crate) operator: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
}

/// A weight as it stands in a model.
pub(crate) struct ReadWeight {
    pub(crate) shape: Vec<u64>,
    pub(crate) is_float: bool,
    pub(crate) bytes: usize,
}

/// A model.
pub(crate) struct ReadModel {
    pub(crate) versions: [u64; 2],
    pub(crate) nodes: Vec<ReadNode>,
    pub(crate) weights: BTreeMap<String, ReadWeight>,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

pub(crate) fn read(bytes: &[u8]) -> ReadModel {
    let graph = all(bytes, 7).concat();
    let opset = all(bytes, 8).concat();
    let node = |bytes: &[u8]| ReadNode {
        operator: text(bytes, 4),
        inputs: texts(bytes, 1),
        outputs: texts(bytes, 2),
    };
    let weight = |bytes: &[u8]| {
        let weight = ReadWeight {
            shape: integers(bytes, 1),
            is_float: integers(bytes, 2) == [1],
            bytes: all(bytes, 9).concat().len(),
        };
        (text(bytes, 8), weight)
    };
    let metadatum = |bytes: &[u8]| (text(bytes, 1), text(bytes, 2));
    ReadModel {
        versions: [integers(bytes, 1)[0], integers(&opset, 2)[0]],
        nodes: all(&graph, 1).into_iter().map(node).collect(),
        weights: all(&graph, 5).into_iter().map(weight).collect(),
        inputs: all(&graph, 11).into_iter().map(|port| text(port, 1)).collect(),
        outputs: all(&graph, 12).into_iter().map(|port| text(port, 1)).collect(),
        metadata: all(bytes, 14).into_iter().map(metadatum).collect(),
    }
}
