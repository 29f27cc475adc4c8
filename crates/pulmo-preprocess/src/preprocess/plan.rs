//! What will run on a GPU, before it does.

use std::fmt::{Display, Formatter};

use super::chain::checked_grid;
use super::{Chain, PreprocessError};
use crate::gpu::{Pass, Recording};
use pulmo_scan::geometry::Grid;

/// One thing a GPU run of a chain does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Planned {
    /// A pass over all voxels.
    Pass(Box<Pass>),
    /// The voxels come back to the CPU, where a step looks at them.
    ReadBack {
        /// The step's kind.
        kind: &'static str,
    },
    /// Steps whose shapes depend on what the step read back for finds.
    Open {
        /// Their kinds.
        kinds: Vec<&'static str>,
    },
}

/// The passes that a chain runs on a GPU, with those that do several steps at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// What runs, in order.
    pub items: Vec<Planned>,
}

impl Chain {
    /// Returns what a GPU will do for a volume on `grid`. Before it the voxels are uploaded, and made from
    /// 16-bit pixels by a pass of their own or within the first, where they are whole numbers.
    ///
    /// # Errors
    /// The first step that is wrong or does not fit the grid.
    pub fn plan(&self, grid: &Grid) -> Result<Plan, PreprocessError> {
        self.validate()?;
        let mut plan = Plan::default();
        let (mut grid, mut recording) = (*grid, Recording::default());
        for (index, (place, step)) in self.numbered().enumerate() {
            let operation = step.operation();
            let next = checked_grid(operation, &grid);
            if operation.needs_voxels() {
                plan.add(std::mem::take(&mut recording));
                plan.items.push(Planned::ReadBack { kind: step.kind() });
                match next.map_err(place)? {
                    Some(next) => grid = next,
                    None => {
                        let kinds = self.steps[index..].iter().map(super::Step::kind).collect();
                        plan.items.push(Planned::Open { kinds });
                        return Ok(plan);
                    }
                }
                continue;
            }
            recording.announce(step.kind().to_owned());
            let recorded = next.and_then(|next| {
                operation.record(&grid, &mut recording)?;
                Ok(next.unwrap_or(grid))
            });
            grid = recorded.map_err(place)?;
        }
        plan.add(recording);
        Ok(plan)
    }
}

impl Plan {
    fn add(&mut self, recording: Recording) {
        let passes = recording.passes().iter().cloned();
        self.items.extend(passes.map(|pass| Planned::Pass(Box::new(pass))));
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        for (number, item) in (1..).zip(&self.items) {
            match item {
                Planned::Pass(pass) => writeln!(f, "{number:>2}. {pass}")?,
                Planned::ReadBack { kind } => {
                    writeln!(f, "{number:>2}. read back to the CPU, where {kind} looks at the voxels")?;
                }
                Planned::Open { kinds } => {
                    writeln!(f, "{number:>2}. the rest has shapes that depend on it: {}", kinds.join(", "))?;
                }
            }
        }
        Ok(())
    }
}
