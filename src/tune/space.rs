//! Everything that a search may change, and the recipe of each trial.

use toml::Value;

use super::ranges::Range;
use super::ranges_error::{PathError, RangesError, ValuesError};
use super::{TuneConfig, TuneError};
use crate::random::Random;
use crate::train::Recipe;

/// Entries that are no matter of trial, and why.
const FIXED: [(&str, &str); 8] = [
    ("name", "it changes nothing"),
    ("description", "it changes nothing"),
    ("classes", "they are what is learned"),
    ("seed", "all trials share it, or luck would be chosen"),
    ("split", "all trials share it, or scores could not be compared"),
    ("course.epochs", "it is what the search gives out"),
    ("course.cache_mib", "it changes nothing"),
    ("tune", "it is the search itself"),
];

/// Ranges of a recipe's entries.
#[derive(Debug, Clone)]
pub(super) struct SearchSpace {
    /// The recipe with all its defaults.
    base: Recipe,
    /// Dotted path and range, in the order of the paths.
    ranges: Vec<(String, Range)>,
}

/// The value of each range's entry; `None` where the recipe has none.
pub(super) type Values = Vec<Option<Value>>;

impl SearchSpace {
    /// The space of a recipe's `[tune.ranges]`, each value at the ends of a range and each choice tried in
    /// the recipe.
    ///
    /// # Errors
    /// [`TuneError::Ranges`] names the entry and what is wrong.
    pub(super) fn new(recipe: &Recipe, config: &TuneConfig) -> Result<Self, TuneError> {
        let mut ranges = Vec::new();
        collect("", &Value::Table(config.ranges.clone()), &mut ranges)?;
        let space = Self { base: Recipe { tune: None, ..recipe.clone() }, ranges };
        for (index, (path, range)) in space.ranges.iter().enumerate() {
            if let Some(&(_, why)) = FIXED.iter().find(|(fixed, _)| is_within(path, fixed)) {
                return Err(RangesError::Fixed { path: path.clone(), why }.into());
            }
            for value in range.ends() {
                let mut values = vec![None; space.ranges.len()];
                values[index] = Some(value);
                space.recipe(&values, recipe.course.epochs)?;
            }
        }
        Ok(space)
    }

    /// Dotted paths of the entries.
    pub(super) fn paths(&self) -> Vec<String> {
        self.ranges.iter().map(|(path, _)| path.clone()).collect()
    }

    /// The ranges, in the order of the paths.
    pub(super) fn ranges(&self) -> impl Iterator<Item = &Range> {
        self.ranges.iter().map(|(_, range)| range)
    }

    /// The values of a trial: those of the recipe for trial 0, else draws decided by seed and number.
    pub(super) fn values(&self, trial: usize) -> Result<Values, TuneError> {
        if trial > 0 {
            let mut random = Random::keyed(self.base.seed, &[trial as u64, 0x7475_6E65]);
            return Ok(self.ranges.iter().map(|(_, range)| Some(range.draw(&mut random))).collect());
        }
        let base = self.table()?;
        let at = |path: &str| {
            path.split('.').try_fold(&base, |value, key| match value {
                Value::Array(list) => list.get(place(key)?),
                other => other.get(key),
            })
        };
        Ok(self.ranges.iter().map(|(path, _)| at(path).cloned()).collect())
    }

    /// The recipe with these values and so many epochs; warm-up and patience shrink with them.
    ///
    /// # Errors
    /// [`TuneError::Ranges`] names the values and what is wrong with them.
    pub(super) fn recipe(&self, values: &Values, epochs: usize) -> Result<Recipe, TuneError> {
        let mut table = self.table()?;
        let mut told = Vec::new();
        for ((path, _), value) in self.ranges.iter().zip(values) {
            let Some(value) = value else { continue };
            told.push(format!("{path} = {value}"));
            let keys: Vec<&str> = path.split('.').collect();
            set(&mut table, &keys, value.clone())
                .map_err(|problem| RangesError::Path { path: path.clone(), problem })?;
        }
        let checked = |recipe: Recipe| Ok(recipe.validate().map(|()| recipe)?);
        let read = table.try_into().map_err(ValuesError::Read).and_then(checked);
        let wrong = |problem: ValuesError| {
            let values = told.join(", ");
            RangesError::Values { values, problem: problem.into() }
        };
        let mut recipe = read.map_err(wrong)?;
        shorten(&mut recipe, epochs);
        Ok(recipe)
    }

    fn table(&self) -> Result<Value, TuneError> {
        Ok(Value::try_from(&self.base).map_err(RangesError::Write)?)
    }
}

/// The ranges below `value`, each with its dotted path.
fn collect(path: &str, value: &Value, found: &mut Vec<(String, Range)>) -> Result<(), RangesError> {
    if Range::is_meant(value) {
        let path = path.to_owned();
        match Range::read(value) {
            Ok(range) => found.push((path, range)),
            Err(problem) => return Err(RangesError::Range { path, problem }),
        }
        return Ok(());
    }
    for (key, value) in value.as_table().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        collect(&path, value, found)?;
    }
    Ok(())
}

fn is_within(path: &str, fixed: &str) -> bool {
    path.strip_prefix(fixed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The index in a list of a number counted from 1.
fn place(key: &str) -> Option<usize> {
    key.parse::<usize>().ok()?.checked_sub(1)
}

/// Puts `value` at a path; tables that are missing are made, and the recipe refuses what it does not know.
fn set(at: &mut Value, keys: &[&str], value: Value) -> Result<(), PathError> {
    let Some((&key, rest)) = keys.split_first() else {
        *at = value;
        return Ok(());
    };
    let next = match at {
        Value::Table(table) => table.entry(key).or_insert_with(|| Value::Table(toml::Table::new())),
        Value::Array(list) => {
            let count = list.len();
            let item = place(key).and_then(|place| list.get_mut(place));
            item.ok_or_else(|| PathError::Item { key: key.to_owned(), count })?
        }
        other => return Err(PathError::Single { key: key.to_owned(), value: other.clone() }),
    };
    set(next, rest, value)
}

/// Cuts a recipe's course, and with it what is counted in epochs.
fn shorten(recipe: &mut Recipe, epochs: usize) {
    let whole = recipe.course.epochs.max(1);
    let cut = |count: usize| (count * epochs).div_ceil(whole);
    recipe.schedule.warmup_epochs *= epochs as f64 / whole as f64;
    recipe.schedule.plateau_epochs = cut(recipe.schedule.plateau_epochs);
    recipe.course.patience = cut(recipe.course.patience);
    recipe.course.epochs = epochs;
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = r#"
        name = "it"
        network = { kind = "slice", dropout = 0.3, encoder = { widths = [8], depths = [1] } }
        chain = { step = [{ kind = "resize", shape = [0, 32, 32] }] }
        optimizer = { kind = "adamw", learning_rate = 0.01 }
        schedule = { warmup_epochs = 4 }
        course = { epochs = 20, patience = 7 }
        [tune.ranges]
    "#;

    fn space(ranges: &str) -> Result<SearchSpace, TuneError> {
        let recipe: Recipe = toml::from_str(&format!("{RECIPE}{ranges}")).unwrap();
        SearchSpace::new(&recipe, &TuneConfig::of(&recipe)?)
    }

    #[test]
    fn a_trial_is_the_recipe_with_its_values_and_a_shorter_course() {
        let space = space(
            "optimizer.learning_rate = { from = 0.001, to = 0.1, scale = \"log\" }\n\
             augment.scale = { from = 0.0, to = 0.3 }\n\
             chain.step.1.shape = { choices = [[0, 48, 48], [0, 64, 64]] }\n\
             course.batch_size = { from = 2, to = 9 }",
        )
        .unwrap();
        let paths = ["augment.scale", "chain.step.1.shape", "course.batch_size", "optimizer.learning_rate"];
        assert_eq!(space.paths(), paths);
        let own = space.values(0).unwrap();
        assert_eq!(own[3], Some(Value::Float(0.01)));
        assert_eq!(own[1].as_ref().unwrap().to_string(), "[0, 32, 32]");
        assert_eq!(space.recipe(&own, 20).unwrap(), space.base);
        let drawn = space.values(3).unwrap();
        assert_eq!(drawn, space.values(3).unwrap());
        assert_ne!(drawn, space.values(4).unwrap());
        let recipe = space.recipe(&drawn, 5).unwrap();
        assert_eq!(Some(recipe.augment.scale), drawn[0].as_ref().unwrap().as_float());
        assert_eq!(
            (recipe.course.epochs, recipe.course.patience, recipe.schedule.warmup_epochs),
            (5, 2, 1.0)
        );
        assert_ne!(recipe.chain, space.base.chain);
    }

    #[test]
    fn unknown_paths_and_impossible_values_are_refused_by_name() {
        for (ranges, told) in [
            ("optimizer.lerning_rate = { from = 0.1, to = 0.2 }", "lerning_rate"),
            ("optimiser.learning_rate = { from = 0.1, to = 0.2 }", "optimiser"),
            ("optimizer.momentum = { from = 0.1, to = 0.2 }", "momentum"),
            ("augment.rotate.degrees = { from = 0.1, to = 0.2 }", "augment.rotate.degrees"),
            ("optimizer.learning_rate.x = { from = 0.1, to = 0.2 }", "single value"),
            ("chain.step.2.shape = { choices = [[0, 8, 8], [0, 9, 9]] }", "from 1 to 1"),
            ("network.dropout = { from = 0.0, to = 1.5 }", "network.dropout = 1.5"),
            ("optimizer.learning_rate = { from = -1.0, to = 1.0 }", "must be positive"),
            ("course.batch_size = { from = 8.0, to = 32.0 }", "course.batch_size = 8.0"),
            ("course.batch_size = { choices = [8, 0] }", "course.batch_size = 0"),
            ("course.epochs = { from = 8, to = 32 }", "`course.epochs` cannot be tuned"),
            ("split.validation = { from = 0.1, to = 0.3 }", "`split.validation` cannot be tuned"),
            ("seed = { from = 1, to = 9 }", "`seed` cannot be tuned"),
            ("network.dropout = 0.5", "ranges.network.dropout must be"),
            ("", "at least one"),
        ] {
            let error = space(ranges).unwrap_err().to_string();
            assert!(error.contains(told), "{ranges}: {error}");
        }
    }
}
