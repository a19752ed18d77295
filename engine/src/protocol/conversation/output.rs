//! Takes what conversations find, keeps what the caller asked for: the tables, or some exchanges as they were captured.

use std::cell::RefCell;
use std::rc::Rc;

use super::wanted::Wanted;
use crate::stream::Direction;
use crate::table::Builders;

/// An exchange by its connection's number and its position there.
pub type ExchangeId = (u32, u32);

/// Where rows go.
#[derive(Debug)]
pub enum Output {
    /// A scan.
    Tables(Box<Builders>),
    /// A second look.
    Wanted(Wanted),
}

impl Output {
    /// The tables, where they are asked for.
    pub(super) fn tables(&mut self) -> Option<&mut Builders> {
        match self {
            Self::Tables(builders) => Some(builders),
            Self::Wanted(_) => None,
        }
    }

    /// A head was read.
    pub(super) fn head(&mut self, exchange: ExchangeId, sender: Direction, raw: &[u8]) {
        if let Self::Wanted(wanted) = self {
            wanted.head(exchange, sender, raw);
        }
    }
}

/// The output that the conversations of one capture share.
pub type Shared = Rc<RefCell<Output>>;

/// Takes what one exchange carries beside its heads, where that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    exchange: ExchangeId,
    output: Shared,
}

impl Tape {
    /// That of an exchange; `None` where nobody asks for it.
    pub(super) fn of(exchange: ExchangeId, output: &Shared) -> Option<Self> {
        let asked = matches!(&*output.borrow(), Output::Wanted(wanted) if wanted.asks_traffic(exchange));
        asked.then(|| Self { exchange, output: Shared::clone(output) })
    }

    /// Does something to what is kept of the exchange.
    pub(super) fn tell(&self, what: impl FnOnce(&mut Wanted, ExchangeId)) {
        if let Output::Wanted(wanted) = &mut *self.output.borrow_mut() {
            what(wanted, self.exchange);
        }
    }
}
