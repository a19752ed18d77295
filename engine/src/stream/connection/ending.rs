//! Takes a connection that is over, hands over what is left of its streams, and what is known of it.

use super::Connection;
use crate::protocol::GapCause;
use crate::stream::{Direction, DirectionFacts, Facts, Handler, Opened};

impl<H: Handler> Connection<H> {
    /// The connection is over, or its capture is: hands over what is left, and the facts.
    pub(in crate::stream) fn finish(mut self) {
        self.go_on();
        let stamp = self.last;
        loop {
            self.advance();
            let stuck = [Direction::Client, Direction::Server].into_iter().find(|direction| self.lacks(*direction));
            match stuck {
                Some(direction) => self.give_up(direction, stamp),
                None => match [Direction::Client, Direction::Server]
                    .into_iter()
                    .find(|direction| !self.both(*direction).0.pieces.is_empty())
                {
                    // Each waits for the other: what is acknowledged here was never sent.
                    Some(direction) => self.flows[direction as usize].pieces.release_first(),
                    None => break,
                },
            }
        }
        for direction in [Direction::Client, Direction::Server] {
            let [client, server] = &mut self.flows;
            let flow = if direction == Direction::Client { client } else { server };
            let owed = flow.owed().max(flow.fin.map_or(0, |(fin, _)| fin));
            if !flow.ended {
                flow.skip(direction, owed.saturating_sub(flow.next), GapCause::Missing, stamp, &mut self.handler);
                flow.ended = true;
                self.handler.end(direction, flow.fin.map_or(stamp, |(_, fin)| fin));
            }
        }
        let facts = self.facts();
        if self.syn.is_none() && self.server_syn.is_some() {
            self.handler.defect(Direction::Client, "syn-not-captured", self.first, None);
        }
        if self.syn.is_some() && self.server_syn.is_none() && facts.of_server.bytes > 0 {
            self.handler.defect(Direction::Server, "syn-ack-not-captured", self.first, None);
        }
        self.handler.finish(facts);
    }

    fn facts(&self) -> Facts {
        let [client, server] = &self.flows;
        let opened = match (self.syn.is_some(), self.server_syn.is_some(), self.server_answered) {
            (_, true, _) | (true, _, true) => Opened::Established,
            (true, false, false) if self.reset && self.ended.is_some_and(|ended| ended.by == Direction::Server) => {
                Opened::Refused
            }
            (true, false, false) => Opened::Unanswered,
            (false, false, _) => Opened::MidStream,
        };
        Facts {
            client: self.client,
            server: self.server,
            first: self.first,
            last: self.last,
            opened,
            ended: self.ended,
            of_client: DirectionFacts { isn: self.syn, ..client.facts },
            of_server: DirectionFacts { isn: self.server_syn, ..server.facts },
            duplicates: self.duplicates,
            conflicts: self.conflicts,
            longest_idle: self.longest_idle,
        }
    }
}
