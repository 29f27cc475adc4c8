//! Content items: what a structured report is made of.
//!
//! # References
//! DICOM PS3.3 C.17.3 (SR Document Content) and C.18 (content macros).

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use glam::DVec3;
use pulmo_scan::dicom::{PutAttribute, decimal};

use super::concept::{Concept, DERIVATION, MEAN};

/// How an item relates to the one that holds it.
#[derive(Clone, Copy)]
pub(crate) enum Relation {
    Contains,
    ConceptModifier,
    ObservationContext,
    AcquisitionContext,
    InferredFrom,
}

impl Relation {
    fn term(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::ConceptModifier => "HAS CONCEPT MOD",
            Self::ObservationContext => "HAS OBS CONTEXT",
            Self::AcquisitionContext => "HAS ACQ CONTEXT",
            Self::InferredFrom => "INFERRED FROM",
        }
    }
}

/// What is measured: a number with its unit.
#[derive(Clone, Copy)]
pub(crate) struct Quantity {
    pub(crate) value: f64,
    pub(crate) unit: Concept,
}

/// A point in the patient.
pub(crate) struct Point<'a> {
    pub(crate) position_mm: DVec3,
    pub(crate) frame_of_reference: &'a str,
}

/// One content item and what it holds.
pub(crate) struct ReportItem {
    item: InMemDicomObject,
    children: Vec<InMemDicomObject>,
}

impl ReportItem {
    fn new(value_type: &str, name: Concept) -> Self {
        let mut item = InMemDicomObject::new_empty();
        item.put_text(tags::VALUE_TYPE, VR::CS, value_type);
        item.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![name.item()]);
        Self { item, children: Vec::new() }
    }

    /// Holds other items.
    pub(crate) fn container(name: Concept) -> Self {
        let mut content = Self::new("CONTAINER", name);
        content.item.put_text(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
        content
    }

    /// A coded value.
    pub(crate) fn code(name: Concept, value: Concept) -> Self {
        let mut content = Self::new("CODE", name);
        content.item.put_items(tags::CONCEPT_CODE_SEQUENCE, vec![value.item()]);
        content
    }

    /// A text.
    pub(crate) fn text(name: Concept, value: &str) -> Self {
        let mut content = Self::new("TEXT", name);
        content.item.put_text(tags::TEXT_VALUE, VR::UT, value);
        content
    }

    /// A UID.
    pub(crate) fn uid(name: Concept, value: &str) -> Self {
        let mut content = Self::new("UIDREF", name);
        content.item.put_text(tags::UID, VR::UI, value);
        content
    }

    /// A number.
    pub(crate) fn number(name: Concept, Quantity { value, unit }: Quantity) -> Self {
        let mut content = Self::new("NUM", name);
        let mut measured = InMemDicomObject::new_empty();
        measured.put_text(tags::NUMERIC_VALUE, VR::DS, &decimal(value));
        measured.put_items(tags::MEASUREMENT_UNITS_CODE_SEQUENCE, vec![unit.item()]);
        content.item.put_items(tags::MEASURED_VALUE_SEQUENCE, vec![measured]);
        content
    }

    /// A reference to an image.
    pub(crate) fn image(name: Concept, reference: InMemDicomObject) -> Self {
        let mut content = Self::new("IMAGE", name);
        content.item.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![reference]);
        content
    }

    /// An image of a library, which has no name of its own.
    pub(crate) fn library_image(reference: InMemDicomObject) -> Self {
        let mut item = InMemDicomObject::new_empty();
        item.put_text(tags::VALUE_TYPE, VR::CS, "IMAGE");
        item.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![reference]);
        Self { item, children: Vec::new() }
    }

    /// A point in the patient.
    #[expect(clippy::cast_possible_truncation, reason = "Graphic Data holds 32-bit numbers")]
    pub(crate) fn point(name: Concept, point: &Point<'_>) -> Self {
        let mut content = Self::new("SCOORD3D", name);
        let position: Vec<f32> = point.position_mm.to_array().iter().map(|value| *value as f32).collect();
        content.item.put_value(tags::GRAPHIC_DATA, VR::FL, PrimitiveValue::F32(position.into()));
        content.item.put_text(tags::GRAPHIC_TYPE, VR::CS, "POINT");
        content.item.put_text(tags::REFERENCED_FRAME_OF_REFERENCE_UID, VR::UI, point.frame_of_reference);
        content
    }

    /// The item as one of a template of PS3.16.
    pub(crate) fn of_template(mut self, identifier: &str) -> Self {
        let mut template = InMemDicomObject::new_empty();
        template.put_text(tags::MAPPING_RESOURCE, VR::CS, "DCMR");
        template.put_text(tags::TEMPLATE_IDENTIFIER, VR::CS, identifier);
        self.item.put_items(tags::CONTENT_TEMPLATE_SEQUENCE, vec![template]);
        self
    }

    /// The item with another one behind those that it holds.
    pub(crate) fn with(mut self, relation: Relation, child: Self) -> Self {
        let mut child = child.item();
        child.put_text(tags::RELATIONSHIP_TYPE, VR::CS, relation.term());
        self.children.push(child);
        self
    }

    /// The item with all of these.
    pub(crate) fn with_all(self, relation: Relation, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, |content, child| content.with(relation, child))
    }

    /// The item as a mean of what its name says.
    pub(crate) fn mean(self) -> Self {
        self.with(Relation::ConceptModifier, Self::code(DERIVATION, MEAN))
    }

    /// The item's attributes.
    pub(crate) fn item(mut self) -> InMemDicomObject {
        if !self.children.is_empty() {
            self.item.put_items(tags::CONTENT_SEQUENCE, self.children);
        }
        self.item
    }
}
