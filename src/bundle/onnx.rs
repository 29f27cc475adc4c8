//! A bundle's networks as an ONNX model.

use super::capability::{AXES, INTENDED_USE};
use super::onnx_calibration::calibrated;
use super::{Bundle, BundleError};
use crate::network::{DrawnOutput, NetworkError, NetworkKind};
use crate::onnx::{Dimension, Edge, Graph, Metadatum, Model, Operator};

/// The key of what is to be known about the model: `capability.json`.
const METADATA: &str = "pulmo";

/// The axis of the classes.
const CLASSES: i64 = 1;

impl Bundle {
    /// Returns the bundle's networks with its calibration as an ONNX model, the bytes of a `.onnx` file. What is before
    /// the networks, the preprocessing, is told in its metadata.
    ///
    /// # Shapes
    /// `voxels`, `[cases, slices, rows, columns]`, are preprocessed volumes, of one slice for single images. Outputs are
    /// `logits` and `probabilities`, `[cases, classes]`, and for study-level networks `attention`, `[cases, slices]`. Of an
    /// ensemble the logits are the logarithms of the mean probabilities, and the attention is the mean.
    ///
    /// # Errors
    /// [`BundleError::Onnx`] where the networks do not fit into one file.
    pub fn to_onnx(&self) -> Result<Vec<u8>, BundleError> {
        let manifest = self.manifest();
        let model = Model {
            graph: self.graph().map_err(|source| self.not_drawn(source))?,
            name: manifest.name.clone(),
            description: format!("{} {INTENDED_USE}", manifest.description).trim().to_owned(),
            producer: "pulmo".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            metadata: vec![Metadatum { key: METADATA.to_owned(), text: self.capability()? }],
        };
        model.to_bytes().map_err(|source| self.not_drawn(source.into()))
    }

    fn not_drawn(&self, source: NetworkError) -> BundleError {
        BundleError::Onnx { bundle: self.manifest().name.clone(), source }
    }

    fn graph(&self) -> Result<Graph, NetworkError> {
        let mut graph = Graph::default();
        let [cases, slices, rows, columns] = AXES.map(Dimension::Named);
        let seen = match self.network_config().kind {
            NetworkKind::Slice => Dimension::Fixed(1),
            NetworkKind::Mil | NetworkKind::Volume => slices,
        };
        let voxels = graph.input("voxels", &[cases, seen, rows, columns]);
        let (logits, raw, attention) = self.answer(&mut graph, &voxels)?;
        let probabilities = match &self.manifest().calibration {
            None => raw,
            Some(calibration) => {
                graph.within("calibration", |graph| calibrated(graph, &calibration.map, &logits, &raw))?
            }
        };
        let of_classes = [cases, Dimension::Fixed(self.manifest().classes.len())];
        graph.output("logits", &of_classes, &logits);
        graph.output("probabilities", &of_classes, &probabilities);
        if let Some(attention) = attention {
            graph.output("attention", &[cases, slices], &attention);
        }
        Ok(graph)
    }

    /// Logits, probabilities before calibration and attention.
    fn answer(&self, graph: &mut Graph, voxels: &Edge) -> Result<(Edge, Edge, Option<Edge>), NetworkError> {
        let config = self.network_config();
        let mut answers = Vec::new();
        for (index, network) in self.networks().enumerate() {
            let network = network.clone().folded();
            answers.push(match self.manifest().members_sha256.is_empty() {
                true => network.draw(config, graph, voxels)?,
                false => {
                    graph.within(&format!("network_{index}"), |graph| network.draw(config, graph, voxels))?
                }
            });
        }
        if let [DrawnOutput { logits, attention }] = answers.as_slice() {
            let probabilities = graph.node(Operator::Softmax { axis: CLASSES }, &[logits]);
            return Ok((logits.clone(), probabilities, attention.clone()));
        }
        Ok(graph.within("mean", |graph| mean(graph, &answers)))
    }
}

/// The mean of an ensemble's answers.
fn mean(graph: &mut Graph, answers: &[DrawnOutput]) -> (Edge, Edge, Option<Edge>) {
    let softmax = |answer: &DrawnOutput| graph.node(Operator::Softmax { axis: CLASSES }, &[&answer.logits]);
    let probabilities: Vec<Edge> = answers.iter().map(softmax).collect();
    let probabilities = graph.node(Operator::Mean, &probabilities.iter().collect::<Vec<_>>());
    // What is 0 in 32 bits has a logarithm too.
    let least = graph.number("least", f32::MIN_POSITIVE);
    let positive = graph.node(Operator::Clip, &[&probabilities, &least]);
    let logits = graph.node(Operator::Log, &[&positive]);
    let attention: Option<Vec<&Edge>> = answers.iter().map(|answer| answer.attention.as_ref()).collect();
    let attention = attention.map(|attention| graph.node(Operator::Mean, &attention));
    (logits, probabilities, attention)
}
