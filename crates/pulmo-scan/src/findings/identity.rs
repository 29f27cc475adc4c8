//! Who was scanned and in which study, closed to everyone but the writers of this crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::geometry::Grid;

/// What a scan's files say of patient, study, series and equipment, and which instances it was made of.
///
/// It is opaque: it has no `Debug`, no `Display` and no serde, and none of its texts can be read outside this
/// crate, so that no name, number, UID or date reaches a log, a message or a table by accident. There are four
/// ways out, all by name: [`copy_modules`](crate::dicom::copy_modules) and
/// [`source_references`](crate::dicom::source_references) put it into a DICOM object that belongs to the same
/// patient, whose name [`derived_uid`](crate::dicom::derived_uid) makes,
/// [`pseudonyms`](crate::dicom::pseudonyms) makes [`Pseudonyms`](super::Pseudonyms) of it by a key, and
/// [`acquired`](crate::dicom::acquired) tells when it was scanned, for local files that name patients anyway.
///
/// It is held once for each scan, however often it is cloned: some 2 kB, and 250 bytes for each slice.
///
/// ```compile_fail
/// fn show(identity: &pulmo_scan::findings::Identity) {
///     println!("{identity:?}");
/// }
/// ```
#[derive(Clone, PartialEq)]
pub struct Identity(Arc<Content>);

#[derive(PartialEq)]
struct Content {
    /// By group and element number; decoded, without padding, none of them empty.
    texts: BTreeMap<(u16, u16), String>,
    sources: Vec<SourceSlice>,
}

/// A slice that a volume was made of: which stored image it is, and where it lies.
#[derive(Clone, PartialEq)]
pub(crate) struct SourceSlice {
    pub(crate) instance: SourceInstance,
    /// The slice's own pixels, as a grid of one slice.
    pub(crate) plane: Grid,
}

/// A stored image that a slice was made of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SourceInstance {
    /// SOP Class UID.
    pub(crate) class_uid: Arc<str>,
    /// SOP Instance UID.
    pub(crate) uid: Arc<str>,
    /// The frame's number, from 1 on; `None` of an image that holds no frames.
    pub(crate) frame: Option<usize>,
}

impl Identity {
    /// An identity of these texts, by group and element number, and of these instances.
    pub(crate) fn new(texts: BTreeMap<(u16, u16), String>, sources: Vec<SourceSlice>) -> Self {
        Self(Arc::new(Content { texts, sources }))
    }

    /// The text of an attribute; `None` where it is missing or empty.
    pub(crate) fn text(&self, group: u16, element: u16) -> Option<&str> {
        self.0.texts.get(&(group, element)).map(String::as_str)
    }

    /// Each slice that was used, ascending along the normal; none where one of them has no UID of its own.
    pub(crate) fn sources(&self) -> &[SourceSlice] {
        &self.0.sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile where `$type` implements `$trait`: then two implementations of `marked` fit.
    macro_rules! assert_lacks {
        ($type:ty: $($trait:path),+) => {$({
            trait Marked<A> {
                fn marked() {}
            }
            struct Having;
            impl<T: ?Sized> Marked<()> for T {}
            impl<T: ?Sized + $trait> Marked<Having> for T {}
            <$type as Marked<_>>::marked();
        })+};
    }

    #[test]
    fn no_identity_can_be_printed_or_serialised() {
        assert_lacks!(Identity: std::fmt::Debug, std::fmt::Display, serde::Serialize, ToString);
        assert_lacks!(SourceSlice: std::fmt::Debug, std::fmt::Display, serde::Serialize);
        assert_lacks!(SourceInstance: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    }
}
