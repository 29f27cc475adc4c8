//! What came of a search.

use super::mattered::Mattered;
use super::record::{Row, ranked};
use crate::train::Recipe;

/// What came of a search.
#[derive(Debug, Clone)]
pub struct Tuned {
    /// Dotted paths of what was tuned.
    pub paths: Vec<String>,
    /// Every trial on every rung it came to.
    pub rows: Vec<Row>,
    /// The best trial of the last rung.
    pub best: Row,
    /// Its recipe, for `pulmo train`.
    pub recipe: Recipe,
    /// What each range mattered, on the first rung.
    pub mattered: Vec<Mattered>,
}

impl Tuned {
    /// The last row of every trial: those that came furthest first, then the best, failed ones last.
    pub fn standing(&self) -> Vec<&Row> {
        let last = self.rows.iter().map(|row| row.rung).max().unwrap_or(0);
        let mut standing: Vec<&Row> = Vec::new();
        for rung in (1..=last).rev() {
            let here: Vec<Row> = self.rows.iter().filter(|row| row.rung == rung).cloned().collect();
            let order = ranked(&here).into_iter().map(|row| row.trial);
            let failed = here.iter().map(|row| row.trial);
            for trial in order.chain(failed) {
                if !standing.iter().any(|row| row.trial == trial) {
                    standing.extend(self.rows.iter().find(|row| (row.trial, row.rung) == (trial, rung)));
                }
            }
        }
        standing
    }
}
