//! Takes a request and its answer as they come, gives the row of `exchanges`.

use std::borrow::Cow;

use super::direction_name;
use super::request::Request;
use super::response::Response;
use crate::protocol::Stamp;
use crate::stream::Direction;
use crate::table::ExchangeRow;

/// The state of a response that a hole in the server's stream may hide.
const MISSING: &str = "missing";

/// An exchange that is not over yet.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) position: u32,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    /// Whether no more of the request is to come.
    pub(super) request_done: bool,
    /// Whether no more of the response is to come.
    pub(super) response_done: bool,
    pub(super) interim: u16,
    /// Whether a hole in the server's stream may hide the response.
    pub(super) hidden: bool,
    /// The HTTP/2 stream that it is.
    pub(super) stream: Option<u32>,
    pub(super) reset: Option<Box<Reset>>,
    defects: Vec<&'static str>,
}

/// How an HTTP/2 stream was broken off.
#[derive(Debug)]
pub(super) struct Reset {
    pub(super) how: String,
    pub(super) by: Direction,
    pub(super) stamp: Stamp,
}

impl Exchange {
    pub(super) fn new(position: u32) -> Self {
        Self {
            position,
            request: None,
            response: None,
            request_done: false,
            response_done: false,
            interim: 0,
            hidden: false,
            stream: None,
            reset: None,
            defects: Vec::new(),
        }
    }

    pub(super) fn add_defect(&mut self, name: &'static str) {
        if !self.defects.contains(&name) {
            self.defects.push(name);
        }
    }

    /// Whether a response may still come.
    pub(super) fn waits(&self) -> bool {
        self.response.is_none() && !self.response_done
    }

    /// Whether nothing more is to come.
    pub(super) fn is_over(&self) -> bool {
        self.request_done && self.response_done
    }

    /// When the request began; before everything, if it was not captured.
    pub(super) fn begun(&self) -> i64 {
        self.request.as_ref().map_or(i64::MIN, |request| request.message.first.time)
    }

    /// When the request's head was there.
    pub(super) fn asked(&self) -> Stamp {
        self.request.as_ref().map_or_else(Stamp::default, |request| request.message.last)
    }

    /// Gives the row to `take`.
    pub(super) fn write<R>(&self, connection: u32, take: impl FnOnce(&ExchangeRow<'_>) -> R) -> R {
        let mut row = ExchangeRow {
            connection: Some(connection),
            position: Some(self.position),
            interim: Some(self.interim),
            stream_id: self.stream,
            ..ExchangeRow::default()
        };
        if let Some(request) = &self.request {
            request.fill(&mut row);
        }
        match &self.response {
            Some(response) => response.fill(&mut row),
            None => row.response_state = self.hidden.then_some(MISSING),
        }
        if let Some(reset) = &self.reset {
            row.reset = Some(&reset.how);
            row.reset_by = Some(direction_name(reset.by));
            row.reset_time = Some(reset.stamp.time);
            row.reset_frame = Some(reset.stamp.frame);
        }
        let of_request = self.request.iter().flat_map(|request| request.message.defects.names("request"));
        let of_response = self.response.iter().flat_map(|response| response.message.defects.names("response"));
        let own = self.defects.iter().map(|name| Cow::Borrowed(*name));
        let defects: Vec<Cow<'static, str>> = of_request.chain(of_response).chain(own).collect();
        row.defects = Some(&defects);
        take(&row)
    }
}
