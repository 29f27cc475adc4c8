//! What a run says of a study.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is said of a study: the content of its row. It holds no identifier and no path, and the same study scored
/// by the same method gives the same finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `OK`, `OK_WARN`, `REJECT_FILE`, `NOT_EVALUABLE` or `POISON`.
    pub verdict: String,
    /// The codes of pulmo, each once.
    pub codes: Vec<String>,
    /// Name of the class given; `None` without a score.
    pub class: Option<String>,
    /// Class name to probability; empty without a score.
    pub probabilities: BTreeMap<String, Probability>,
    /// For two classes: the probability of the positive one from which it is given.
    pub threshold: Option<Probability>,
    /// Calibrated probability that the study is not of the first class: what a worklist is sorted by.
    pub urgency: Option<Probability>,
    /// What was seen, with its figures: a sentence for each code.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub messages: Vec<String>,
    /// What can be done about each code, where there is no score.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub advice: Vec<String>,
    /// Its series, pictures or volume files; the score is that of the most urgent.
    pub series: Vec<SeriesFinding>,
    /// How it ended its workers, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poison: Option<Poison>,
}

/// A probability as networks compute it. It is written as the 64-bit number that it is exactly, as `pulmo predict`
/// writes it, and read back without loss.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Probability(pub f32);

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.into())
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f32::deserialize(deserializer).map(Self)
    }
}

/// What is said of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesFinding {
    /// As for the study.
    pub verdict: String,
    /// The codes of pulmo.
    pub codes: Vec<String>,
    /// What was seen, with its figures: a sentence for each code.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub messages: Vec<String>,
    /// Name of the class given.
    pub class: Option<String>,
    /// Class name to probability.
    pub probabilities: BTreeMap<String, Probability>,
    /// `subject`, `study` and `series` as `pulmo predict --key-file` names them with the same key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub pseudonyms: BTreeMap<String, String>,
    /// The day of the scan, counted from a secret day of the subject's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub day: Option<u32>,
}

/// What a worker was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkStage {
    /// Reading headers.
    List,
    /// Reading and decoding images.
    Read,
    /// Preprocessing.
    Preprocess,
    /// Waiting, with what was read, for its turn.
    Wait,
    /// Classifying.
    Predict,
}

impl WorkStage {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Preprocess => "preprocess",
            Self::Wait => "wait",
            Self::Predict => "predict",
        }
    }
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathCause {
    /// It asked for more memory than its limit.
    Memory,
    /// Its stack overflowed.
    Stack,
    /// It panicked.
    Panic,
    /// Somebody else killed it: a person, or the system where memory ran out. It is given more tries.
    Killed,
    /// It ended otherwise: by a signal, or by itself.
    Ended,
    /// It did not answer in time and was killed.
    Deadline,
    /// It said what is no line of the protocol and was killed.
    Garbage,
    /// The supervisor or the machine went down while it was worked on, again and again.
    Interrupted,
}

impl DeathCause {
    /// The code in a row.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Memory => "MEMORY",
            Self::Stack | Self::Panic | Self::Ended => "FAULT",
            Self::Deadline => "DEADLINE",
            Self::Garbage => "PROTOCOL",
            Self::Killed => "KILLED",
            Self::Interrupted => "INTERRUPTED",
        }
    }

    /// What can be done.
    pub(crate) fn advice(code: &str) -> Option<&'static str> {
        Some(match code {
            "MEMORY" => "run it alone with fewer --workers, or raise --worker-memory",
            "KILLED" => "look whether the machine ran out of memory; run it alone with --workers 1",
            "DEADLINE" => "look at it with `pulmo inspect`; raise --study-seconds for very large studies",
            "FAULT" | "PROTOCOL" => "report it to pulmo's authors with the stage and the signal",
            "INTERRUPTED" => "look at it with `pulmo predict` on a machine that may go down",
            _ => return None,
        })
    }
}

/// How a study ended its workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poison {
    /// What the worker was doing.
    pub stage: Option<WorkStage>,
    /// How it ended.
    pub cause: DeathCause,
    /// The signal that ended it; `None` where there was none.
    pub signal: Option<i32>,
}

impl Finding {
    /// The finding of a study that ended its workers.
    pub fn poisoned(poison: Poison) -> Self {
        let codes = vec![poison.cause.code().to_owned()];
        Self { verdict: "POISON".to_owned(), codes, poison: Some(poison), ..Self::default() }
    }

    /// Whether there is a score.
    pub fn is_scored(&self) -> bool {
        self.urgency.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_read_as_they_were_written() {
        for bits in (0x3000_0000..0x3f80_0000).step_by(9_973) {
            let probability = Probability(f32::from_bits(bits));
            let text = serde_json::to_string(&probability).unwrap();
            assert_eq!(text.parse::<f64>().unwrap(), f64::from(probability.0));
            assert_eq!(serde_json::from_str::<Probability>(&text).unwrap(), probability);
        }
    }
}
