//! Takes what OpenSSL's programs said to each other (`tls_recorded/record.py`), gives it to a session.

use std::path::{Path, PathBuf};

use wsanalyze_engine::protocol::Stamp;
use wsanalyze_engine::protocol::tls::{PlaintextSink, Secrets, Session, UNKNOWN_LENGTH};
use wsanalyze_engine::stream::{Direction, Gap};

pub const REQUEST: &str = "GET /chat HTTP/1.1\nUpgrade: websocket\nthe client's last line\n";
pub const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\nthe server's last line\n";

/// What went by, and the key log.
pub struct Recording {
    pub key_log: String,
    pub pieces: Vec<(Direction, Vec<u8>)>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol/tls_recorded")
}

pub fn names() -> Vec<String> {
    let files = folder().read_dir().unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "txt"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

impl Recording {
    pub fn load(name: &str) -> Self {
        let text = std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap();
        let (mut key_log, mut pieces) = (String::new(), Vec::new());
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("C", hex)) => pieces.push((Direction::Client, bytes(hex))),
                Some(("S", hex)) => pieces.push((Direction::Server, bytes(hex))),
                _ => key_log += &format!("{line}\n"),
            }
        }
        Self { key_log, pieces }
    }

    /// The key log without the lines that `drop` says.
    pub fn without(mut self, drop: impl Fn(&str) -> bool) -> Self {
        self.key_log = self.key_log.lines().filter(|line| !drop(line)).map(|line| format!("{line}\n")).collect();
        self
    }

    pub fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add_key_log(self.key_log.as_bytes());
        secrets
    }

    pub fn play(&self) -> Played {
        self.play_with(&mut self.secrets())
    }

    pub fn play_with(&self, secrets: &mut Secrets) -> Played {
        let mut played = Played::default();
        for (sender, bytes) in &self.pieces {
            played.data(*sender, bytes, secrets);
        }
        played.end(secrets);
        played
    }
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A connection that was read.
#[derive(Default)]
pub struct Played {
    pub session: Session,
    pub seen: Seen,
    frame: u64,
}

/// What came out: bytes as text, holes as `[length]` or `[?]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub client: String,
    pub server: String,
    pub gaps: Vec<(Direction, Gap)>,
    pub frames: Vec<u64>,
}

impl PlaintextSink for Seen {
    fn data(&mut self, sender: Direction, bytes: &[u8], stamp: Stamp) {
        self.frames.push(stamp.frame);
        *self.of(sender) += &String::from_utf8_lossy(bytes);
    }

    fn gap(&mut self, sender: Direction, gap: Gap) {
        self.gaps.push((sender, gap));
        let length = if gap.length == UNKNOWN_LENGTH { "?".to_owned() } else { gap.length.to_string() };
        *self.of(sender) += &format!("[{length}]");
    }
}

impl Seen {
    fn of(&mut self, sender: Direction) -> &mut String {
        if sender == Direction::Client { &mut self.client } else { &mut self.server }
    }
}

impl Played {
    pub fn data(&mut self, sender: Direction, bytes: &[u8], secrets: &mut Secrets) {
        self.frame += 1;
        let stamp = Stamp { frame: self.frame, time: self.frame as i64 * 10 };
        self.session.data(sender, bytes, stamp, secrets, &mut self.seen);
    }

    pub fn gap(&mut self, sender: Direction, gap: Gap, secrets: &mut Secrets) {
        self.session.gap(sender, gap, secrets, &mut self.seen);
    }

    pub fn end(&mut self, secrets: &mut Secrets) {
        self.session.end(Direction::Client, secrets, &mut self.seen);
        self.session.end(Direction::Server, secrets, &mut self.seen);
        assert!(!self.session.is_reading());
    }

    #[track_caller]
    pub fn expect(&self, decryption: &str, client: &str, server: &str) {
        assert_eq!(self.session.decryption(), decryption);
        assert_eq!((self.seen.client.as_str(), self.seen.server.as_str()), (client, server));
    }
}
