//! Whether a scan can be used, as a closed set of answers with their reasons.

use super::{Code, Reason};

/// Whether a file or series can be used. No score is ever given unless it is
/// [`Verdict::Ok`] or [`Verdict::OkWarn`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Sound.
    Ok,
    /// Usable; the reasons say what was seen and dealt with.
    OkWarn(Vec<Reason>),
    /// The file is set aside; the rest of its series goes on and is judged again.
    RejectFile(Reason),
    /// The series gives no score.
    NotEvaluable(Reason),
    /// Sound, but unlike what the bundle was trained on; the reasons say in what, with the figures of both.
    OutOfDistribution(Vec<Reason>),
    /// Working on it killed the worker twice.
    Poison(Reason),
}

impl Verdict {
    /// `Ok` without warnings, else `OkWarn` with each code once, sorted.
    pub fn from_warnings(warnings: Vec<Reason>) -> Self {
        let warnings = Reason::each_once(warnings);
        if warnings.is_empty() { Self::Ok } else { Self::OkWarn(warnings) }
    }

    /// The verdict with one more warning; a refusal stays what it is.
    #[must_use]
    pub fn warned(self, warning: impl Into<Reason>) -> Self {
        match self {
            Self::Ok => Self::from_warnings(vec![warning.into()]),
            Self::OkWarn(mut warnings) => {
                warnings.push(warning.into());
                Self::from_warnings(warnings)
            }
            refusal => refusal,
        }
    }

    /// The stable text form of the kind of verdict.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::OkWarn(_) => "OK_WARN",
            Self::RejectFile(_) => "REJECT_FILE",
            Self::NotEvaluable(_) => "NOT_EVALUABLE",
            Self::OutOfDistribution(_) => "OUT_OF_DISTRIBUTION",
            Self::Poison(_) => "POISON",
        }
    }

    /// The codes with what was seen, none for `Ok`.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Ok => &[],
            Self::OkWarn(reasons) | Self::OutOfDistribution(reasons) => reasons,
            Self::RejectFile(reason) | Self::NotEvaluable(reason) | Self::Poison(reason) => {
                std::slice::from_ref(reason)
            }
        }
    }

    /// The codes, none for `Ok`.
    pub fn codes(&self) -> Vec<Code> {
        self.reasons().iter().map(|reason| reason.code).collect()
    }

    /// Whether a score may be given.
    pub fn is_evaluable(&self) -> bool {
        matches!(self, Self::Ok | Self::OkWarn(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_sorted_and_unique() {
        assert_eq!(Verdict::from_warnings(vec![]), Verdict::Ok);
        let verdict =
            Verdict::from_warnings([Code::Lossy, Code::Duplicate, Code::Lossy].map(Reason::from).to_vec());
        assert_eq!(verdict.codes(), [Code::Duplicate, Code::Lossy]);
        assert!(verdict.is_evaluable());
        assert!(!Verdict::NotEvaluable(Code::Gap.into()).is_evaluable());
    }

    #[test]
    fn a_warning_is_added_to_what_can_be_used() {
        let warned = Verdict::Ok.warned(Code::Lossy).warned(Code::Duplicate).warned(Code::Lossy);
        assert_eq!(warned.codes(), [Code::Duplicate, Code::Lossy]);
        let refused = Verdict::NotEvaluable(Code::Gap.into());
        assert_eq!(refused.clone().warned(Code::Lossy), refused);
    }
}
