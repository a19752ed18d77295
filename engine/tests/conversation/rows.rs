//! Reads Arrow tables as a person would.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// The value in `column` of `row`, as text; `-` for an absent one.
pub fn cell(table: &RecordBatch, column: &str, row: usize) -> String {
    show(table.column_by_name(column).unwrap_or_else(|| panic!("no column {column}")).as_ref(), row)
}

/// Several columns of one row, separated by blanks.
pub fn cells(table: &RecordBatch, row: usize, columns: &[&str]) -> String {
    columns.iter().map(|column| cell(table, column, row)).collect::<Vec<_>>().join(" ")
}

/// These columns of all rows.
pub fn rows(table: &RecordBatch, columns: &[&str]) -> Vec<String> {
    (0..table.num_rows()).map(|row| cells(table, row, columns)).collect()
}

/// All columns of all rows.
pub fn everything(table: &RecordBatch) -> Vec<String> {
    let names: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
    (0..table.num_rows())
        .map(|row| names.iter().map(|name| format!("{name}={}", cell(table, name, row))).collect::<Vec<_>>().join("\n"))
        .collect()
}

fn show(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "-".to_owned();
    }
    match array.data_type() {
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampNanosecondType>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => array.as_binary::<i32>().value(row).escape_ascii().to_string(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len()).map(|item| show(items.as_ref(), item)).collect();
            format!("[{}]", items.join(","))
        }
        other => panic!("{other} is no column type"),
    }
}
