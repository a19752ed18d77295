//! Takes what a test wants to see, gives the bytes of a packet.

/// A TCP segment with 12 bytes of options and a right checksum for the packets below.
pub fn tcp(payload: &[u8], v6: bool) -> Vec<u8> {
    let mut bytes = vec![0xc3, 0x50, 0x1f, 0x90, 0, 0, 0, 100, 0, 0, 0, 200, 0x80, 0x18, 0x02, 0x00, 0, 0, 0, 0];
    bytes.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    bytes.extend(payload);
    let mut pseudo = if v6 { [SOURCE_6, DESTINATION_6].concat() } else { [SOURCE_4, DESTINATION_4].concat() };
    pseudo.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    pseudo.extend([0, 0, 0, 6]);
    pseudo.extend(&bytes);
    if pseudo.len() % 2 != 0 {
        pseudo.push(0);
    }
    let mut sum: u32 = pseudo.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    bytes[16..18].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    bytes
}

pub const TCP_HEADER: usize = 32;

pub const SOURCE_4: &[u8] = &[10, 0, 0, 1];
pub const DESTINATION_4: &[u8] = &[10, 0, 0, 2];
pub const SOURCE_6: &[u8] = &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub const DESTINATION_6: &[u8] = &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// An IPv4 packet; `fragment` holds flags and offset as the header does.
pub fn ipv4_with(protocol: u8, id: u16, fragment: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header_length = 20 + options.len();
    let total = u16::try_from(header_length + payload.len()).unwrap_or(0);
    let mut bytes = vec![0x40 | u8::try_from(header_length / 4).unwrap(), 0];
    bytes.extend([total.to_be_bytes(), id.to_be_bytes(), fragment.to_be_bytes()].concat());
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend([SOURCE_4, DESTINATION_4, options, payload].concat());
    bytes
}

pub fn ipv4(payload: &[u8]) -> Vec<u8> {
    ipv4_with(6, 0x1234, 0x4000, &[], &tcp(payload, false))
}

/// An IPv6 packet with what stands behind its header.
pub fn ipv6_with(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(0);
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(length.to_be_bytes());
    bytes.extend([next_header, 64]);
    bytes.extend([SOURCE_6, DESTINATION_6, payload].concat());
    bytes
}

pub fn ipv6(payload: &[u8]) -> Vec<u8> {
    ipv6_with(6, &tcp(payload, true))
}

/// An IPv6 fragment header and what follows it.
pub fn ipv6_fragment(id: u32, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
    let field = u16::try_from(offset).unwrap() | u16::from(more);
    let header = [&[6, 0][..], &field.to_be_bytes(), &id.to_be_bytes()].concat();
    ipv6_with(44, &[header, payload.to_vec()].concat())
}

/// An IPv4 fragment.
pub fn ipv4_fragment(id: u16, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
    let field = u16::try_from(offset / 8).unwrap() | if more { 0x2000 } else { 0 };
    ipv4_with(6, id, field, &[], payload)
}

pub fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let addresses = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    [&addresses[..], &ether_type.to_be_bytes(), payload].concat()
}

/// A header with a Linux cooked record's protocol, packet type and address.
pub fn sll(protocol: u16, packet_type: u8, address: [u8; 8], payload: &[u8]) -> Vec<u8> {
    [&[0, packet_type, 0, 1, 0, 6][..], &address, &protocol.to_be_bytes(), payload].concat()
}

pub fn sll2(protocol: u16, packet_type: u8, address: [u8; 8], payload: &[u8]) -> Vec<u8> {
    [&protocol.to_be_bytes()[..], &[0, 0, 0, 0, 0, 3, 0, 1, packet_type, 6], &address, payload].concat()
}

pub fn pppoe(protocol: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap();
    [&[0x11, 0, 0, 7][..], &length.to_be_bytes(), &protocol.to_be_bytes(), payload].concat()
}

/// A UDP datagram without a checksum.
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap();
    [&[0xee, 0xee][..], &port.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

/// UDP in IPv4.
pub fn datagram(port: u16, payload: &[u8]) -> Vec<u8> {
    ipv4_with(17, 0x4321, 0, &[], &udp(port, payload))
}

pub fn vxlan(payload: &[u8]) -> Vec<u8> {
    [&[8, 0, 0, 0, 0, 0, 42, 0][..], payload].concat()
}

/// GENEVE with its options.
pub fn geneve(protocol: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(options.len() / 4).unwrap();
    [&[length, 0][..], &protocol.to_be_bytes(), &[0, 0, 42, 0], options, payload].concat()
}

/// GRE with the fields that its flags announce.
pub fn gre(flags: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let fields = vec![7; flags.count_ones() as usize * 4];
    [&flags.to_be_bytes()[..], &protocol.to_be_bytes(), &fields, payload].concat()
}

/// ERSPAN type III with a frame of this type, and the platform's subheader.
pub fn erspan_iii(frame: u8, subheader: bool, payload: &[u8]) -> Vec<u8> {
    let platform = if subheader { vec![9; 8] } else { Vec::new() };
    let last = [0, 0, frame << 2, u8::from(subheader)];
    [&[0x20, 5, 0, 3, 0, 0, 0, 1][..], &last, &platform, payload].concat()
}

/// A G-PDU; `flags` are those of the optional fields, which then come first in `rest`.
pub fn gtp_u(flags: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap();
    [&[0x30 | flags, 255][..], &length.to_be_bytes(), &[0, 0, 0, 42], rest].concat()
}
