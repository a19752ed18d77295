//! Takes what conversations find, keeps what the caller asked for: the tables, or the heads of some exchanges.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::stream::Direction;
use crate::table::Builders;

/// An exchange by its connection's number and its position there.
pub type ExchangeId = (u32, u32);

/// The heads of an exchange, as captured; `None` where none was captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    pub request: Option<Vec<u8>>,
    pub response: Option<Vec<u8>>,
}

/// Where rows go.
#[derive(Debug)]
pub enum Output {
    /// A scan.
    Tables(Box<Builders>),
    /// A second look.
    Heads(Wanted),
}

/// The exchanges whose heads are asked for, and what was found of them.
#[derive(Debug)]
pub struct Wanted {
    heads: HashMap<ExchangeId, Heads>,
    /// How many lack a head.
    left: usize,
}

impl Wanted {
    /// These exchanges.
    pub fn new(exchanges: impl IntoIterator<Item = ExchangeId>) -> Self {
        let heads: HashMap<_, _> = exchanges.into_iter().map(|exchange| (exchange, Heads::default())).collect();
        Self { left: heads.len(), heads }
    }

    /// Whether no more is to be found.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// What was found.
    #[must_use]
    pub fn into_heads(self) -> HashMap<ExchangeId, Heads> {
        self.heads
    }

    fn found(&mut self, exchange: ExchangeId, sender: Direction, raw: &[u8]) {
        if let Some(heads) = self.heads.get_mut(&exchange) {
            let head = match sender {
                Direction::Client => &mut heads.request,
                Direction::Server => &mut heads.response,
            };
            *head = Some(raw.to_vec());
            if heads.request.is_some() && heads.response.is_some() {
                self.left = self.left.saturating_sub(1);
            }
        }
    }
}

impl Output {
    /// The tables, where they are asked for.
    pub(super) fn tables(&mut self) -> Option<&mut Builders> {
        match self {
            Self::Tables(builders) => Some(builders),
            Self::Heads(_) => None,
        }
    }

    /// A head was read.
    pub(super) fn head(&mut self, exchange: ExchangeId, sender: Direction, raw: &[u8]) {
        if let Self::Heads(wanted) = self {
            wanted.found(exchange, sender, raw);
        }
    }
}

/// The output that the conversations of one capture share.
pub type Shared = Rc<RefCell<Output>>;
