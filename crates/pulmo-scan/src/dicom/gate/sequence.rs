//! The items of a sequence.

use std::io::{Read, Seek};

use super::GateError;
use super::budget::MOST_LEVELS;
use super::data_set::DataSet;
use super::element_header::Length;
use super::encoding::{ITEM, SEQUENCE_END};
use super::walk::{Ending, Scope, Walk};

impl<R: Read + Seek> Walk<'_, R> {
    /// Walks the items of a sequence of this length, or up to its delimiter.
    pub(super) fn items(&mut self, outer: Scope, length: Option<u32>) -> Result<Vec<DataSet>, GateError> {
        if outer.level >= MOST_LEVELS {
            return Err(GateError::Depth { most: MOST_LEVELS });
        }
        let mut items = Vec::new();
        let end = length.map(|length| self.bytes.at() + u64::from(length));
        let limit = end.unwrap_or(outer.limit);
        while end != Some(self.bytes.at()) {
            self.budget.count()?;
            let mut header = [0; 8];
            if limit.saturating_sub(self.bytes.at()) < 8 && limit < self.bytes.end() {
                return Err(GateError::Sequence { tag: ITEM });
            }
            if self.bytes.read(&mut header)? < header.len() {
                return Err(self.bytes.cut_off(ITEM));
            }
            let [a, b, c, d, length @ ..] = header;
            let (tag, length) = (outer.encoding.tag([a, b, c, d]), outer.encoding.long(length));
            match tag {
                ITEM => {}
                SEQUENCE_END if end.is_none() => break,
                _ => return Err(GateError::Sequence { tag }),
            }
            let length = self.check_length(Scope { limit, ..outer }, tag, Length::of(length), true)?;
            let (ending, limit) = match length {
                Some(length) => (Ending::Limit, self.bytes.at() + u64::from(length)),
                None => (Ending::Delimiter, limit),
            };
            let item = self.data_set(Scope { ending, limit, level: outer.level + 1, ..outer })?;
            if outer.is_kept {
                self.budget.keep(0)?;
                items.push(item);
            }
        }
        Ok(items)
    }
}
