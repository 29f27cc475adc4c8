//! `results.parquet`: a row for each study, in typed columns.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::TriageError;
use crate::atomic::Out;
use crate::export_source::{ExportSource, Local, into_file};
use crate::ledger::LedgerRow;
use crate::settings::Paths;

const NAME: &str = "results.parquet";
/// Rows that are held before they are written.
const ROWS_AT_ONCE: usize = 16_384;

/// Columns as Parquet declares them, in order; the last two only where paths are told.
const COLUMNS: [&str; 14] = [
    "required binary study (STRING)",
    "required binary fingerprint (STRING)",
    "required binary verdict (STRING)",
    "required binary codes (STRING)",
    "optional binary class (STRING)",
    "optional double urgency",
    "optional double threshold",
    "required int32 series",
    "required int32 folders",
    "optional binary stage (STRING)",
    "optional int32 signal",
    "required binary weights_sha256 (STRING)",
    "optional binary path (STRING)",
    "optional binary acquired (STRING)",
];
/// Columns that tell where and when.
const LOCAL: usize = 2;

/// Writes the file.
pub(crate) fn write(out: &mut Out, source: &ExportSource<'_>) -> Result<(), TriageError> {
    let columns = if source.paths == Paths::Told { COLUMNS.len() } else { COLUMNS.len() - LOCAL };
    let declared: String = COLUMNS.iter().take(columns).map(|column| format!("{column};")).collect();
    let schema = parse_message_type(&format!("message study {{ {declared} }}")).map_err(failed)?;
    let made_by = format!("pulmo {}", env!("CARGO_PKG_VERSION"));
    let properties = WriterProperties::builder().set_created_by(made_by).build();
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    let mut held = Vec::new();
    source.each_row(|row| {
        let local = source.local(&row.key.study)?;
        held.push(Line { row, local });
        if held.len() < ROWS_AT_ONCE {
            return Ok(());
        }
        write_group(&mut file, source, &std::mem::take(&mut held))
    })?;
    if !held.is_empty() {
        write_group(&mut file, source, &held)?;
    }
    file.close().map(drop).map_err(failed)
}

/// What a row of the file is made of.
struct Line {
    row: LedgerRow,
    local: Local,
}

fn write_group(
    file: &mut SerializedFileWriter<&mut Out>,
    source: &ExportSource<'_>,
    lines: &[Line],
) -> Result<(), TriageError> {
    let mut group = Group { group: file.next_row_group().map_err(failed)?, lines };
    group.texts(|line| Some(&line.row.key.study))?;
    group.texts(|line| Some(&line.row.key.fingerprint))?;
    group.texts(|line| Some(&line.row.finding.verdict))?;
    group.texts(|line| Some(line.row.finding.codes.join(" ")))?;
    group.texts(|line| line.row.finding.class.as_ref())?;
    group.column::<DoubleType>(|line| line.row.finding.urgency.map(|urgency| urgency.0.into()))?;
    group.column::<DoubleType>(|line| line.row.finding.threshold.map(|threshold| threshold.0.into()))?;
    group.column::<Int32Type>(|line| Some(count(line.row.finding.series.len())))?;
    group.column::<Int32Type>(|line| Some(count(line.row.places)))?;
    let poison = |line: &Line| line.row.finding.poison;
    group.texts(|line| Some(poison(line)?.stage?.as_str()))?;
    group.column::<Int32Type>(|line| poison(line)?.signal)?;
    group.texts(|_| Some(&source.method.weights_sha256))?;
    if source.paths == Paths::Told {
        group.texts(|line| line.local.path.as_ref())?;
        group.texts(|line| line.local.acquired.as_ref())?;
    }
    group.group.close().map(drop).map_err(failed)
}

struct Group<'a, 'b> {
    group: SerializedRowGroupWriter<'a, &'b mut Out>,
    lines: &'a [Line],
}

impl<'a> Group<'a, '_> {
    fn texts<T: AsRef<str>>(&mut self, value: impl Fn(&'a Line) -> Option<T>) -> Result<(), TriageError> {
        self.column::<ByteArrayType>(|line| value(line).map(|text| ByteArray::from(text.as_ref())))
    }

    /// Writes the next column; where it is `None` in a row, nothing stands there.
    fn column<T: DataType>(&mut self, value: impl Fn(&'a Line) -> Option<T::T>) -> Result<(), TriageError> {
        let values: Vec<Option<T::T>> = self.lines.iter().map(value).collect();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let values: Vec<T::T> = values.into_iter().flatten().collect();
        // a column that the schema does not have is our fault, and told as Parquet's
        let missing = || ParquetError::General("no such column".to_owned());
        let mut column = self.group.next_column().map_err(failed)?.ok_or_else(missing).map_err(failed)?;
        // levels of columns that are always there are passed over
        column.typed::<T>().write_batch(&values, Some(&levels), None).map_err(failed)?;
        column.close().map_err(failed)
    }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn failed(error: ParquetError) -> TriageError {
    into_file(NAME)(match error {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => std::io::Error::other(cause),
        },
        other => std::io::Error::other(other),
    })
}
