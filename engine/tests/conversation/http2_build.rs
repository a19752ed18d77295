//! Frames of HTTP/2, as senders write them.

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let [_, high, middle, low] = (payload.len() as u32).to_be_bytes();
    [&[high, middle, low, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// The client's connection preface, with SETTINGS.
pub fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), settings(&[])].concat()
}

pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> =
        settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
    frame(4, 0, 0, payload)
}

/// SETTINGS of a server that allows extended CONNECT.
pub fn connectable() -> Vec<u8> {
    settings(&[(8, 1)])
}

/// Fields of the static table, as senders begin with (RFC 7541 Appendix A).
const STATIC: [(&str, &str, u8); 6] = [
    (":method", "GET", 2),
    (":method", "POST", 3),
    (":scheme", "http", 6),
    (":scheme", "https", 7),
    (":status", "200", 8),
    (":status", "404", 13),
];

/// Fields by the static table, or else as literals without indexing.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let field = |(name, value): &(&str, &str)| match STATIC.iter().find(|field| (field.0, field.1) == (*name, *value)) {
        Some((_, _, index)) => vec![0x80 | index],
        None => literal(0, (name, value)),
    };
    fields.iter().flat_map(field).collect()
}

/// Fields as literals that are added to the table.
pub fn indexed(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|field| literal(0x40, *field)).collect()
}

fn literal(kind: u8, (name, value): (&str, &str)) -> Vec<u8> {
    [&[kind][..], &string(name), &string(value)].concat()
}

fn string(text: &str) -> Vec<u8> {
    [&integer(text.len(), 127)[..], text.as_bytes()].concat()
}

/// RFC 7541 §5.1.
fn integer(value: usize, full: usize) -> Vec<u8> {
    if value < full {
        return vec![value as u8];
    }
    let mut octets = vec![full as u8];
    let mut rest = value - full;
    while rest >= 128 {
        octets.push((rest % 128) as u8 | 0x80);
        rest /= 128;
    }
    octets.push(rest as u8);
    octets
}

pub fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(1, END_HEADERS | flags, stream, block(fields))
}

pub fn data(stream: u32, flags: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(0, flags, stream, payload)
}

pub fn get(stream: u32, path: &str) -> Vec<u8> {
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)];
    headers(stream, END_STREAM, &fields)
}

/// RFC 8441 §5.1.
pub const CONNECT: &[(&str, &str)] = &[
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "https"),
    (":path", "/chat"),
    (":authority", "a"),
    ("sec-websocket-version", "13"),
    ("origin", "http://a"),
];

pub fn connect(stream: u32) -> Vec<u8> {
    headers(stream, 0, CONNECT)
}

pub fn status(stream: u32, flags: u8, status: &str) -> Vec<u8> {
    headers(stream, flags, &[(":status", status)])
}

pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(3, 0, stream, code.to_be_bytes())
}

pub fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, [last.to_be_bytes(), code.to_be_bytes()].concat())
}
