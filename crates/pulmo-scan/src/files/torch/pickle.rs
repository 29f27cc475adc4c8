//! The pickle machine, as far as lists of weights need it.
//!
//! # References
//! CPython's `Lib/pickletools.py` describes every instruction; PyTorch's `torch/serialization.py`
//! and `torch/_utils.py` say which ones and which names it writes.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::TorchError;
use super::value::{Items, Name, PickleValue, ScalarType, Storage, TensorView};

/// Bytes that are read from the front.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], TorchError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(TorchError::Damaged("it ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TorchError> {
        self.take(N)?.try_into().map_err(|_| TorchError::Damaged("it ends early"))
    }

    fn byte(&mut self) -> Result<u8, TorchError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn size32(&mut self) -> Result<usize, TorchError> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| TorchError::TooLarge("a text"))
    }

    fn text(&mut self, bytes: usize) -> Result<Rc<str>, TorchError> {
        let text = std::str::from_utf8(self.take(bytes)?);
        text.map(Rc::from).map_err(|_| TorchError::Damaged("a text is not UTF-8"))
    }

    fn line(&mut self) -> Result<Rc<str>, TorchError> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let text = self.text(end.ok_or(TorchError::Damaged("it ends early"))?)?;
        self.take(1)?;
        Ok(text)
    }
}

/// Most instructions of one pickle: a tensor takes some fifty, and the longest list of weights some thousand tensors. Each
/// may leave a value of 40 bytes on the stack, and packed they take next to nothing.
const MAX_INSTRUCTIONS: usize = 1 << 21;

#[derive(Default)]
struct Machine {
    stack: Vec<PickleValue>,
    marks: Vec<usize>,
    memory: BTreeMap<usize, PickleValue>,
}

/// Returns the value that one pickle describes, and leaves `cursor` behind it.
pub(super) fn run(cursor: &mut Cursor) -> Result<PickleValue, TorchError> {
    let mut machine = Machine::default();
    for _ in 0..MAX_INSTRUCTIONS {
        match cursor.byte()? {
            b'.' => return machine.pop(),
            instruction => machine.step(instruction, cursor)?,
        }
    }
    Err(TorchError::TooLarge("more than 2^21 pickle instructions"))
}

impl Machine {
    fn step(&mut self, instruction: u8, cursor: &mut Cursor) -> Result<(), TorchError> {
        let value = match instruction {
            0x80 if matches!(cursor.byte()?, 2 | 3) => return Ok(()),
            0x80 => return Err(TorchError::Instruction(0x80)),
            b'(' => return self.mark(),
            b'q' => return self.memorise(usize::from(cursor.byte()?)),
            b'r' => return self.memorise(cursor.size32()?),
            b'h' => self.recall(usize::from(cursor.byte()?))?,
            b'j' => self.recall(cursor.size32()?)?,
            b'N' | 0x88 | 0x89 => PickleValue::Other,
            b'G' => cursor.array::<8>().map(|_| PickleValue::Other)?,
            b'K' => PickleValue::Int(i64::from(cursor.byte()?)),
            b'M' => PickleValue::Int(i64::from(u16::from_le_bytes(cursor.array()?))),
            b'J' => PickleValue::Int(i64::from(i32::from_le_bytes(cursor.array()?))),
            0x8a => long(cursor)?,
            b'U' => PickleValue::Text({
                let bytes = usize::from(cursor.byte()?);
                cursor.text(bytes)?
            }),
            b'X' => PickleValue::Text({
                let bytes = cursor.size32()?;
                cursor.text(bytes)?
            }),
            b'c' => name(&cursor.line()?, &cursor.line()?)?,
            b')' => tuple(Vec::new())?,
            b'}' => PickleValue::Dict(Items::default()),
            b']' => PickleValue::List(Items::default()),
            b't' => tuple(self.since_mark()?)?,
            0x85..=0x87 => tuple(self.take(usize::from(instruction - 0x84))?)?,
            b'Q' => storage(&self.pop()?)?,
            b'R' => self.rebuild()?,
            b's' | b'u' | b'a' | b'e' | b'b' => return self.fill(instruction),
            other => return Err(TorchError::Instruction(other)),
        };
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<PickleValue, TorchError> {
        self.stack.pop().ok_or(TorchError::Damaged("its stack is empty"))
    }

    fn take(&mut self, count: usize) -> Result<Vec<PickleValue>, TorchError> {
        let start = self.stack.len().checked_sub(count).ok_or(TorchError::Damaged("its stack is empty"))?;
        Ok(self.stack.split_off(start))
    }

    fn mark(&mut self) -> Result<(), TorchError> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn since_mark(&mut self) -> Result<Vec<PickleValue>, TorchError> {
        let start = self.marks.pop().filter(|start| *start <= self.stack.len());
        Ok(self.stack.split_off(start.ok_or(TorchError::Damaged("a mark is missing"))?))
    }

    fn memorise(&mut self, place: usize) -> Result<(), TorchError> {
        let value = self.stack.last().ok_or(TorchError::Damaged("its stack is empty"))?.shared();
        self.memory.insert(place, value);
        Ok(())
    }

    fn recall(&self, place: usize) -> Result<PickleValue, TorchError> {
        self.memory.get(&place).map(PickleValue::shared).ok_or(TorchError::Damaged("its memory has a hole"))
    }

    /// Puts values into the list or dictionary below them. What a `BUILD` would put into an
    /// object (the metadata of a list of weights) is dropped.
    fn fill(&mut self, instruction: u8) -> Result<(), TorchError> {
        let values = match instruction {
            b's' => self.take(2)?,
            b'a' | b'b' => self.take(1)?,
            _ => self.since_mark()?,
        };
        match (instruction, self.stack.last_mut()) {
            (b'b', Some(_)) => Ok(()),
            (b's' | b'u', Some(PickleValue::Dict(items))) if values.len().is_multiple_of(2) => {
                items.extend(values)
            }
            (b'a' | b'e', Some(PickleValue::List(items))) => items.extend(values),
            _ => Err(TorchError::Damaged("a list is missing")),
        }
    }

    /// What the named function would give for the arguments above it.
    fn rebuild(&mut self) -> Result<PickleValue, TorchError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (PickleValue::Tuple(arguments), PickleValue::Name(function)) = (arguments, function) else {
            return Err(TorchError::Damaged("a function is missing"));
        };
        match (function, arguments.values.as_slice()) {
            (Name::OrderedDict, []) => Ok(PickleValue::Dict(Items::default())),
            (Name::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                view(storage, offset, shape, strides)
            }
            (Name::RebuildParameter, [tensor @ PickleValue::View(_), ..]) => Ok(tensor.shared()),
            _ => Err(TorchError::Damaged("a function has wrong arguments")),
        }
    }
}

fn tuple(values: Vec<PickleValue>) -> Result<PickleValue, TorchError> {
    Ok(PickleValue::Tuple(Rc::new(Items::of(values)?)))
}

/// A little-endian whole number; one of more than 64 bits is no size of anything.
fn long(cursor: &mut Cursor) -> Result<PickleValue, TorchError> {
    let count = usize::from(cursor.byte()?);
    let bytes = cursor.take(count)?;
    let Some(last) = bytes.last() else { return Ok(PickleValue::Int(0)) };
    if count > 8 {
        return Ok(PickleValue::Other);
    }
    let mut all = [if *last >= 0x80 { 0xFF } else { 0 }; 8];
    all[..count].copy_from_slice(bytes);
    Ok(PickleValue::Int(i64::from_le_bytes(all)))
}

fn name(module: &str, name: &str) -> Result<PickleValue, TorchError> {
    let known = match (module, name) {
        ("collections", "OrderedDict") => Some(Name::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2") => Some(Name::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Some(Name::RebuildParameter),
        ("torch", name) => ScalarType::of_storage(name).map(Name::Storage),
        _ => None,
    };
    known.map(PickleValue::Name).ok_or_else(|| TorchError::Object(format!("{module}.{name}")))
}

/// The storage of `("storage", type, key, device, count)`; before PyTorch 1.6 a sixth value says
/// whether it is part of another, which none of today's files use.
fn storage(id: &PickleValue) -> Result<PickleValue, TorchError> {
    let PickleValue::Tuple(parts) = id else { return Err(TorchError::Damaged("a storage has no name")) };
    match parts.values.as_slice() {
        [
            PickleValue::Text(word),
            PickleValue::Name(Name::Storage(kind)),
            PickleValue::Text(key),
            PickleValue::Text(_),
            count,
            rest @ ..,
        ] if &**word == "storage" && matches!(rest, [] | [PickleValue::Other]) => {
            let count = count.size().ok_or(TorchError::Damaged("a storage has no size"))?;
            Ok(PickleValue::Storage(Rc::new(Storage { key: key.to_string(), kind: *kind, count })))
        }
        _ => Err(TorchError::Damaged("a storage has no name")),
    }
}

fn view(
    storage: &PickleValue,
    offset: &PickleValue,
    shape: &PickleValue,
    strides: &PickleValue,
) -> Result<PickleValue, TorchError> {
    let parts = (storage, offset.size(), shape.sizes(), strides.sizes());
    match parts {
        (PickleValue::Storage(storage), Some(offset), Some(shape), Some(strides))
            if shape.len() == strides.len() =>
        {
            Ok(PickleValue::View(Rc::new(TensorView { storage: storage.clone(), offset, shape, strides })))
        }
        _ => Err(TorchError::Damaged("a tensor has no shape")),
    }
}
