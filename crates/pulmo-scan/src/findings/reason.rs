//! A code with what was seen: for programs and for people.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::Code;

/// Why something is doubtful or refused: a stable code, and a sentence with the figures of the case at
/// hand. Serialised as `{code, message, advice}`.
///
/// Two reasons are equal where their codes are; a reason compares with a bare code too.
#[derive(Debug, Clone, Eq)]
pub struct Reason {
    /// The stable code.
    pub code: Code,
    /// What was seen, with its figures; never the text of a patient's attribute.
    pub message: String,
}

impl Reason {
    /// A reason with its own sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Each code once, in the order of codes, with the first message given for it.
    pub fn each_once(mut reasons: Vec<Self>) -> Vec<Self> {
        reasons.sort_by_key(|reason| reason.code);
        reasons.dedup_by_key(|reason| reason.code);
        reasons
    }
}

/// The code's meaning, where nothing more is known.
impl From<Code> for Reason {
    fn from(code: Code) -> Self {
        Self::new(code, code.meaning().trim_end_matches('.'))
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl PartialEq<Code> for Reason {
    fn eq(&self, code: &Code) -> bool {
        self.code == *code
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Reason", 3)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("advice", self.code.advice())?;
        fields.end()
    }
}
