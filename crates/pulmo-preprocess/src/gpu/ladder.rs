//! What is done when a device fails, for all that a device does.
//!
//! ```text
//! device --out of memory, several--> halves, each from the top
//!        --failed otherwise--------> CPU
//!        --no fault of its own-----> one by one, each from the top: what does not fit spoils no other
//! ```
//!
//! Only failures of the device are setbacks; an item that does not fit fails by itself, on any device.

use super::GpuError;
use pulmo_scan::findings::{Cause, Remedy, Setback, Stage};

/// An error that may be a device's.
pub trait DeviceError {
    /// What the device said; `None` where it is not at fault.
    fn device(&self) -> Option<&GpuError>;
}

/// A result, and what was done differently to get it because the device failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescued<T> {
    /// The result.
    pub value: T,
    /// In order; empty where the device did all.
    pub setbacks: Vec<Setback>,
}

impl<T> From<T> for Rescued<T> {
    fn from(value: T) -> Self {
        Self { value, setbacks: Vec::new() }
    }
}

impl<T> Rescued<T> {
    fn after(mut self, setback: &Setback) -> Self {
        self.setbacks.insert(0, setback.clone());
        self
    }
}

impl GpuError {
    /// What is told where `remedy` was found for the error.
    fn set_back(&self, stage: Stage, remedy: Remedy) -> Setback {
        let cause = match self {
            Self::OutOfMemory { .. } => Cause::OutOfMemory,
            Self::TooLarge { .. } => Cause::TooLarge,
            Self::Lost { .. } => Cause::Lost,
            _ => Cause::Failed,
        };
        Setback { stage, remedy, cause, message: self.to_string() }
    }
}

/// Returns what `device` makes of one thing, or where the device fails, what `cpu` makes of it.
///
/// # Errors
/// Those of `device` that are not the device's, and those of `cpu`.
pub fn rescued<I, T, E: DeviceError>(
    stage: Stage,
    item: I,
    device: impl FnOnce(&I) -> Result<T, E>,
    cpu: impl FnOnce(I) -> Result<T, E>,
) -> Result<Rescued<T>, E> {
    let error = match device(&item) {
        Ok(value) => return Ok(value.into()),
        Err(error) => error,
    };
    let Some(setback) = error.device().map(|reason| reason.set_back(stage, Remedy::Cpu)) else {
        return Err(error);
    };
    cpu(item).map(|value| Rescued::from(value).after(&setback))
}

/// A way to do a batch: one result for each item, in order, or an error for all of them.
type Attempt<'a, I, T, E> = &'a dyn Fn(&[I]) -> Result<Vec<T>, E>;

/// How batches are done: by the device, in halves, by the CPU, one by one.
pub struct Ladder<'a, I, T, E> {
    /// What the device is asked to do.
    pub stage: Stage,
    /// The device's way.
    pub device: Attempt<'a, I, T, E>,
    /// The CPU's.
    pub cpu: Attempt<'a, I, T, E>,
}

impl<I, T, E: DeviceError> Ladder<'_, I, T, E> {
    /// Returns one result for each item of `batch`, in order.
    pub fn each(&self, batch: &[I]) -> Vec<Result<Rescued<T>, E>> {
        let error = match (self.device)(batch) {
            Ok(values) => return values.into_iter().map(|value| Ok(value.into())).collect(),
            Err(error) => error,
        };
        match error.device() {
            Some(reason @ GpuError::OutOfMemory { .. }) if batch.len() > 1 => {
                let setback = reason.set_back(self.stage, Remedy::Halved { volumes: batch.len() });
                let (first, second) = batch.split_at(batch.len() / 2);
                let halves = [first, second].into_iter().flat_map(|half| self.each(half));
                halves.map(|result| result.map(|done| done.after(&setback))).collect()
            }
            Some(reason) => match (self.cpu)(batch) {
                Ok(values) => {
                    let setback = reason.set_back(self.stage, Remedy::Cpu);
                    values.into_iter().map(|value| Ok(Rescued::from(value).after(&setback))).collect()
                }
                Err(error) => self.one_by_one(batch, error),
            },
            None => self.one_by_one(batch, error),
        }
    }

    /// Each item of a batch of several by itself; the error of a batch of one.
    fn one_by_one(&self, batch: &[I], error: E) -> Vec<Result<Rescued<T>, E>> {
        match batch {
            [] | [_] => vec![Err(error)],
            several => several.chunks(1).flat_map(|one| self.each(one)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[derive(Debug, Clone, PartialEq)]
    enum Trouble {
        Device(GpuError),
        Odd(u32),
    }

    impl DeviceError for Trouble {
        fn device(&self) -> Option<&GpuError> {
            match self {
                Self::Device(error) => Some(error),
                Self::Odd(_) => None,
            }
        }
    }

    type Tried = Result<Rescued<u32>, Trouble>;

    fn out_of_memory() -> Trouble {
        Trouble::Device(GpuError::OutOfMemory { message: "full".into() })
    }

    /// Ten times each even number; an odd one refuses the batch.
    fn tenfold(batch: &[u32]) -> Result<Vec<u32>, Trouble> {
        match batch.iter().find(|number| **number % 2 == 1) {
            Some(odd) => Err(Trouble::Odd(*odd)),
            None => Ok(batch.iter().map(|number| 10 * number).collect()),
        }
    }

    /// The results by a device and the CPU, and the sizes of the batches that each was asked for.
    fn climbed(
        batch: &[u32],
        device: impl Fn(&[u32]) -> Result<Vec<u32>, Trouble>,
    ) -> (Vec<Tried>, [Vec<usize>; 2]) {
        let asked = [RefCell::new(Vec::new()), RefCell::new(Vec::new())];
        let results = Ladder {
            stage: Stage::Predict,
            device: &|batch: &[u32]| {
                asked[0].borrow_mut().push(batch.len());
                device(batch)
            },
            cpu: &|batch| {
                asked[1].borrow_mut().push(batch.len());
                tenfold(batch)
            },
        }
        .each(batch);
        (results, asked.map(RefCell::into_inner))
    }

    fn remedies(result: &Tried) -> Vec<Remedy> {
        result.as_ref().unwrap().setbacks.iter().map(|setback| setback.remedy).collect()
    }

    #[test]
    fn a_device_that_works_is_asked_once() {
        let (results, asked) = climbed(&[2, 4, 6], tenfold);
        assert_eq!(results, [20, 40, 60].map(|value| Ok(value.into())));
        assert_eq!(asked, [vec![3], vec![]]);
        assert_eq!(climbed(&[], tenfold).0, []);
    }

    #[test]
    fn a_batch_without_room_is_halved_until_it_fits() {
        let room_for_two =
            |batch: &[u32]| if batch.len() > 2 { Err(out_of_memory()) } else { tenfold(batch) };
        let (results, asked) = climbed(&[2, 4, 6, 8, 10], room_for_two);
        let values: Vec<u32> = results.iter().map(|result| result.as_ref().unwrap().value).collect();
        assert_eq!(values, [20, 40, 60, 80, 100]);
        assert_eq!(asked, [vec![5, 2, 3, 1, 2], vec![]]);
        assert_eq!(remedies(&results[0]), [Remedy::Halved { volumes: 5 }]);
        assert_eq!(remedies(&results[4]), [Remedy::Halved { volumes: 5 }, Remedy::Halved { volumes: 3 }]);
    }

    #[test]
    fn what_fits_not_even_alone_goes_to_the_cpu() {
        let (results, asked) = climbed(&[2, 4], |_| Err(out_of_memory()));
        assert_eq!(asked, [vec![2, 1, 1], vec![1, 1]]);
        assert_eq!(remedies(&results[1]), [Remedy::Halved { volumes: 2 }, Remedy::Cpu]);
        let setback = &results[1].as_ref().unwrap().setbacks[1];
        assert_eq!((setback.stage, setback.cause), (Stage::Predict, Cause::OutOfMemory));
        assert!(setback.to_string().contains("out of memory: full; the CPU went on"), "{setback}");
    }

    #[test]
    fn a_lost_device_gives_the_whole_batch_to_the_cpu() {
        let lost = |_: &[u32]| Err(Trouble::Device(GpuError::Lost { message: "gone".into() }));
        let (results, asked) = climbed(&[2, 4, 6], lost);
        assert_eq!(asked, [vec![3], vec![3]]);
        assert!(results.iter().all(|result| remedies(result) == [Remedy::Cpu]));
        // The CPU refuses one: the others are done all the same.
        let (results, _) = climbed(&[2, 5, 6], lost);
        assert_eq!(results[1], Err(Trouble::Odd(5)));
        assert_eq!(remedies(&results[2]), [Remedy::Cpu]);
    }

    #[test]
    fn what_does_not_fit_spoils_no_other_and_sets_nothing_back() {
        let (results, asked) = climbed(&[2, 5, 6], tenfold);
        assert_eq!(results, [Ok(20.into()), Err(Trouble::Odd(5)), Ok(60.into())]);
        assert_eq!(asked, [vec![3, 1, 1, 1], vec![]]);
    }

    #[test]
    fn one_thing_goes_to_the_cpu_whole() {
        let by =
            |device: Result<u32, Trouble>| rescued(Stage::Preprocess, 7, |_| device, |item| Ok(item + 1));
        assert_eq!(by(Ok(3)), Ok(3.into()));
        assert_eq!(by(Err(Trouble::Odd(7))), Err(Trouble::Odd(7)));
        let Rescued { value, setbacks } = by(Err(out_of_memory())).unwrap();
        assert_eq!((value, setbacks.len()), (8, 1));
    }
}
