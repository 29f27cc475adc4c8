//! GPU work as plain data: passes in a straight line.

use super::fusion::fused;
use super::pass::Pass;

/// A straight line of passes: the first reads the array given to [`super::Gpu::execute`], each other
/// one what the pass before it wrote. A pass that the one before it can do as well is not added to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    passes: Vec<Pass>,
    step: Option<String>,
}

impl Recording {
    /// Says what the passes that follow belong to.
    pub fn announce(&mut self, step: String) {
        self.step = Some(step);
    }

    /// Adds a pass, or lets the pass before it do both where that gives the same.
    pub fn push(&mut self, mut pass: Pass) {
        pass.steps.extend(self.step.clone());
        match self.passes.last().and_then(|last| fused(last, &pass)) {
            Some(mut both) => {
                let done = self.passes.pop().map_or(Vec::new(), |last| last.steps);
                both.steps = done;
                both.steps.extend(pass.steps);
                both.steps.dedup();
                self.passes.push(both);
            }
            None => self.passes.push(pass),
        }
    }

    /// The passes in order.
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }
}
