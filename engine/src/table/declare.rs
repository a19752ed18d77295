//! Takes a table's columns, gives the types of its rows and of its builder.

/// Declares `$row`, one field a column, all optional; and `$builder`, which collects rows.
///
/// The order is that of the Arrow table, which is that of `wsanalyze/schema.py`.
macro_rules! table {
    (
        $(#[$meta:meta])* builder $builder:ident; row $row:ident;
        $($column:ident: $kind:ident,)+
    ) => {
        #[doc = concat!("One row of [`", stringify!($builder), "`].")]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $row<'a> {
            $(pub $column: Option<<$crate::table::kind::$kind as $crate::table::kind::Kind>::Value<'a>>,)+
        }

        $(#[$meta])*
        #[derive(Debug)]
        pub struct $builder {
            $($column: <$crate::table::kind::$kind as $crate::table::kind::Kind>::Builder,)+
            rows: usize,
            absent: u64,
        }

        impl $builder {
            /// A table without rows.
            #[must_use]
            pub fn new() -> Self {
                Self {
                    $($column: <$crate::table::kind::$kind as $crate::table::kind::Kind>::builder(),)+
                    rows: 0,
                    absent: 0,
                }
            }

            /// Appends a row; gives its index.
            pub fn push(&mut self, row: &$row<'_>) -> usize {
                $(
                    let kept = <$crate::table::kind::$kind as $crate::table::kind::Kind>::append(&mut self.$column, row.$column);
                    self.absent = self.absent.saturating_add(u64::from(!kept));
                )+
                let index = self.rows;
                self.rows = index.saturating_add(1);
                index
            }

            /// How many rows there are.
            #[must_use]
            pub fn rows(&self) -> usize {
                self.rows
            }

            /// How many values had no room.
            #[must_use]
            pub fn absent(&self) -> u64 {
                self.absent
            }

            /// The table's columns, each made into `map` of its array.
            ///
            /// One by one, so that a column that `map` copies is there twice for a moment only.
            pub(super) fn finish_with(
                self,
                mut map: impl FnMut(&'static str, arrow_array::ArrayRef) -> Result<arrow_array::ArrayRef, arrow_schema::ArrowError>,
            ) -> Result<arrow_array::RecordBatch, arrow_schema::ArrowError> {
                let fields = vec![$(
                    arrow_schema::Field::new(
                        stringify!($column),
                        <$crate::table::kind::$kind as $crate::table::kind::Kind>::data_type(),
                        true,
                    ),
                )+];
                let columns = vec![$(
                    map(
                        stringify!($column),
                        <$crate::table::kind::$kind as $crate::table::kind::Kind>::finish(self.$column),
                    )?,
                )+];
                arrow_array::RecordBatch::try_new(std::sync::Arc::new(arrow_schema::Schema::new(fields)), columns)
            }
        }

        impl Default for $builder {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}

pub(super) use table;
