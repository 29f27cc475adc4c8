//! From preprocessed voxels to what an encoder sees.

use super::drawing::Drawing;
use crate::network::{NetworkConfig, NetworkKind};
use crate::onnx::{Edge, Operator};

impl Drawing<'_> {
    /// Voxels `[cases, slices, rows, columns]` as images `[images, channels, rows, columns]`, or as volumes
    /// `[cases, 1, slices, rows, columns]`.
    pub(super) fn seen(&mut self, config: &NetworkConfig, voxels: &Edge) -> Edge {
        match config.kind {
            NetworkKind::Volume => {
                let axes = self.graph.integers("axes", &[1]);
                self.node(Operator::Unsqueeze, &[voxels, &axes])
            }
            // A single image is its own neighbour.
            NetworkKind::Slice => self.side_by_side(&vec![voxels.clone(); config.channels()]),
            NetworkKind::Mil => self.with_neighbours(config, voxels),
        }
    }

    /// Each slice with its neighbours as channels, the outermost repeated.
    fn with_neighbours(&mut self, config: &NetworkConfig, voxels: &Edge) -> Edge {
        let one_channel = self.graph.integers("shape", &[-1, 1, 0, 0]);
        if config.neighbours == 0 {
            return self.node(Operator::Reshape, &[voxels, &one_channel]);
        }
        let reach = long(config.neighbours);
        let pads = self.graph.integers("pads", &[0, reach, 0, 0, 0, reach, 0, 0]);
        let padded = self.node(Operator::EdgePad, &[voxels, &pads]);
        let axes = self.graph.integers("axes", &[1]);
        let mut channel = |channel: i64| {
            let behind = 2 * reach - channel;
            let start = self.graph.integers("start", &[channel]);
            let end = self.graph.integers("end", &[if behind == 0 { i64::MAX } else { -behind }]);
            let slices = self.node(Operator::Slice, &[&padded, &start, &end, &axes]);
            self.node(Operator::Reshape, &[&slices, &one_channel])
        };
        let channels: Vec<Edge> = (0..=2 * reach).map(&mut channel).collect();
        self.side_by_side(&channels)
    }

    fn side_by_side(&mut self, channels: &[Edge]) -> Edge {
        match channels {
            [one] => one.clone(),
            all => self.node(Operator::Concat { axis: 1 }, &all.iter().collect::<Vec<_>>()),
        }
    }
}

/// A count as ONNX has it.
pub(super) fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
