//! What found the results.

use pulmo_scan::findings::Provenance;

/// What found the results: it stands in each object as device and as algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algorithm {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What else decides its results, one `name=value` a text: the bundle and its hash.
    pub parameters: Vec<String>,
}

impl From<&Provenance> for Algorithm {
    fn from(provenance: &Provenance) -> Self {
        let bundle = format!("bundle={}", provenance.bundle);
        let weights = format!("weights_sha256={}", provenance.weights_sha256);
        Self {
            name: "pulmo".to_owned(),
            version: provenance.pulmo.clone(),
            parameters: vec![bundle, weights],
        }
    }
}
