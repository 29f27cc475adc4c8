//! The pickle machine, as far as lists of weights need it.
//!
//! # References
//! CPython's `Lib/pickletools.py` describes every instruction; PyTorch's `torch/serialization.py`
//! and `torch/_utils.py` say which ones and which names it writes.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::TorchError;
use super::value::{Items, Kind, Name, Storage, Value, View};

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
    stack: Vec<Value>,
    marks: Vec<usize>,
    memory: BTreeMap<usize, Value>,
}

/// Returns the value that one pickle describes, and leaves `cursor` behind it.
pub(super) fn run(cursor: &mut Cursor) -> Result<Value, TorchError> {
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
            b'N' | 0x88 | 0x89 => Value::Other,
            b'G' => cursor.array::<8>().map(|_| Value::Other)?,
            b'K' => Value::Int(i64::from(cursor.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(cursor.array()?))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(cursor.array()?))),
            0x8a => long(cursor)?,
            b'U' => Value::Text({
                let bytes = usize::from(cursor.byte()?);
                cursor.text(bytes)?
            }),
            b'X' => Value::Text({
                let bytes = cursor.size32()?;
                cursor.text(bytes)?
            }),
            b'c' => name(&cursor.line()?, &cursor.line()?)?,
            b')' => tuple(Vec::new())?,
            b'}' => Value::Dict(Items::default()),
            b']' => Value::List(Items::default()),
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

    fn pop(&mut self) -> Result<Value, TorchError> {
        self.stack.pop().ok_or(TorchError::Damaged("its stack is empty"))
    }

    fn take(&mut self, count: usize) -> Result<Vec<Value>, TorchError> {
        let start = self.stack.len().checked_sub(count).ok_or(TorchError::Damaged("its stack is empty"))?;
        Ok(self.stack.split_off(start))
    }

    fn mark(&mut self) -> Result<(), TorchError> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, TorchError> {
        let start = self.marks.pop().filter(|start| *start <= self.stack.len());
        Ok(self.stack.split_off(start.ok_or(TorchError::Damaged("a mark is missing"))?))
    }

    fn memorise(&mut self, place: usize) -> Result<(), TorchError> {
        let value = self.stack.last().ok_or(TorchError::Damaged("its stack is empty"))?.shared();
        self.memory.insert(place, value);
        Ok(())
    }

    fn recall(&self, place: usize) -> Result<Value, TorchError> {
        self.memory.get(&place).map(Value::shared).ok_or(TorchError::Damaged("its memory has a hole"))
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
            (b's' | b'u', Some(Value::Dict(items))) if values.len().is_multiple_of(2) => items.extend(values),
            (b'a' | b'e', Some(Value::List(items))) => items.extend(values),
            _ => Err(TorchError::Damaged("a list is missing")),
        }
    }

    /// What the named function would give for the arguments above it.
    fn rebuild(&mut self) -> Result<Value, TorchError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Tuple(arguments), Value::Name(function)) = (arguments, function) else {
            return Err(TorchError::Damaged("a function is missing"));
        };
        match (function, arguments.values.as_slice()) {
            (Name::OrderedDict, []) => Ok(Value::Dict(Items::default())),
            (Name::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                view(storage, offset, shape, strides)
            }
            (Name::RebuildParameter, [tensor @ Value::View(_), ..]) => Ok(tensor.shared()),
            _ => Err(TorchError::Damaged("a function has wrong arguments")),
        }
    }
}

fn tuple(values: Vec<Value>) -> Result<Value, TorchError> {
    Ok(Value::Tuple(Rc::new(Items::of(values)?)))
}

/// A little-endian whole number; one of more than 64 bits is no size of anything.
fn long(cursor: &mut Cursor) -> Result<Value, TorchError> {
    let count = usize::from(cursor.byte()?);
    let bytes = cursor.take(count)?;
    let Some(last) = bytes.last() else { return Ok(Value::Int(0)) };
    if count > 8 {
        return Ok(Value::Other);
    }
    let mut all = [if *last >= 0x80 { 0xFF } else { 0 }; 8];
    all[..count].copy_from_slice(bytes);
    Ok(Value::Int(i64::from_le_bytes(all)))
}

fn name(module: &str, name: &str) -> Result<Value, TorchError> {
    let known = match (module, name) {
        ("collections", "OrderedDict") => Some(Name::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2") => Some(Name::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Some(Name::RebuildParameter),
        ("torch", name) => Kind::of_storage(name).map(Name::Storage),
        _ => None,
    };
    known.map(Value::Name).ok_or_else(|| TorchError::Object(format!("{module}.{name}")))
}

/// The storage of `("storage", type, key, device, count)`; before PyTorch 1.6 a sixth value says
/// whether it is part of another, which none of today's files use.
fn storage(id: &Value) -> Result<Value, TorchError> {
    let Value::Tuple(parts) = id else { return Err(TorchError::Damaged("a storage has no name")) };
    match parts.values.as_slice() {
        [
            Value::Text(word),
            Value::Name(Name::Storage(kind)),
            Value::Text(key),
            Value::Text(_),
            count,
            rest @ ..,
        ] if &**word == "storage" && matches!(rest, [] | [Value::Other]) => {
            let count = count.size().ok_or(TorchError::Damaged("a storage has no size"))?;
            Ok(Value::Storage(Rc::new(Storage { key: key.to_string(), kind: *kind, count })))
        }
        _ => Err(TorchError::Damaged("a storage has no name")),
    }
}

fn view(storage: &Value, offset: &Value, shape: &Value, strides: &Value) -> Result<Value, TorchError> {
    let parts = (storage, offset.size(), shape.sizes(), strides.sizes());
    match parts {
        (Value::Storage(storage), Some(offset), Some(shape), Some(strides))
            if shape.len() == strides.len() =>
        {
            Ok(Value::View(Rc::new(View { storage: storage.clone(), offset, shape, strides })))
        }
        _ => Err(TorchError::Damaged("a tensor has no shape")),
    }
}
