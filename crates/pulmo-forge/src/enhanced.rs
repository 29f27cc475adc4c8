//! Enhanced CT objects: several slices as the frames of one file.

use tempfile::TempDir;

use super::ct::{self, CtSlice, Item, Value};

type Tag = (u16, u16);

/// Enhanced CT Image Storage.
pub const ENHANCED: &str = "1.2.840.10008.5.1.4.1.1.2.1";

pub const POSITION_GROUP: Tag = (0x0020, 0x9113);
pub const ORIENTATION_GROUP: Tag = (0x0020, 0x9116);
pub const MEASURES_GROUP: Tag = (0x0028, 0x9110);
pub const VALUES_GROUP: Tag = (0x0028, 0x9145);

/// The functional groups that hold a slice's elements, and which elements.
pub const GROUPS: [(Tag, &[Tag]); 4] = [
    (POSITION_GROUP, &[ct::POSITION]),
    (ORIENTATION_GROUP, &[ct::ORIENTATION]),
    (MEASURES_GROUP, &[ct::PIXEL_SPACING]),
    (VALUES_GROUP, &[ct::INTERCEPT, ct::SLOPE, ct::RESCALE_TYPE]),
];

/// An enhanced object with its functional groups apart, so that a test can change them.
#[derive(Debug, Clone)]
pub struct Enhanced {
    pub object: CtSlice,
    pub shared: Item,
    pub frames: Vec<Item>,
}

impl Enhanced {
    /// The object of these slices, in this order, with all groups in each frame.
    pub fn of(slices: &[CtSlice]) -> Self {
        let mut object = slices[0].clone();
        object.text(ct::SOP_CLASS, "UI", ENHANCED);
        object.text(ct::FRAMES, "IS", &slices.len().to_string());
        for tag in GROUPS.iter().flat_map(|(_, tags)| *tags) {
            object.elements.remove(tag);
        }
        object.pixels = slices.iter().flat_map(|slice| slice.pixels.clone()).collect();
        let group = |slice: &CtSlice, tags: &[Tag]| {
            let kept = tags.iter().filter_map(|tag| Some((*tag, slice.elements.get(tag)?.clone())));
            Value::Items(vec![kept.collect()])
        };
        let frame = |slice: &CtSlice| GROUPS.iter().map(|(tag, tags)| (*tag, group(slice, tags))).collect();
        Self { frames: slices.iter().map(frame).collect(), shared: Item::new(), object }
    }

    /// Moves a group from the frames to what they share.
    pub fn share(mut self, group: Tag) -> Self {
        let groups: Vec<Value> = self.frames.iter_mut().filter_map(|frame| frame.remove(&group)).collect();
        self.shared.insert(group, groups[0].clone());
        self
    }

    /// Sets an element in a group of one frame.
    pub fn set(&mut self, frame: usize, group: Tag, (tag, value): (Tag, Value)) {
        let Value::Items(items) =
            self.frames[frame].entry(group).or_insert_with(|| Value::Items(vec![Item::new()]))
        else {
            panic!("a group is a sequence")
        };
        items[0].insert(tag, value);
    }

    /// The object as one file.
    pub fn slice(&self) -> CtSlice {
        let mut slice = self.object.clone();
        slice.elements.insert(ct::SHARED_GROUPS, Value::Items(vec![self.shared.clone()]));
        slice.elements.insert(ct::FRAME_GROUPS, Value::Items(self.frames.clone()));
        slice
    }

    /// A folder of the object alone.
    pub fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.slice().write(folder.path(), "enhanced.dcm");
        folder
    }
}
