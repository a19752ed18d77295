//! Header blocks: RFC 7541 Appendix C, a decoder that reads them whole, tables of which a part was not captured, and
//! blocks that expand.

use proptest::prelude::*;
use wsanalyze_engine::protocol::http2::hpack::{Decoder, MAX_NAMES, MAX_TABLE, Malformed};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// The fields as `name: value`; `?` for what is not known.
fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut fields = Vec::new();
    let show = |text: Option<&[u8]>| text.map_or("?".to_owned(), |text| text.escape_ascii().to_string());
    decoder.decode(block, |field| fields.push(format!("{}: {}", show(field.name), show(field.value))))?;
    Ok(fields)
}

const REQUESTS: [&str; 3] = [
    ":method: GET, :scheme: http, :path: /, :authority: www.example.com",
    ":method: GET, :scheme: http, :path: /, :authority: www.example.com, cache-control: no-cache",
    ":method: GET, :scheme: https, :path: /index.html, :authority: www.example.com, custom-key: custom-value",
];

/// Where the table has 256 bytes, so that fields are evicted.
const RESPONSES: [&str; 3] = [
    ":status: 302, cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com",
    ":status: 307, cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com",
    ":status: 200, cache-control: private, date: Mon, 21 Oct 2013 20:13:22 GMT, location: https://www.example.com, \
     content-encoding: gzip, set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];

#[test]
fn rfc_7541_appendix_c() {
    for (expected, blocks) in [
        // C.3.
        (
            REQUESTS,
            [
                "828684410f7777772e6578616d706c652e636f6d",
                "828684be58086e6f2d6361636865",
                "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
            ],
        ),
        // C.4.
        (
            REQUESTS,
            [
                "828684418cf1e3c2e5f23a6ba0ab90f4ff",
                "828684be5886a8eb10649cbf",
                "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
            ],
        ),
        // C.5.
        (
            RESPONSES,
            [
                "3fe1014803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17687474\
             70733a2f2f7777772e6578616d706c652e636f6d",
                "4803333037c1c0bf",
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b\
             425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
            ],
        ),
        // C.6.
        (
            RESPONSES,
            [
                "3fe101488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82\
             ae43d3",
                "4883640effc1c0bf",
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af2708\
             7f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            ],
        ),
    ] {
        let mut decoder = Decoder::new();
        for (expected, block) in expected.iter().zip(blocks) {
            assert_eq!(decode(&mut decoder, &bytes(block)).unwrap().join(", "), *expected);
        }
    }
}

#[test]
fn what_is_malformed() {
    for (block, why) in [
        (&[0x80][..], "index 0"),
        (&[0xbe], "nothing in the table"),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "an index beyond 32 bits"),
        (&[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], "an endless integer"),
        (&[0x00, 0x01], "a name cut off"),
        (&[0x00, 0x01, b'a'], "no value"),
        (&[0x00, 0x01, b'a', 0x84, 0xff, 0xff, 0xff, 0xff], "EOS"),
        (&[0x00, 0x01, b'a', 0x82, 0x1f, 0xff], "more than 7 bits of padding"),
        (&[0x00, 0x01, b'a', 0x81, 0x18], "padding that is not ones"),
        (&[0x00, 0x01, b'a', 0x81, 0x19], "padding that ends with a one"),
        (&[0x00, 0x01, b'a', 0x81, 0xff], "padding and nothing else"),
        (&[0x3f, 0xe2, 0x1f], "a table of 4097 bytes"),
        (&[0x3f], "a size cut off"),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(decode(&mut decoder, block), Err(Malformed), "{why}");
        assert_eq!(decode(&mut decoder, &[0xbe]).unwrap(), ["?: ?"], "after it the table is unknown");
    }
    assert_eq!(decode(&mut Decoder::new(), &[0x00, 0x01, b'a', 0x81, 0x1f]).unwrap(), ["a: a"]);
    assert_eq!(decode(&mut Decoder::new(), &[0x3f, 0xe1, 0x1f]).unwrap(), [""; 0]);
    for block in [&[0x80][..], &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], &[0xff], &[0x7f], &[0x7e]] {
        assert_eq!(decode(&mut Decoder::mid_stream(), block), Err(Malformed), "whatever the table holds");
    }
}

#[test]
fn an_empty_name_is_a_name() {
    // It stands for one that was not captured only where something was not.
    let block = [0x40, 0, 1, b'v', 0xbe, 0x0f, 0x2f, 1, b'w'];
    assert_eq!(decode(&mut Decoder::new(), &block).unwrap(), [": v", ": v", ": w"]);
    assert_eq!(decode(&mut Decoder::mid_stream(), &block).unwrap(), [": v", "?: v", "?: w"]);
}

#[test]
fn a_table_that_was_not_captured_is_unknown() {
    let mut decoder = Decoder::mid_stream();
    assert_eq!(decode(&mut decoder, &[0x82, 0xbe, 0xff, 0x50]).unwrap(), [":method: GET", "?: ?", "?: ?"]);
    // A literal with an unknown name, and what was added since.
    let block = [0x7e, 1, b'v', 0x40, 1, b'n', 1, b'w', 0xbe, 0xbf, 0xc0];
    assert_eq!(decode(&mut decoder, &block).unwrap(), ["?: v", "n: w", "n: w", "?: v", "?: ?"]);
    // Literals with an unknown name that are not added, and one in the Huffman code that is.
    let block = [0x0f, 0x70, 1, b'x', 0x1f, 0x70, 1, b'y', 0xbe, 0x7f, 0x70, 0x81, 0x1f, 0xbe, 0x7e, 1, b'z', 0xbf];
    let expected = ["?: x", "?: y", "n: w", "?: a", "?: a", "?: z", "?: a"];
    assert_eq!(decode(&mut decoder, &block).unwrap(), expected);
    // A table that is emptied is known.
    assert_eq!(decode(&mut decoder, &[0x20, 0x3f, 0xe1, 0x1f]).unwrap(), [""; 0]);
    assert_eq!(decode(&mut decoder, &[0xbe]), Err(Malformed));
    let mut decoder = Decoder::new();
    decoder.forget();
    assert_eq!(decode(&mut decoder, &[0x40, 1, b'n', 1, b'w', 0xbe, 0xbf]).unwrap(), ["n: w", "n: w", "?: ?"]);
}

#[test]
fn a_table_larger_than_is_kept_is_kept_in_part() {
    let mut decoder = Decoder::new();
    decoder.allow(Some(1 << 20));
    // 2^17 bytes.
    assert_eq!(decode(&mut decoder, &[0x3f, 0xe1, 0xff, 0x07]).unwrap(), [""; 0]);
    let value = [b'v'; 1000];
    let literal = [&[0x40, 1, b'n', 0x7f, 0xe9, 0x06][..], &value].concat();
    let added = MAX_TABLE as usize / (1000 + 1 + 32);
    for _ in 0..=added {
        decode(&mut decoder, &literal).unwrap();
    }
    let newest = decode(&mut decoder, &[0xbe]).unwrap();
    assert!(newest[0].starts_with("n: vvv"));
    // The index of what is evicted here, but not there: 62 + 63.
    assert_eq!(decode(&mut decoder, &[0x80 | (62 + added as u8)]).unwrap(), ["?: ?"]);
}

/// A string of this many octets, of which a block gives the length (RFC 7541 §5.1, §5.2).
fn long(kind: u8, octets: &[u8]) -> Vec<u8> {
    let more = octets.len() - 0x7f;
    [&[kind | 0x7f, more as u8 | 0x80, (more >> 7) as u8 | 0x80, (more >> 14) as u8][..], octets].concat()
}

/// How many fields a block has, how long their names are, and their values.
fn sizes(decoder: &mut Decoder, block: &[u8]) -> [usize; 3] {
    let [mut fields, mut names, mut values] = [0; 3];
    let decoded = decoder.decode(block, |field| {
        fields += 1;
        names += field.name.map_or(0, <[u8]>::len);
        values += field.value.map_or(0, <[u8]>::len);
    });
    assert_eq!(decoded, Ok(()));
    [fields, names, values]
}

#[test]
fn a_long_string_in_the_huffman_code() {
    // 0 is five zeros; three bits of padding are left.
    let mut code = vec![0; 64 * 1024];
    let block = |code: &[u8]| [&[0x00, 1, b'n'][..], &long(0x80, code)].concat();
    assert_eq!(decode(&mut Decoder::new(), &block(&code)), Err(Malformed));
    *code.last_mut().unwrap() = 0b111;
    let expected = format!("n: {}", "0".repeat(64 * 1024 * 8 / 5));
    assert_eq!(decode(&mut Decoder::new(), &block(&code)).unwrap(), [expected]);
}

#[test]
fn a_block_that_only_refers_leaves_the_table_as_it_is() {
    let mut decoder = Decoder::new();
    let field = [&[0x40, 1, b'n'][..], &long(0, &[b'v'; 4000])].concat();
    assert_eq!(sizes(&mut decoder, &field), [1, 1, 4000]);
    let count = 256 * 1024;
    assert_eq!(sizes(&mut decoder, &[0xbe].repeat(count)), [count, count, 4000 * count]);
    assert_eq!(sizes(&mut decoder, &[0xbe]), [1, 1, 4000]);
    // Nothing but sizes.
    assert_eq!(sizes(&mut decoder, &[0x20].repeat(count)), [0, 0, 0]);
    assert_eq!(decode(&mut decoder, &[0xbe]), Err(Malformed));
}

#[test]
fn a_block_that_adds_a_long_name_again_and_again_is_left() {
    let long_name = [&[0x3f, 0xe1, 0xff, 0x03, 0x40][..], &long(0, &[b'n'; 65_000]), &[0]].concat();
    for literal in [&[0x7e, 0][..], &[0x0f, 0x2f, 0]] {
        let mut decoder = Decoder::new();
        decoder.allow(Some(MAX_TABLE));
        assert_eq!(sizes(&mut decoder, &long_name), [1, 65_000, 0]);
        let fields = MAX_NAMES / 65_000 + 1;
        assert_eq!(sizes(&mut decoder, &literal.repeat(80_000)), [fields, fields * 65_000, 0]);
        // What the rest would have added is not known.
        assert_eq!(decode(&mut decoder, &[0xbe]).unwrap(), ["?: ?"]);
    }
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn oracle(blocks: &[Vec<u8>]) -> Vec<Option<Fields>> {
    let mut decoder = loona_hpack::Decoder::new();
    decoder.set_max_allowed_table_size(4096);
    blocks.iter().map(|block| decoder.decode(block).ok()).collect()
}

fn ours(blocks: &[Vec<u8>]) -> Vec<Option<Fields>> {
    let mut decoder = Decoder::new();
    let mut decode = |block: &Vec<u8>| {
        let mut fields = Vec::new();
        let decoded = decoder.decode(block, |field| {
            // Unknown only after an error.
            fields.push((field.name.unwrap_or_default().to_vec(), field.value.unwrap_or_default().to_vec()));
        });
        decoded.ok().map(|()| fields)
    };
    blocks.iter().map(&mut decode).collect()
}

/// One representation, sound as a rule.
fn representation() -> impl Strategy<Value = Vec<u8>> {
    let string = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|text| [&[text.len() as u8][..], &text].concat()),
            // In the Huffman code: mostly not padded rightly.
            prop::collection::vec(any::<u8>(), 0..6).prop_map(|code| [&[0x80 | code.len() as u8][..], &code].concat()),
            Just(vec![0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]),
            // Lengths that take one octet in the code and two without.
            (any::<u8>(), 0..160_usize).prop_map(|(step, length)| {
                let text: Vec<u8> = (0..length).map(|at| b'a' + (at % 7) as u8 * (step % 3)).collect();
                let mut code = Vec::new();
                httlib_huffman::encode(&text, &mut code).unwrap();
                if code.len() < 0x7f { [&[0x80 | code.len() as u8][..], &code].concat() } else { vec![0] }
            }),
        ]
    };
    prop_oneof![
        (1..75_u8).prop_map(|index| vec![0x80 | index]),
        (prop::sample::select(vec![0x00, 0x10, 0x40]), string(), string()).prop_map(|(kind, name, value)| [
            &[kind][..],
            &name,
            &value
        ]
        .concat()),
        (0x41..0x7f_u8, string()).prop_map(|(name, value)| [&[name][..], &value].concat()),
        // A size, and something after it: the oracle refuses one at the end.
        (0x20..0x3f_u8).prop_map(|size| vec![size, 0x82]),
        (0..255_u8, 0..40_u8).prop_map(|(low, high)| vec![0x3f, low | 0x80, high, 0x82]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn another_decoder_says_the_same(
        blocks in prop::collection::vec(prop::collection::vec(representation(), 0..8), 1..6),
    ) {
        let blocks: Vec<Vec<u8>> = blocks.iter().map(|block| block.concat()).collect();
        let (expected, found) = (oracle(&blocks), ours(&blocks));
        // After an error the oracle goes on with what is left, which we do not believe.
        let sound = expected.iter().take_while(|fields| fields.is_some()).count();
        prop_assert_eq!(&expected[..sound], &found[..sound]);
        if sound < blocks.len() {
            prop_assert_eq!(&found[sound], &None);
        }
    }

    #[test]
    fn any_bytes_are_read(block in prop::collection::vec(any::<u8>(), 0..300), mid_stream: bool) {
        let mut decoder = if mid_stream { Decoder::mid_stream() } else { Decoder::new() };
        for _ in 0..3 {
            let _ = decode(&mut decoder, &block);
        }
    }
}

proptest! {
    #[test]
    fn what_is_known_of_a_part_is_so_in_the_whole(
        blocks in prop::collection::vec(prop::collection::vec(representation(), 0..8), 2..6),
        captured in 0..5_usize,
        hole: bool,
    ) {
        let blocks: Vec<Vec<u8>> = blocks.iter().map(|block| block.concat()).collect();
        let captured = captured.min(blocks.len() - 1);
        let mut decoder = if hole { Decoder::new() } else { Decoder::mid_stream() };
        decoder.forget();
        let whole = oracle(&blocks);
        if whole[..captured].iter().any(Option::is_none) {
            return Ok(());
        }
        for (block, expected) in blocks.iter().zip(&whole).skip(captured) {
            let mut found = Vec::new();
            let decoded =
                decoder.decode(block, |field| found.push((field.name.map(<[u8]>::to_vec), field.value.map(<[u8]>::to_vec))));
            let Some(expected) = expected else { break };
            prop_assert_eq!(decoded, Ok(()));
            prop_assert_eq!(found.len(), expected.len());
            for ((name, value), expected) in found.iter().zip(expected) {
                prop_assert!(name.as_ref().is_none_or(|name| *name == expected.0));
                prop_assert!(value.as_ref().is_none_or(|value| *value == expected.1));
            }
        }
    }
}
