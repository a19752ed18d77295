//! What the `h2` package for Python (4.4.1) wrote, as client and as server: with Huffman codes and dynamic tables.

use crate::play::{Step, client, play, server};
use crate::rows::rows;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn steps() -> Vec<Step> {
    let client = |hex| client(bytes(hex));
    let server = |hex| server(bytes(hex));
    vec![
        client(
            "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a00002a04000000000000010000100000020000000100040000ffff000500004000\
             000800000000000300000064000600010000",
        ),
        server(
            "00002a04000000000000010000100000020000000000040000ffff0005000040000008000000000003000000640006000100000000000401\
             00000000",
        ),
        client("000000040100000000"),
        client(
            "0000880104000000014287bdab4e9c17b7ff4087b95d8749c87a3f87f058d072752a7f87448960938d3fe5873d3007418b1d75ae5f23a6ba\
             0ab90f4f408f4148b782c68393a952b772d8831eaf820b3f40914148b782c68393a952b17ca4b520c7a91f8dacb65254207315690b2d0349\
             7f40853d8698d57f8e9d29ad171860be474d7415721e9f7a88d07f66a281b0dae0",
        ),
        server("000008010400000001887685b0f6a4b67f"),
        client("00000b00000000000181850102030469676f686e"),
        server("0000070000000000018105776f726c64"),
        client("00002101050000000382874485610521ea93c3bf408bf2b4a7b3c0ec90b22d29ec8810195c0b842caeef"),
        server("0000020104000000038dbe0000070001000000036e6f7468696e67"),
        client("00000800010000000188820102030402ea"),
        server("000004000100000001880203e8"),
        server("0000080700000000000000000300000000"),
    ]
}

#[test]
fn a_websocket_and_a_request() {
    let tables = play(&steps());
    let columns =
        ["stream_id", "method", "host", "target", "status", "server", "user_agent", "x_forwarded_for", "defects"];
    let expected = [
        "1 CONNECT app.example.com /chat?room=1 200 router Mozilla/5.0 - []",
        "3 GET app.example.com /second 404 router Mozilla/5.0 203.0.113.7 []",
    ];
    assert_eq!(rows(&tables.exchanges, &columns), expected);
    let columns = ["protocol", "sec_websocket_version", "sec_websocket_extensions", "origin", "asks_websocket"];
    let expected = "websocket 13 permessage-deflate https://example.com true";
    assert_eq!(rows(&tables.exchanges, &columns)[0], expected);
    let columns =
        ["client_text", "server_text", "client_first_payload", "close_code", "closed_by", "compression", "violations"];
    assert_eq!(rows(&tables.websockets, &columns), ["1 1 hello 1000 client false []"]);
    assert_eq!(rows(&tables.exchanges, &["response_body_bytes", "reset"]), ["0 -", "7 -"]);
    assert_eq!(tables.defects.num_rows(), 0);
}
