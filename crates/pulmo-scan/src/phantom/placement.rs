//! Finding a place for a nodule in the lungs.

use glam::DVec3;
use serde::Serialize;

use super::PhantomError;
use super::anatomy::Side;
use super::lungs::LungSpace;
use super::nodules::Nodule;
use super::opacities::Opacities;
use super::settings::{PhantomSettings, weighted};
use super::tubes::Tubes;
use pulmo_random::Random;

/// What a nodule touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attachment {
    /// Parenchyma all around, no vessel thicker than 1.6 mm within 1.5 mm.
    Isolated,
    /// The chest wall, the diaphragm or the mediastinum.
    JuxtaPleural,
    /// A vessel thicker than 1.6 mm.
    JuxtaVascular,
}

/// A vessel or bronchus this wide, in radius, counts as one that a nodule touches.
const NOTABLE_RADIUS_MM: f64 = 0.8;
const TRIES: usize = 6000;

/// A nodule in its place.
pub(super) struct Placed {
    pub(super) nodule: Nodule,
    pub(super) side: Side,
    pub(super) attachment: Attachment,
}

/// The lungs and what already runs through them.
pub(super) struct Room<'a> {
    pub(super) lungs: &'a LungSpace,
    pub(super) vessels: &'a Tubes,
    pub(super) airways: &'a Tubes,
    /// What would hide a nodule.
    pub(super) opacities: &'a Opacities<'a>,
}

/// Draws the nodules of one study: 1 to the most the settings allow.
pub(super) fn place_nodules(
    room: &Room<'_>,
    settings: &PhantomSettings,
    random: &mut Random,
) -> Result<Vec<Placed>, PhantomError> {
    let mut placed: Vec<Placed> = Vec::new();
    for _ in 0..=random.below(settings.nodules_at_most) {
        let [low, high] = settings.nodule_diameter_mm;
        let part = f64::midpoint(random.unit(), random.unit());
        let nodule = Nodule::draw(low * (high / low).powf(part), random);
        placed.push(room.place(nodule, &placed, random)?);
    }
    Ok(placed)
}

impl Room<'_> {
    fn place(&self, nodule: Nodule, others: &[Placed], random: &mut Random) -> Result<Placed, PhantomError> {
        let kinds =
            [(Attachment::Isolated, 0.6), (Attachment::JuxtaPleural, 0.2), (Attachment::JuxtaVascular, 0.2)];
        let wanted = weighted(random, &kinds);
        for attempt in 0..TRIES {
            let centre = self.lungs.draw(random);
            let Some(side) = self.lungs.side(centre) else { continue };
            if self.opacities.hide(side, centre, nodule.diameter_mm) {
                continue;
            }
            let Some(attachment) = self.attachment(centre, nodule.diameter_mm / 2.0) else { continue };
            let free = others.iter().all(|other| {
                let apart = (other.nodule.diameter_mm + nodule.diameter_mm) / 2.0 + 6.0;
                other.nodule.centre_mm.distance(centre) > apart
            });
            // In the second half any fitting place will do: a large nodule may find none of its kind.
            if free && (Some(attachment) == wanted || attempt > TRIES / 2) {
                return Ok(Placed { nodule: nodule.moved_to(centre), side, attachment });
            }
        }
        Err(PhantomError::NoRoom { diameter_mm: nodule.diameter_mm })
    }

    /// What a nodule at a place would touch; `None` where it would not fit the lung, would be
    /// hidden, or a vessel or bronchus would run through its middle.
    fn attachment(&self, centre_mm: DVec3, radius_mm: f64) -> Option<Attachment> {
        let surface = self.lungs.share_inside(centre_mm, radius_mm + 0.5);
        if surface < 0.6 {
            return None;
        }
        let clear_mm = 1.5 + 0.2 * radius_mm;
        let airways = self.airways.clearance_mm(centre_mm, 0.0);
        if airways < (radius_mm + 1.5).min(8.0)
            || self.vessels.clearance_mm(centre_mm, 0.0) < clear_mm.min(2.5)
        {
            return None;
        }
        let vessels = self.vessels.clearance_mm(centre_mm, NOTABLE_RADIUS_MM);
        if surface < 0.95 {
            return (vessels > radius_mm).then_some(Attachment::JuxtaPleural);
        }
        if self.lungs.share_inside(centre_mm, radius_mm + 3.0) < 1.0 {
            return None;
        }
        match vessels - radius_mm {
            gap if gap > 1.5 => Some(Attachment::Isolated),
            gap if gap < 0.3 => Some(Attachment::JuxtaVascular),
            _ => None,
        }
    }
}
