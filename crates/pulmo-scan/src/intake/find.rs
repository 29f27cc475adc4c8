//! Items found under paths.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::dicomdir::folder_named;
use super::item::{Item, Source, Unpacked};
use crate::dicom::{Catalogue, Links, Listing, Passed, PassedOver, Refused, SeriesFiles, list};
use crate::files::{ArchiveError, Container, TemporaryFolder, is_picture, recognise_container, unpack};
use crate::findings::{Code, Verdict};

/// Names that promise a format: a file so named that is something else is told, not passed over.
const PROMISING_EXTENSIONS: [&str; 19] = [
    "dcm", "dicom", "ima", "png", "jpg", "jpeg", "jfif", "tif", "tiff", "bmp", "npy", "dc3", "npz", "nii",
    "mha", "mhd", "nrrd", "nhdr", "zip",
];

/// Finds all items in files, folders and zip archives, in the order of their paths: what a [`Search`]
/// with [`Links::Files`] gives, all at once. Archives stay unpacked as long as their items are kept.
pub fn find(paths: &[PathBuf]) -> Vec<Item> {
    Search::new(paths, Links::Files).collect()
}

/// The items in files, folders and zip archives, one after the other in the order of their paths; those
/// of one series that makes several volumes follow on each other.
///
/// In a folder, files of other formats are passed over and counted, unless their name promises one
/// that pulmo reads; a file that is named itself is always told. A DICOMDIR that is named means its
/// folder.
///
/// All headers are read at the beginning, as files of one series may lie anywhere, but little is kept
/// of them. An archive is unpacked when it is reached, into a private folder, which goes with its last
/// item; archives within archives are refused, and where entries are damaged, what is left loads with a
/// warning.
#[derive(Debug)]
pub struct Search {
    entries: VecDeque<Entry>,
    passed: PassedOver,
}

/// What gives an item, or several.
#[derive(Debug)]
struct Entry {
    /// As for an item.
    path: PathBuf,
    what: What,
    unpacked: Option<Unpacked>,
}

#[derive(Debug)]
enum What {
    Item(Box<Source>),
    Series(Box<SeriesFiles>),
    Archive,
}

impl Search {
    /// Looks at all that lies under `paths`.
    pub fn new(paths: &[PathBuf], links: Links) -> Self {
        let paths: Vec<PathBuf> = paths.iter().map(|path| folder_named(path)).collect();
        Self::of(list(&paths, links), &paths)
    }

    /// Looks at these files as at all that a folder holds, and at nothing else.
    pub fn of_files(mut files: Vec<PathBuf>) -> Self {
        files.sort();
        Self::of(Listing { files, ..Listing::default() }, &[])
    }

    fn of(listing: Listing, named: &[PathBuf]) -> Self {
        let (mut entries, passed) = entries(listing, named);
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Self { entries: entries.into(), passed }
    }

    /// What was passed over; what lies in archives is counted when they are reached.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed
    }

    /// Puts in front what lies in an archive, or the archive itself as one that is refused.
    fn unpack(&mut self, path: &Path) {
        let (folder, left_out) = match unpack_privately(path) {
            Ok(unpacked) => unpacked,
            Err(error) => return self.entries.push_front(refused(path.to_path_buf(), error.code())),
        };
        let root = folder.path().to_path_buf();
        let is_incomplete = !left_out.is_empty();
        let unpacked = Unpacked { archive: path.to_path_buf(), folder: Arc::new(folder), is_incomplete };
        let (found, passed) =
            entries(list(std::slice::from_ref(&root), Links::Files), std::slice::from_ref(&root));
        self.passed.extend(&passed);
        let mut inside: Vec<Entry> = found
            .into_iter()
            .map(|entry| match entry.what {
                What::Archive => refused(unpacked.display_path(&entry.path), Code::Archive),
                what => {
                    Entry { path: unpacked.display_path(&entry.path), what, unpacked: Some(unpacked.clone()) }
                }
            })
            .chain(left_out.into_iter().map(|name| refused(path.join(name), Code::Archive)))
            .collect();
        inside.sort_by(|a, b| a.path.cmp(&b.path));
        inside.into_iter().rev().for_each(|entry| self.entries.push_front(entry));
    }

    /// Puts in front the series that files make.
    fn group(&mut self, files: SeriesFiles, unpacked: Option<&Unpacked>) {
        for series in files.series().into_iter().rev() {
            let path =
                unpacked.map_or_else(|| series.path.clone(), |unpacked| unpacked.display_path(&series.path));
            let what = What::Item(Box::new(Source::Series(Box::new(series))));
            self.entries.push_front(Entry { path, what, unpacked: unpacked.cloned() });
        }
    }
}

impl Iterator for Search {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let Entry { path, what, unpacked } = self.entries.pop_front()?;
            match what {
                What::Item(source) => return Some(Item { path, source: *source, unpacked }),
                What::Series(files) => self.group(*files, unpacked.as_ref()),
                What::Archive => self.unpack(&path),
            }
        }
    }
}

fn refused(path: PathBuf, code: Code) -> Entry {
    Entry::of(path, Source::Refused(Verdict::RejectFile(code.into())))
}

impl Entry {
    fn of(path: PathBuf, source: Source) -> Self {
        Self { path, what: What::Item(Box::new(source)), unpacked: None }
    }
}

/// What was listed, in no order, and what was passed over there; `paths` were named.
fn entries(listing: Listing, paths: &[PathBuf]) -> (Vec<Entry>, PassedOver) {
    let Catalogue { series, refused, others, mut passed } = Catalogue::of(listing);
    let of_series = series.into_iter().map(|files| Entry {
        path: files.path().to_path_buf(),
        what: What::Series(Box::new(files)),
        unpacked: None,
    });
    let of_refused =
        refused.into_iter().map(|Refused { path, verdict, .. }| Entry::of(path, Source::Refused(verdict)));
    let mut entries: Vec<Entry> = of_series.chain(of_refused).collect();
    let named: BTreeSet<&PathBuf> = paths.iter().collect();
    let recognised: Vec<Recognised> =
        others.par_iter().map(|path| recognise(path, named.contains(path))).collect();
    for (path, recognised) in others.into_iter().zip(recognised) {
        match recognised {
            Recognised::Item(source) => entries.push(Entry::of(path, *source)),
            Recognised::Archive => entries.push(Entry { path, what: What::Archive, unpacked: None }),
            Recognised::Nothing => passed.add(Passed::by_name(&path)),
        }
    }
    (entries, passed)
}

enum Recognised {
    Item(Box<Source>),
    Archive,
    Nothing,
}

fn recognise(path: &Path, is_named: bool) -> Recognised {
    let source = match recognise_container(path) {
        _ if is_picture(path) => Source::Picture(path.to_path_buf()),
        Some(Container::Volume(format)) => Source::VolumeFile(format, path.to_path_buf()),
        Some(Container::Archive) => return Recognised::Archive,
        None => {
            let extension =
                path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
            let is_promised =
                extension.is_some_and(|extension| PROMISING_EXTENSIONS.contains(&extension.as_str()));
            if !is_named && !is_promised {
                return Recognised::Nothing;
            }
            Source::Refused(Verdict::RejectFile(Code::NotDicom.into()))
        }
    };
    Recognised::Item(Box::new(source))
}

/// Unpacks an archive into a new folder that only this user can read.
fn unpack_privately(path: &Path) -> Result<(TemporaryFolder, Vec<PathBuf>), ArchiveError> {
    let folder = TemporaryFolder::private()?;
    let left_out = unpack(path, folder.path())?;
    Ok((folder, left_out))
}

#[cfg(test)]
mod tests {
    use super::super::{ItemKind, ReadSettings};
    use super::*;
    use crate::files::write_npy;

    /// A BMP of one pixel, 24 bits (whatever its name says).
    fn black_pixel() -> Vec<u8> {
        let mut bytes = b"BM".to_vec();
        bytes.extend([58u32, 0, 54, 40, 1, 1].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([1, 0, 24, 0]);
        bytes.resize(58, 0);
        bytes
    }

    #[test]
    fn a_folder_gives_one_item_a_thing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("b.png"), black_pixel()).unwrap();
        write_npy(&at("c.npy"), &[2, 2], &[0.0; 4]).unwrap();
        std::fs::write(at("a.dcm"), b"not dicom at all").unwrap();
        std::fs::write(at("labels.csv"), b"path,label").unwrap();
        std::fs::write(at(".hidden.png"), b"").unwrap();
        let items = find(&[folder.path().to_path_buf()]);
        let found: Vec<_> = items.iter().map(|item| (item.path.clone(), item.kind())).collect();
        let expected = [
            (at("a.dcm"), ItemKind::Refused),
            (at("b.png"), ItemKind::Picture),
            (at("c.npy"), ItemKind::VolumeFile),
        ];
        assert_eq!(found, expected);
        let codes: Vec<_> =
            items.iter().map(|item| item.load(&ReadSettings::default()).err().map(|e| e.code())).collect();
        assert_eq!(codes, [Some(Code::NotDicom), None, None]);
        assert_eq!(find(&[at("labels.csv")])[0].kind(), ItemKind::Refused);
        assert_eq!(find(&[at("gone.png")])[0].refusal(), Some(&Verdict::RejectFile(Code::Unreadable.into())));
    }

    /// Names below `root` of what a search gives, in its order.
    fn names(root: &Path, search: impl Iterator<Item = Item>) -> Vec<String> {
        search.map(|item| item.path.strip_prefix(root).unwrap().to_string_lossy().into_owned()).collect()
    }

    fn zip(path: &Path, names: &[&str]) {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&black_pixel()).unwrap();
        }
        zip.finish().unwrap();
    }

    #[test]
    fn what_is_passed_over_is_counted_in_archives_too() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.gif", "b.GIF", "README", ".hidden"] {
            std::fs::write(at(name), "no picture").unwrap();
        }
        let mut search = Search::new(&[folder.path().to_path_buf()], Links::Files);
        assert!(search.next().is_none());
        let told = "2 .gif, 1 file without an ending, 1 hidden";
        assert_eq!(search.passed_over().to_string(), told);
        zip(&at("c.zip"), &["d.bmp", ".e"]);
        let mut search = Search::new(&[folder.path().to_path_buf()], Links::Files);
        assert_eq!(names(folder.path(), &mut search), ["c.zip/d.bmp"]);
        assert_eq!(search.passed_over().to_string(), "2 .gif, 2 hidden, 1 file without an ending");
    }

    #[test]
    fn an_archive_is_unpacked_when_it_is_reached_and_goes_with_its_last_item() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        zip(&at("b.zip"), &["2.bmp", "1.bmp"]);
        zip(&at("d.zip"), &["1.bmp"]);
        std::fs::write(at("a.bmp"), black_pixel()).unwrap();
        std::fs::write(at("c.bmp"), black_pixel()).unwrap();
        let mut search = Search::new(&[folder.path().to_path_buf()], Links::Files);
        let private = |item: &Item| item.file().unwrap().parent().unwrap().to_path_buf();
        let next = |search: &mut Search| search.next().unwrap();
        assert_eq!(private(&next(&mut search)), folder.path());
        let (first, second) = (next(&mut search), next(&mut search));
        assert_eq!([&first.path, &second.path], [&at("b.zip/1.bmp"), &at("b.zip/2.bmp")]);
        let unpacked = private(&first);
        drop(first);
        assert!(second.load(&ReadSettings::default()).is_ok() && unpacked.exists());
        drop(second);
        assert!(!unpacked.exists());
        assert_eq!(names(folder.path(), search), ["c.bmp", "d.zip/1.bmp"]);
    }
}
