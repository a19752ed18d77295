//! Takes the addresses of an IP header, gives values that compare and hash fast, and print as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 address; IPv4 is kept as the IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    high: u64,
    low: u64,
}

impl Address {
    /// The prefix of an IPv4-mapped address, in the lower half.
    const MAPPED: u64 = 0xffff_0000_0000;

    /// From the bytes of an IPv4 header.
    #[must_use]
    pub const fn from_v4(octets: [u8; 4]) -> Self {
        Self { high: 0, low: Self::MAPPED | u32::from_be_bytes(octets) as u64 }
    }

    /// From the bytes of an IPv6 header.
    #[must_use]
    pub const fn from_v6(octets: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(octets);
        // Each half, on purpose.
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// The 16 bytes of the (mapped) IPv6 address.
    #[must_use]
    pub const fn octets(self) -> [u8; 16] {
        ((self.high as u128) << 64 | self.low as u128).to_be_bytes()
    }

    /// Whether this is an IPv4 address.
    #[must_use]
    pub const fn is_v4(self) -> bool {
        self.high == 0 && self.low >> 32 == Self::MAPPED >> 32
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        Ipv6Addr::from(address.octets()).to_canonical()
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Self::from_v6(address.octets()),
        }
    }
}

impl From<Ipv4Addr> for Address {
    fn from(address: Ipv4Addr) -> Self {
        Self::from_v4(address.octets())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        IpAddr::from(*self).fmt(formatter)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// One end of a TCP connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The host's address.
    pub address: Address,
    /// The TCP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.is_v4() {
            write!(formatter, "{}:{}", self.address, self.port)
        } else {
            write!(formatter, "[{}]:{}", self.address, self.port)
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_shown_as_people_write_them() {
        let v4 = Endpoint { address: Address::from_v4([192, 0, 2, 1]), port: 80 };
        assert_eq!(v4.to_string(), "192.0.2.1:80");
        let mut loopback = [0; 16];
        loopback[15] = 1;
        let v6 = Endpoint { address: Address::from_v6(loopback), port: 8443 };
        assert_eq!(v6.to_string(), "[::1]:8443");
        assert!(v4.address.is_v4() && !v6.address.is_v4());
    }

    #[test]
    fn addresses_go_to_the_standard_types_and_back() {
        for text in ["192.0.2.1", "2001:db8::1", "::", "0.0.0.0", "::fffe:0:1"] {
            let standard: IpAddr = text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::BROADCAST));
            assert_eq!(IpAddr::from(Address::from(standard)), standard);
        }
    }
}
