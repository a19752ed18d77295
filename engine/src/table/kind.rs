//! Takes values of one column type, gives its Arrow array.
//!
//! Every column is appended to directly, so that a row costs its bytes and no allocation of its own.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, ListBuilder, PrimitiveBuilder, StringBuilder, UInt64Builder,
};
use arrow_array::types::{Int64Type, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type};
use arrow_schema::{DataType, Field, TimeUnit};

/// The most bytes of one text or bytes column, and elements of a list column: Arrow's offsets are 32 bits, and memory is
/// to follow what people can look at. Values beyond it are absent, and counted.
const MAX_COLUMN: usize = 1 << 30;

/// A column type.
pub trait Kind {
    /// What is appended.
    type Value<'a>;
    /// What collects the values.
    type Builder;

    /// The type in Arrow.
    fn data_type() -> DataType;

    /// An empty column.
    fn builder() -> Self::Builder;

    /// Appends a value or its absence; `false` if there was no room for it.
    fn append(builder: &mut Self::Builder, value: Option<Self::Value<'_>>) -> bool;

    /// The array.
    fn finish(builder: Self::Builder) -> ArrayRef;
}

macro_rules! primitive {
    ($($(#[$doc:meta])* $kind:ident($arrow:ident, $native:ty, $type:expr);)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            type Value<'a> = $native;
            type Builder = PrimitiveBuilder<$arrow>;

            fn data_type() -> DataType {
                $type
            }

            fn builder() -> Self::Builder {
                PrimitiveBuilder::new().with_data_type(Self::data_type())
            }

            fn append(builder: &mut Self::Builder, value: Option<$native>) -> bool {
                builder.append_option(value);
                true
            }

            fn finish(mut builder: Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    )+};
}

primitive! {
    /// `u16`.
    U16(UInt16Type, u16, DataType::UInt16);
    /// `u32`.
    U32(UInt32Type, u32, DataType::UInt32);
    /// `u64`.
    U64(UInt64Type, u64, DataType::UInt64);
    /// `i64`.
    I64(Int64Type, i64, DataType::Int64);
    /// `time`: nanoseconds since the epoch, UTC.
    Time(TimestampNanosecondType, i64, DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())));
}

/// `bool`.
#[derive(Debug)]
pub enum Bool {}

impl Kind for Bool {
    type Value<'a> = bool;
    type Builder = BooleanBuilder;

    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn builder() -> Self::Builder {
        BooleanBuilder::new()
    }

    fn append(builder: &mut Self::Builder, value: Option<bool>) -> bool {
        builder.append_option(value);
        true
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

/// `text`.
#[derive(Debug)]
pub enum Text {}

impl Kind for Text {
    type Value<'a> = &'a str;
    type Builder = StringBuilder;

    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn builder() -> Self::Builder {
        StringBuilder::new()
    }

    fn append(builder: &mut Self::Builder, value: Option<&str>) -> bool {
        let room = MAX_COLUMN.saturating_sub(builder.values_slice().len());
        let kept = value.filter(|value| value.len() <= room);
        builder.append_option(kept);
        kept.is_some() == value.is_some()
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

/// `bytes`.
#[derive(Debug)]
pub enum Bytes {}

impl Kind for Bytes {
    type Value<'a> = &'a [u8];
    type Builder = BinaryBuilder;

    fn data_type() -> DataType {
        DataType::Binary
    }

    fn builder() -> Self::Builder {
        BinaryBuilder::new()
    }

    fn append(builder: &mut Self::Builder, value: Option<&[u8]>) -> bool {
        let room = MAX_COLUMN.saturating_sub(builder.values_slice().len());
        let kept = value.filter(|value| value.len() <= room);
        builder.append_option(kept);
        kept.is_some() == value.is_some()
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

/// `frames`: a list of frame numbers.
#[derive(Debug)]
pub enum Frames {}

impl Kind for Frames {
    type Value<'a> = &'a [u64];
    type Builder = ListBuilder<UInt64Builder>;

    fn data_type() -> DataType {
        list_of(DataType::UInt64)
    }

    fn builder() -> Self::Builder {
        ListBuilder::new(UInt64Builder::new())
    }

    fn append(builder: &mut Self::Builder, value: Option<&[u64]>) -> bool {
        let room = MAX_COLUMN.saturating_sub(builder.values_ref().len());
        let kept = value.filter(|value| value.len() <= room);
        builder.values().append_slice(kept.unwrap_or_default());
        builder.append(kept.is_some());
        kept.is_some() == value.is_some()
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

/// `texts`: a list of texts; never absent.
#[derive(Debug)]
pub enum Texts {}

impl Kind for Texts {
    type Value<'a> = &'a [Cow<'static, str>];
    type Builder = ListBuilder<StringBuilder>;

    fn data_type() -> DataType {
        list_of(DataType::Utf8)
    }

    fn builder() -> Self::Builder {
        ListBuilder::new(StringBuilder::new())
    }

    fn append(builder: &mut Self::Builder, value: Option<&[Cow<'static, str>]>) -> bool {
        let texts = value.unwrap_or_default();
        let room = MAX_COLUMN.saturating_sub(builder.values_ref().values_slice().len());
        let fits = texts.iter().map(|text| text.len()).sum::<usize>() <= room;
        for text in texts.iter().filter(|_| fits) {
            builder.values().append_value(text);
        }
        builder.append(true);
        fits
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}
