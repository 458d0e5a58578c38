//! The name in a client's certificate: the one thing that Roost wants to know of it, once its chain was verified.
//!
//! Sources: RFC 5280 (section 4.1 for the structure, 4.2.1.6 for alternative names), X.690 for the encoding (DER).

/// Object identifier 2.5.4.3, the common name, as DER writes it.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// Object identifier 2.5.29.17, the subject's alternative names.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// UTF8String, PrintableString, IA5String: the strings that are UTF-8 as they stand.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;

/// The common name of a certificate's subject; without one the first DNS name, and without that the first URI among
/// its alternative names. `None` if there is none, or if this is no certificate.
pub(super) fn name_of(certificate: &[u8]) -> Option<String> {
    let mut fields = Der(Der(Der(certificate).expect(SEQUENCE)?).expect(SEQUENCE)?);
    fields.skip_if(VERSION);
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..4 {
        fields.next()?;
    }
    let subject = fields.expect(SEQUENCE)?;
    common_name(subject).or_else(|| {
        let extensions = fields.find(|(tag, _)| *tag == EXTENSIONS)?.1;
        let names = alternative_names(extensions)?;
        let first = |kind: u8| Der(names).find(|(tag, _)| *tag == kind).and_then(text);
        first(DNS_NAME).or_else(|| first(URI))
    })
}

/// A name is a sequence of sets of pairs.
fn common_name(subject: &[u8]) -> Option<String> {
    let pairs = Der(subject).flat_map(|(_, set)| Der(set));
    let mut values = pairs.filter_map(|(_, pair)| {
        let mut pair = Der(pair);
        (pair.expect(OBJECT_ID)? == COMMON_NAME).then(|| pair.next())?
    });
    values.find(|(tag, _)| TEXTS.contains(tag)).and_then(text)
}

/// What stands in the extension of that name: a sequence of names, each with its kind as tag.
fn alternative_names(extensions: &[u8]) -> Option<&[u8]> {
    let list = Der(extensions).expect(SEQUENCE)?;
    let value = Der(list).find_map(|(_, extension)| {
        let mut extension = Der(extension);
        let found = extension.expect(OBJECT_ID)? == ALTERNATIVE_NAMES;
        // Between the two may stand whether it is critical.
        found.then(|| extension.find(|(tag, _)| *tag == OCTETS))?
    })?;
    Der(value.1).expect(SEQUENCE)
}

fn text((_, bytes): (u8, &[u8])) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Goes through values that stand one after the other: each its tag and what it holds.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// What the next value holds, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }

    fn skip_if(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        // Up to 127 the length is one byte; above, that byte says how many follow. Three are 16 MB.
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let body = parts.concat();
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], &body].concat()
    }

    /// A certificate with as much in it as is looked at.
    fn certificate(common_names: &[(u8, &str)], alternative: &[(u8, &str)]) -> Vec<u8> {
        let value = |(tag, text): &(u8, &str)| der(*tag, &[text.as_bytes().to_vec()]);
        let pair = |name: &(u8, &str)| {
            let pair = der(SEQUENCE, &[der(OBJECT_ID, &[COMMON_NAME.to_vec()]), value(name)]);
            der(0x31, &[pair])
        };
        let organization = der(
            SEQUENCE,
            &[der(OBJECT_ID, &[vec![0x55, 4, 10]]), value(&(0x0c, "Plant"))],
        );
        let mut subject = vec![der(0x31, &[organization])];
        subject.extend(common_names.iter().map(pair));
        let names = der(SEQUENCE, &alternative.iter().map(value).collect::<Vec<_>>());
        let extension = [
            der(OBJECT_ID, &[ALTERNATIVE_NAMES.to_vec()]),
            vec![1, 1, 0xff],
            der(OCTETS, &[names]),
        ];
        let extensions = der(EXTENSIONS, &[der(SEQUENCE, &[der(SEQUENCE, &extension)])]);
        let fields = [
            der(VERSION, &[vec![2, 1, 2]]),
            der(2, &[vec![9]]),
            der(SEQUENCE, &[]),
            der(SEQUENCE, &[]),
            der(SEQUENCE, &[]),
            der(SEQUENCE, &subject),
            der(SEQUENCE, &[]),
            extensions,
        ];
        der(SEQUENCE, &[der(SEQUENCE, &fields), der(SEQUENCE, &[])])
    }

    #[test]
    fn the_common_name_comes_first_then_a_dns_name_then_a_uri() {
        let both = [(URI, "urn:plant:pump"), (DNS_NAME, "pump.plant.example")];
        let name = |common: &[(u8, &str)], alternative| name_of(&certificate(common, alternative));
        assert_eq!(name(&[(0x0c, "boiler")], &both).as_deref(), Some("boiler"));
        assert_eq!(
            name(&[(0x13, "lamp"), (0x0c, "other")], &[]).as_deref(),
            Some("lamp")
        );
        assert_eq!(name(&[], &both).as_deref(), Some("pump.plant.example"));
        assert_eq!(name(&[], &both[..1]).as_deref(), Some("urn:plant:pump"));
        assert_eq!(name(&[(0x0c, "")], &[]), None);
        assert_eq!(
            name(&[(0x1e, "\0b")], &[]),
            None,
            "two bytes a letter are not read"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_whatever_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = name_of(&bytes);
        }

        #[test]
        fn a_damaged_certificate_gives_a_name_or_none_and_never_a_panic(
            at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200,
        ) {
            let mut bytes = certificate(&[(0x0c, "boiler")], &[(DNS_NAME, "x.example")]);
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = byte;
            let _ = name_of(&bytes);
            let _ = name_of(&bytes[..cut]);
        }
    }
}
