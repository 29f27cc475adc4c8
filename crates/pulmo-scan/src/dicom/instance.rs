//! Which stored image a file is.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::attributes::trimmed;
use super::gate::DataSet;
use crate::findings::SourceInstance;

/// Which stored image a file is; `None` where it does not say.
pub(super) fn instance(data_set: &DataSet) -> Option<SourceInstance> {
    let uid = |tag: Tag| {
        let text = std::str::from_utf8(data_set.get(tag)?.bytes()).ok().map(trimmed)?;
        (!text.is_empty()).then(|| text.into())
    };
    Some(SourceInstance {
        class_uid: uid(tags::SOP_CLASS_UID)?,
        uid: uid(tags::SOP_INSTANCE_UID)?,
        frame: None,
    })
}
