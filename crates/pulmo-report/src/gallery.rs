//! Pictures for the page.

use std::io::Write;

use super::ReportError;
use super::base64::base64;
use super::svg::escape;

/// A picture and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GalleryItem {
    /// A PNG file.
    pub png: Vec<u8>,
    /// The words under it.
    pub caption: String,
}

/// The pictures, inside the page as data URIs; nothing if there are none.
pub(super) fn write_gallery(out: &mut impl Write, items: &[GalleryItem]) -> Result<(), ReportError> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section><h2>Gallery</h2><div class=\"gallery\">")?;
    for GalleryItem { png, caption } in items {
        let (caption, picture) = (escape(caption), base64(png));
        writeln!(
            out,
            "<figure><img alt=\"{caption}\" src=\"data:image/png;base64,{picture}\">\
             <figcaption>{caption}</figcaption></figure>"
        )?;
    }
    Ok(writeln!(out, "</div></section>")?)
}
