//! What the pickle machine puts on its stack.

use std::rc::Rc;

use super::TorchError;

/// Deepest nesting of lists: a list of weights needs four.
const MAX_DEPTH: u8 = 32;

/// The type of stored numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarType {
    Float32,
    Float64,
    Float16,
    BFloat16,
    /// An integer type; its numbers are never read.
    Integer {
        bytes: usize,
    },
}

impl ScalarType {
    /// The kind of `torch.<name>`.
    pub(super) fn of_storage(name: &str) -> Option<Self> {
        Some(match name {
            "FloatStorage" => Self::Float32,
            "DoubleStorage" => Self::Float64,
            "HalfStorage" => Self::Float16,
            "BFloat16Storage" => Self::BFloat16,
            "LongStorage" => Self::Integer { bytes: 8 },
            "IntStorage" => Self::Integer { bytes: 4 },
            "ShortStorage" => Self::Integer { bytes: 2 },
            "CharStorage" | "ByteStorage" | "BoolStorage" => Self::Integer { bytes: 1 },
            _ => return None,
        })
    }

    /// Bytes of one number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Float64 => 8,
            Self::Float16 | Self::BFloat16 => 2,
            Self::Integer { bytes } => bytes,
        }
    }
}

/// A run of numbers kept outside the pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    pub key: String,
    pub kind: ScalarType,
    pub count: usize,
}

impl Storage {
    /// Whether it holds integers, which are never read.
    pub(super) fn is_integer(&self) -> bool {
        matches!(self.kind, ScalarType::Integer { .. })
    }
}

/// A view of a storage.
#[derive(Debug)]
pub(super) struct TensorView {
    pub storage: Rc<Storage>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// The names that a list of weights uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(ScalarType),
}

/// Values one after the other; of a dictionary, keys and values in turn.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub values: Vec<PickleValue>,
    depth: u8,
}

impl Items {
    pub(super) fn of(values: Vec<PickleValue>) -> Result<Self, TorchError> {
        let mut items = Self::default();
        items.extend(values)?;
        Ok(items)
    }

    pub(super) fn extend(&mut self, values: Vec<PickleValue>) -> Result<(), TorchError> {
        let deepest = values.iter().map(PickleValue::depth).max().unwrap_or(0);
        self.depth = self.depth.max(deepest + 1);
        if self.depth > MAX_DEPTH {
            return Err(TorchError::TooLarge("it nests too deeply"));
        }
        self.values.extend(values);
        Ok(())
    }
}

/// A value on the stack.
#[derive(Debug)]
pub(super) enum PickleValue {
    Int(i64),
    Text(Rc<str>),
    Tuple(Rc<Items>),
    List(Items),
    Dict(Items),
    Name(Name),
    Storage(Rc<Storage>),
    View(Rc<TensorView>),
    /// Something that no tensor is made of: nothing, a truth, a fraction, a shared list.
    Other,
}

impl PickleValue {
    fn depth(&self) -> u8 {
        match self {
            Self::Tuple(items) => items.depth,
            Self::List(items) | Self::Dict(items) => items.depth,
            _ => 0,
        }
    }

    /// The value for the machine's memory. Lists are still empty there, and no list of weights
    /// asks for one again: they are forgotten.
    pub(super) fn shared(&self) -> Self {
        match self {
            Self::Int(value) => Self::Int(*value),
            Self::Text(text) => Self::Text(text.clone()),
            Self::Tuple(items) => Self::Tuple(items.clone()),
            Self::Name(name) => Self::Name(*name),
            Self::Storage(storage) => Self::Storage(storage.clone()),
            Self::View(view) => Self::View(view.clone()),
            Self::List(_) | Self::Dict(_) | Self::Other => Self::Other,
        }
    }

    /// A whole number that is not negative.
    pub(super) fn size(&self) -> Option<usize> {
        match self {
            Self::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A tuple of whole numbers that are not negative.
    pub(super) fn sizes(&self) -> Option<Vec<usize>> {
        match self {
            Self::Tuple(items) => items.values.iter().map(Self::size).collect(),
            _ => None,
        }
    }
}
