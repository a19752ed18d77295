//! Takes key logs, those given and those that the capture carries; gives the secrets that its connections share.

use std::sync::{Arc, Mutex, PoisonError};

use crate::protocol::conversation::SharedSecrets;
use crate::protocol::tls::Secrets;

/// The most bytes of key logs that are handed back: those of hundreds of thousands of connections.
const MAX_CARRIED: usize = 64 << 20;

/// The key logs of one capture.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) secrets: SharedSecrets,
    carried: Arc<Mutex<Vec<u8>>>,
}

impl Keys {
    pub(super) fn new(given: &[u8]) -> Self {
        let mut secrets = Secrets::default();
        secrets.add_key_log(given);
        Self { secrets: Arc::new(Mutex::new(secrets)), carried: Arc::default() }
    }

    /// Adds lines that the capture carries.
    pub(super) fn add(&self, lines: &[u8]) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).add_key_log(lines);
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        if carried.len().saturating_add(lines.len()) < MAX_CARRIED {
            carried.extend_from_slice(lines);
            carried.push(b'\n');
        }
    }

    /// The lines that the capture carried.
    pub(super) fn carried(&self) -> Vec<u8> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
