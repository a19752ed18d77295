//! Takes the messages of a handshake, gives what it agrees on: version, suite, and the keys of TLS 1.2 (RFC 5246 §7, §8).

use sha2::{Digest as _, Sha256, Sha384};

use super::cursor::Cursor;
use super::derive::{MASTER_LENGTH, prf};
use super::hello::{ClientHello, ServerHello};
use super::key_log::Label;
use super::opener::Opener;
use super::secrets::{Secrets, SessionKey};
use super::suites::{Hash, Protection, Suite};
use super::{TLS12, TLS13};
use crate::stream::Direction;

/// The longest MAC key, key and IV of both directions (RFC 5246 §6.3).
const MAX_KEY_BLOCK: usize = 2 * (48 + 32 + 12);

/// What one handshake says.
#[derive(Default)]
pub(super) struct Negotiation {
    pub(super) client: Option<Box<ClientHello>>,
    pub(super) server: Option<Box<ServerHello>>,
    /// The ticket that the client offers (TLS 1.2).
    offered_ticket: Option<u128>,
    /// Whether it agrees on new secrets (TLS 1.2), rather than resume a session.
    pub(super) full: bool,
    /// Whether the server changed its keys (TLS 1.2).
    pub(super) changed: bool,
    /// The ticket that the server gives for this session (TLS 1.2).
    pub(super) ticket: Option<u128>,
    /// The beginning of the encrypted premaster secret.
    encrypted_premaster: Option<[u8; 8]>,
    transcript: Transcript,
    master: Option<[u8; MASTER_LENGTH]>,
}

/// The handshake messages that an extended master secret depends on (RFC 7627 §3).
#[derive(Default)]
enum Transcript {
    /// Not of use.
    #[default]
    Off,
    /// The hash is not known yet.
    Client(Vec<u8>),
    Sha256(Sha256),
    Sha384(Sha384),
    Whole(Box<[u8]>),
}

impl Negotiation {
    /// A ClientHello that begins one, with its header.
    pub(super) fn begun(message: &[u8], body: &[u8], secrets: &Secrets) -> Self {
        let mut client = Box::new(ClientHello::parse(body));
        let ticket = client.ticket.take();
        let offered_ticket = ticket.map(|ticket| SessionKey::Ticket(&ticket).digest());
        // What is kept of half a million connections is what will be used: RFC 8446 §B.4 has five suites.
        client.cipher_suites =
            client.cipher_suites.iter().copied().filter(|suite| Suite::is_tls13(*suite)).take(5).collect();
        let wanted = client.extended_master_secret && secrets.has_premasters();
        let transcript = if wanted { Transcript::Client(message.to_vec()) } else { Transcript::Off };
        Self { client: Some(client), offered_ticket, transcript, ..Self::default() }
    }

    /// The server's choice, with its header.
    pub(super) fn chosen(&mut self, message: &[u8], hello: ServerHello) {
        let extended = hello.extended_master_secret && hello.version == TLS12;
        self.server = Some(Box::new(hello));
        self.transcript = match (std::mem::take(&mut self.transcript), self.suite()) {
            (Transcript::Client(client), Some(suite)) if extended => match suite.hash {
                Hash::Sha256 => Transcript::Sha256(Sha256::new_with_prefix(client)),
                Hash::Sha384 => Transcript::Sha384(Sha384::new_with_prefix(client)),
            },
            _ => Transcript::Off,
        };
        self.hash(message);
    }

    /// A message between ServerHello and ClientKeyExchange, with its header.
    pub(super) fn hash(&mut self, message: &[u8]) {
        match &mut self.transcript {
            Transcript::Sha256(hash) => hash.update(message),
            Transcript::Sha384(hash) => hash.update(message),
            Transcript::Off | Transcript::Client(_) | Transcript::Whole(_) => {}
        }
    }

    /// A ClientKeyExchange, the last message that the master secret depends on.
    pub(super) fn key_exchanged(&mut self, message: &[u8], body: &[u8]) {
        self.hash(message);
        self.transcript = match std::mem::take(&mut self.transcript) {
            Transcript::Sha256(hash) => Transcript::Whole(hash.finalize().as_slice().into()),
            Transcript::Sha384(hash) => Transcript::Whole(hash.finalize().as_slice().into()),
            other => other,
        };
        if self.suite().is_some_and(Suite::sends_premaster) {
            // RFC 5246 §7.4.7.1: a vector of two bytes' length.
            self.encrypted_premaster = Cursor(body).vector().and_then(|encrypted| encrypted.0.first_chunk().copied());
        }
    }

    pub(super) fn suite(&self) -> Option<Suite> {
        Suite::of(self.server.as_ref()?.cipher_suite)
    }

    pub(super) fn version(&self) -> Option<u16> {
        self.server.as_ref().map(|hello| hello.version)
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.version() == Some(TLS13)
    }

    /// How records are protected, where this module can undo it.
    pub(super) fn protection(&self) -> Option<Protection> {
        let server = self.server.as_ref()?;
        // RFC 8446 §B.4: TLS 1.3 has suites of its own.
        let known = match server.version {
            TLS12 => !Suite::is_tls13(server.cipher_suite),
            TLS13 => Suite::is_tls13(server.cipher_suite),
            _ => false,
        };
        self.suite()?.protection.filter(|_| known)
    }

    /// TLS 1.2: the keys of `sender`, if the secrets are known (RFC 5246 §6.3).
    pub(super) fn opener(&mut self, sender: Direction, secrets: &Secrets) -> Option<Opener> {
        self.master = self.master.or_else(|| self.find_master(secrets));
        let master = self.master?;
        let (suite, protection) = (self.suite()?, self.protection()?);
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        let (mac, key, iv) = Opener::lengths(protection);
        let mut block = [0; MAX_KEY_BLOCK];
        let block = block.get_mut(..2 * (mac + key + iv))?;
        prf(suite.hash, &master, b"key expansion", [&server.random, &client.random], block)?;
        let mut block = Cursor(block);
        let mut part = |length| {
            let (client, server) = (block.take(length)?, block.take(length)?);
            Some(if sender == Direction::Client { client } else { server })
        };
        Opener::tls12(protection, part(mac)?, part(key)?, part(iv)?, server.encrypt_then_mac)
    }

    fn find_master(&self, secrets: &Secrets) -> Option<[u8; MASTER_LENGTH]> {
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        if let Some(master) = secrets.by_random(Label::Master, &client.random) {
            return master.try_into().ok();
        }
        let encrypted = || secrets.by_encrypted(self.encrypted_premaster.as_ref()?);
        if let Some(premaster) = secrets.by_random(Label::Premaster, &client.random).or_else(encrypted) {
            return self.master_of(premaster);
        }
        let by_id = || {
            let id = Some(&server.session_id).filter(|id| !id.is_empty())?;
            secrets.by_session(SessionKey::Id(id).digest())
        };
        // RFC 5077 §3.4: where the ticket was not accepted, the handshake is a full one.
        let by_ticket = || secrets.by_session(self.offered_ticket.filter(|_| !self.full)?);
        by_id().or_else(by_ticket)
    }

    /// RFC 5246 §8.1, RFC 7627 §4.
    fn master_of(&self, premaster: &[u8]) -> Option<[u8; MASTER_LENGTH]> {
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        let hash = self.suite()?.hash;
        let mut master = [0; MASTER_LENGTH];
        if server.extended_master_secret {
            let Transcript::Whole(transcript) = &self.transcript else {
                return None;
            };
            prf(hash, premaster, b"extended master secret", [transcript, &[]], &mut master)?;
        } else {
            prf(hash, premaster, b"master secret", [&client.random, &server.random], &mut master)?;
        }
        Some(master)
    }

    /// The keys proved to be right: another connection may resume the session (RFC 5246 §7.3, RFC 5077 §3.3).
    pub(super) fn proved(&self, secrets: &mut Secrets) {
        let (Some(master), Some(server)) = (self.master, &self.server) else {
            return;
        };
        if !server.session_id.is_empty() {
            secrets.remember(SessionKey::Id(&server.session_id).digest(), master);
        }
        if let Some(ticket) = self.ticket {
            secrets.remember(ticket, master);
        }
    }
}
