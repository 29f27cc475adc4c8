//! Where a volume speaks for a class.

use ndarray::Array3;

use super::{PredictError, Predictor};
use crate::findings::{HeatMap, Prediction};
use crate::geometry::Grid;
use crate::gpu::{GpuError, caught};
use crate::network::{Bags, Evidence, Network};
use crate::preprocess::Resident;
use crate::volume::Volume;

impl Predictor {
    /// Returns where a preprocessed volume speaks for the class of this index: the mean over an ensemble's
    /// networks. Mirror images are not looked at, and a calibration changes nothing.
    ///
    /// # Shapes
    /// The volume is `[slices, height, width]` as the bundle's chain gives it.
    ///
    /// # Errors
    /// [`PredictError`] where the shape does not fit, there is no such class, or the device fails.
    ///
    /// # References
    /// As [`Network::evidence`].
    pub fn heat_map(&self, volume: &Volume, class: usize) -> Result<HeatMap, PredictError> {
        self.by_cause(|| {
            let bag = caught(|| Bags::new(&[volume.voxels()], &self.config, self.compute.device()))??;
            self.heat_map_of(bag, volume.grid(), class)
        })
    }

    /// As [`Predictor::heat_map`], for a volume that preprocessing has left on the device.
    ///
    /// # Errors
    /// As [`Predictor::heat_map`]; also where the volume is not on this predictor's device.
    pub fn heat_map_resident(&self, volume: &Resident, class: usize) -> Result<HeatMap, PredictError> {
        self.by_cause(|| {
            let arrays = [(&volume.values, volume.grid.shape_zyx())];
            self.heat_map_of(Bags::resident(&arrays, &self.config, &self.compute)?, &volume.grid, class)
        })
    }

    /// The index of the class to ask for: the positive one of two, else the one that was given.
    pub fn class_to_show(&self, prediction: &Prediction) -> usize {
        let given = || self.classes.iter().position(|class| *class == prediction.class);
        if self.classes.len() == 2 { 1 } else { given().unwrap_or(0) }
    }

    fn heat_map_of(&self, bag: Bags, seen: &Grid, class: usize) -> Result<HeatMap, PredictError> {
        let found = self.networks.iter().map(|network| self.evidence(network, bag.clone(), class));
        let found = found.collect::<Result<Vec<_>, PredictError>>()?;
        let count = found.len().max(1) as f32;
        let all: f32 = found.iter().map(|evidence| evidence.bias + evidence.cells.sum()).sum();
        let Some(Evidence { placement, cells, .. }) = found.first() else {
            return Err(PredictError::NotFinite);
        };
        let mut mean = Array3::zeros(cells.dim());
        found.iter().for_each(|evidence| mean.scaled_add(1.0 / count, &evidence.cells));
        if !mean.iter().all(|value: &f32| value.is_finite()) {
            return Err(PredictError::NotFinite);
        }
        let failed = |message: String| GpuError::Failed { message };
        let grid = seen.strided(mean.dim().into(), placement.stride_zyx, placement.first_zyx);
        let grid = grid.map_err(|error| failed(error.to_string()))?;
        let cells = Volume::new(grid, mean).map_err(|error| failed(error.to_string()))?;
        Ok(HeatMap { class: self.classes[class].clone(), evidence: all / count, cells, seen: *seen })
    }

    fn evidence(&self, network: &Network, bag: Bags, class: usize) -> Result<Evidence, PredictError> {
        self.compute.begin_work()?;
        Ok(network.evidence(bag, class, self.images_at_once())?)
    }
}
