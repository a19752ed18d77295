//! Takes a list of names, gives an enum of them and a set that fits a word.
//!
//! Defects are told as fixed names. Each kind of parser has few, so that a set of them is 32 bits, copied freely.

/// Declares `$item` (an enum whose values have public names) and `$set` (a set of them).
macro_rules! named_set {
    (
        $(#[$set_meta:meta])* set $set:ident;
        $(#[$item_meta:meta])* enum $item:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)+ }
    ) => {
        $(#[$item_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $item { $($(#[$doc])* $variant,)+ }

        impl $item {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name under which tables show it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        const _: () = assert!($item::ALL.len() <= 32, "the set is 32 bits");

        $(#[$set_meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $set(u32);

        impl $set {
            /// Adds `item`.
            pub fn insert(&mut self, item: $item) {
                self.0 |= 1 << item as u8;
            }

            /// Whether `item` is in it.
            #[must_use]
            pub const fn contains(self, item: $item) -> bool {
                self.0 & (1 << item as u8) != 0
            }

            /// Whether nothing is in it.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The names of what is in it, in the order of declaration.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                $item::ALL.iter().filter(move |item| self.contains(**item)).map(|item| item.name())
            }
        }
    };
}

pub(super) use named_set;
