//! Models are byte for byte what the package `onnx` writes: `tests/golden/ORIGIN.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use pulmo_onnx::{Dimension, Edge, Graph, Metadatum, Model, OnnxError, Operator};

fn ramp(shape: &[usize]) -> Vec<f32> {
    (0..shape.iter().product()).map(|index: usize| index as f32 / 8.0).collect()
}

fn weight(graph: &mut Graph, name: &str, shape: &[usize]) -> Edge {
    graph.weight(name, shape, ramp(shape)).unwrap()
}

fn stem(graph: &mut Graph, voxels: &Edge) -> Edge {
    let kernel = weight(graph, "weight", &[2, 1, 3, 3]);
    let bias = weight(graph, "bias", &[2]);
    let maps = graph.node(Operator::Conv { axes: 2, side: 3, stride: 2 }, &[voxels, &kernel, &bias]);
    let [gamma, beta, mean, variance] =
        ["gamma", "beta", "mean", "variance"].map(|name| weight(graph, name, &[2]));
    let norm = Operator::BatchNormalization { epsilon: 1e-5 };
    let maps = graph.node(norm, &[&maps, &gamma, &beta, &mean, &variance]);
    graph.node(Operator::Relu, &[&maps])
}

/// Every operator once.
fn every() -> Graph {
    let mut graph = Graph::default();
    let (cases, rows, columns) =
        (Dimension::Named("cases"), Dimension::Named("rows"), Dimension::Named("columns"));
    let voxels = graph.input("voxels", &[cases, Dimension::Fixed(1), rows, columns]);
    let maps = graph.within("stem", |graph| stem(graph, &voxels));
    let maps = graph.node(Operator::MaxPool { side: 3, stride: 2 }, &[&maps]);
    let maps = graph.node(Operator::AveragePool { side: 2, stride: 2 }, &[&maps]);
    let mean = graph.node(Operator::ReduceMean { axes: vec![2, 3] }, &[&maps]);
    let highest = graph.node(Operator::ReduceMax { axes: vec![2, 3] }, &[&maps]);
    let both = graph.node(Operator::Concat { axis: 1 }, &[&mean, &highest]);
    let length = graph.node(Operator::Shape { start: 0, end: 1 }, &[&voxels]);
    let [width, axes, pads, starts, ends] =
        [("width", &[4][..]), ("axes", &[1]), ("pads", &[0, 1, 0, -1]), ("starts", &[0]), ("ends", &[4])]
            .map(|(name, values)| graph.integers(name, values));
    let shape = graph.node(Operator::Concat { axis: 0 }, &[&length, &width]);
    let row = graph.node(Operator::Reshape, &[&both, &shape]);
    let row = graph.node(Operator::Unsqueeze, &[&row, &axes]);
    let row = graph.node(Operator::ReduceSum, &[&row, &axes]);
    let row = graph.node(Operator::EdgePad, &[&row, &pads]);
    let row = graph.node(Operator::Slice, &[&row, &starts, &ends, &axes]);
    let head = weight(&mut graph, "head", &[4, 2]);
    let row = graph.node(Operator::MatMul, &[&row, &head]);
    let row = graph.node(Operator::Softmax { axis: 1 }, &[&row]);
    let least = graph.number("least", f32::MIN_POSITIVE);
    let row = graph.node(Operator::Clip, &[&row, &least]);
    let mut row = graph.node(Operator::Log, &[&row]);
    for operator in [Operator::Add, Operator::Sub, Operator::Mul, Operator::Div] {
        row = graph.node(operator, &[&row, &least]);
    }
    let row = graph.node(Operator::Sigmoid, &[&row]);
    let other = graph.node(Operator::Tanh, &[&row]);
    let row = graph.node(Operator::Mean, &[&row, &other]);
    graph.output("logits", &[cases, Dimension::Fixed(2)], &row);
    graph
}

#[test]
fn a_model_is_byte_for_byte_what_onnx_writes() {
    let text = |key: &str, text: &str| Metadatum { key: key.to_owned(), text: text.to_owned() };
    let model = Model {
        graph: every(),
        name: "every".to_owned(),
        description: "Every operator once.".to_owned(),
        producer: "golden".to_owned(),
        producer_version: "1".to_owned(),
        metadata: vec![text("first", "one"), text("second", "{}")],
    };
    let expected = include_bytes!("golden/every.onnx");
    let bytes = model.to_bytes().unwrap();
    let same = bytes.iter().zip(expected).take_while(|(ours, theirs)| ours == theirs).count();
    assert!(bytes == expected, "bytes differ from {same} on, of {} and {}", bytes.len(), expected.len());
}

#[test]
fn what_does_not_fit_into_one_file_is_refused() {
    let mut graph = Graph::default();
    // never looked at, so no memory is taken
    graph.weight("large", &[1 << 29], vec![0.0; 1 << 29]).unwrap();
    let told = Model { graph, ..Model::default() }.to_bytes().unwrap_err();
    assert_eq!(told, OnnxError::TooLarge { bytes: 1 << 31, most: 0x7FFF_FFFF });
}

#[test]
fn names_are_given_once() {
    let mut graph = Graph::default();
    let row = graph.input("a", &[Dimension::Fixed(1)]);
    graph.number("a_2", 0.0);
    for _ in 0..3 {
        graph.within("part", |graph| graph.node(Operator::Relu, &[&row]));
    }
    graph.output("a", &[Dimension::Fixed(1)], &row);
    let bytes = Model { graph, ..Model::default() }.to_bytes().unwrap();
    // fields 3 and 8: the name of a node, of a weight
    for (field, name) in [(3, "part.Relu"), (3, "part.Relu_2"), (3, "part.Relu_3"), (8, "a_2"), (3, "a_2_2")]
    {
        let field = [&[field << 3 | 2, name.len() as u8], name.as_bytes()].concat();
        let times = bytes.windows(field.len()).filter(|window| *window == field).count();
        assert_eq!(times, 1, "{name}");
    }
}

#[test]
fn a_weight_that_its_shape_does_not_fit_is_refused() {
    let told = Graph::default().weight("head", &[2, 3], vec![0.0; 5]).unwrap_err();
    assert_eq!(told, OnnxError::Weight { name: "head".to_owned(), shape: vec![2, 3], values: 5 });
}
