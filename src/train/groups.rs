//! Parameters that learn at a rate of their own, or not at all.

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::recipe_error::RecipeError;
use crate::network::Network;

/// Parameters that learn at a rate of their own: `[[group]]` of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGroup {
    /// How their names in `weights.safetensors` begin, up to a dot or the end: `encoder`,
    /// `encoder.layer1`. Where several groups fit, the longest prefix counts.
    pub prefix: String,
    /// Their learning rate as a multiple of the others'. 0 freezes them: neither they nor the running
    /// statistics of their normalizations change, and training takes less time.
    pub learning_rate_factor: f64,
}

impl ParameterGroup {
    fn holds(&self, name: &str) -> bool {
        name.strip_prefix(self.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`RecipeError::Factor`].
    pub fn validate(&self) -> Result<(), RecipeError> {
        let factor = self.learning_rate_factor;
        if factor.is_finite() && factor >= 0.0 {
            return Ok(());
        }
        Err(RecipeError::Factor { prefix: self.prefix.clone(), factor })
    }
}

/// The learning rate of a parameter as a multiple of the others'.
pub(super) fn factor(groups: &[ParameterGroup], name: &str) -> f64 {
    let fitting = groups.iter().filter(|group| group.holds(name));
    fitting.max_by_key(|group| group.prefix.len()).map_or(1.0, |group| group.learning_rate_factor)
}

/// Where a walk through a network's parts has come to; joined by dots, a name in
/// `weights.safetensors`.
#[derive(Debug, Default)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// Variants of enums stand in no name.
    fn is_named(container: &str) -> bool {
        !container.starts_with("Enum:")
    }

    pub(super) fn enter(&mut self, name: &str, container: &str) {
        if Self::is_named(container) {
            self.0.push(name.to_owned());
        }
    }

    pub(super) fn exit(&mut self, container: &str) {
        if Self::is_named(container) {
            self.0.pop();
        }
    }

    pub(super) fn name(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Names {
    path: Path,
    found: Vec<String>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.found.push(self.path.name());
    }
}

/// Checks that every group holds some parameter of `network`.
///
/// # Errors
/// [`RecipeError::EmptyGroup`].
pub(super) fn check_groups(groups: &[ParameterGroup], network: &Network) -> Result<(), RecipeError> {
    let mut names = Names::default();
    network.visit(&mut names);
    match groups.iter().find(|group| !names.found.iter().any(|name| group.holds(name))) {
        None => Ok(()),
        Some(group) => {
            let step = names.found.len().div_ceil(4);
            let examples = names.found.into_iter().step_by(step).collect();
            Err(RecipeError::EmptyGroup { prefix: group.prefix.clone(), examples })
        }
    }
}

struct Freeze<'a> {
    groups: &'a [ParameterGroup],
    path: Path,
}

impl Freeze<'_> {
    fn holds_still(&self) -> bool {
        factor(self.groups, &self.path.name()) == 0.0
    }
}

impl ModuleMapper for Freeze<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.holds_still() { param.set_require_grad(false) } else { param }
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        if self.holds_still() { flag.with_value(false) } else { flag }
    }
}

/// Returns a network in training whose parameters in groups of factor 0 have no gradients, and whose
/// normalizations there use their running statistics.
pub(super) fn freeze(network: Network, groups: &[ParameterGroup]) -> Network {
    if groups.iter().all(|group| group.learning_rate_factor != 0.0) {
        return network;
    }
    network.map(&mut Freeze { groups, path: Path::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_of_whole_words_counts() {
        let group = |prefix: &str, learning_rate_factor| ParameterGroup {
            prefix: prefix.into(),
            learning_rate_factor,
        };
        let groups = [group("encoder", 0.1), group("encoder.layer1", 0.0), group("head", 2.0)];
        for (name, expected) in [
            ("encoder.layer1.0.conv1.weight", 0.0),
            ("encoder.layer10.weight", 0.1),
            ("encoder.conv1.weight", 0.1),
            ("head", 2.0),
            ("head_bias", 1.0),
        ] {
            assert_eq!(factor(&groups, name), expected, "{name}");
        }
        assert!(group("a", -1.0).validate().is_err() && group("a", f64::NAN).validate().is_err());
    }
}
