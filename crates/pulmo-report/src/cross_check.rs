//! What two readers made of the stored pixels of a series.

use serde::Serialize;

use pulmo_scan::dicom::{
    CrossCheck, DifferingImage, ImagePlace, PixelDifference, ReaderRefusal, RefusedImages,
};
use pulmo_scan::findings::Code;

/// [`CrossCheck`] in JSON, as [`inspection_line`](super::inspection_line) describes it.
#[derive(Debug, Serialize)]
pub(super) struct CrossCheckLine {
    images: usize,
    equal: usize,
    rounded: usize,
    differing: usize,
    first_difference: Option<DifferenceLine>,
    refused: Vec<RefusalLine>,
}

#[derive(Debug, Serialize)]
struct PlaceLine {
    path: String,
    frame: Option<usize>,
}

#[derive(Debug, Serialize)]
struct DifferenceLine {
    #[serde(flatten)]
    image: PlaceLine,
    pixel: usize,
    pulmo: i32,
    dicom_rs: i32,
}

#[derive(Debug, Serialize)]
struct RefusalLine {
    reader: &'static str,
    code: Option<Code>,
    reason: String,
    images: usize,
    #[serde(flatten)]
    first: PlaceLine,
}

impl From<&ImagePlace> for PlaceLine {
    fn from(image: &ImagePlace) -> Self {
        Self { path: image.path.display().to_string(), frame: image.frame }
    }
}

impl From<&DifferingImage> for DifferenceLine {
    fn from(DifferingImage { image, difference }: &DifferingImage) -> Self {
        let PixelDifference { pixel, pulmo, dicom_rs } = *difference;
        Self { image: image.into(), pixel, pulmo, dicom_rs }
    }
}

impl From<&RefusedImages> for RefusalLine {
    fn from(RefusedImages { refusal, images, first }: &RefusedImages) -> Self {
        let (reader, code) = match refusal {
            ReaderRefusal::Pulmo(reason) => ("pulmo", Some(reason.code)),
            ReaderRefusal::DicomRs(_) => ("dicom-rs", None),
        };
        Self { reader, code, reason: refusal.to_string(), images: *images, first: first.into() }
    }
}

impl CrossCheckLine {
    pub(super) fn of(check: &CrossCheck) -> Self {
        Self {
            images: check.images,
            equal: check.equal,
            rounded: check.rounded,
            differing: check.differing,
            first_difference: check.first_difference.as_ref().map(DifferenceLine::from),
            refused: check.refused.iter().map(RefusalLine::from).collect(),
        }
    }
}

/// The same for people, as one sentence each.
pub(super) fn cross_check_text(check: &CrossCheck) -> Vec<String> {
    let CrossCheck { images, equal, rounded, differing, .. } = check;
    let mut parts = vec![format!("cross-check with dicom-rs: equal in {equal} of {images} images")];
    if *rounded > 0 {
        parts.push(format!("{rounded} images differ by the rounding of lossy JPEG only"));
    }
    if let Some(DifferingImage { image, difference }) = &check.first_difference {
        let PixelDifference { pixel, pulmo, dicom_rs } = difference;
        let first = place(image);
        parts.push(format!("{differing} images differ, first {first}: pixel {pixel} is {pulmo} by pulmo and {dicom_rs} by dicom-rs"));
    }
    parts.extend(check.refused.iter().map(|RefusedImages { refusal, images, first }| {
        format!("{images} images not compared, first {}: {refusal}", place(first))
    }));
    parts
}

fn place(image: &ImagePlace) -> String {
    let frame = image.frame.map_or(String::new(), |frame| format!(" frame {frame}"));
    format!("{}{frame}", image.path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulmo_scan::dicom::SecondReaderError;

    fn check() -> CrossCheck {
        let image = |frame| ImagePlace { path: "a/b.dcm".into(), frame };
        let difference = PixelDifference { pixel: 7, pulmo: -3, dicom_rs: 12 };
        let refused = |refusal, images| RefusedImages { refusal, images, first: image(Some(2)) };
        CrossCheck {
            images: 9,
            equal: 4,
            rounded: 1,
            differing: 1,
            first_difference: Some(DifferingImage { image: image(None), difference }),
            refused: vec![
                refused(ReaderRefusal::Pulmo(Code::Codec.into()), 2),
                refused(ReaderRefusal::DicomRs(SecondReaderError::TransferSyntax), 1),
            ],
        }
    }

    #[test]
    fn a_line_tells_which_reader_does_what() {
        let value = serde_json::to_value(CrossCheckLine::of(&check())).unwrap();
        let first =
            serde_json::json!({"path": "a/b.dcm", "frame": null, "pixel": 7, "pulmo": -3, "dicom_rs": 12});
        assert_eq!(
            (&value["images"], &value["equal"], &value["first_difference"]),
            (&9.into(), &4.into(), &first)
        );
        assert_eq!(
            (&value["refused"][0]["reader"], &value["refused"][0]["code"]),
            (&"pulmo".into(), &"CODEC".into())
        );
        let second = &value["refused"][1];
        assert_eq!(
            (&second["reader"], &second["frame"], &second["images"]),
            (&"dicom-rs".into(), &2.into(), &1.into())
        );
        assert_eq!(second["reason"], "dicom-rs has no decoder for the transfer syntax");
    }

    #[test]
    fn text_tells_the_first_of_each_kind() {
        let text = cross_check_text(&check()).join("\n");
        let equal = CrossCheck { images: 133, equal: 133, ..CrossCheck::default() };
        assert_eq!(cross_check_text(&equal), ["cross-check with dicom-rs: equal in 133 of 133 images"]);
        assert!(text.contains("first a/b.dcm: pixel 7 is -3 by pulmo and 12 by dicom-rs"), "{text}");
        assert!(
            text.contains("2 images not compared, first a/b.dcm frame 2: pulmo refuses it, CODEC: "),
            "{text}"
        );
    }
}
