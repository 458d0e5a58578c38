//! A look along the bytes of one packet: every read is checked, nothing is copied.

use super::{CodecError, malformed};

/// What is left of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| malformed("a field goes beyond its packet"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, CodecError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> Result<u32, CodecError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A packet identifier, which is never 0 (MQTT 5 section 2.2.1).
    pub(super) fn id(&mut self) -> Result<u16, CodecError> {
        match self.u16()? {
            0 => Err(malformed("a packet identifier of 0")),
            id => Ok(id),
        }
    }

    /// A variable byte integer (MQTT 5 section 1.5.5).
    pub(super) fn varint(&mut self) -> Result<u32, CodecError> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("a number of more than four bytes"))
    }

    /// Bytes behind their length.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// Text behind its length: UTF-8 without U+0000 (section 1.5.4).
    pub(super) fn text(&mut self) -> Result<&'a str, CodecError> {
        let text = std::str::from_utf8(self.binary()?).map_err(|_| malformed("text that is not UTF-8"))?;
        if text.contains('\0') {
            return Err(malformed("text with U+0000"));
        }
        Ok(text)
    }

    /// What lies behind its length as a whole, such as properties.
    pub(super) fn block(&mut self) -> Result<Reader<'a>, CodecError> {
        let length = self.varint()?;
        Ok(Reader(self.take(length as usize)?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), CodecError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(malformed("bytes after the last field"))
        }
    }
}
