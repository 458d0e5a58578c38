//! Any messages of a device, by every profile that comes with the gateway: what a codec makes of them is within the
//! limits and can be published, and a value that was read can be commanded or is refused.

use std::sync::OnceLock;

use roost_drivers::{
    Codec, CodecMemory, CommandRequest, Decoded, Incoming, MAX_SAMPLES_PER_MESSAGE, builtin_profiles,
    codec_for,
};
use roost_model::Topic;

const DEVICE: &str = "dev1";

fn codecs() -> &'static [Box<dyn Codec>] {
    static CODECS: OnceLock<Vec<Box<dyn Codec>>> = OnceLock::new();
    CODECS.get_or_init(|| {
        let profiles = builtin_profiles();
        let codecs = profiles
            .into_iter()
            .map(|profile| codec_for(profile).expect("a codec"));
        codecs.collect()
    })
}

/// The next message of the input: a topic, a line feed, two bytes of length, a payload.
fn message<'a>(rest: &mut &'a [u8]) -> Option<(Topic, &'a [u8])> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (topic, after) = (&rest[..end], &rest[end + 1..]);
    let (length, after) = after.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (payload, after) = after.split_at(length.min(after.len()));
    *rest = after;
    let topic = Topic::new(std::str::from_utf8(topic).ok()?).ok()?;
    Some((topic, payload))
}

/// The bytes are messages of one device, which a codec with a memory takes one after another.
pub fn profile_decode(data: &[u8]) {
    for codec in codecs() {
        let mut memory = CodecMemory::default();
        let mut rest = data;
        while let Some((topic, payload)) = message(&mut rest) {
            let incoming = Incoming {
                topic: &topic,
                payload,
                at_ms: 1_790_000_000_000,
            };
            if let Ok(decoded) = codec.decode(DEVICE, incoming, &mut memory) {
                is_sound(codec.as_ref(), &decoded, &memory);
            }
        }
    }
}

fn is_sound(codec: &dyn Codec, decoded: &Decoded, memory: &CodecMemory) {
    let samples: Vec<_> = decoded.samples.iter().collect();
    assert!(samples.len() <= MAX_SAMPLES_PER_MESSAGE);
    for sample in samples {
        let place = Topic::new(format!("devices/{DEVICE}/points/{}", sample.point));
        assert!(place.is_ok(), "{place:?}");
        if let Ok(value) = &sample.value {
            let request = CommandRequest {
                id: "c1",
                point: &sample.point,
                value,
                at_ms: 1_790_000_000_000,
            };
            let _ = codec.encode(DEVICE, request, memory);
        }
    }
}
