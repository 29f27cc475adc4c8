//! A text table (CSV) as it stands in its file: cells, and the lines on which an editor shows them.

/// Separators between cells, the usual first.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// What begins a line that is no row.
const COMMENT: char = '#';

/// The cells of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableRow {
    /// The line on which it begins, from 1; `\n`, `\r\n` and `\r` each end one.
    pub line: usize,
    /// The cells as they are, quotes taken off.
    pub cells: Vec<String>,
}

/// A table whose rows have as many cells as its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CsvTable {
    /// What stands between cells.
    pub separator: char,
    /// The names of the columns.
    pub header: TableRow,
    /// The rows below the header.
    pub rows: Vec<TableRow>,
    /// Lines that begin with `#`, which are no rows.
    pub comments: Vec<TableRow>,
}

/// A line, and what is wrong with it.
pub(super) type TableFault = (usize, String);

impl CsvTable {
    /// Reads a table by RFC 4180, and what people write beside it: blank lines, lines that begin with `#`, blanks before
    /// a quote, a byte order mark, and a first line `sep=;`. The separator is the first of `,`, `;`, tab and `|` that
    /// gives a header for which `is_header` holds.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub(super) fn read(bytes: &[u8], is_header: impl Fn(&[String]) -> bool) -> Result<Self, TableFault> {
        let text = decode(bytes)?;
        let named = text.lines().next().and_then(named_separator);
        let text = if named.is_some() { text.trim_start_matches(|c| c != '\n' && c != '\r') } else { text };
        let candidates = named.map_or(SEPARATORS.to_vec(), |separator| vec![separator]);
        let reader = |separator| Reader { rest: text, line: 1, separator };
        let fits = |separator: &&char| {
            let header = reader(**separator).next_row(&mut Vec::new());
            header.is_ok_and(|header| header.is_some_and(|header| is_header(&header.cells)))
        };
        let separator = candidates.iter().find(fits).or(candidates.first()).copied().unwrap_or(',');
        Self::rows(reader(separator))
    }

    fn rows(mut reader: Reader) -> Result<Self, TableFault> {
        let (mut rows, mut comments) = (Vec::new(), Vec::new());
        while let Some(row) = reader.next_row(&mut comments)? {
            rows.push(row);
        }
        let mut rows = rows.into_iter();
        let header = rows.next().ok_or((1, "the file is empty".to_owned()))?;
        let width = header.cells.len();
        let odd = rows.clone().find(|row: &TableRow| row.cells.len() != width);
        match odd {
            Some(TableRow { line, cells }) => {
                Err((line, format!("the row has {} cells, but the header has {width} columns", cells.len())))
            }
            None => Ok(Self { separator: reader.separator, header, rows: rows.collect(), comments }),
        }
    }
}

/// The file as text, without a byte order mark.
fn decode(bytes: &[u8]) -> Result<&str, TableFault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err((1, "the file is UTF-16 text; save it as CSV in UTF-8".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        (1 + line_ends(good), "the line is not UTF-8 text; save the file as CSV in UTF-8".to_owned())
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The separator of a first line `sep=;`, as Excel reads and writes it.
fn named_separator(line: &str) -> Option<char> {
    let (name, separator) = line.split_once('=')?;
    let mut characters = separator.chars();
    let only = characters.next().filter(|_| characters.next().is_none());
    only.filter(|_| name.eq_ignore_ascii_case("sep"))
}

fn line_ends(text: &str) -> usize {
    text.matches('\n').count() + text.matches('\r').count() - text.matches("\r\n").count()
}

/// Text that is still to be read, and the line on which it begins.
#[derive(Clone)]
struct Reader<'a> {
    rest: &'a str,
    line: usize,
    separator: char,
}

impl<'a> Reader<'a> {
    /// The next row; the comments before it are put to `comments`.
    fn next_row(&mut self, comments: &mut Vec<TableRow>) -> Result<Option<TableRow>, TableFault> {
        while !self.rest.is_empty() {
            let line = self.rest.split(['\n', '\r']).next().unwrap_or_default();
            let is_comment = line.trim_start().starts_with(COMMENT);
            if is_comment {
                let cells = line.split(self.separator).map(|cell| cell.trim().to_owned()).collect();
                comments.push(TableRow { line: self.line, cells });
            } else if !line.trim().is_empty() || line.contains(self.separator) {
                return self.row().map(Some);
            }
            self.take(line.len());
            self.end_line();
        }
        Ok(None)
    }

    fn row(&mut self) -> Result<TableRow, TableFault> {
        let line = self.line;
        let mut cells = vec![self.cell()?];
        while !self.end_line() {
            self.take(self.separator.len_utf8());
            cells.push(self.cell()?);
        }
        Ok(TableRow { line, cells })
    }

    /// One cell, up to the separator or the end of the line.
    fn cell(&mut self) -> Result<String, TableFault> {
        let blanks = self.rest.len() - self.rest.trim_start_matches(' ').len();
        if self.rest[blanks..].starts_with('"') {
            self.take(blanks + 1);
            return self.quoted();
        }
        let end = self.rest.find(['\n', '\r', self.separator]).unwrap_or(self.rest.len());
        Ok(self.take(end).to_owned())
    }

    /// The rest of a quoted cell; two quotes stand for one.
    fn quoted(&mut self) -> Result<String, TableFault> {
        let opened = self.line;
        let mut cell = String::new();
        loop {
            let fault = || (opened, "a quote is opened in this line and never closed".to_owned());
            let end = self.rest.find('"').ok_or_else(fault)?;
            cell += self.take(end);
            self.take(1);
            if !self.rest.starts_with('"') {
                break;
            }
            cell += self.take(1);
        }
        let blanks = self.rest.len() - self.rest.trim_start_matches(' ').len();
        self.take(blanks);
        if self.rest.is_empty() || self.rest.starts_with(['\n', '\r', self.separator]) {
            return Ok(cell);
        }
        let what = "there is more in a cell after its closing quote; a quote within quotes is written twice";
        Err((opened, what.to_owned()))
    }

    /// Goes over the end of a line, which may be that of the text; `false` where there is none here.
    fn end_line(&mut self) -> bool {
        let end = ["\r\n", "\n", "\r"].into_iter().find(|end| self.rest.starts_with(end));
        self.take(end.map_or(0, str::len));
        end.is_some() || self.rest.is_empty()
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += line_ends(taken);
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CsvTable, TableFault> {
        CsvTable::read(text.as_bytes(), |cells| cells.iter().any(|cell| cell == "path"))
    }

    fn lines(text: &str) -> Vec<(usize, String)> {
        let rows = read(text).unwrap().rows;
        rows.into_iter().map(|row| (row.line, row.cells.join("|"))).collect()
    }

    /// The lines are those that `grep -n` and editors show.
    #[test]
    fn rows_stand_on_the_lines_that_an_editor_shows() {
        let expected = |rows: &[(usize, &str)]| -> Vec<(usize, String)> {
            rows.iter().map(|(line, cells)| (*line, (*cells).to_owned())).collect()
        };
        let plain = "path,note\n\n\na,1\n  \nb,2";
        assert_eq!(lines(plain), expected(&[(4, "a|1"), (6, "b|2")]));
        assert_eq!(lines(&plain.replace('\n', "\r\n")), expected(&[(4, "a|1"), (6, "b|2")]));
        assert_eq!(lines(&plain.replace('\n', "\r")), expected(&[(4, "a|1"), (6, "b|2")]));
        let quoted = "\u{feff}path,note\na,\"two\nlines, \"\"so\"\"\"\nb,2\n";
        assert_eq!(lines(quoted), expected(&[(2, "a|two\nlines, \"so\""), (4, "b|2")]));
        assert_eq!(lines("# by hand\npath,note\na,1\n# b,2\nc,3\n"), expected(&[(3, "a|1"), (5, "c|3")]));
        assert_eq!(lines("sep=;\npath;note\na;1\n"), expected(&[(3, "a|1")]));
        assert_eq!(lines("path,note\na,\nb, \"x\" \nc,5\" wide\n")[2].1, "c|5\" wide");
        assert_eq!(lines("path,note\n\"a\",\"\"\n"), expected(&[(2, "a|")]));
    }

    #[test]
    fn the_separator_is_the_one_that_gives_a_header() {
        for (text, separator) in [
            ("path,a;b\n", ','),
            ("label;path\n", ';'),
            ("label\tpath\n", '\t'),
            ("path|label\n", '|'),
            ("path\n", ','),
        ] {
            assert_eq!(read(text).unwrap().separator, separator, "{text}");
        }
        assert_eq!(lines("path\tlabel\n\tx\n"), [(2, "|x".to_owned())]);
    }

    #[test]
    fn broken_tables_name_the_line() {
        let fault = |bytes: &[u8]| CsvTable::read(bytes, |_| true).unwrap_err();
        assert_eq!(fault(b"").0, 1);
        assert_eq!(fault(b"\n# x\n").1, "the file is empty");
        assert_eq!(
            fault(b"path,a\n\nx,1,2\n"),
            (3, "the row has 3 cells, but the header has 2 columns".into())
        );
        assert_eq!(fault(b"path,a\nx,\"1\ny,2\nz,3\n").0, 2);
        assert_eq!(fault(b"path,a\nx,\"1\ny,\"2\nz,3\n").0, 2);
        assert_eq!(fault(b"path,a\nx,1\n\xFCber,2\n").0, 3);
        assert!(fault(b"\xFF\xFEp\0a\0").1.contains("UTF-16"));
    }
}
