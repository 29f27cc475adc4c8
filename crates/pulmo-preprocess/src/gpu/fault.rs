//! Failures of a device: told apart, caught where a library panics, and made on purpose for tests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use super::GpuError;

/// Returns what `work` gives. burn and its drivers panic on some device errors: such a panic comes back
/// as an error, so that one study that does not fit ends neither the run nor the process.
///
/// # Errors
/// [`GpuError::OutOfMemory`], [`GpuError::Lost`] or [`GpuError::Failed`], by what the panic says.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, GpuError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        GpuError::told(
            text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message"),
        )
    })
}

impl GpuError {
    /// The error that a driver's or a library's message tells.
    pub fn told(message: &str) -> Self {
        let words = message.to_lowercase();
        let says = |any: &[&str]| any.iter().any(|phrase| words.contains(phrase));
        let message = message.to_owned();
        match () {
            () if says(&["device is poisoned", "device is lost", "device was lost", "devicelost"]) => {
                Self::Lost { message }
            }
            () if says(&["out of memory", "not enough memory", "out of device memory"]) => {
                Self::OutOfMemory { message }
            }
            () => Self::Failed { message },
        }
    }
}

/// A failure that can be made on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The work is refused for want of memory; the device stays usable.
    OutOfMemory,
    /// The device is destroyed, as if unplugged.
    Lost,
    /// The passes of a recording give values a hundredth too large, and nothing is reported.
    Wrong,
}

/// How a piece of work is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it was asked for.
    Right,
    /// As [`Fault::Wrong`] says.
    Wrong,
}

/// Which work fails, and how. In text `oom:3`, `lost:3` or `wrong:3`: the third; `oom:3..`: the third and all after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// The failure.
    pub fault: Fault,
    /// The first work that fails, from 1.
    pub first: u64,
    /// The last work that fails.
    pub last: u64,
}

impl FromStr for Injection {
    type Err = GpuError;

    fn from_str(text: &str) -> Result<Self, GpuError> {
        let refused = || GpuError::Injection { given: text.to_owned() };
        let (kind, place) = text.split_once(':').unwrap_or((text, "1"));
        let fault = match kind {
            "oom" => Fault::OutOfMemory,
            "lost" => Fault::Lost,
            "wrong" => Fault::Wrong,
            _ => return Err(refused()),
        };
        let number = place.strip_suffix("..").unwrap_or(place);
        let first = number.parse().map_err(|_| refused())?;
        Ok(Self { fault, first, last: if number == place { first } else { u64::MAX } })
    }
}

/// What is to fail on a device, and how much work it has been given since that was said.
#[derive(Debug, Default)]
pub(super) struct Injector(Mutex<Injected>);

/// See [`Injector`].
#[derive(Debug, Default)]
struct Injected {
    injection: Option<Injection>,
    /// Work begun since.
    count: u64,
}

impl Injector {
    /// What the environment variable `PULMO_INJECT` asks for, which is meant for tests.
    pub(super) fn from_environment() -> Result<Self, GpuError> {
        let asked = std::env::var("PULMO_INJECT").ok().map(|text| text.parse()).transpose()?;
        Ok(Self(Mutex::new(Injected { injection: asked, count: 0 })))
    }

    /// Counts from here on towards this failure.
    pub(super) fn set(&self, injection: Injection) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Injected { injection: Some(injection), count: 0 };
    }

    /// Counts one piece of work; gives the fault that it is to meet.
    pub(super) fn next(&self) -> Option<Fault> {
        let mut injected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        injected.count += 1;
        let due = |injection: &Injection| (injection.first..=injection.last).contains(&injected.count);
        injected.injection.filter(due).map(|injection| injection.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        assert!(matches!(GpuError::told("wgpu error: Out of Memory"), GpuError::OutOfMemory { .. }));
        assert!(matches!(GpuError::told("The device is poisoned\nCaused by: x"), GpuError::Lost { .. }));
        assert!(matches!(GpuError::told("a shader is wrong"), GpuError::Failed { .. }));
    }

    #[test]
    fn a_panic_comes_back_as_an_error() {
        assert_eq!(caught(|| 3), Ok(3));
        let error = caught(|| panic!("wgpu error: {}", "Out of Memory")).unwrap_err();
        assert!(matches!(error, GpuError::OutOfMemory { .. }), "{error}");
    }

    #[test]
    fn injections_are_read() {
        let injection = |text: &str| text.parse::<Injection>();
        let oom = Injection { fault: Fault::OutOfMemory, first: 1, last: 1 };
        assert_eq!(injection("oom"), Ok(oom));
        assert_eq!(injection("oom:2.."), Ok(Injection { first: 2, last: u64::MAX, ..oom }));
        assert_eq!(injection("lost:7"), Ok(Injection { fault: Fault::Lost, first: 7, last: 7 }));
        assert_eq!(injection("wrong"), Ok(Injection { fault: Fault::Wrong, ..oom }));
        for wrong in ["", "lost:", "oom:x", "fire:1"] {
            assert!(injection(wrong).unwrap_err().to_string().contains("oom:N"), "{wrong}");
        }
    }
}
