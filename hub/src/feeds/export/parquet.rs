//! An export as Parquet: real types, columns of sixteen thousand rows at a time. What stands at
//! the end of the file (`lienthong.*` of its metadata) tells what it is, and the cursor to go on
//! from.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};

use super::{
    Column, Kind, Told, Unwritten, Writer,
    event::{Cell, Event},
};

/// Rows that are held back until their columns are written.
const GROUP_ROWS_MAX: usize = 16_384;
/// Bytes of texts that are held back.
const GROUP_BYTES_MAX: usize = 8 << 20;

/// Day 0 of the format's days.
const EPOCH: jiff::civil::Date = jiff::civil::Date::constant(1970, 1, 1);

type Out = SerializedFileWriter<Box<dyn Write + Send>>;

/// The values of one column that are held back; where there is none, nothing.
enum Values {
    Whole(Vec<i64>),
    Short(Vec<i32>),
    Number(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

struct Held {
    values: Values,
    /// Whether there is one, row by row.
    present: Vec<i16>,
}

pub(super) struct Columns {
    out: Out,
    columns: Vec<&'static Column>,
    held: Vec<Held>,
    rows: usize,
    bytes: usize,
}

fn fault(error: ParquetError) -> Unwritten {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => Unwritten::Out(*error),
            Err(error) => Unwritten::Out(io::Error::other(error)),
        },
        error => Unwritten::Out(io::Error::other(error)),
    }
}

/// A column in the schema.
fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Whole => (Physical::INT64, None),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    field.build().map(Arc::new)
}

impl Held {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Whole | Kind::Moment => Values::Whole(Vec::new()),
            Kind::Day => Values::Short(Vec::new()),
            Kind::Number => Values::Number(Vec::new()),
            Kind::Flag => Values::Flag(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
        };
        Self { values, present: Vec::new() }
    }

    /// Keeps a cell; gives the bytes of its text.
    fn keep(&mut self, cell: &Cell<'_>) -> usize {
        let mut bytes = 0;
        let kept = match (&mut self.values, cell) {
            (Values::Whole(values), Cell::Whole(number)) => {
                values.push(*number);
                true
            }
            (Values::Whole(values), Cell::Moment(at)) => {
                values.push(at.as_microsecond());
                true
            }
            (Values::Short(values), Cell::Day(day)) => {
                let days = day.duration_since(EPOCH).as_hours() / 24;
                i32::try_from(days).map(|days| values.push(days)).is_ok()
            }
            (Values::Number(values), Cell::Number(number)) => {
                values.push(*number);
                true
            }
            (Values::Flag(values), Cell::Flag(flag)) => {
                values.push(*flag);
                true
            }
            (Values::Text(values), Cell::Text(text)) => {
                bytes = text.len();
                values.push(ByteArray::from(text.as_ref()));
                true
            }
            _ => false,
        };
        self.present.push(i16::from(kept));
        bytes
    }

    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, Box<dyn Write + Send>>) -> Wrote {
        match &mut self.values {
            Values::Whole(values) => put::<Int64Type>(group, values, &self.present)?,
            Values::Short(values) => put::<Int32Type>(group, values, &self.present)?,
            Values::Number(values) => put::<DoubleType>(group, values, &self.present)?,
            Values::Flag(values) => put::<BoolType>(group, values, &self.present)?,
            Values::Text(values) => put::<ByteArrayType>(group, values, &self.present)?,
        }
        self.present.clear();
        Ok(())
    }
}

type Wrote = Result<(), ParquetError>;

/// Writes the next column of a group.
fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Box<dyn Write + Send>>,
    values: &mut Vec<T::T>,
    present: &[i16],
) -> Wrote {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, Some(present), None)?;
        column.close()?;
    }
    values.clear();
    Ok(())
}

impl Columns {
    pub(super) fn new(
        columns: Vec<&'static Column>,
        out: Box<dyn Write + Send>,
    ) -> Result<Self, Unwritten> {
        let fields: Result<Vec<_>, _> = columns.iter().map(|column| field(column)).collect();
        let fields = fields.map_err(fault)?;
        let schema = Type::group_type_builder("lienthong").with_fields(fields).build();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("lienthong ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = Arc::new(schema.map_err(fault)?);
        let out = Out::new(out, schema, Arc::new(properties)).map_err(fault)?;
        let held = columns.iter().map(|column| Held::new(column.kind)).collect();
        Ok(Self { out, columns, held, rows: 0, bytes: 0 })
    }

    /// Writes what is held back.
    fn group(&mut self) -> Result<(), Unwritten> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.out.next_row_group().map_err(fault)?;
        for held in &mut self.held {
            held.write(&mut group).map_err(fault)?;
        }
        group.close().map_err(fault)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Writer for Columns {
    fn row(&mut self, event: &Event<'_>) -> Result<(), Unwritten> {
        for (column, held) in self.columns.iter().zip(&mut self.held) {
            self.bytes += held.keep(&event.cell(column)?);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS_MAX || self.bytes >= GROUP_BYTES_MAX {
            self.group()?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, told: &Told) -> Result<(), Unwritten> {
        self.group()?;
        for (name, value) in told.named() {
            let told = KeyValue::new(format!("lienthong.{name}"), value);
            self.out.append_key_value_metadata(told);
        }
        let mut out = self.out.into_inner().map_err(fault)?;
        Ok(out.flush()?)
    }
}
